/** Calls back when `signal` aborts; the answer stops that. */
export type AbortHub = (signal: AbortSignal, callback: () => void) => () => void;

/**
 * One listener on a signal however many requests wait on it: Node warns of a leak at eleven, and one signal usually
 * stands for a whole command with hundreds of requests. None is left when nobody waits.
 */
export function newAbortHub(): AbortHub {
  const waiting = new WeakMap<
    AbortSignal,
    { readonly callbacks: Set<() => void>; readonly listener: () => void }
  >();
  return (signal, callback) => {
    let entry = waiting.get(signal);
    if (entry === undefined) {
      const callbacks = new Set<() => void>();
      const listener = (): void => {
        waiting.delete(signal);
        for (const each of callbacks) each();
      };
      entry = { callbacks, listener };
      waiting.set(signal, entry);
      signal.addEventListener('abort', listener, { once: true });
    }
    const { callbacks, listener } = entry;
    callbacks.add(callback);
    return () => {
      callbacks.delete(callback);
      if (callbacks.size > 0 || waiting.get(signal)?.listener !== listener) return;
      waiting.delete(signal);
      signal.removeEventListener('abort', listener);
    };
  };
}
