import { existsSync } from 'node:fs';
import path from 'node:path';
import type { GitMirror, GitMirrors } from '../../git/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import { folderTree } from '../../kustomize/index.ts';
import type { FileTree } from '../../kustomize/index.ts';
import { cacheFolder } from '../folders.ts';
import type { CliIo } from '../io.ts';

/** Where a folder stands: its repository, or the file system where there is none. */
export interface Where {
  readonly root: string;
  /** The folder, inside of the root. */
  readonly dir: string;
  /** Opened when it is first asked for: most renders need no git. */
  git(): Promise<GitMirrors>;
  /** Any other folder, inside of the root. */
  inside(folder: string): string;
  /** The files as they are, or as they are at a revision. */
  tree(revision: string | undefined): Promise<FileTree>;
  close(): void;
}

/** The nearest folder above that has a `.git`; asking git itself would take longer than most renders. */
function repositoryRoot(start: string): string | undefined {
  for (let at = start; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, '.git'))) return at;
    if (at === path.dirname(at)) return undefined;
  }
}

/** Finds the repository of a folder. Throws `not-found` when there is no such folder. */
export function whereOf(folder: string, io: CliIo): Where {
  const start = path.resolve(io.cwd, folder);
  if (!existsSync(start)) {
    throw new LandfallError(`There is no folder ${start}.`, {
      kind: 'not-found',
      code: 'folder-not-found',
      object: start,
      hint: 'Name a folder with a kustomization.yaml.',
    });
  }
  const repository = repositoryRoot(start);
  const root = repository ?? path.parse(start).root;
  const inside = (other: string) =>
    path.relative(root, path.resolve(io.cwd, other)).split(path.sep).join('/') || '.';
  let mirrors: GitMirrors | undefined;
  const git = async () => {
    const { createGitMirrors } = await import('../../git/index.ts');
    mirrors ??= createGitMirrors({ folder: path.join(cacheFolder(io.env), 'git'), clock: io.clock });
    return mirrors;
  };
  return {
    root,
    dir: inside(folder),
    git,
    inside,
    async tree(revision) {
      if (revision === undefined) return folderTree(root);
      if (repository === undefined) {
        throw new LandfallError(`${start} is in no Git repository, so it has no revision ${revision}.`, {
          kind: 'invalid-input',
          code: 'not-a-repository',
          object: start,
          hint: 'Leave the revision out to render the files as they are.',
        });
      }
      const mirror = (await git()).open(root);
      return mirror.tree(await commitOf(mirror, revision, io.signal));
    },
    close: () => mirrors?.close(),
  };
}

/** As `resolve`, and so many commits back along the first parents: `HEAD~1`, `main^^`. */
async function commitOf(mirror: GitMirror, revision: string, signal: AbortSignal): Promise<string> {
  const [, base = revision, back = ''] = /^(.+?)((?:~\d{0,3}|\^)+)$/.exec(revision) ?? [];
  const { commit } = await mirror.resolve(base, signal);
  const steps = [...back.matchAll(/~(\d*)|\^/g)].reduce(
    (sum, [step, count]) => sum + (step === '^' || count === '' ? 1 : Number(count)),
    0,
  );
  if (steps === 0) return commit;
  const found = (await mirror.firstParents(commit, steps + 1, signal))[steps];
  if (found !== undefined) return found;
  throw new LandfallError(`${base} has no ${steps} commits before it.`, {
    kind: 'not-found',
    code: 'git-revision-not-found',
    object: revision,
    hint: 'A shallow clone has fewer than there are: git fetch --unshallow.',
  });
}
