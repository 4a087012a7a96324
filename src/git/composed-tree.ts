import type { FileTree } from './tree.ts';

/** Names from the root; undefined for a path that leads out of it. */
function namesOf(path: string): readonly string[] | undefined {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) return undefined;
  }
  return names;
}

function isWithin(names: readonly string[], folder: readonly string[]): boolean {
  return folder.length <= names.length && folder.every((name, at) => names[at] === name);
}

/**
 * The tree with other trees at those folders, instead of what the tree itself has there. Symbolic links of one tree do
 * not lead into another.
 */
export function treeWithMounts(tree: FileTree, mounts: ReadonlyMap<string, FileTree>): FileTree {
  if (mounts.size === 0) return tree;
  const mounted = [...mounts]
    .map(([path, other]) => ({ folder: namesOf(path) ?? [], other }))
    // The innermost first: one may lie in another.
    .toSorted((a, b) => b.folder.length - a.folder.length);

  function find(path: string) {
    const names = namesOf(path);
    if (names === undefined) return { at: path, in: tree, prefix: [] };
    const found = mounted.find(({ folder }) => isWithin(names, folder));
    return found === undefined
      ? { at: names.join('/'), in: tree, prefix: [] }
      : { at: names.slice(found.folder.length).join('/'), in: found.other, prefix: found.folder };
  }
  /** What is mounted somewhere below a folder makes that folder be there. */
  function below(path: string): readonly string[] {
    const names = namesOf(path);
    if (names === undefined) return [];
    return mounted
      .filter(({ folder }) => folder.length > names.length && isWithin(folder, names))
      .map(({ folder }) => folder[names.length] ?? '');
  }

  return {
    async readFile(path) {
      const found = find(path);
      return below(path).length > 0 ? undefined : found.in.readFile(found.at);
    },
    async kind(path) {
      if (below(path).length > 0) return 'directory';
      const found = find(path);
      return found.in.kind(found.at);
    },
    async list(path) {
      const found = find(path);
      const names = await found.in.list(found.at);
      const added = below(path);
      if (added.length === 0) return names;
      return [...new Set([...(names ?? []), ...added])].toSorted();
    },
    async identity(path) {
      const found = find(path);
      return below(path).length > 0 ? undefined : found.in.identity(found.at);
    },
    async resolve(path) {
      const found = find(path);
      const resolved = await found.in.resolve(found.at);
      if (resolved === undefined) return below(path).length > 0 ? found.at : undefined;
      return [...found.prefix, resolved].filter((name) => name !== '').join('/');
    },
  };
}

/** The tree below one of its folders. */
export function treeBelow(tree: FileTree, folder: string): FileTree {
  const root = namesOf(folder) ?? [];
  if (root.length === 0) return tree;
  const at = (path: string) => {
    const names = namesOf(path);
    return names === undefined ? undefined : [...root, ...names].join('/');
  };
  async function ask<T>(path: string, question: (full: string) => Promise<T>): Promise<T | undefined> {
    const full = at(path);
    return full === undefined ? undefined : question(full);
  }
  return {
    readFile: (path) => ask(path, (full) => tree.readFile(full)),
    kind: (path) => ask(path, (full) => tree.kind(full)),
    list: (path) => ask(path, (full) => tree.list(full)),
    identity: (path) => ask(path, (full) => tree.identity(full)),
    async resolve(path) {
      const names = namesOf((await ask(path, (full) => tree.resolve(full))) ?? '..');
      return names === undefined || !isWithin(names, root) ? undefined : names.slice(root.length).join('/');
    },
  };
}

/** Nothing of the tree but those folders, and the folders that they are in. */
export function treeOfFolders(tree: FileTree, folders: readonly string[]): FileTree {
  const kept = folders.map((folder) => namesOf(folder) ?? []);
  const isIn = (path: string) => {
    const names = namesOf(path);
    return names === undefined || kept.some((folder) => isWithin(names, folder));
  };
  const isAbove = (path: string) => {
    const names = namesOf(path) ?? [];
    return kept.some((folder) => folder.length > names.length && isWithin(folder, names));
  };
  return {
    readFile: async (path) => (isIn(path) ? tree.readFile(path) : undefined),
    kind: async (path) => (isIn(path) || isAbove(path) ? tree.kind(path) : undefined),
    async list(path) {
      if (isIn(path)) return tree.list(path);
      if (!isAbove(path)) return undefined;
      const names = await tree.list(path);
      const inside = (name: string) => [path, name].filter((part) => part !== '').join('/');
      return names?.filter((name) => isIn(inside(name)) || isAbove(inside(name)));
    },
    identity: async (path) => (isIn(path) ? tree.identity(path) : undefined),
    resolve: async (path) => (isIn(path) || isAbove(path) ? tree.resolve(path) : undefined),
  };
}
