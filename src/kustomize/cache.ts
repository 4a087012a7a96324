import { renderChanged, renderWhole, sameContent } from './incremental.ts';
import type { KeptFile } from './incremental.ts';
import type { ReadText } from './loader.ts';
import { renderRecorded, rendererVersion } from './render.ts';
import type { ReadRecord, RecordedRender, RenderOptions, RenderResult } from './render.ts';
import type { FileTree } from './tree.ts';

/** Renders that were made, by what they read. */
export interface RenderCache {
  /** As `render`, without rendering when everything the last render looked for is still the same. */
  render(tree: FileTree, dir: string, options?: RenderOptions): Promise<RenderResult>;
  /** How often the answer was at hand, and how often it had to be made. */
  readonly statistics: { readonly hits: number; readonly misses: number };
}

interface Entry extends RecordedRender {
  /** Names of contents, for trees that have them. */
  readonly identities: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, KeptFile>;
  readonly texts: Map<string, ReadText>;
}

/**
 * Keeps the last renders. A render is used again only if every file it read has the same content, every file it
 * missed is still missing, the options are the same, and the renderer is. Where only files of objects changed,
 * and the objects in them still have the same names and labels, the others are taken from the last render; see
 * `incremental.ts`. Renders that fetched or ran something are not kept: what they depend on cannot be checked.
 */
export function createRenderCache(maxEntries = 200): RenderCache {
  const entries = new Map<string, Entry>();
  const statistics = { hits: 0, misses: 0 };
  return {
    statistics,
    async render(tree, dir, options = {}) {
      if (options.remote !== undefined || options.helm !== undefined) {
        statistics.misses++;
        return (await renderRecorded(tree, dir, options)).result;
      }
      const key = JSON.stringify([
        rendererVersion,
        dir,
        options.reorder ?? 'legacy',
        options.loadRestrictor ?? 'root-only',
        options.managedByLabel === true,
      ]);
      const kept = entries.get(key);
      if (kept !== undefined && (await isCurrent(tree, kept))) {
        statistics.hits++;
        entries.delete(key);
        entries.set(key, kept);
        return kept.result;
      }
      statistics.misses++;
      const made =
        (kept && (await renderChanged(tree, dir, options, kept))) ??
        (await renderWhole(tree, dir, options, kept));
      entries.delete(key);
      entries.set(key, { ...made, identities: await identitiesOf(tree, made.reads) });
      const oldest = entries.size > maxEntries ? entries.keys().next().value : undefined;
      if (oldest !== undefined) entries.delete(oldest);
      return made.result;
    },
  };
}

async function identitiesOf(
  tree: FileTree,
  reads: readonly ReadRecord[],
): Promise<ReadonlyMap<string, string>> {
  const identities = new Map<string, string>();
  if (tree.identity === undefined) return identities;
  for (const { path, kind } of reads) {
    const identity = kind === 'file' ? await tree.identity(path) : undefined;
    if (identity !== undefined) identities.set(path, identity);
  }
  return identities;
}

async function isCurrent(tree: FileTree, entry: Entry): Promise<boolean> {
  for (const read of entry.reads) {
    if (read.kind === 'kind') {
      if ((await tree.kind(read.path)) !== read.value) return false;
      continue;
    }
    const known = entry.identities.get(read.path);
    if (known !== undefined && tree.identity !== undefined) {
      if ((await tree.identity(read.path)) !== known) return false;
      continue;
    }
    const content = await tree.readFile(read.path);
    if (!sameContent(content, read.value)) return false;
  }
  return true;
}
