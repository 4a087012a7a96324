import type { Clock } from '../../kernel/index.ts';
import { OciFailure } from './failure.ts';

/** So many requests in every window; what comes on top is answered 429. */
export interface RateLimit {
  readonly requests: number;
  readonly perSeconds: number;
}

export function newRateLimiter(limit: RateLimit | undefined, clock: Clock): () => void {
  if (limit === undefined) return () => {};
  let windowStart = clock.now();
  let used = 0;
  return () => {
    const now = clock.now();
    const length = limit.perSeconds * 1000;
    if (now - windowStart >= length) {
      windowStart = now;
      used = 0;
    }
    used += 1;
    if (used <= limit.requests) return;
    const seconds = Math.max(1, Math.ceil((windowStart + length - now) / 1000));
    throw new OciFailure(429, 'TOOMANYREQUESTS', 'Too many requests; slow down.', {
      headers: { 'retry-after': String(seconds) },
    });
  };
}
