import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LandfallError } from '../kernel/index.ts';
import { assertOid, runGit } from './program.ts';
import type { Repository } from './revisions.ts';

/** What was put on the disk. */
export interface Checkout {
  readonly folder: string;
  /** Paths that `.gitattributes` keeps in Git LFS: they hold pointers, since nothing was fetched for them. */
  readonly lfs: readonly string[];
  /** Submodules whose folders are empty. */
  readonly submodules: readonly string[];
}

/** No configuration of the user or the machine decides what is written: no filters, no line endings, no hooks. */
const PLAIN = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_ATTR_NOSYSTEM: '1',
  // `git -C` looks no further up than the folder itself.
  GIT_CEILING_DIRECTORIES: '/',
};
const TIMEOUT_MS = 600_000;
const SHOWN = 20;

/**
 * Writes the files of exactly this commit into an empty folder, as a repository whose HEAD is the commit, with its
 * whole history. Objects stay where they are; submodules and LFS files are not fetched, and told.
 */
export async function checkoutCommit(
  repository: Repository,
  commit: string,
  folder: string,
  signal: AbortSignal,
): Promise<Checkout> {
  const attempted = `Checking out ${commit} of ${repository.display}`;
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new LandfallError(`${attempted}: ${folder} is not empty.`, {
      kind: 'conflict',
      code: 'git-checkout-folder',
      object: folder,
      hint: 'Name a folder that is new.',
    });
  }
  const objects = (
    await runGit(attempted, ['rev-parse', '--git-path', 'objects'], { gitDir: repository.gitDir, signal })
  ).trim();
  const sha256 = assertOid(commit).length === 64;
  const options = { cwd: folder, signal, env: PLAIN, timeoutMs: TIMEOUT_MS };
  await runGit(
    attempted,
    [
      'init',
      '--quiet',
      '--template=',
      `--object-format=${sha256 ? 'sha256' : 'sha1'}`,
      '--initial-branch=build',
    ],
    options,
  );
  await mkdir(path.join(folder, '.git/objects/info'), { recursive: true });
  // Relative paths are meant from the repository that they are in.
  await writeFile(
    path.join(folder, '.git/objects/info/alternates'),
    `${path.resolve(repository.gitDir, objects)}\n`,
  );
  await runGit(attempted, ['checkout', '--quiet', '--detach', '--force', commit, '--'], options);
  const head = (await runGit(attempted, ['rev-parse', 'HEAD'], options)).trim();
  if (head !== commit) {
    throw new LandfallError(`${attempted} gave ${head}.`, {
      kind: 'bug',
      code: 'git-checkout',
      object: commit,
    });
  }
  return {
    folder,
    lfs: await lfsPaths(attempted, options),
    submodules: await submodules(attempted, options),
  };
}

type Options = Parameters<typeof runGit>[2];

async function lfsPaths(attempted: string, options: Options): Promise<readonly string[]> {
  const paths = await runGit(attempted, ['ls-files', '-z'], options);
  const asked = await runGit(attempted, ['check-attr', '-z', '--stdin', 'filter'], {
    ...options,
    input: paths,
  });
  const fields = asked.split('\0');
  const found: string[] = [];
  for (let index = 0; index + 2 < fields.length && found.length < SHOWN; index += 3) {
    if (fields[index + 2] === 'lfs') found.push(fields[index] ?? '');
  }
  return found;
}

async function submodules(attempted: string, options: Options): Promise<readonly string[]> {
  const listed = await runGit(attempted, ['ls-files', '--stage', '-z'], options);
  return listed
    .split('\0')
    .filter((line) => line.startsWith('160000 '))
    .slice(0, SHOWN)
    .map((line) => line.slice(line.indexOf('\t') + 1));
}
