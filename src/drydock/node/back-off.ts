export interface BackOff {
  /** Milliseconds that are left to wait at `now` after what ended at `since`; 0 when there is nothing to wait for. */
  left(key: string, since: number, now: number): number;
  /** The delay that applies to this key, for messages. */
  delay(key: string): number;
  /** Counts one more attempt at `now`, after something that ended at `since`. */
  next(key: string, since: number, now: number): void;
  forget(key: string): void;
}

const FIRST_MS = 10_000;
const LONGEST_MS = 300_000;

/** The kubelet's back-off of restarts and of pulls: 10 s, doubled up to 300 s, forgotten after twice that of calm. */
export function backOff(): BackOff {
  const entries = new Map<string, { delay: number; updated: number }>();
  return {
    left(key, since, now) {
      const entry = entries.get(key);
      if (entry === undefined || since - entry.updated > 2 * LONGEST_MS) return 0;
      return Math.max(0, since + entry.delay - now);
    },
    delay: (key) => entries.get(key)?.delay ?? FIRST_MS,
    next(key, since, now) {
      const entry = entries.get(key);
      const fresh = entry === undefined || since - entry.updated > 2 * LONGEST_MS;
      entries.set(key, { delay: fresh ? FIRST_MS : Math.min(LONGEST_MS, entry.delay * 2), updated: now });
    },
    forget(key) {
      entries.delete(key);
    },
  };
}

/** Milliseconds as Go prints a duration of whole seconds: `10s`, `1m20s`, `5m0s`. */
export function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}h` : ''}${minutes}m${seconds % 60}s`;
}
