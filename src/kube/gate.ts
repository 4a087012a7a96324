import type { Clock, LandfallError, Timer } from '../kernel/index.ts';
import { MAX_CONNECTIONS } from './agents.ts';

/** Lets a call through, and says when it may; `enter` answers with what ends its turn. */
export interface Gate {
  /** `attach` takes what is to be told when the call ends before its turn has come. */
  enter(attach: (stop: (error: LandfallError) => void) => void): Promise<() => void>;
}

/** Calls at first. A handshake costs either side as much as several answers of a server that is near. */
const FEW = 4;
/** A turn that a call has waited for as long as this, ms, is worth twice as many connections. */
const PATIENCE = 50;

interface Waiting {
  readonly since: number;
  readonly go: () => void;
}

/** Few connections to a server that answers at once, and up to MAX_CONNECTIONS where calls have to wait for it. */
export function createGate(clock: Clock): Gate {
  const waiting = new Set<Waiting>();
  let limit = FEW;
  let active = 0;
  let timer: Timer | undefined;

  function open(): void {
    for (const next of waiting) {
      if (active >= limit) break;
      waiting.delete(next);
      active += 1;
      next.go();
    }
    if (waiting.size === 0) {
      timer?.cancel();
      timer = undefined;
    } else if (limit < MAX_CONNECTIONS) {
      timer ??= clock.after(PATIENCE, look);
    }
  }

  function look(): void {
    timer = undefined;
    const [oldest] = waiting;
    if (oldest !== undefined && clock.now() - oldest.since >= PATIENCE) {
      limit = Math.min(limit * 2, MAX_CONNECTIONS);
    }
    open();
  }

  function leave(): void {
    active -= 1;
    open();
  }

  return {
    enter(attach) {
      if (active < limit && waiting.size === 0) {
        active += 1;
        return Promise.resolve(leave);
      }
      return new Promise((resolve, reject) => {
        const one: Waiting = { since: clock.now(), go: () => resolve(leave) };
        waiting.add(one);
        attach((error) => {
          waiting.delete(one);
          reject(error);
        });
        open();
      });
    },
  };
}
