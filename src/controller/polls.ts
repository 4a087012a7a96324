import type { Clock } from '../kernel/index.ts';
import type { PollSettings } from '../boundaries/settings/index.ts';
import type { Level } from './queue.ts';

/** When Git is asked again for applications of which nobody says that something changed. */
export interface Polls {
  /** Git is to be asked for the application, and how; undefined: not yet. One that was never asked for is due. */
  due(key: string): 'git' | 'hard' | undefined;
  /** Git was asked for it just now. */
  asked(key: string, level: Level): void;
  /** Git counts as asked for it just now, where nothing is known of an earlier time. */
  begin(key: string): void;
  /** Ms until it is due, jitter included; undefined where only events lead to another look. */
  next(key: string): number | undefined;
  forget(key: string): void;
}

interface Times {
  readonly looked: number;
  /** When everything was made anew, else when it was first looked at. */
  readonly anew: number;
}

/** What Argo CD's settings may change of how often Git is asked. Ms; 0: never by the time alone. */
export interface PollTiming {
  readonly pollMs: number;
  readonly jitterMs: number;
  readonly hardMs: number;
}

/** A third of the interval is the jitter, where nothing else is said. */
export function pollTiming(own: number | undefined, settings: PollSettings, otherwise: number): PollTiming {
  const pollMs = own ?? settings.pollMs ?? otherwise;
  return { pollMs, jitterMs: settings.jitterMs ?? pollMs / 3, hardMs: settings.hardMs ?? 0 };
}

export function createPolls(options: {
  readonly clock: Clock;
  readonly random: () => number;
  readonly timing: () => PollTiming;
}): Polls {
  const { clock, random, timing } = options;
  const known = new Map<string, Times>();

  function remember(key: string, isAnew: boolean): void {
    const looked = clock.now();
    const before = known.get(key);
    known.set(key, { looked, anew: isAnew || before === undefined ? looked : before.anew });
  }

  return {
    due(key) {
      const last = known.get(key);
      if (last === undefined) return 'git';
      const { pollMs, hardMs } = timing();
      const now = clock.now();
      if (hardMs > 0 && now - last.anew >= hardMs) return 'hard';
      return pollMs > 0 && now - last.looked >= pollMs ? 'git' : undefined;
    },
    asked: (key, level) => remember(key, level === 'hard'),
    begin(key) {
      if (!known.has(key)) remember(key, false);
    },
    next(key) {
      const { pollMs, jitterMs, hardMs } = timing();
      const now = clock.now();
      const { looked, anew } = known.get(key) ?? { looked: now, anew: now };
      const jitter = jitterMs * random();
      const times = [
        ...(pollMs > 0 ? [looked + pollMs + jitter] : []),
        ...(hardMs > 0 ? [anew + hardMs + jitter] : []),
      ];
      return times.length === 0 ? undefined : Math.max(0, Math.round(Math.min(...times) - now));
    },
    forget: (key) => {
      known.delete(key);
    },
  };
}
