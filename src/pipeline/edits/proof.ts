import { fieldPath } from '../../boundaries/index.ts';
import type { RenderedFacts, RenderedSet } from '../../boundaries/index.ts';
import { isJsonObject, jsonEqual, nearest } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { ImageChange } from './contract.ts';
import { editsOf } from './draft.ts';
import { splitReference } from './reference-text.ts';
import { usesOf } from './rendered-images.ts';
import { wantedReferences, type Candidate, type Writing } from './writing.ts';

type FieldPath = readonly (string | number)[];

interface Difference {
  readonly index: number;
  readonly path: FieldPath;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/** Why the render of a candidate is not what was wanted: what else changed, and what did not. Empty: it is. */
export function problemsOf(writing: Writing, after: RenderedSet, candidate: Candidate): readonly string[] {
  if (after.failure !== undefined) return [`it would not render any more: ${after.failure.message}`];
  const { before } = writing;
  const moved = objectChanges(before, after);
  if (moved.length > 0) return moved;
  const differences = before.objects.flatMap((facts, index) =>
    differ(index, [], facts.object, after.objects[index]?.object),
  );
  const allowed = allowance(writing, after, candidate);
  const wrong = differences
    .filter((difference) => !allowed(difference))
    .map((difference) => told(before.objects[difference.index], difference));
  return [
    ...wrong,
    ...writing.request.changes.flatMap((change) =>
      missed(writing, after, candidate, change, differences.length > 0),
    ),
  ];
}

/** Objects that came, went, or changed places. */
function objectChanges(before: RenderedSet, after: RenderedSet): readonly string[] {
  const names = (set: RenderedSet) =>
    set.objects.map(({ object }) => `${object.apiVersion} ${objectName(object)}`);
  const [old, now] = [names(before), names(after)];
  const gone = old.filter((name) => !now.includes(name)).map((name) => `${name} would go`);
  const come = now.filter((name) => !old.includes(name)).map((name) => `${name} would come in`);
  if (gone.length + come.length > 0) return [...gone, ...come];
  return jsonEqual(old, now) ? [] : ['the objects would have another order'];
}

function differ(
  index: number,
  path: FieldPath,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): readonly Difference[] {
  if (jsonEqual(before, after)) return [];
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differ(index, [...path, key], own(before, key), own(after, key)));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((item, at) => differ(index, [...path, at], item, after[at]));
  }
  return [{ index, path, before, after }];
}

function own(map: { readonly [key: string]: JsonValue }, key: string): JsonValue | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Which differences are the change itself. */
function allowance(
  writing: Writing,
  after: RenderedSet,
  candidate: Candidate,
): (difference: Difference) => boolean {
  const { changes } = writing.request;
  const lines = new Set(
    [...candidate.drafts].flatMap(([file, draft]) =>
      editsOf(file, draft).map(({ line }) => `${file}:${line}`),
    ),
  );
  const parts = changes.flatMap((change) => partsOf(writing, change));
  return (difference) => {
    const { index, path, before, after: now } = difference;
    if (typeof now !== 'string') return false;
    const uses = (change: ImageChange) =>
      usesOf(writing.fields, change).some(
        (use) => use.index === index && jsonEqual([...use.path], [...path]),
      );
    for (const change of changes) {
      if (typeof before !== 'string') continue;
      const named = uses(change) || isReferenceTo(before, change);
      if (named && wantedReferences(before, change, candidate.pinned).includes(now)) return true;
    }
    if (candidate.through === undefined) return false;
    const source = after.objects[index]?.why(path)[0];
    const written = source !== undefined && lines.has(`${source.file}:${source.line}`);
    if (written && !(candidate.behindTag && now.includes('@'))) return true;
    return parts.some((part) => part.to === now && (before === undefined ? part.own : part.from.has(before)));
  };
}

/** Fields outside of `image` that hold a whole reference, which Kustomize can be told to change as well. */
function isReferenceTo(value: string, change: ImageChange): boolean {
  const { name, tag, digest } = splitReference(value);
  return (name === change.image || name === change.newName) && (tag !== '' || digest !== '');
}

/** What a chart may show of an image by itself, such as a label with its tag: from the old part to the new one. */
function partsOf(
  writing: Writing,
  change: ImageChange,
): readonly { readonly from: ReadonlySet<JsonValue>; readonly to: string; readonly own: boolean }[] {
  const old = usesOf(writing.fields, change).map(({ value }) => splitReference(value));
  const { tag, newName, digest } = change;
  return [
    ...(tag === undefined ? [] : [{ from: new Set(old.map((each) => each.tag)), to: tag, own: false }]),
    ...(newName === undefined
      ? []
      : [{ from: new Set(old.map((each) => each.name)), to: newName, own: false }]),
    { from: new Set(['', ...old.map((each) => each.digest)]), to: digest, own: true },
  ];
}

function told(facts: RenderedFacts | undefined, { path, before, after }: Difference): string {
  const where = facts === undefined ? fieldPath(path) : `${fieldPath(path)} of ${objectName(facts.object)}`;
  return `${where} would become ${shown(facts, after)} instead of ${shown(facts, before)}`;
}

/** Values of Secrets are never shown. */
function shown(facts: RenderedFacts | undefined, value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (facts?.object.kind === 'Secret') return 'another value';
  return JSON.stringify(value).slice(0, 200);
}

/** Places that use the image and would not run what was wanted; or that there is none. */
function missed(
  writing: Writing,
  after: RenderedSet,
  candidate: Candidate,
  change: ImageChange,
  differs: boolean,
): readonly string[] {
  const uses = usesOf(writing.fields, change);
  if (uses.length === 0) {
    if (candidate.behindTag)
      return [`no image is rendered that shows whether a digest may stand behind its tag`];
    if (!candidate.everywhere) return [];
    const names = [...new Set(writing.fields.map(({ value }) => splitReference(value).name))];
    const near = nearest(change.image, names);
    const there = near.length > 0 ? near : names.slice(0, 5);
    return [
      `nothing that is rendered uses the image ${change.image}${there.length === 0 ? '' : `; there is ${there.join(', ')}`}`,
    ];
  }
  const wrong = uses.flatMap(({ index, path, object, value }) => {
    const now = valueAt(after.objects[index]?.object, path);
    if (typeof now === 'string' && wantedReferences(value, change, candidate.pinned).includes(now)) return [];
    return [`${fieldPath(path)} of ${object} would be ${JSON.stringify(now ?? null).slice(0, 200)}`];
  });
  if (candidate.everywhere || wrong.length === uses.length) return wrong;
  const written = [...candidate.drafts.values()].some((draft) => draft.notes.length > 0);
  return candidate.through === 'values' && written && !differs
    ? ['what is rendered does not use these values']
    : [];
}

function valueAt(value: JsonValue | undefined, path: FieldPath): JsonValue | undefined {
  let at = value;
  for (const step of path) {
    if (Array.isArray(at)) at = typeof step === 'number' ? at[step] : undefined;
    else if (isJsonObject(at)) at = own(at, String(step));
    else return undefined;
  }
  return at;
}
