import { LandfallError } from '../kernel/index.ts';

/**
 * Shares one run of `work` between those who ask while it has not started, and never lets anybody join a run that
 * began before they asked: what it reads may be older than what they know. One runs, at most one more waits.
 * A caller's abort ends that caller's wait; the run itself is aborted when nobody waits for it any more.
 */
export function shareRuns(
  work: (signal: AbortSignal) => Promise<void>,
): (signal?: AbortSignal) => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Run | undefined;

  function startNext(run: Run): Promise<void> {
    if (next === run) next = undefined;
    const done = run.controller.signal.aborted ? Promise.reject(cancelled()) : work(run.controller.signal);
    const settled = done.then(
      () => {},
      () => {},
    );
    running = settled;
    void settled.then(() => {
      if (running === settled) running = undefined;
    });
    return done;
  }

  function join(): Run {
    if (next) return next;
    const run: Run = { controller: new AbortController(), waiters: 0, done: Promise.resolve() };
    // A tick in between lets callers of the same moment share the run.
    run.done = (running ?? Promise.resolve()).then(() => startNext(run));
    run.done.catch(() => {});
    next = run;
    return run;
  }

  return (signal) => {
    if (signal?.aborted) return Promise.reject(cancelled());
    const run = join();
    run.waiters += 1;
    return new Promise((resolve, reject) => {
      const leave = () => {
        signal?.removeEventListener('abort', onAbort);
        run.waiters -= 1;
        if (run.waiters === 0) {
          if (next === run) next = undefined;
          run.controller.abort();
        }
      };
      const onAbort = () => {
        leave();
        reject(cancelled());
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      run.done.then(
        () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        (error: unknown) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  };
}

interface Run {
  readonly controller: AbortController;
  waiters: number;
  done: Promise<void>;
}

function cancelled(): LandfallError {
  return new LandfallError('The fetch was cancelled.', { kind: 'cancelled', code: 'cancelled' });
}
