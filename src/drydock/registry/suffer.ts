import type { IncomingMessage } from 'node:http';
import { sleep, type Clock } from '../../kernel/index.ts';
import { cutOff } from '../faults/cut-off.ts';
import type { Exchange } from './exchange.ts';
import { OciFailure } from './failure.ts';
import type { FaultEffect } from './faults.ts';

/** Lets a fault happen before the answer; what is left of it concerns the answer's body. */
export async function suffer(
  effect: FaultEffect | undefined,
  request: IncomingMessage,
  clock: Clock,
  closing: AbortSignal,
): Promise<'no-answer' | Exchange['damage']> {
  if (effect === undefined) return undefined;
  switch (effect.type) {
    case 'status':
      throw new OciFailure(effect.status, codeOf(effect.status), 'The registry fails on purpose.', {
        headers:
          effect.retryAfterSeconds === undefined ? {} : { 'retry-after': String(effect.retryAfterSeconds) },
      });
    case 'slow':
      await sleep(clock, effect.ms, closing);
      return undefined;
    case 'hang':
      return 'no-answer';
    case 'reset':
      cutOff(request);
      return 'no-answer';
    case 'truncate':
    case 'corrupt':
      return effect.type;
    default:
      effect satisfies never;
      return undefined;
  }
}

function codeOf(status: number): OciFailure['code'] {
  switch (status) {
    case 401:
      return 'UNAUTHORIZED';
    case 403:
      return 'DENIED';
    case 404:
      return 'MANIFEST_UNKNOWN';
    case 429:
      return 'TOOMANYREQUESTS';
    case 503:
      return 'UNAVAILABLE';
    default:
      return 'UNKNOWN';
  }
}
