import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { isAlive, LandfallError, sleep, type Clock } from '../kernel/index.ts';

const POLL_MS = 50;
/** The holder renews its lock this often; without a renewal for `STALE_MS` it is taken for dead. */
const RENEW_MS = 10_000;
const STALE_MS = 120_000;

/**
 * Runs `work` while holding the lock file, so that no second process works on the same mirror. A lock whose
 * process has died is taken over. Waits at most `waitMs` (default ten minutes), then throws `unavailable`.
 */
export async function withLock<T>(
  file: string,
  options: { readonly clock: Clock; readonly signal?: AbortSignal | undefined; readonly waitMs?: number },
  work: () => Promise<T>,
): Promise<T> {
  const { clock, signal, waitMs = 600_000 } = options;
  const token = `${process.pid} ${hostname()} ${randomUUID()}`;
  const own = `${file}.${randomUUID()}`;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(own, token);
  try {
    const until = clock.now() + waitMs;
    while (!(await tryLink(own, file))) {
      await takeOverIfDead(file, clock);
      if (clock.now() >= until) {
        throw new LandfallError(`Another process has held ${file} for ${Math.round(waitMs / 1000)} s.`, {
          kind: 'unavailable',
          code: 'git-mirror-busy',
          object: file,
          hint: 'See which process it names; if that is gone, delete the file.',
        });
      }
      await sleep(clock, POLL_MS, signal);
    }
  } finally {
    await rm(own, { force: true });
  }
  const renew = () => {
    const now = new Date(clock.now());
    utimes(file, now, now).catch(() => {});
    renewal = clock.after(RENEW_MS, renew);
  };
  let renewal = clock.after(RENEW_MS, renew);
  try {
    return await work();
  } finally {
    renewal.cancel();
    if ((await contentOf(file)) === token) await rm(file, { force: true });
  }
}

/** A hard link is made or not, and never over an existing file; it also brings the content with it. */
async function tryLink(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw new LandfallError(`The lock ${file} cannot be made: ${String(error)}`, {
      kind: 'unavailable',
      code: 'git-mirror-lock',
      object: file,
      hint: 'See that the cache folder can be written to.',
      cause: error,
    });
  }
}

async function takeOverIfDead(file: string, clock: Clock): Promise<void> {
  const held = await contentOf(file);
  if (held === undefined) return;
  const renewed = await stat(file).catch(() => undefined);
  if (renewed === undefined) return;
  const [pid, host] = held.split(' ');
  const gone = host === hostname() && !isAlive(Number(pid));
  // Both times come from this machine's file system and clock; the margin is wide.
  if (!gone && clock.now() - renewed.mtimeMs < STALE_MS) return;
  const aside = `${file}.${randomUUID()}`;
  const moved = await rename(file, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  // Somebody else may have taken over between reading and renaming: give a live lock back.
  if ((await contentOf(aside)) !== held) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}

function contentOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
