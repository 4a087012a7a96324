import type { GitMirror } from '../../git/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import { globOf } from '../../boundaries/settings/index.ts';

const MAX_ENTRIES = 20_000;

/** Every folder of a commit but hidden ones and what is below them, as the git generator sees them. */
export async function foldersOf(mirror: GitMirror, commit: string): Promise<readonly string[]> {
  const found: string[] = [];
  await walk(mirror, commit, (path, kind) => {
    if (kind === 'directory') found.push(path);
  });
  return found.filter((path) => !path.split('/').some((part) => part.startsWith('.')));
}

/** Files that a pathspec of git fits: `*` goes over `/`, and the name of a folder stands for what is in it. */
export async function filesMatching(
  mirror: GitMirror,
  commit: string,
  pattern: string,
): Promise<ReadonlyMap<string, string>> {
  const literal = !/[*?[]/.test(pattern);
  const folder = `${pattern.replace(/\/+$/, '')}/`;
  const rule = globOf(pattern.replaceAll(/[{},]/g, String.raw`\$&`), '');
  const paths: string[] = [];
  await walk(mirror, commit, (path, kind) => {
    if (kind !== 'file') return;
    if (rule.test(path) || (literal && path.startsWith(folder))) paths.push(path);
  });
  const tree = mirror.tree(commit);
  const files = new Map<string, string>();
  for (const path of paths) {
    const bytes = await tree.readFile(path);
    if (bytes !== undefined) files.set(path, Buffer.from(bytes).toString('utf8'));
  }
  return files;
}

async function walk(
  mirror: GitMirror,
  commit: string,
  visit: (path: string, kind: 'file' | 'directory') => void,
): Promise<void> {
  const tree = mirror.tree(commit);
  let seen = 0;
  const into = async (folder: string): Promise<void> => {
    for (const name of (await tree.list(folder)) ?? []) {
      const path = folder === '' ? name : `${folder}/${name}`;
      seen += 1;
      if (seen > MAX_ENTRIES) {
        throw new LandfallError(`${mirror.display} has more than ${MAX_ENTRIES} files and folders.`, {
          kind: 'invalid-input',
          code: 'repository-too-large',
          object: mirror.display,
        });
      }
      const kind = await kindOf(path);
      if (kind === undefined) continue;
      visit(path, kind);
      if (kind === 'directory') await into(path);
    }
  };
  /** A submodule, or a link that leads nowhere, is no file of this repository. */
  const kindOf = async (path: string): Promise<'file' | 'directory' | undefined> => {
    try {
      return (await tree.resolve(path)) === path ? await tree.kind(path) : undefined;
    } catch (thrown) {
      if (thrown instanceof LandfallError && thrown.kind !== 'unavailable') return undefined;
      throw thrown;
    }
  };
  await into('');
}
