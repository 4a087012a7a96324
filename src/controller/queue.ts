import { setMaxListeners } from 'node:events';
import { LandfallError, asLandfallError } from '../kernel/index.ts';
import type { Clock, Logger, Timer } from '../kernel/index.ts';

/**
 * How much of the world a reconcile looks at again: live objects only; Git as well, as it was a moment ago; Git as it
 * is now, because somebody asked; the same without any cache.
 */
export type Level = 'live' | 'git' | 'asked' | 'hard';

const LEVELS: readonly Level[] = ['live', 'git', 'asked', 'hard'];

export function higher(a: Level, b: Level): Level {
  return LEVELS.indexOf(a) >= LEVELS.indexOf(b) ? a : b;
}

export interface Turn {
  readonly level: Level;
  readonly signal: AbortSignal;
  /** Runs something slow that is not ours (a Git server) without holding a place that others wait for. */
  outside<T>(work: () => Promise<T>): Promise<T>;
}

/** Undefined: nothing more until something happens; a number: look again after so many ms, at `git` or that level. */
export type Handler = (
  key: string,
  turn: Turn,
) => Promise<{ readonly again?: number; readonly level?: Level } | undefined>;

export interface QueueOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keys that are worked on at a time. */
  readonly concurrency: number;
  readonly random: () => number;
}

export interface Queue {
  /** Works on the key soon; adding it again before that changes nothing but the level. */
  add(key: string, level: Level): void;
  addAfter(key: string, level: Level, ms: number): void;
  /** As `add`, and resolves when the turn that began after this call has ended; rejects with its failure. */
  run(key: string, level: Level): Promise<void>;
  forget(key: string): void;
  close(): Promise<void>;
}

interface Entry {
  pending: Level | undefined;
  running: boolean;
  failures: number;
  /** The level of a turn that failed and is still owed; lower turns in between do not put it off. */
  owed: Level | undefined;
  timer: Timer | undefined;
  waiters: { readonly resolve: () => void; readonly reject: (error: LandfallError) => void }[];
}

/** A turn that takes longer than this (an API call that hangs) goes on without a place that others wait for. */
const PATIENCE = 5000;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60_000;

/**
 * One queue of keys: a key is never worked on twice at a time, what arrives meanwhile is one more turn, and a failed
 * turn is tried again after a growing, jittered wait of its own.
 */
export function createQueue(options: QueueOptions, handler: Handler): Queue {
  const { clock, logger, concurrency, random } = options;
  const entries = new Map<string, Entry>();
  const order: string[] = [];
  const returning: (() => void)[] = [];
  const running = new Set<Promise<void>>();
  const stop = new AbortController();
  // Every request of every running turn listens to it.
  setMaxListeners(0, stop.signal);
  let busy = 0;

  function entryOf(key: string): Entry {
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = {
        pending: undefined,
        running: false,
        failures: 0,
        owed: undefined,
        timer: undefined,
        waiters: [],
      };
      entries.set(key, entry);
    }
    return entry;
  }

  function add(key: string, level: Level): void {
    if (stop.signal.aborted) return;
    const entry = entryOf(key);
    const queued = entry.pending !== undefined;
    entry.pending = entry.pending === undefined ? level : higher(entry.pending, level);
    if (!queued && !entry.running) order.push(key);
    pump();
  }

  function addAfter(key: string, level: Level, ms: number): void {
    if (stop.signal.aborted) return;
    const entry = entryOf(key);
    entry.timer?.cancel();
    entry.timer = clock.after(ms, () => {
      entry.timer = undefined;
      add(key, level);
    });
  }

  function pump(): void {
    while (busy < concurrency) {
      const back = returning.shift();
      if (back !== undefined) {
        busy += 1;
        back();
        continue;
      }
      const key = order.shift();
      if (key === undefined) return;
      const entry = entries.get(key);
      if (entry?.pending === undefined) continue;
      busy += 1;
      const place = takePlace();
      const turn = work(key, entry, (task) => place.outside(task)).finally(() => {
        running.delete(turn);
        place.giveBack();
        pump();
      });
      running.add(turn);
    }
  }

  /** The place of one turn among those that are worked on: given back while it waits outside, or takes long. */
  function takePlace() {
    let held = true;
    let away = 0;
    let patience = clock.after(PATIENCE, giveBack);

    function giveBack(): void {
      patience.cancel();
      if (!held) return;
      held = false;
      busy -= 1;
      pump();
    }

    return {
      giveBack,
      async outside<T>(task: () => Promise<T>): Promise<T> {
        away += 1;
        giveBack();
        try {
          return await task();
        } finally {
          away -= 1;
          if (away === 0) {
            await new Promise<void>((resolve) => {
              returning.push(resolve);
              pump();
            });
            held = true;
            patience = clock.after(PATIENCE, giveBack);
          }
        }
      },
    };
  }

  async function work(key: string, entry: Entry, outside: Turn['outside']): Promise<void> {
    const level = entry.pending ?? 'live';
    const waiters = entry.waiters.splice(0);
    entry.pending = undefined;
    entry.running = true;
    try {
      const next = await handler(key, { level, signal: stop.signal, outside });
      if (entry.owed === undefined || higher(level, entry.owed) === level) {
        entry.failures = 0;
        entry.owed = undefined;
        if (next?.again !== undefined) addAfter(key, next.level ?? 'git', next.again);
      }
      for (const waiter of waiters) waiter.resolve();
    } catch (thrown) {
      const error = asLandfallError(thrown);
      for (const waiter of waiters) waiter.reject(error);
      if (!stop.signal.aborted) {
        entry.failures += 1;
        entry.owed = higher(level, entry.owed ?? level);
        const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(entry.failures - 1, 10));
        const wait = longest * (0.5 + random() / 2);
        logger.warn('Reconciling failed and will be tried again', {
          application: key,
          code: error.code,
          error: error.message,
          failures: entry.failures,
          waitMs: Math.round(wait),
        });
        addAfter(key, entry.owed, wait);
      }
    } finally {
      entry.running = false;
      if (entry.pending !== undefined) order.push(key);
    }
  }

  return {
    add,
    addAfter,
    run(key, level) {
      if (stop.signal.aborted) {
        return Promise.reject(
          new LandfallError('The controller is closed.', { kind: 'cancelled', code: 'cancelled' }),
        );
      }
      return new Promise((resolve, reject) => {
        entryOf(key).waiters.push({ resolve, reject });
        add(key, level);
      });
    },
    forget(key) {
      const entry = entries.get(key);
      entry?.timer?.cancel();
      if (entry !== undefined && !entry.running && entry.pending === undefined) entries.delete(key);
    },
    async close() {
      stop.abort();
      for (const entry of entries.values()) {
        entry.timer?.cancel();
        for (const waiter of entry.waiters.splice(0)) {
          waiter.reject(
            new LandfallError('The controller is closed.', { kind: 'cancelled', code: 'cancelled' }),
          );
        }
      }
      order.length = 0;
      await Promise.allSettled(running);
    },
  };
}
