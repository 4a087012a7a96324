import { withoutCredentials } from './location.ts';
import type { GitMirror } from './mirror.ts';
import type { FileTree } from './tree.ts';

/**
 * A mirror that is opened by its first question, and looked for again by each later one: whoever opens it may have to
 * ask for credentials first, and credentials change.
 */
export function openLater(url: string, open: (signal?: AbortSignal) => Promise<GitMirror>): GitMirror {
  function treeOf(commit: string): FileTree {
    let opened: { readonly mirror: GitMirror; readonly tree: FileTree } | undefined;
    async function tree(): Promise<FileTree> {
      const mirror = await open();
      // The same mirror keeps what it has read of the commit.
      if (opened?.mirror !== mirror) opened = { mirror, tree: mirror.tree(commit) };
      return opened.tree;
    }
    return {
      readFile: async (path) => (await tree()).readFile(path),
      kind: async (path) => (await tree()).kind(path),
      list: async (path) => (await tree()).list(path),
      identity: async (path) => (await tree()).identity(path),
      resolve: async (path) => (await tree()).resolve(path),
    };
  }

  return {
    display: withoutCredentials(url),
    fetch: async (signal) => (await open(signal)).fetch(signal),
    resolve: async (revision, signal) => (await open(signal)).resolve(revision, signal),
    tags: async (signal) => (await open(signal)).tags(signal),
    refs: async (signal) => (await open(signal)).refs(signal),
    checkout: async (commit, folder, signal) => (await open(signal)).checkout(commit, folder, signal),
    tree: treeOf,
    submodules: async (commit, signal) => (await open(signal)).submodules(commit, signal),
    verify: async (signed, keys, signal) => (await open(signal)).verify(signed, keys, signal),
    log: async (options, signal) => (await open(signal)).log(options, signal),
    commitInfo: async (commit, signal) => (await open(signal)).commitInfo(commit, signal),
    movedAt: async (revision, signal) => (await open(signal)).movedAt(revision, signal),
    firstParents: async (from, limit, signal) => (await open(signal)).firstParents(from, limit, signal),
    isAncestor: async (ancestor, descendant, signal) =>
      (await open(signal)).isAncestor(ancestor, descendant, signal),
    diffFiles: async (before, after, signal) => (await open(signal)).diffFiles(before, after, signal),
    commit: async (request, signal) => (await open(signal)).commit(request, signal),
    findTrailer: async (branch, search, signal) => (await open(signal)).findTrailer(branch, search, signal),
    revertChanges: async (request, signal) => (await open(signal)).revertChanges(request, signal),
    fastForward: async (request, signal) => (await open(signal)).fastForward(request, signal),
    deleteBranch: async (request, signal) => (await open(signal)).deleteBranch(request, signal),
    createTag: async (request, signal) => (await open(signal)).createTag(request, signal),
    // It belongs to those who open it.
    close: () => {},
  };
}
