import { LandfallError } from './errors.ts';

const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

export interface Timer {
  cancel(): void;
}

/** Where time comes from. Everything outside of `kernel` that waits or stamps takes one of these. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once, `ms` from now. Never keeps the process alive by itself. */
  after(ms: number, callback: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    let handle: NodeJS.Timeout;
    // Node takes a longer timer for one of 1 ms: it is waited for in pieces.
    const wait = (left: number) => {
      const piece = Math.min(left, LONGEST_INTERVAL_MS);
      handle = setTimeout(() => (left > piece ? wait(left - piece) : callback()), piece);
      handle.unref();
    };
    wait(ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** A clock that stands still until a test moves it. Callbacks run in the order of their time. */
export interface ManualClock extends Clock {
  /** Moves time on, running what falls due on the way, one macrotask between two callbacks. */
  advance(ms: number): Promise<void>;
}

export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start;
  let sequence = 0;
  const due: { at: number; order: number; callback: () => void }[] = [];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    after(ms, callback) {
      const entry = { at: now + Math.max(0, ms), order: sequence++, callback };
      due.push(entry);
      return {
        cancel() {
          const index = due.indexOf(entry);
          if (index >= 0) due.splice(index, 1);
        },
      };
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        due.sort((a, b) => a.at - b.at || a.order - b.order);
        const next = due[0];
        if (next === undefined || next.at > end) break;
        due.shift();
        now = Math.max(now, next.at);
        next.callback();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

/**
 * Waits on `clock`; rejects with kind `cancelled` as soon as `signal` aborts. Unlike a timer, somebody who waits keeps
 * the process alive.
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancelled = () =>
      new LandfallError('The wait was cancelled.', { kind: 'cancelled', code: 'cancelled' });
    if (signal?.aborted) {
      reject(cancelled());
      return;
    }
    const alive = setInterval(() => {}, LONGEST_INTERVAL_MS);
    const onAbort = () => {
      clearInterval(alive);
      timer.cancel();
      reject(cancelled());
    };
    const timer = clock.after(ms, () => {
      clearInterval(alive);
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
