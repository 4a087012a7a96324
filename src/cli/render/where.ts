import path from 'node:path';
import { createGitMirrors, findRepository } from '../../git/index.ts';
import type { GitMirrors } from '../../git/index.ts';
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
  readonly git: GitMirrors;
  /** Any other folder, inside of the root. */
  inside(folder: string): string;
  /** The files as they are, or as they are at a revision. */
  tree(revision: string | undefined): Promise<FileTree>;
}

/** Finds the repository of a folder. Without git on PATH files can still be rendered, but no revision of them. */
export async function whereOf(folder: string, io: CliIo): Promise<Where> {
  const start = path.resolve(io.cwd, folder);
  let noGit: LandfallError | undefined;
  const repository = await findRepository(start, io.signal).catch((thrown: unknown) => {
    if (!(thrown instanceof LandfallError) || thrown.code !== 'program-missing') throw thrown;
    noGit = thrown;
    return undefined;
  });
  const root = repository?.root ?? path.parse(start).root;
  const git = createGitMirrors({ folder: path.join(cacheFolder(io.env), 'git'), clock: io.clock });
  const inside = (other: string) =>
    path.relative(root, path.resolve(io.cwd, other)).split(path.sep).join('/') || '.';
  return {
    root,
    dir: inside(folder),
    git,
    inside,
    async tree(revision) {
      if (revision === undefined) return folderTree(root);
      if (noGit !== undefined) throw noGit;
      if (repository === undefined) {
        throw new LandfallError(`${start} is in no Git repository, so it has no revision ${revision}.`, {
          kind: 'invalid-input',
          code: 'not-a-repository',
          object: start,
          hint: 'Leave the revision out to render the files as they are.',
        });
      }
      const mirror = git.open(root);
      const { commit } = await mirror.resolve(revision, io.signal);
      return mirror.tree(commit);
    },
  };
}
