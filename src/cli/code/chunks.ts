import { readFileSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import type { KeptCode } from './kept-code.ts';

type Require = (id: string) => unknown;

/** What the file of a chunk is: a function in parentheses, as `scripts/bundle.mjs` writes it. */
type Chunk = (
  exports: object,
  require: Require,
  module: { exports: object },
  filename: string,
  dirname: string,
  meta: { readonly url: string },
) => void;

export interface Chunks {
  /** Runs a chunk, with those that it needs, once; answers with its exports. */
  load(name: string): object;
  /** Everything that was kept, with what was compiled in this process; undefined where that is nothing new. */
  compiled(): KeptCode | undefined;
}

/**
 * The chunks of a folder. Their compiled code is taken from `kept` where this version of Node accepts it, which it
 * finds out by itself: code of another version, of other flags or for another text is refused and compiled anew.
 */
export function openChunks(folder: string, kept: KeptCode, requireModule: NodeJS.Require): Chunks {
  const loaded = new Map<string, { exports: object }>();
  const fresh = new Map<string, Script>();

  const requireHere: Require = Object.assign(
    (id: string): unknown => (id.startsWith('./') ? load(id.slice(2)) : requireModule(id)),
    { resolve: requireModule.resolve },
  );

  function compile(file: string, name: string): Chunk {
    // The bundler writes ASCII only: no decoding, and one byte a character in memory.
    const text = readFileSync(file, 'latin1');
    if (mapsPositions()) return compileMapped(text, file);
    const cachedData = kept.get(name);
    const script = new Script(text, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) });
    if (cachedData === undefined || script.cachedDataRejected === true) fresh.set(name, script);
    return script.runInThisContext() as Chunk;
  }

  function load(name: string): object {
    const before = loaded.get(name);
    if (before !== undefined) return before.exports;
    const chunk = { exports: {} };
    loaded.set(name, chunk);
    const file = path.join(folder, name);
    const meta = {
      get url() {
        return pathToFileURL(file).href;
      },
    };
    compile(file, name)(chunk.exports, requireHere, chunk, file, folder, meta);
    return chunk.exports;
  }

  return {
    load,
    compiled() {
      if (fresh.size === 0) return undefined;
      const all = new Map(kept);
      // Only now, so that the functions that were called are in it.
      for (const [name, script] of fresh) all.set(name, script.createCachedData());
      return all;
    },
  };
}

/** `node --enable-source-maps` reads the maps of modules only, and not of scripts. */
function mapsPositions(): boolean {
  const asked = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''];
  return asked.some((text) => text.includes('--enable-source-maps'));
}

function compileMapped(text: string, file: string): Chunk {
  type Compiling = NodeJS.Module & { _compile(text: string, file: string): void };
  const compiling = new module.Module(file) as Compiling;
  compiling._compile(`module.exports = ${text}`, file);
  return compiling.exports as Chunk;
}
