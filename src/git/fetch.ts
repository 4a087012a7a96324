import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { LandfallError, type Clock } from '../kernel/index.ts';
import { gitFailure } from './failures.ts';
import type { GitLocation } from './location.ts';
import { withLock } from './lock.ts';
import { assertOid, tryGit } from './program.ts';

type Remote = Extract<GitLocation, { kind: 'remote' }>;

export interface MirrorOnDisk {
  readonly remote: Remote;
  readonly gitDir: string;
  readonly clock: Clock;
  /** Called after a damaged mirror was thrown away, so that nothing keeps reading from the old files. */
  onReplaced(): void;
}

const TRANSFER_TIMEOUT_MS = 600_000;
const DAMAGE =
  /loose object .* is corrupt|object file .* is empty|bad object|missing blob|unable to read tree|inflate:|packfile .* (?:cannot be|does not)|not a git repository: '|bad config/i;

/** Brings branches and tags of the remote into the mirror, cloning it where there is none or a damaged one. */
export async function fetchMirror(mirror: MirrorOnDisk, signal: AbortSignal): Promise<void> {
  await locked(mirror, signal, async () => {
    if (!(await isOnDisk(mirror))) {
      await clone(mirror, signal);
      return;
    }
    const result = await fetchRefs(mirror, signal);
    if (result.code === 0) return;
    if (!DAMAGE.test(result.stderr)) throw gitFailure(`Fetching ${mirror.remote.display}`, result.stderr);
    await clone(mirror, signal);
  });
}

/** Whether there is a whole clone. */
export function isOnDisk(mirror: MirrorOnDisk): Promise<boolean> {
  return exists(path.join(mirror.gitDir, 'HEAD'));
}

/** Runs `work` while no other process changes this mirror. */
export function locked<T>(
  mirror: MirrorOnDisk,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  return withLock(`${mirror.gitDir}.lock`, { clock: mirror.clock, signal }, work);
}

/** Branches and tags as the remote has them now. The lock must be held. */
export async function fetchRefs(
  mirror: MirrorOnDisk,
  signal: AbortSignal | undefined,
): Promise<{ readonly code: number; readonly stderr: string }> {
  const { remote, gitDir } = mirror;
  const args = [
    'fetch',
    '--quiet',
    '--prune',
    '--force',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--',
    remote.url,
    '+refs/heads/*:refs/heads/*',
    '+refs/tags/*:refs/tags/*',
  ];
  const run = () => tryGit(args, { gitDir, remote, signal, timeoutMs: TRANSFER_TIMEOUT_MS });
  const result = await run();
  // A git that was killed leaves its lock files behind; whoever holds our lock is the only writer here.
  const left = /Unable to create '(?<file>[^']+\.lock)'/.exec(result.stderr)?.groups?.['file'];
  if (result.code === 0 || left === undefined || !isInside(gitDir, left)) return result;
  await rm(left, { force: true });
  return run();
}

/** One commit that no branch and no tag leads to, where the server gives it out. */
export async function fetchCommit(
  mirror: MirrorOnDisk,
  commit: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { remote, gitDir } = mirror;
  return locked(mirror, signal, async () => {
    const result = await tryGit(
      [
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        '--no-recurse-submodules',
        '--',
        remote.url,
        `+${assertOid(commit)}:refs/landfall/commits/${commit}`,
      ],
      { gitDir, remote, signal, timeoutMs: TRANSFER_TIMEOUT_MS },
    );
    return result.code === 0;
  });
}

/**
 * One reference that is neither branch nor tag (`refs/pull/1/head`), as the remote has it now. False: it has none.
 */
export async function fetchOtherRef(
  mirror: MirrorOnDisk,
  ref: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { remote, gitDir } = mirror;
  return locked(mirror, signal, async () => {
    const flags = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
    const result = await tryGit(['fetch', ...flags, '--', remote.url, `+${ref}:${ref}`], {
      gitDir,
      remote,
      signal,
      timeoutMs: TRANSFER_TIMEOUT_MS,
    });
    if (result.code === 0) return true;
    if (/couldn't find remote ref/.test(result.stderr)) return false;
    throw gitFailure(`Fetching ${ref} of ${remote.display}`, result.stderr);
  });
}

/** Lets HEAD of the mirror name the branch that the remote's HEAD names now. */
export async function followRemoteHead(mirror: MirrorOnDisk, signal: AbortSignal | undefined): Promise<void> {
  const { remote, gitDir } = mirror;
  const result = await tryGit(['ls-remote', '--symref', '--', remote.url, 'HEAD'], { remote, signal });
  if (result.code !== 0) throw gitFailure(`Asking ${remote.display} for its default branch`, result.stderr);
  const branch = /^ref: (?<ref>refs\/heads\/[^\s]+)\tHEAD$/m.exec(result.stdout.toString('utf8'))?.groups?.[
    'ref'
  ];
  if (branch === undefined) return;
  await locked(mirror, signal, async () => {
    const set = await tryGit(['symbolic-ref', 'HEAD', branch], { gitDir, signal });
    if (set.code !== 0) throw gitFailure(`Noting the default branch of ${remote.display}`, set.stderr);
  });
}

/** A clone is made beside its place and renamed into it, so that a half one is never taken for a whole one. */
async function clone(mirror: MirrorOnDisk, signal: AbortSignal): Promise<void> {
  const { remote, gitDir } = mirror;
  const folder = path.dirname(gitDir);
  await mkdir(folder, { recursive: true });
  await removeLeftovers(gitDir);
  const unfinished = `${gitDir}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const result = await tryGit(
      ['clone', '--quiet', '--bare', '--template=', '--no-recurse-submodules', '--', remote.url, unfinished],
      { cwd: folder, remote, signal, timeoutMs: TRANSFER_TIMEOUT_MS },
    );
    if (result.code !== 0) throw gitFailure(`Cloning ${remote.display}`, result.stderr);
    if (await exists(gitDir)) {
      await rename(gitDir, `${unfinished}.old.tmp`);
      mirror.onReplaced();
    }
    await rename(unfinished, gitDir);
  } finally {
    await removeLeftovers(gitDir);
  }
}

async function removeLeftovers(gitDir: string): Promise<void> {
  const folder = path.dirname(gitDir);
  const prefix = `${path.basename(gitDir)}.`;
  for (const name of await readdir(folder)) {
    if (name.startsWith(prefix) && name.endsWith('.tmp')) {
      // What a killed git is still writing to goes with the next clone.
      await rm(path.join(folder, name), { recursive: true, force: true, maxRetries: 2 }).catch(() => {});
    }
  }
}

function isInside(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return false;
    }
    throw new LandfallError(`The cache folder cannot be read: ${String(error)}`, {
      kind: 'unavailable',
      code: 'git-cache-folder',
      object: file,
      cause: error,
    });
  }
}
