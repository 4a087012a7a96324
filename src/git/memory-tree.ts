import { createHash } from 'node:crypto';
import type { FileTree } from './tree.ts';

/** A tree of files that are in memory, by paths with `/`; what is no path of the map is not there. */
export function treeOfFiles(files: ReadonlyMap<string, Uint8Array>): FileTree {
  const folders = new Map<string, Set<string>>([['', new Set()]]);
  for (const path of files.keys()) {
    const parts = path.split('/');
    for (let depth = 0; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join('/');
      const names = folders.get(folder) ?? new Set<string>();
      names.add(parts[depth] ?? '');
      folders.set(folder, names);
    }
  }
  const plain = (path: string) =>
    path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/');
  const identities = new Map<string, string>();
  return {
    readFile: (path) => Promise.resolve(files.get(plain(path))),
    kind(path) {
      const at = plain(path);
      return Promise.resolve(files.has(at) ? 'file' : folders.has(at) ? 'directory' : undefined);
    },
    list(path) {
      const names = folders.get(plain(path));
      return Promise.resolve(names === undefined ? undefined : [...names].toSorted());
    },
    identity(path) {
      const at = plain(path);
      const content = files.get(at);
      if (content === undefined) return Promise.resolve(undefined);
      const known = identities.get(at) ?? createHash('sha256').update(content).digest('hex');
      identities.set(at, known);
      return Promise.resolve(known);
    },
    resolve(path) {
      const at = plain(path);
      return Promise.resolve(files.has(at) || folders.has(at) ? at : undefined);
    },
  };
}
