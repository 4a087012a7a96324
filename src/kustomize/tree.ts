import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { LandfallError } from '../kernel/index.ts';

export type EntryKind = 'file' | 'directory';

/**
 * What is rendered: a folder, a Git tree at a commit, or a map in memory. Paths are '/'-separated and relative to
 * the tree's root; '' is the root itself. A tree never gives anything that lies outside of its root.
 */
export interface FileTree {
  /** Undefined: there is no such file. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  kind(path: string): Promise<EntryKind | undefined>;
  /** Names in a directory. Undefined: there is no such directory. */
  list?(path: string): Promise<readonly string[] | undefined>;
  /** A name for the content of a file that is cheap to have, such as a Git object id. Undefined: not a file. */
  identity?(path: string): Promise<string | undefined>;
  /** Where `path` really is when symbolic links are followed, as a path in the tree. Without links: not needed. */
  resolve?(path: string): Promise<string | undefined>;
}

/** The largest file that is read, in bytes. */
const maxFileBytes = 32 * 1024 * 1024;

/** A folder on disk. Symbolic links are followed only as far as they stay inside of it. */
export function folderTree(root: string): FileTree {
  const base = realpathSync.native(resolve(root));
  const inside = base.endsWith(sep) ? base : base + sep;

  function locate(path: string): string | undefined {
    const asked = path === '' ? base : resolve(base, path);
    if (asked !== base && !asked.startsWith(inside)) throw outside(path);
    let real: string;
    try {
      real = realpathSync.native(asked);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw unreadable(path, error);
    }
    if (real !== base && !real.startsWith(inside)) throw outside(path);
    return real;
  }

  function stat(path: string) {
    const real = locate(path);
    return real === undefined ? undefined : { real, stats: statSync(real) };
  }

  return {
    readFile(path) {
      return attempt(() => {
        const found = stat(path);
        if (found === undefined || !found.stats.isFile()) return undefined;
        if (found.stats.size > maxFileBytes) throw tooLarge(path, found.stats.size);
        return readFileSync(found.real);
      });
    },
    kind(path) {
      return attempt(() => {
        const found = stat(path);
        if (found === undefined) return undefined;
        if (found.stats.isFile()) return 'file';
        return found.stats.isDirectory() ? 'directory' : undefined;
      });
    },
    list(path) {
      return attempt(() => {
        const found = stat(path);
        return found?.stats.isDirectory() === true ? readdirSync(found.real).sort() : undefined;
      });
    },
    resolve(path) {
      return attempt(() => {
        const real = locate(path);
        if (real === undefined) return undefined;
        return real === base ? '' : real.slice(inside.length).split(sep).join('/');
      });
    },
  };
}

/** Files in memory, by path. */
export function memoryTree(files: Readonly<Record<string, string | Uint8Array>>): FileTree {
  const contents = new Map<string, Uint8Array>();
  const directories = new Map<string, Set<string>>([['', new Set()]]);
  for (const [path, content] of Object.entries(files)) {
    contents.set(path, typeof content === 'string' ? Buffer.from(content) : content);
    let child = path;
    while (child !== '') {
      const cut = child.lastIndexOf('/');
      const parent = cut < 0 ? '' : child.slice(0, cut);
      const names = directories.get(parent) ?? new Set();
      names.add(child.slice(cut + 1));
      directories.set(parent, names);
      child = parent;
    }
  }
  return {
    readFile: (path) => Promise.resolve(contents.get(path)),
    kind: (path) =>
      Promise.resolve(contents.has(path) ? 'file' : directories.has(path) ? 'directory' : undefined),
    list: (path) => {
      const names = directories.get(path);
      return Promise.resolve(names === undefined ? undefined : [...names].sort());
    },
  };
}

function attempt<T>(work: () => T): Promise<T> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function outside(path: string): LandfallError {
  return new LandfallError(`Reading ${path} was refused: it lies outside of the folder that is rendered.`, {
    kind: 'denied',
    code: 'outside-root',
    object: path,
    hint: 'Move the file into the folder, or render from a folder that holds both.',
  });
}

function unreadable(path: string, cause: unknown): LandfallError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LandfallError(`Reading ${path} failed: ${reason}`, {
    kind: 'unavailable',
    code: 'file-unreadable',
    object: path,
    cause,
  });
}

function tooLarge(path: string, size: number): LandfallError {
  return new LandfallError(
    `Reading ${path} was refused: it has ${size} bytes, and at most ${maxFileBytes} are read.`,
    { kind: 'invalid-input', code: 'file-too-large', object: path },
  );
}
