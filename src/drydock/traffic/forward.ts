import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { systemClock } from '../../kernel/index.ts';
import type { Target } from '../runtime/index.ts';
import { changeHeaders, passedOn } from './filters.ts';
import type { Headers } from './filters.ts';
import type { HeaderChange } from './rule.ts';

export interface Forwarding {
  readonly targets: readonly Target[];
  readonly path: string;
  readonly headers: Headers;
  readonly responseChanges: readonly HeaderChange[];
  readonly timeoutMs: number | undefined;
  readonly attemptTimeoutMs: number | undefined;
  /** What is said when nobody takes the request. */
  readonly nobody: string;
}

const CONNECT_MS = 2000;
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

function dial(target: Target): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.host, port: target.port, noDelay: true });
    const timer = systemClock.after(CONNECT_MS, () => socket.destroy(new Error('connect timeout')));
    const failed = () => {
      timer.cancel();
      resolve(undefined);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      timer.cancel();
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

type Outcome = 'answered' | 'failed' | 'timeout';

/**
 * Passes a request to the first endpoint that takes it. One that refuses the connection costs nothing; one that
 * closes it before it answers (a pod that ends) costs nothing where the request may be repeated.
 */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  order: Forwarding,
): Promise<void> {
  const until = order.timeoutMs === undefined ? undefined : systemClock.now() + order.timeoutMs;
  const mayRepeat = REPEATABLE.has(request.method ?? '') && !hasBody(request);
  let reached = false;
  for (const target of order.targets) {
    const socket = await dial(target);
    if (response.destroyed) {
      socket?.destroy();
      return;
    }
    if (socket === undefined) continue;
    reached = true;
    const left = until === undefined ? undefined : Math.max(1, until - systemClock.now());
    const limit = Math.min(left ?? Infinity, order.attemptTimeoutMs ?? Infinity);
    const outcome = await attempt(request, response, socket, order, limit);
    if (outcome === 'answered') return;
    if (outcome === 'timeout') {
      answer(response, 504, 'the endpoint did not answer in time');
      return;
    }
    if (!mayRepeat) break;
  }
  answer(response, reached ? 502 : 503, reached ? 'the endpoint closed the connection' : order.nobody);
}

function attempt(
  request: IncomingMessage,
  response: ServerResponse,
  socket: Socket,
  order: Forwarding,
  limitMs: number,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let ended = false;
    let late = false;
    const outgoing: ClientRequest = httpRequest({
      createConnection: () => socket,
      method: request.method,
      path: order.path,
      headers: order.headers,
      setHost: false,
    });
    const timer = Number.isFinite(limitMs)
      ? systemClock.after(limitMs, () => {
          late = true;
          outgoing.destroy(new Error('timeout'));
        })
      : undefined;
    const gone = () => outgoing.destroy();
    const end = (outcome: Outcome) => {
      if (ended) return;
      ended = true;
      timer?.cancel();
      response.off('close', gone);
      resolve(outcome);
    };
    response.once('close', gone);
    outgoing.on('error', () => {
      request.unpipe(outgoing);
      if (!response.headersSent) {
        end(late ? 'timeout' : 'failed');
        return;
      }
      response.destroy();
      end('answered');
    });
    outgoing.once('response', (incoming) => {
      const headers = passedOn(incoming.headers);
      for (const change of order.responseChanges) changeHeaders(headers, change);
      response.writeHead(incoming.statusCode ?? 502, headers);
      incoming.once('error', () => {
        response.destroy();
        end('answered');
      });
      // An answer that breaks off must not look like a whole one.
      incoming.once('aborted', () => response.destroy());
      response.once('close', () => end('answered'));
      response.once('finish', () => end('answered'));
      incoming.pipe(response);
    });
    if (hasBody(request)) request.pipe(outgoing);
    else outgoing.end();
  });
}
