import { LandfallError, asLandfallError, sleep } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import { statusBehind } from '../kube/index.ts';

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2000;

/** True for a failure that says nothing about the object: nobody answered, or the server is too busy to. */
export function isOutage(error: LandfallError): boolean {
  if (error.kind !== 'unavailable') return false;
  const answer = statusBehind(error);
  return answer === undefined || answer.code === 429 || answer.code === 503 || answer.code === 504;
}

/** The API server's own words where there are any. */
export function reasonOf(error: LandfallError): string {
  return statusBehind(error)?.message ?? error.message;
}

/** Tries again while the API server is away, for at most `patienceMs`. Throws what it last said. */
export async function withPatience<T>(
  clock: Clock,
  patienceMs: number,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const end = clock.now() + patienceMs;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await work();
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (!isOutage(error) || clock.now() + pause > end) throw error;
      await sleep(clock, pause, signal);
    }
  }
}

/** Throws `cancelled` where somebody asked for it. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted)
    throw new LandfallError('The apply was interrupted.', { kind: 'cancelled', code: 'cancelled' });
}
