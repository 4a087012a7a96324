import { createHash } from 'node:crypto';
import type { FileTree } from './tree.ts';
import type { FileTexts } from './make-commit.ts';

/** The tree as it will be once `files` are committed on top of it. New files are seen, and so are their folders. */
export function treeWith(tree: FileTree, files: FileTexts): FileTree {
  const paths = Object.keys(files);
  const inFolder = (folder: string) =>
    folder === '' || folder === '.' ? paths : paths.filter((file) => file.startsWith(`${folder}/`));
  return {
    async readFile(path) {
      const text = files[path];
      return text === undefined ? tree.readFile(path) : Buffer.from(text);
    },
    async kind(path) {
      if (files[path] !== undefined) return 'file';
      return inFolder(path).length > 0 ? 'directory' : tree.kind(path);
    },
    async list(path) {
      const names = await tree.list(path);
      const skip = path === '' || path === '.' ? 0 : path.length + 1;
      const added = inFolder(path).map((file) => file.slice(skip).split('/')[0] ?? '');
      if (added.length === 0) return names;
      return [...new Set([...(names ?? []), ...added])].toSorted();
    },
    async identity(path) {
      const text = files[path];
      return text === undefined ? tree.identity(path) : createHash('sha256').update(text).digest('hex');
    },
    async resolve(path) {
      return files[path] === undefined
        ? ((await tree.resolve(path)) ?? (inFolder(path).length > 0 ? path : undefined))
        : path;
    },
  };
}
