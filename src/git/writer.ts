import path from 'node:path';
import { sleep, type Clock } from '../kernel/index.ts';
import { gitFailure } from './failures.ts';
import { fetchRefs, locked, type MirrorOnDisk } from './fetch.ts';
import { diffFiles } from './history.ts';
import { withLock } from './lock.ts';
import { tryGit } from './program.ts';
import { pushRef, type RefMove } from './push.ts';
import type { Repository } from './revisions.ts';
import { updateWorkTree } from './work-tree.ts';

/** Where references move: on this machine, or on the other side of a mirror. */
export interface RefWriter {
  readonly repository: Repository;
  readonly clock: Clock;
  /** Runs `work` while nobody else changes this repository on this machine. */
  alone<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
  /** Brings what the other side has now. Nothing to do for a folder. */
  refresh(signal: AbortSignal | undefined): Promise<void>;
  /** Compare-and-swap; false when the reference was not where the move begins. */
  move(move: RefMove, signal: AbortSignal | undefined): Promise<boolean>;
}

/** A repository on this machine: bare, or with the branch checked out and its files unchanged. */
export function folderWriter(repository: Repository, clock: Clock): RefWriter {
  return {
    repository,
    clock,
    // The index of a work tree is one: two of us at once would find each other's half-written files in it.
    alone: (signal, work) => withLock(path.join(repository.gitDir, 'landfall.lock'), { clock, signal }, work),
    refresh: () => Promise.resolve(),
    async move(move, signal) {
      const { ref, from, to } = move;
      if (from === undefined || to === undefined) return updateRef(repository, move, signal);
      const changed = await diffFiles(repository, from, to, signal);
      // Of very many the whole set is not listed: moving the files refuses to lose anything, too.
      const paths = changed.length > MANY ? [] : changed.map((change) => change.path);
      return updateWorkTree({ repository, ref, commit: to, parent: from, paths, signal }, () =>
        updateRef(repository, move, signal),
      );
    },
  };
}

/** A remote repository: what is pushed is what counts, and the mirror follows it. */
export function remoteWriter(mirror: MirrorOnDisk, repository: Repository): RefWriter {
  const refresh = async (signal: AbortSignal | undefined) => {
    const result = await fetchRefs(mirror, signal);
    if (result.code !== 0) throw gitFailure(`Fetching ${repository.display}`, result.stderr);
  };
  return {
    repository,
    clock: mirror.clock,
    alone: (signal, work) => locked(mirror, signal, work),
    refresh,
    async move(move, signal) {
      const moved = await pushRef(mirror, repository.gitDir, move, signal);
      await refresh(signal);
      return moved;
    },
  };
}

const MANY = 1000;

async function updateRef(
  repository: Repository,
  { ref, from, to }: RefMove,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  // All zeros: must not be there. No new value: is to be deleted.
  const zeros = '0'.repeat((from ?? to ?? '').length);
  const args = to === undefined ? ['-d', ref, from ?? zeros] : [ref, to, from ?? zeros];
  const result = await tryGit(['update-ref', '-m', 'landfall: commit', ...args], {
    gitDir: repository.gitDir,
    signal,
  });
  if (result.code === 0) return true;
  if (
    /but expected|cannot lock ref|reference already exists|unable to resolve reference/.test(result.stderr)
  ) {
    return false;
  }
  throw gitFailure(`Moving ${ref} of ${repository.display}`, result.stderr);
}

/** Times that a busy repository is tried, unless somebody says otherwise. */
export const ATTEMPTS = 12;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/**
 * Waits before another attempt: not at all before the second one, then twice as long each time and at most five
 * seconds, give or take half of it, so that two who collided do not collide again.
 */
export async function backOff(
  clock: Clock,
  attempt: number,
  signal: AbortSignal | undefined,
  random: () => number = Math.random,
): Promise<void> {
  if (attempt < 2) return;
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 2));
  await sleep(clock, wait * (0.5 + random()), signal);
}
