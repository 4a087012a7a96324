import { existsSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { LandfallError, messageOf } from '../kernel/index.ts';
import { gitFailure } from './failures.ts';
import { withoutCredentials } from './location.ts';
import { tryGit } from './program.ts';

export interface FoundRepository {
  /** The top of the work tree, or the repository itself where it is bare. */
  readonly root: string;
  readonly gitDir: string;
  readonly bare: boolean;
  /** The branch that is checked out; absent when HEAD is detached. */
  readonly branch?: string;
  /** Remotes by name; URLs without credentials. */
  readonly remotes: Readonly<Record<string, string>>;
}

type FoundRoot = Pick<FoundRepository, 'root' | 'gitDir' | 'bare'>;

/**
 * Where the repository is that a folder is in; undefined when there is none. For what works without one: git is not
 * started, and need not be there, where nothing looks like a repository.
 */
export async function findRoot(folder: string, signal?: AbortSignal): Promise<FoundRoot | undefined> {
  await assertFolder(folder);
  const real = await realpath(folder);
  return mayBeInRepository(real) ? askForRoot(folder, real, signal) : undefined;
}

/** As git itself finds it. */
async function askForRoot(
  folder: string,
  real: string,
  signal: AbortSignal | undefined,
): Promise<FoundRoot | undefined> {
  const found = await tryGit(
    ['rev-parse', '--absolute-git-dir', '--is-bare-repository', '--is-inside-work-tree', '--show-cdup'],
    { cwd: folder, signal },
  );
  if (found.code !== 0) {
    if (/not a git repository/.test(found.stderr)) return undefined;
    throw gitFailure(`Looking for the repository of ${folder}`, found.stderr);
  }
  const [gitDir = '', bare = '', inside = '', up = ''] = found.stdout.toString('utf8').split('\n');
  // git counts from where the folder really is.
  const root = inside === 'true' ? path.resolve(real, up) : gitDir;
  return { root, gitDir, bare: bare === 'true' };
}

/** False where nothing above a folder looks like a repository. */
function mayBeInRepository(folder: string): boolean {
  for (let at = folder; ; at = path.dirname(at)) {
    const isBare = existsSync(path.join(at, 'HEAD')) && existsSync(path.join(at, 'objects'));
    if (isBare || existsSync(path.join(at, '.git'))) return true;
    if (at === path.dirname(at)) return false;
  }
}

/** The repository that a folder is in, with its branch and remotes; undefined when there is none. */
export async function findRepository(
  folder: string,
  signal?: AbortSignal,
): Promise<FoundRepository | undefined> {
  await assertFolder(folder);
  const found = await askForRoot(folder, await realpath(folder), signal);
  if (found === undefined) return undefined;
  const { gitDir } = found;
  const [symbolic, listed] = await Promise.all([
    tryGit(['symbolic-ref', '--quiet', '--short', 'HEAD'], { gitDir, signal }),
    tryGit(['config', '--get-regexp', '-z', String.raw`^remote\..*\.url$`], { gitDir, signal }),
  ]);
  const remotes: Record<string, string> = {};
  for (const record of listed.code === 0 ? listed.stdout.toString('utf8').split('\0') : []) {
    const [key = '', url = ''] = record.split('\n');
    const name = /^remote\.(?<name>.*)\.url$/.exec(key)?.groups?.['name'];
    if (name !== undefined) remotes[name] = withoutCredentials(url);
  }
  return {
    ...found,
    remotes,
    ...(symbolic.code === 0 ? { branch: symbolic.stdout.toString('utf8').trim() } : {}),
  };
}

/** The repository that a folder is: its top or its git directory, not somewhere inside of a larger one. */
export async function openFolder(
  folder: string,
  signal?: AbortSignal,
): Promise<{ readonly gitDir: string; readonly bare: boolean }> {
  const found = await findRoot(folder, signal);
  if (found === undefined) {
    throw notARepository(
      folder,
      'it is a folder, and no git repository',
      `Make it one with: git -C ${folder} init`,
    );
  }
  const here = await realpath(folder);
  if (here === (await realpath(found.root)) || here === (await realpath(found.gitDir))) {
    return { gitDir: found.gitDir, bare: found.bare };
  }
  throw notARepository(
    folder,
    `it is a folder inside of the repository ${found.root}`,
    `Give ${found.root} instead.`,
  );
}

async function assertFolder(folder: string): Promise<void> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(folder)).isDirectory();
  } catch (error) {
    const gone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw notARepository(folder, gone ? 'there is no such folder' : messageOf(error), 'Check the path.');
  }
  if (!isFolder) throw notARepository(folder, 'it is a file', 'Give its folder.');
}

function notARepository(folder: string, why: string, hint: string): LandfallError {
  return new LandfallError(`'${folder}' is not a git repository: ${why}.`, {
    kind: 'not-found',
    code: 'git-repository-not-found',
    object: folder,
    hint,
  });
}
