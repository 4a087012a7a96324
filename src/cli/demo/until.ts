import { LandfallError, sleep } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';

const LOOK_MS = 50;

/** Looks until there is something to give back; throws `unavailable` when that takes longer than `ms`. */
export async function until<T>(
  clock: Clock,
  what: string,
  ms: number,
  signal: AbortSignal,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const end = clock.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (clock.now() > end) {
      throw new LandfallError(`${what} did not happen within ${Math.round(ms / 1000)} s.`, {
        kind: 'unavailable',
        code: 'demo-timeout',
        hint: 'Run it again; a machine under heavy load may be too slow.',
      });
    }
    await sleep(clock, LOOK_MS, signal);
  }
}
