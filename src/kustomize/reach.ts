import type { RenderCache } from './cache.ts';
import { diffRenders } from './diff.ts';
import type { ObjectChange } from './diff.ts';
import type { RenderFinding } from './findings.ts';
import type { RenderOptions } from './render.ts';
import { render } from './render.ts';
import type { FileTree } from './tree.ts';

/** What a change does to one environment. */
export interface Reached {
  readonly dir: string;
  readonly changes: readonly ObjectChange[];
}

export interface ReachRequest {
  readonly before: FileTree;
  readonly after: FileTree;
  /** The folders of all environments. */
  readonly dirs: readonly string[];
  /** Those that are meant to change. */
  readonly expected: readonly string[];
  readonly options?: RenderOptions;
  readonly cache?: RenderCache;
}

/**
 * What a change does to every environment, and a finding for each one that it changes without being meant to: a
 * base change that would reach production.
 */
export async function reachOf(
  request: ReachRequest,
): Promise<{ readonly reached: readonly Reached[]; readonly findings: readonly RenderFinding[] }> {
  const { before, after, dirs, expected, options = {}, cache } = request;
  const one = (tree: FileTree, dir: string) =>
    cache === undefined ? render(tree, dir, options) : cache.render(tree, dir, options);
  const reached: Reached[] = [];
  const findings: RenderFinding[] = [];
  for (const dir of dirs) {
    const changes = diffRenders(await one(before, dir), await one(after, dir));
    if (changes.length === 0) continue;
    reached.push({ dir, changes });
    if (expected.includes(dir)) continue;
    for (const change of changes) findings.push(findingOf(dir, change));
  }
  return { reached, findings };
}

function findingOf(dir: string, change: ObjectChange): RenderFinding {
  const object =
    change.namespace === ''
      ? `${change.kind}/${change.name}`
      : `${change.kind}/${change.namespace}/${change.name}`;
  const [field] = change.fields;
  const what = field === undefined ? `is ${change.change}` : `changes in ${field.path.join('.')}`;
  return {
    kind: 'reaches-further',
    message: `${object} ${what} in ${dir}, where nothing was meant to change.`,
    file: change.cause?.file ?? '',
    line: change.cause?.line ?? 0,
    object,
    ...(field === undefined ? {} : { path: field.path.join('.') }),
  };
}
