import type { Clock, Timer } from '../../kernel/index.ts';

/** What a pass over one key asks for: nothing more, or another pass later. */
export interface Again {
  readonly againAfterMs: number;
}

export interface WorkQueue {
  add(key: string): void;
  addAfter(key: string, ms: number): void;
  /** Stops; resolves when the passes under way have ended. */
  close(): Promise<void>;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Brings the object of this key one step nearer to what is wanted. A throw means: again, after a back-off. */
  readonly reconcile: (key: string) => Promise<Again | undefined>;
  readonly onError?: (key: string, error: unknown) => void;
  /** Keys worked on at once. Never the same key twice. Default 5. */
  readonly concurrency?: number;
}

const FIRST_RETRY_MS = 5;
const LONGEST_RETRY_MS = 1_000_000;

/** A level-based work queue: a key added many times while it waits is worked on once (client-go's workqueue). */
export function workQueue(options: WorkQueueOptions): WorkQueue {
  const { clock, reconcile, concurrency = 5 } = options;
  const waiting = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const dirty = new Set<string>();
  const failures = new Map<string, number>();
  const timers = new Map<string, { timer: Timer; at: number }>();
  let scheduled = false;
  let closed = false;

  function schedule(): void {
    if (scheduled || closed) return;
    scheduled = true;
    setImmediate(pump);
  }

  function pump(): void {
    scheduled = false;
    for (const key of waiting) {
      if (closed || running.size >= concurrency) return;
      waiting.delete(key);
      // Noted as running before it begins: what it writes comes back as changes at once.
      running.set(
        key,
        Promise.resolve().then(() => work(key)),
      );
    }
  }

  async function work(key: string): Promise<void> {
    try {
      const again = await reconcile(key);
      failures.delete(key);
      if (again !== undefined) addAfter(key, again.againAfterMs);
    } catch (error) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      if (!closed) options.onError?.(key, error);
      addAfter(key, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** count));
    } finally {
      running.delete(key);
      if (dirty.delete(key)) waiting.add(key);
      if (waiting.size > 0) schedule();
    }
  }

  function add(key: string): void {
    if (closed) return;
    if (running.has(key)) {
      dirty.add(key);
      return;
    }
    waiting.add(key);
    schedule();
  }

  function addAfter(key: string, ms: number): void {
    if (closed) return;
    if (ms <= 0) {
      add(key);
      return;
    }
    const at = clock.now() + ms;
    const earlier = timers.get(key);
    if (earlier !== undefined && earlier.at <= at) return;
    earlier?.timer.cancel();
    const timer = clock.after(ms, () => {
      timers.delete(key);
      add(key);
    });
    timers.set(key, { timer, at });
  }

  return {
    add,
    addAfter,
    async close() {
      closed = true;
      for (const { timer } of timers.values()) timer.cancel();
      timers.clear();
      waiting.clear();
      dirty.clear();
      await Promise.all(running.values());
    },
  };
}
