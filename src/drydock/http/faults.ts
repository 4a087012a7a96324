import { sleep, type Clock } from '../../kernel/index.ts';
import { ApiStatusError } from '../api/contract.ts';
import type { Exchange } from './exchange.ts';

/** Something that goes wrong on purpose, for the requests it matches. */
export interface Fault {
  /** Default: every method. */
  readonly method?: string;
  /** Matched against the path. Default: every path. */
  readonly path?: RegExp;
  /** How many requests it hits; then it is over. Default: until it is lifted. */
  readonly times?: number;
  /** Waited before anything else, on the server's clock. */
  readonly delayMs?: number;
  /** Answered with this status instead of the answer. 429 and 503 say when to come again. */
  readonly status?: number;
  /** The connection is cut without an answer. */
  readonly drop?: boolean;
}

const REASONS: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

interface Running {
  readonly fault: Fault;
  left: number;
}

/** The faults that are on. */
export class Faults {
  readonly #running = new Set<Running>();

  /** Returns how to lift it. */
  add(fault: Fault): () => void {
    const running: Running = { fault, left: fault.times ?? Infinity };
    this.#running.add(running);
    return () => this.#running.delete(running);
  }

  /** Does to a request what is on for it. True when the request is over. Throws the status that was asked for. */
  async apply(exchange: Exchange, clock: Clock): Promise<boolean> {
    for (const running of this.#running) {
      const { fault } = running;
      if (fault.method !== undefined && fault.method !== exchange.request.method) continue;
      if (fault.path?.test(exchange.pathname) === false) continue;
      if (--running.left <= 0) this.#running.delete(running);
      if (fault.delayMs !== undefined) await sleep(clock, fault.delayMs, exchange.signal);
      if (fault.drop === true) {
        exchange.response.destroy();
        return true;
      }
      if (fault.status !== undefined) {
        const retry = fault.status === 429 || fault.status === 503 ? { retryAfterSeconds: 1 } : {};
        throw new ApiStatusError(
          fault.status,
          REASONS[fault.status] ?? 'Unknown',
          `the server was told to fail this request with ${fault.status}`,
          retry,
        );
      }
    }
    return false;
  }
}
