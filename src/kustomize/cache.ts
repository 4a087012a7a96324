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
  /** The same cache, bounds and statistics included, for another repository, whose folders may have the same names. */
  within(repository: string): RenderCache;
  /** How often the answer was at hand, how often it had to be made, and what is kept now. */
  readonly statistics: RenderCacheStatistics;
}

export interface RenderCacheStatistics {
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
  /** Of the heap, about: see `heapPerByte`. */
  readonly bytes: number;
}

/** What is kept at most. Whatever was not used for longest goes first. */
export interface RenderCacheBounds {
  /** Default 200. */
  readonly maxEntries?: number;
  /** Of the heap, about. Default 512 MiB. */
  readonly maxBytes?: number;
}

interface Entry extends RecordedRender {
  /** Names of contents, for trees that have them. */
  readonly identities: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, KeptFile>;
  readonly texts: Map<string, ReadText>;
  readonly bytes: number;
}

/** What a render holds on the heap for each byte it read: 47 measured for 1,000 objects, nodes twice and texts. */
const heapPerByte = 50;
const entryBytes = 20_000;

/**
 * Keeps the last renders. A render is used again only if every file it read has the same content, every file it
 * missed is still missing, the options are the same, and the renderer is. Where only files of objects changed,
 * and the objects in them still have the same names and labels, the others are taken from the last render; see
 * `incremental.ts`. Renders that fetched or ran something are not kept: what they depend on cannot be checked.
 */
export function createRenderCache(bounds: RenderCacheBounds = {}): RenderCache {
  const { maxEntries = 200, maxBytes = 512 * 2 ** 20 } = bounds;
  const entries = new Map<string, Entry>();
  const statistics = { hits: 0, misses: 0, entries: 0, bytes: 0 };

  function drop(key: string): void {
    statistics.bytes -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }

  function keep(key: string, entry: Entry): void {
    drop(key);
    // One render that is larger than the whole cache does not empty it.
    if (entry.bytes <= maxBytes) {
      entries.set(key, entry);
      statistics.bytes += entry.bytes;
    }
    for (const oldest of entries.keys()) {
      if (entries.size <= maxEntries && statistics.bytes <= maxBytes) break;
      drop(oldest);
    }
    statistics.entries = entries.size;
  }

  function within(repository: string): RenderCache {
    return {
      statistics,
      within,
      async render(tree, dir, options = {}) {
        if (options.remote !== undefined || options.helm !== undefined) {
          statistics.misses++;
          return (await renderRecorded(tree, dir, options)).result;
        }
        const key = JSON.stringify([
          rendererVersion,
          repository,
          dir,
          options.reorder ?? 'legacy',
          options.loadRestrictor ?? 'root-only',
          options.managedByLabel === true,
        ]);
        const kept = entries.get(key);
        if (kept !== undefined && (await isCurrent(tree, kept))) {
          statistics.hits++;
          if (entries.has(key)) keep(key, kept);
          return kept.result;
        }
        statistics.misses++;
        const made =
          (kept && (await renderChanged(tree, dir, options, kept))) ??
          (await renderWhole(tree, dir, options, kept));
        const identities = await identitiesOf(tree, made.reads);
        keep(key, { ...made, identities, bytes: heapOf(made.reads) });
        return made.result;
      },
    };
  }
  return within('');
}

function heapOf(reads: readonly ReadRecord[]): number {
  let bytes = entryBytes;
  for (const { value } of reads) if (value instanceof Uint8Array) bytes += value.length * heapPerByte;
  return bytes;
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
