import type { Clock, LandfallError, Timer } from '../kernel/index.ts';
import { MAX_CONNECTIONS } from './agents.ts';

/** Lets a call through, and says when it may; `enter` answers with what ends its turn. */
export interface Gate {
  /** `attach` takes what is to be told when the call ends before its turn has come. */
  enter(attach: (stop: (error: LandfallError) => void) => void): Promise<() => void>;
}

/** Calls at first. A handshake costs either side as much as several answers of a server that is near. */
const FEW = 2;
/** A turn that a call has waited for as long as this, ms, is worth twice as many connections. */
const PATIENCE = 50;
/** A server whose fastest answer took as long as this, ms, is far: it does not work while its answers are on their way. */
const FAR = 2;
/** Calls that are under way for each ms of that. */
const FOR_EACH_MS = 3;
/** Answers that are needed to tell: a clock of whole ms, or a pause of our own, makes one look slow. */
const ANSWERS = 4;

interface Waiting {
  readonly since: number;
  readonly go: () => void;
}

/**
 * Few connections to a server that answers at once; more to one that is far, and up to MAX_CONNECTIONS where calls have
 * to wait for it.
 */
export function createGate(clock: Clock): Gate {
  const waiting = new Set<Waiting>();
  let limit = FEW;
  let active = 0;
  let timer: Timer | undefined;
  let answers = 0;
  let fastest = Number.POSITIVE_INFINITY;

  function open(): void {
    for (const next of waiting) {
      if (active >= limit) break;
      waiting.delete(next);
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

  /** Starts a turn; what it answers with ends it. */
  function begin(): () => void {
    active += 1;
    const begun = clock.now();
    // The first ones had to wait for their connection.
    const counts = answers > 0;
    return () => {
      active -= 1;
      answers += 1;
      if (counts) fastest = Math.min(fastest, clock.now() - begun);
      if (answers > ANSWERS && fastest >= FAR && Number.isFinite(fastest)) {
        limit = Math.max(limit, Math.min(fastest * FOR_EACH_MS, MAX_CONNECTIONS));
      }
      open();
    };
  }

  return {
    enter(attach) {
      if (active < limit && waiting.size === 0) {
        return Promise.resolve(begin());
      }
      return new Promise((resolve, reject) => {
        const one: Waiting = { since: clock.now(), go: () => resolve(begin()) };
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
