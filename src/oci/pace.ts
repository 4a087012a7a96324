import { sleep, type Clock } from '../kernel/index.ts';

/** Keeps requests to one origin apart, and all of them back after it said that there were too many. */
export interface Pace {
  /**
   * Waits for this request's turn. False: the origin asked for a longer rest than `maxWaitMs`, and nothing should be
   * sent to it before `restMs`.
   */
  enter(origin: string, maxWaitMs: number, signal: AbortSignal): Promise<boolean>;
  /** The origin asked to be left alone for so long: whoever asks it, from now on. */
  rest(origin: string, ms: number): void;
  /** Ms until the origin may be asked again; 0 where it may. */
  restMs(origin: string): number;
}

export interface PaceOptions {
  readonly clock: Clock;
  /** Requests a second to one origin, spread evenly. Default: as many as there are. */
  readonly perSecond?: number;
}

const ORIGINS = 1000;

export function newPace({ clock, perSecond }: PaceOptions): Pace {
  /** When the next request may go out, and until when the origin rests. */
  const origins = new Map<string, { next: number; restUntil: number }>();
  const of = (origin: string) => {
    let found = origins.get(origin);
    if (found === undefined) {
      if (origins.size >= ORIGINS) origins.clear();
      found = { next: 0, restUntil: 0 };
      origins.set(origin, found);
    }
    return found;
  };
  return {
    async enter(origin, maxWaitMs, signal) {
      const state = of(origin);
      for (;;) {
        const now = clock.now();
        const rest = state.restUntil - now;
        if (rest > maxWaitMs) return false;
        if (rest > 0) {
          await sleep(clock, rest, signal);
          continue;
        }
        if (perSecond === undefined) return true;
        // A place in the row, one after the other; nobody overtakes.
        const at = Math.max(now, state.next);
        state.next = at + 1000 / perSecond;
        if (at > now) await sleep(clock, at - now, signal);
        if (state.restUntil <= clock.now()) return true;
      }
    },
    rest(origin, ms) {
      const state = of(origin);
      state.restUntil = Math.max(state.restUntil, clock.now() + ms);
    },
    restMs: (origin) => Math.max(0, of(origin).restUntil - clock.now()),
  };
}
