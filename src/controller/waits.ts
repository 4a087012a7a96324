import type { Clock } from '../kernel/index.ts';

/** When each thing that an operation waits for was first waited for; kept in memory, and begun again after a restart. */
export interface Waits {
  /** Milliseconds since the epoch; `at` is when it began, where that is known. */
  since(key: string, name: string, at?: number): number;
  /** Names one attempt; what an earlier one waited for is forgotten. */
  begin(key: string, attempt: string): void;
  forget(key: string): void;
}

export function createWaits(clock: Clock): Waits {
  const known = new Map<string, { readonly attempt: string; readonly since: Map<string, number> }>();
  return {
    since(key, name, at) {
      const since = known.get(key)?.since ?? new Map<string, number>();
      const first = since.get(name) ?? at ?? clock.now();
      since.set(name, first);
      return first;
    },
    begin(key, attempt) {
      if (known.get(key)?.attempt !== attempt) known.set(key, { attempt, since: new Map() });
    },
    forget(key) {
      known.delete(key);
    },
  };
}
