import { systemClock } from '../../src/kernel/index.ts';
import type { Clock } from '../../src/kernel/index.ts';

/** Time that runs so many times faster than ours, for waits that nobody wants to sit through. */
export function hurriedClock(times: number): Clock {
  const start = systemClock.now();
  return {
    now: () => start + (systemClock.now() - start) * times,
    after: (ms, callback) => systemClock.after(ms / times, callback),
  };
}
