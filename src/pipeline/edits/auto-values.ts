import { LandfallError, parseYamlDocuments } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import { parameterTargets } from './argo-parameters.ts';
import { NAMES, sameParts, TAGS } from './chart-parts.ts';
import type { ImageChange } from './contract.ts';
import { draftOf, type Draft } from './draft.ts';
import { standsBehindTag, unpinnedWarning, withValues, type HelmTarget } from './helm-values.ts';
import { usesOf, type ImageUse } from './rendered-images.ts';
import { pathText, type ValueStep } from './value-path.ts';
import { joinPath, refuseEdit, type Candidate, type Writing } from './writing.ts';

const LIMIT = 50;

/** Values that one file has to get for some of the changes. */
interface FileWrites {
  readonly file: string;
  readonly targets: readonly { readonly change: ImageChange; readonly found: readonly HelmTarget[] }[];
}

/**
 * Where a chart's images come from its renderer does not tell. First come the parameters that override it in a file
 * of Argo CD's, since they win over every value; then values beside the chart that hold the name and the tag of what
 * is rendered, as most charts have them. Each is a guess of its own, and only one that renders as wanted counts.
 */
export async function byChart(writing: Writing): Promise<readonly Candidate[]> {
  const { changes } = writing.request;
  const overridden: FileWrites['targets'][number][] = [];
  for (const change of changes) {
    const found = await parameterTargets(writing, change);
    if (found.length > 0) overridden.push({ change, found });
  }
  const file = overridden[0]?.found[0]?.file;
  if (file === undefined) return byChartValues(writing);
  const first: FileWrites = { file, targets: overridden };
  const rest = changes.filter((change) => overridden.every((each) => each.change !== change));
  if (rest.length > 0) {
    const others = await valueFiles(writing, rest);
    if (others.length === 0) throw await unknownValues(writing, rest);
    return candidatesOf(
      writing,
      others.map((other) => [first, other]),
    );
  }
  // A parameter may only look like it, and the values hold the image.
  const others = await valueFiles(writing, changes);
  return candidatesOf(writing, [[first], ...others.map((other) => [other])]);
}

async function byChartValues(writing: Writing): Promise<readonly Candidate[]> {
  const { changes } = writing.request;
  const files = await valueFiles(writing, changes);
  if (files.length === 0) throw await unknownValues(writing, changes);
  return candidatesOf(
    writing,
    files.map((file) => [file]),
  );
}

async function namesOfValues({ request: { tree, folder } }: Writing): Promise<readonly string[]> {
  const names = ((await tree.list(folder)) ?? [])
    .filter((name) => /^values.*\.ya?ml$/.test(name))
    .slice(0, LIMIT);
  // The values of an environment come after those that are for all, and win over them.
  return names
    .toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .map((name) => joinPath(folder, name));
}

/** Files of values that have a place for every one of these changes. */
async function valueFiles(writing: Writing, changes: readonly ImageChange[]): Promise<readonly FileWrites[]> {
  const files: FileWrites[] = [];
  for (const file of await namesOfValues(writing)) {
    const { text } = draftOf((await writing.read(file)) ?? '');
    const targets = changes.map((change) => ({
      change,
      found: targetsIn(text, file, usesOf(writing.fields, change)),
    }));
    if (targets.every(({ found }) => found.length > 0)) files.push({ file, targets });
  }
  return files;
}

/** Every way with the digests, and where one would stand behind its tag, without them, too. */
async function candidatesOf(
  writing: Writing,
  ways: readonly (readonly FileWrites[])[],
): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = [];
  for (const way of ways) {
    const behindTag = way.some(({ targets }) =>
      targets.some(({ change, found }) => found.some((target) => standsBehindTag(target, change))),
    );
    for (const pinned of behindTag ? [true, false] : [true]) {
      candidates.push({
        drafts: await draftsOf(writing, way, pinned),
        pinned,
        behindTag: pinned && behindTag,
        through: 'values',
        everywhere: true,
        warnings: pinned
          ? []
          : way.flatMap(({ file, targets }) => targets.map(({ change }) => unpinnedWarning(file, change))),
      });
    }
  }
  return candidates;
}

async function draftsOf(
  writing: Writing,
  way: readonly FileWrites[],
  pinned: boolean,
): Promise<ReadonlyMap<string, Draft>> {
  const drafts = new Map<string, Draft>();
  for (const { file, targets } of way) {
    let draft = draftOf((await writing.read(file)) ?? '');
    for (const { change, found } of targets) {
      for (const target of found) draft = withValues(writing, draft, target, change, pinned);
    }
    drafts.set(file, draft);
  }
  return drafts;
}

async function unknownValues(writing: Writing, changes: readonly ImageChange[]): Promise<LandfallError> {
  const { folder } = writing.request;
  const files = await namesOfValues(writing);
  return refuseEdit(
    `Which value sets ${changes.map(({ image }) => image).join(', ')} in the chart ${folder || '.'} is not known: ${
      files.length === 0
        ? 'it has no file of values'
        : `${files.join(', ')} hold no map with its name and tag`
    }.`,
    folder,
    'Name the place to write: the file of values, and the paths of name, tag and digest.',
  );
}

/** The maps and values of a file that hold what is rendered now. */
function targetsIn(text: string, file: string, uses: readonly ImageUse[]): readonly HelmTarget[] {
  const found = new Map<string, HelmTarget>();
  const visit = (node: YamlNode, path: readonly ValueStep[]): void => {
    if (node.kind === 'seq') {
      for (const [index, item] of node.content.entries()) visit(item, [...path, { kind: 'index', index }]);
      return;
    }
    if (node.kind === 'scalar') {
      if (uses.some(({ value }) => value === node.value)) {
        found.set(pathText(path), { kind: 'helm-values', file, spec: pathText(path) });
      }
      return;
    }
    const target = targetAt(node, path, file, uses);
    if (target !== undefined) found.set(pathText(path), target);
    for (let at = 0; at < node.content.length; at += 2) {
      const [key, value] = [node.content[at], node.content[at + 1]];
      if (key !== undefined && value !== undefined) visit(value, [...path, { kind: 'key', key: key.value }]);
    }
  };
  try {
    for (const root of parseYamlDocuments(text, { source: file })) visit(root, []);
  } catch (thrown) {
    if (!(thrown instanceof LandfallError)) throw thrown;
  }
  return [...found.values()];
}

/** A map such as `{repository, tag}` whose parts are those of an image that is rendered. */
function targetAt(
  node: YamlNode,
  path: readonly ValueStep[],
  file: string,
  uses: readonly ImageUse[],
): HelmTarget | undefined {
  const name = NAMES.find((key) => node.get(key)?.kind === 'scalar');
  const tag = TAGS.find((key) => node.get(key)?.kind === 'scalar');
  if (name === undefined || tag === undefined) return undefined;
  const [named, tagged] = [node.get(name)?.value ?? '', node.get(tag)?.value ?? ''];
  if (!uses.some(({ value }) => sameParts(value, named, tagged))) return undefined;
  const at = (key: string) => pathText([...path, { kind: 'key', key }]);
  const digest = node.get('digest')?.kind === 'scalar' ? { digest: at('digest') } : {};
  return { kind: 'helm-values', file, name: at(name), tag: at(tag), ...digest };
}
