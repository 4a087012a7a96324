import type { YamlNode } from '../kernel/index.ts';
import { renderRecorded, rendererVersion } from './render.ts';
import type { ReadRecord, RenderOptions, RenderResult } from './render.ts';
import type { FileTree } from './tree.ts';

/** Renders that were made, by what they read. */
export interface RenderCache {
  /** As `render`, without rendering when everything the last render looked for is still the same. */
  render(tree: FileTree, dir: string, options?: RenderOptions): Promise<RenderResult>;
  /** How often the answer was at hand, and how often it had to be made. */
  readonly statistics: { readonly hits: number; readonly misses: number };
}

interface Entry {
  readonly reads: readonly ReadRecord[];
  /** Names of contents, for trees that have them. */
  readonly identities: ReadonlyMap<string, string>;
  readonly result: RenderResult;
}

/**
 * Keeps the last renders. A render is used again only if every file it read has the same content, every file it
 * missed is still missing, the options are the same, and the renderer is. Renders that fetched or ran something
 * are not kept: what they depend on cannot be checked.
 */
export function createRenderCache(maxEntries = 200): RenderCache {
  const entries = new Map<string, Entry>();
  const statistics = { hits: 0, misses: 0 };
  const parsed = new KeptFiles(5000);
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
      const { result, reads } = await renderRecorded(tree, dir, options, parsed);
      entries.set(key, { reads, identities: await identitiesOf(tree, reads), result });
      const oldest = entries.size > maxEntries ? entries.keys().next().value : undefined;
      if (oldest !== undefined) entries.delete(oldest);
      return result;
    },
  };
}

/** The files that were parsed last. */
class KeptFiles extends Map<string, { readonly text: string; readonly nodes: readonly YamlNode[] }> {
  private readonly most: number;

  constructor(most: number) {
    super();
    this.most = most;
  }

  override set(name: string, parsed: { readonly text: string; readonly nodes: readonly YamlNode[] }): this {
    const oldest = this.size >= this.most ? this.keys().next().value : undefined;
    if (oldest !== undefined) this.delete(oldest);
    return super.set(name, parsed);
  }
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

function sameContent(a: Uint8Array | undefined, b: ReadRecord['value']): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (typeof b === 'string' || a.length !== b.length) return false;
  return Buffer.compare(a, b) === 0;
}
