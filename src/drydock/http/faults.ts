import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { sleep, type Clock } from '../../kernel/index.ts';
import { ApiStatusError } from '../api/contract.ts';
import type { ActiveFault, ApiFault, FaultBoard, WatchEnd } from '../faults/index.ts';
import { readBody } from './body.ts';
import type { Exchange } from './exchange.ts';
import { readResourcePath, type ResourcePath } from './request-info.ts';
import { verbOf } from './verb.ts';

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** What a fault goes by to find its requests. */
type Asked = Pick<Exchange, 'request' | 'pathname' | 'query' | 'signal'>;

/** A watch that faults may end. */
export interface WatchUnderFault {
  end(how: WatchEnd): void;
}

/** How a watch that runs tells of itself. */
export interface WatchFate {
  /** An event was sent. */
  sent(): void;
  stop(): void;
}

interface Watching {
  readonly exchange: Exchange;
  readonly watch: WatchUnderFault;
  /** Events that it has sent. */
  sent: number;
  /** How many it will have sent when it ends, and how that is. */
  doom: { readonly at: number; readonly how: WatchEnd } | undefined;
}

/** Does to requests of the API what is on for them. */
export class RequestFaults {
  readonly #board: FaultBoard;
  readonly #clock: Clock;
  readonly #watches = new Set<Watching>();

  constructor(board: FaultBoard, clock: Clock) {
    this.#board = board;
    this.#clock = clock;
    board.onChange(({ on }) => {
      if (on === 'api') for (const running of this.#watches) this.#decide(running, running.sent);
    });
  }

  /**
   * Answers the exchange to go on with, or undefined when the request is over. Throws the status that was asked for.
   */
  async suffer(exchange: Exchange): Promise<Exchange | undefined> {
    let next = exchange;
    for (const active of this.#board.active('api')) {
      const { effect } = active.fault;
      if (effect.type === 'end-watch' || !concerns(active.fault, exchange) || !active.take()) continue;
      switch (effect.type) {
        case 'slow':
          await sleep(this.#clock, effect.ms, exchange.signal);
          break;
        case 'status':
          throw failure(effect.status, effect.retryAfterSeconds);
        case 'hang':
          if (effect.written === true) withhold(next, active.healed);
          else if (!(await outlasts(active, exchange))) return undefined;
          break;
        case 'reset':
          if (effect.written !== true) {
            sever(exchange.request.socket);
            return undefined;
          }
          cut(next);
          break;
        case 'late':
          next = await whenGone(active, next);
          break;
        default:
          effect satisfies never;
      }
    }
    return next;
  }

  /** For requests that become something else than an answer (exec, attach, port-forward): false when it is over. */
  async sufferUpgrade(asked: Asked): Promise<boolean> {
    for (const active of this.#board.active('api')) {
      const { effect } = active.fault;
      // What needs a write that is answered cannot happen to these.
      if (effect.type === 'end-watch' || effect.type === 'late') continue;
      if (!concerns(active.fault, asked) || !active.take()) continue;
      if (effect.type === 'status') throw failure(effect.status, effect.retryAfterSeconds);
      if (effect.type === 'slow') await sleep(this.#clock, effect.ms, asked.signal);
      if (effect.type === 'hang' && !(await outlasts(active, asked))) return false;
      if (effect.type === 'reset') {
        sever(asked.request.socket);
        return false;
      }
    }
    return true;
  }

  /** Notes a watch, until it stops. */
  watching(exchange: Exchange, watch: WatchUnderFault): WatchFate {
    const running: Watching = { exchange, watch, sent: 0, doom: undefined };
    this.#watches.add(running);
    // What ends it at once must not do so before its caller holds what this answers.
    queueMicrotask(() => this.#decide(running, 0));
    return {
      sent() {
        running.sent += 1;
        if (running.doom !== undefined && running.sent >= running.doom.at) watch.end(running.doom.how);
      },
      stop: () => this.#watches.delete(running),
    };
  }

  #decide(running: Watching, from: number): void {
    if (running.doom !== undefined || !this.#watches.has(running)) return;
    for (const active of this.#board.active('api')) {
      const { effect } = active.fault;
      if (effect.type !== 'end-watch' || !concerns(active.fault, running.exchange) || !active.take())
        continue;
      running.doom = { at: from + (effect.afterEvents ?? 0), how: effect.how };
      if (running.sent >= running.doom.at) running.watch.end(effect.how);
      return;
    }
  }
}

function concerns(fault: ApiFault, exchange: Asked): boolean {
  const { verbs, group, resource, namespace, name, dryRun, client } = fault;
  if (client !== undefined && !(exchange.request.headers['user-agent'] ?? '').includes(client)) return false;
  if (dryRun !== undefined && dryRun !== (exchange.query.get('dryRun') === 'All')) return false;
  const filters = [verbs, group, resource, namespace, name];
  if (filters.every((filter) => filter === undefined)) return true;
  const path = readResourcePath(exchange.pathname);
  if (path === undefined) return false;
  return (
    (verbs === undefined || verbs.some((verb) => verb === verbOf(exchange, path))) &&
    (group === undefined || group === path.group) &&
    (resource === undefined || resource === '*' || resource === resourceOf(path)) &&
    (namespace === undefined || namespace === path.namespace) &&
    (name === undefined || name === path.name)
  );
}

function resourceOf(path: ResourcePath): string {
  return path.subresource === undefined ? path.resource : `${path.resource}/${path.subresource}`;
}

function failure(status: number, retryAfterSeconds: number | undefined): ApiStatusError {
  const retry = retryAfterSeconds ?? (status === 429 || status === 503 ? 1 : undefined);
  return new ApiStatusError(
    status,
    REASONS[status] ?? (status >= 500 ? 'InternalError' : 'Unknown'),
    `the server was told to fail this request with ${status}`,
    retry === undefined ? {} : { retryAfterSeconds: retry },
  );
}

/** Waits until the fault is healed; false when the client gave up before. */
async function outlasts(active: ActiveFault<'api'>, { signal }: Asked): Promise<boolean> {
  await aborted(active.healed, signal);
  return !signal.aborted;
}

/** Holds the answer back until the fault is healed; what it answers to is done by then. */
function withhold({ response, signal }: Exchange, healed: AbortSignal): void {
  const { end } = response;
  response.write = () => true;
  response.flushHeaders = () => {};
  response.end = ((...args: Parameters<typeof end>) => {
    void aborted(healed, signal).then(() => end.apply(response, args));
    return response;
  }) as typeof end;
}

/** Ends a connection without a word. One with TLS knows no reset, and throws when it is asked for one. */
function sever(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

/** Cuts the connection where the answer would begin. */
function cut({ request, response }: Exchange): void {
  const reset = () => sever(request.socket);
  response.write = () => {
    reset();
    return false;
  };
  response.flushHeaders = reset;
  response.end = (() => {
    reset();
    return response;
  }) as typeof response.end;
}

/** The same request, once its client has gone or the fault is healed. Its body is read before that. */
async function whenGone(active: ActiveFault<'api'>, exchange: Exchange): Promise<Exchange> {
  const body = await readBody(exchange.request);
  await aborted(active.healed, exchange.signal);
  const { method, url, headers } = exchange.request;
  const request = new IncomingMessage(new Socket());
  Object.assign(request, { method, url, headers, complete: true });
  request.push(body);
  request.push(null);
  return { ...exchange, request };
}

function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve) => {
    if (any.aborted) resolve();
    else any.addEventListener('abort', () => resolve(), { once: true });
  });
}
