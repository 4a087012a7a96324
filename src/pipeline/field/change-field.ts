import { fieldDifferences, fieldPath } from '../../boundaries/index.ts';
import type { RenderedFacts, RenderedSet } from '../../boundaries/index.ts';
import { treeWith } from '../../git/index.ts';
import type { FileTree } from '../../git/index.ts';
import { getIn, getString, isJsonObject, jsonEqual, LandfallError } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { isDigest, parseReference } from '../../oci/index.ts';
import { pinImage } from '../edits/index.ts';
import { addPatch, jsonPatch, mergePatch } from './add-patch.ts';
import { editEnvLine, editLiteral } from './edit-generator.ts';
import { editLine } from './edit-line.ts';

export interface FieldChangeRequest {
  readonly tree: FileTree;
  /** Folder of the environment: what lies outside of it belongs to others, too. */
  readonly folder: string;
  /** The object as it is rendered, with the history of its fields. */
  readonly facts: RenderedFacts;
  /** As the cluster stores it; names the items of lists that Git does not have. */
  readonly live: KubeObject;
  readonly path: readonly (string | number)[];
  /** Undefined takes the field away. */
  readonly value: JsonValue | undefined;
  /** Renders the environment from a tree. */
  readonly render: (tree: FileTree) => Promise<RenderedSet>;
}

/** The one file that has to change for a field to have another value. */
export interface FieldChangeResult {
  readonly file: string;
  readonly text: string;
  /** 1-based: the first line that differs. */
  readonly line: number;
  readonly how: 'line' | 'image' | 'patch';
}

const KUSTOMIZATIONS = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

async function readText(tree: FileTree, file: string): Promise<string | undefined> {
  const bytes = await tree.readFile(file);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
}

function isInside(file: string, folder: string): boolean {
  return folder === '.' || folder === '' || file.startsWith(`${folder}/`);
}

type Candidate = Omit<FieldChangeResult, 'line'>;

/** The line that sets the value, where it is the environment's own. */
async function byLine({
  tree,
  folder,
  facts,
  path,
  value,
}: FieldChangeRequest): Promise<readonly Candidate[]> {
  const newest = facts.why(path)[0];
  if (newest === undefined || value === undefined || !isInside(newest.file, folder)) return [];
  const text = await readText(tree, newest.file);
  if (text === undefined) return [];
  const { file, line } = newest;
  const ways = [
    editLine(text, file, line, { from: newest.value, to: value }),
    ...byGenerator({ facts, path, value }, text, file, line),
  ];
  return ways.flatMap((edited) =>
    edited === undefined ? [] : [{ file, text: edited, how: 'line' as const }],
  );
}

/** Where a generator made it: the literal, the line of an env file, or the file that is its value. */
function byGenerator(
  { facts, path, value }: Pick<FieldChangeRequest, 'facts' | 'path' | 'value'>,
  text: string,
  file: string,
  line: number,
): readonly (string | undefined)[] {
  const key = path.at(-1);
  const from = getIn(facts.object, ...path);
  if (path[0] !== 'data' || path.length !== 2 || typeof key !== 'string') return [];
  if (typeof from !== 'string' || typeof value !== 'string') return [];
  const change = { key, from, to: value };
  const isKustomization = KUSTOMIZATIONS.some((name) => file === name || file.endsWith(`/${name}`));
  if (isKustomization) return [editLiteral(text, file, line, change)];
  return [editEnvLine(text, line, change), text === from ? value : undefined];
}

/** An `images:` entry of the environment: tag and digest, never the name of the image. */
async function byImage(
  request: FieldChangeRequest,
  kustomization: string,
  text: string,
): Promise<readonly Candidate[]> {
  const { facts, path, value } = request;
  const asked = getIn(facts.object, ...path);
  if (path.at(-1) !== 'image' || typeof value !== 'string' || typeof asked !== 'string') return [];
  const [wanted, before] = [parseReference(value), parseReference(asked)];
  const origin = facts.why(path);
  const original = origin.at(-1)?.value;
  if (wanted.repository !== before.repository || typeof original !== 'string') return [];
  if (wanted.digest !== undefined && isDigest(wanted.digest)) {
    const { tag } = wanted;
    const pinned = pinImage({
      text,
      file: kustomization,
      image: original.replace(/@.*$/, '').replace(/:[^/:]*$/, ''),
      digest: wanted.digest,
      ...(tag === undefined ? {} : { newTag: tag }),
    });
    return [{ file: kustomization, text: pinned, how: 'image' }];
  }
  const newest = origin[0];
  if (
    newest?.file !== kustomization ||
    before.tag === undefined ||
    wanted.tag === undefined ||
    before.digest !== undefined
  )
    return [];
  const edited = editLine(text, kustomization, newest.line, { from: before.tag, to: wanted.tag });
  return edited === undefined ? [] : [{ file: kustomization, text: edited, how: 'image' }];
}

/** A patch of the environment's own, for what comes from a base or from nowhere. */
function byPatch(request: FieldChangeRequest, kustomization: string, text: string): readonly Candidate[] {
  const { facts, live, path, value } = request;
  const first = facts.why(['metadata', 'name']).at(-1)?.value;
  const names = new Set([facts.object.metadata.name, ...(typeof first === 'string' ? [first] : [])]);
  const from = getIn(facts.object, ...path.slice(0, -1)) === undefined ? live : facts.object;
  const patches = [...names].flatMap((name): readonly JsonObject[] => {
    const merge = mergePatch(from, name, path, value ?? null);
    return [...(merge === undefined ? [] : [merge]), jsonPatch(facts.object, name, path, value)];
  });
  return patches.flatMap((patch) => {
    const edited = addPatch(text, kustomization, patch);
    return edited === undefined ? [] : [{ file: kustomization, text: edited, how: 'patch' as const }];
  });
}

function withValue(
  at: JsonValue | undefined,
  path: readonly (string | number)[],
  value: JsonValue | undefined,
): JsonValue {
  const [step, ...rest] = path;
  if (step === undefined) return value ?? null;
  if (value === undefined && rest.length === 0) return without(at, step);
  if (typeof step === 'string') {
    const map = isJsonObject(at) ? at : {};
    return { ...map, [step]: withValue(map[step], rest, value) };
  }
  const list = Array.isArray(at) ? [...at] : [];
  // An item that Git does not have yet stands behind those that it has.
  list[Math.min(step, list.length)] = withValue(list[step], rest, value);
  return list;
}

function without(at: JsonValue | undefined, step: string | number): JsonValue {
  if (Array.isArray(at)) return at.filter((_, index) => index !== step);
  return isJsonObject(at) ? Object.fromEntries(Object.entries(at).filter(([key]) => key !== step)) : {};
}

/** Whether two objects ask for the same, in whatever order keyed lists are. */
function same(a: KubeObject, b: KubeObject): boolean {
  return jsonEqual(a, b) || (fieldDifferences(a, b).length === 0 && fieldDifferences(b, a).length === 0);
}

function problemOf(before: RenderedSet, after: RenderedSet, request: FieldChangeRequest): string | undefined {
  if (after.failure !== undefined) return after.failure.message;
  if (after.objects.length !== before.objects.length) return 'it would change which objects there are';
  const { facts, path, value } = request;
  const { kind, metadata } = facts.object;
  for (const [index, { object }] of before.objects.entries()) {
    const now = after.objects[index]?.object;
    const meant = object.kind === kind && object.metadata.name === metadata.name;
    const wanted = meant ? (withValue(object, path, value) as KubeObject) : object;
    if (now === undefined || !same(wanted, now)) {
      return meant
        ? `${fieldPath(path)} would not be what was asked for`
        : `${objectName(object)} would change, too`;
    }
  }
  return undefined;
}

function firstDifference(before: string, after: string): number {
  const [a, b] = [before.split('\n'), after.split('\n')];
  const at = b.findIndex((line, index) => line !== a[index]);
  return at < 0 ? 1 : at + 1;
}

/**
 * Finds the one change of one file of the environment that gives a field another value, or none: the line that sets
 * it, be it a generator's, the `images:` entry, or a patch where the value comes from a base that others share. Every candidate is rendered, and
 * counts only when that field changes and nothing else does. Throws `invalid-input` where none does.
 */
export async function changeField(request: FieldChangeRequest): Promise<FieldChangeResult> {
  const { tree, folder, facts, path } = request;
  const before = await request.render(tree);
  const names = KUSTOMIZATIONS.map((name) => (folder === '.' || folder === '' ? name : `${folder}/${name}`));
  const texts = await Promise.all(names.map((name) => readText(tree, name)));
  const at = texts.findIndex((text) => text !== undefined);
  const [kustomization = '', text] = [names[at], texts[at]];
  const problems: string[] = [];
  const ways: readonly (() => Promise<readonly Candidate[]>)[] = [
    () => byLine(request),
    ...(text === undefined
      ? []
      : [
          () => byImage(request, kustomization, text),
          () => Promise.resolve(byPatch(request, kustomization, text)),
        ]),
  ];
  for (const way of ways) {
    for (const candidate of await way()) {
      const problem = problemOf(
        before,
        await request.render(treeWith(tree, { [candidate.file]: candidate.text })),
        request,
      );
      if (problem === undefined) {
        const old = (await readText(tree, candidate.file)) ?? '';
        return { ...candidate, line: firstDifference(old, candidate.text) };
      }
      problems.push(problem);
    }
  }
  const origin = facts.why(path)[0];
  const named = getString(facts.object, 'metadata', 'name') ?? '';
  throw new LandfallError(
    `${fieldPath(path)} of ${objectName(facts.object)} cannot be changed in ${folder} by one edit: ${problems[0] ?? 'no file of this environment sets it in a way that can be edited alone'}.`,
    {
      kind: 'invalid-input',
      code: 'field-not-editable',
      object: `${facts.object.kind}/${named}`,
      hint:
        (await readText(tree, `${folder}/Chart.yaml`)) !== undefined
          ? `It comes out of a Helm chart: change the value that the template reads, in the values of the chart or of the application.`
          : origin === undefined
            ? `Write a patch for it in ${folder} by hand.`
            : `It is set in ${origin.file}:${origin.line}; change it by hand, or write a patch in ${folder}.`,
    },
  );
}
