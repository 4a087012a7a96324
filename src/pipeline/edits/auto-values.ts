import { LandfallError, parseYamlDocuments } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import { draftOf, type Draft } from './draft.ts';
import { standsBehindTag, unpinnedWarning, withValues, type HelmTarget } from './helm-values.ts';
import { splitReference } from './reference-text.ts';
import { sameName, usesOf, type ImageUse } from './rendered-images.ts';
import { pathText, type ValueStep } from './value-path.ts';
import { joinPath, refuseEdit, type Candidate, type Writing } from './writing.ts';

const NAMES = ['repository', 'image', 'name'];
const TAGS = ['tag', 'imageTag', 'version'];
const LIMIT = 50;

/**
 * Where a chart's images come from its renderer does not tell: looked for are values beside the chart that hold the
 * name and the tag of what is rendered, as most charts have them. Each file is a guess of its own, and only the one
 * whose change renders as wanted counts.
 */
export async function byChartValues(writing: Writing): Promise<readonly Candidate[]> {
  const { tree, folder, changes } = writing.request;
  const names = ((await tree.list(folder)) ?? [])
    .filter((name) => /^values.*\.ya?ml$/.test(name))
    .slice(0, LIMIT);
  // The values of an environment come after those that are for all, and win over them.
  const files = names
    .toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .map((name) => joinPath(folder, name));
  const candidates: Candidate[] = [];
  for (const file of files) {
    const start = draftOf((await writing.read(file)) ?? '');
    const targets = changes.map((change) => ({
      change,
      found: targetsIn(start.text, file, usesOf(writing.fields, change)),
    }));
    if (targets.some(({ found }) => found.length === 0)) continue;
    const candidate = (pinned: boolean): Candidate => {
      let draft: Draft = start;
      for (const { change, found } of targets) {
        for (const target of found) draft = withValues(writing, draft, target, change, pinned);
      }
      return {
        drafts: new Map([[file, draft]]),
        pinned,
        behindTag:
          pinned &&
          targets.some(({ change, found }) => found.some((target) => standsBehindTag(target, change))),
        through: 'values',
        everywhere: true,
        warnings: pinned ? [] : changes.map((change) => unpinnedWarning(file, change)),
      };
    };
    candidates.push(candidate(true));
    if (candidates.at(-1)?.behindTag === true) candidates.push(candidate(false));
  }
  if (candidates.length > 0) return candidates;
  const images = changes.map(({ image }) => image).join(', ');
  throw refuseEdit(
    `Which value sets ${images} in the chart ${folder || '.'} is not known: ${
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
  const [written, was] = [node.get(name)?.value ?? '', (node.get(tag)?.value ?? '').replace(/@.*$/, '')];
  const matches = uses.some(({ value }) => {
    const rendered = splitReference(value);
    const named =
      sameName(rendered.name, written) || (written !== '' && rendered.name.endsWith(`/${written}`));
    // Left empty, most charts take the version that the chart is of.
    return named && (was === rendered.tag || was === '');
  });
  if (!matches) return undefined;
  const at = (key: string) => pathText([...path, { kind: 'key', key }]);
  const digest = node.get('digest')?.kind === 'scalar' ? { digest: at('digest') } : {};
  return { kind: 'helm-values', file, name: at(name), tag: at(tag), ...digest };
}
