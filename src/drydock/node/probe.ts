import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { messageOf } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { PodOutput, PodSession } from '../api/contract.ts';
import type { Container, Handler, IntOrString } from '../controllers/index.ts';
import { logBuffer } from '../runtime/index.ts';
import type { Target } from '../runtime/index.ts';

export interface Outcome {
  readonly success: boolean;
  /** What the Unhealthy event says after the colon. */
  readonly message: string;
}

/** Runs a command in the environment of a container. */
export type ExecInContainer = (
  command: readonly string[],
  signal: AbortSignal,
) => Promise<{ readonly exitCode: number; readonly output: string; readonly errors: string }>;

const MOST_OUTPUT = 1024 * 1024;

/** Runs a program that was opened until it ends or the signal aborts, and keeps the last of what it says. */
export async function execToEnd(
  open: (onOutput: PodOutput) => Promise<PodSession>,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ readonly exitCode: number; readonly output: string; readonly errors: string }> {
  const output = logBuffer(() => clock.now(), MOST_OUTPUT);
  const errors = logBuffer(() => clock.now(), MOST_OUTPUT);
  const session = await open((chunk, stream) => (stream === 'stdout' ? output : errors).write(chunk));
  const abort = () => session.end();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const { exitCode } = await session.exited;
  signal.removeEventListener('abort', abort);
  output.end();
  errors.end();
  return { exitCode, output: output.text(), errors: errors.text() };
}

export interface HandlerTarget {
  /** The pod's address. */
  readonly host: string;
  /** Where what listens on a port of the pod really is. */
  readonly locate: (port: number) => Target;
  readonly container: Container;
  readonly exec: ExecInContainer;
  readonly clock: Clock;
}

/** Runs a probe or hook handler once, within `timeoutMs` on the clock. Never throws. */
export async function runHandler(
  handler: Handler,
  target: HandlerTarget,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Outcome> {
  const controller = new AbortController();
  const timer = target.clock.after(timeoutMs, () => controller.abort(new Error('timeout')));
  const both = signal === undefined ? controller.signal : AbortSignal.any([controller.signal, signal]);
  try {
    return await run(handler, target, timeoutMs, both);
  } catch (error) {
    return { success: false, message: messageOf(error) };
  } finally {
    timer.cancel();
  }
}

async function run(
  handler: Handler,
  target: HandlerTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  if (handler.httpGet !== undefined) return await httpGet(handler.httpGet, target, signal);
  if (handler.tcpSocket !== undefined) {
    const { host = target.host } = handler.tcpSocket;
    const port = portNumber(handler.tcpSocket.port, target.container);
    return await tcpConnect({ host, port }, located(target, host, port), signal);
  }
  if (handler.exec !== undefined) {
    const { exitCode, output, errors } = await target.exec(handler.exec.command ?? [], signal);
    if (signal.aborted) {
      return {
        success: false,
        message: `command timed out: ${JSON.stringify((handler.exec.command ?? []).join(' '))} timed out after ${timeoutMs / 1000}s`,
      };
    }
    return { success: exitCode === 0, message: output + errors };
  }
  if (handler.sleep !== undefined) {
    const { seconds } = handler.sleep;
    await new Promise<void>((resolve) => {
      const timer = target.clock.after(seconds * 1000, resolve);
      signal.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
    });
    return { success: !signal.aborted, message: '' };
  }
  if (handler.grpc !== undefined)
    return { success: false, message: 'gRPC handlers are not supported by this node' };
  return { success: false, message: 'the handler names no action' };
}

/** A port by number or by the name that the container gives it. */
export function portNumber(port: IntOrString, container: Container): number {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  const named = container.ports?.find(({ name }) => name === port);
  if (named === undefined) throw new Error(`couldn't find port: ${port}`);
  return named.containerPort;
}

function httpGet(
  get: NonNullable<Handler['httpGet']>,
  target: HandlerTarget,
  signal: AbortSignal,
): Promise<Outcome> {
  const host = get.host ?? target.host;
  const port = portNumber(get.port, target.container);
  const secure = get.scheme === 'HTTPS';
  const path = (get.path ?? '').startsWith('/') ? (get.path ?? '/') : `/${get.path ?? ''}`;
  const url = `${secure ? 'https' : 'http'}://${host}:${port}${path}`;
  const to = located(target, host, port);
  const headers: Record<string, string> = {
    host: `${host}:${port}`,
    'user-agent': 'kube-probe/1.32',
    accept: '*/*',
    connection: 'close',
  };
  for (const { name, value } of get.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  return new Promise((resolve) => {
    const send = secure ? httpsRequest : httpRequest;
    const request = send(
      `${secure ? 'https' : 'http'}://${to.host}:${to.port}${path}`,
      { headers, signal, ...(secure ? { rejectUnauthorized: false } : {}) },
      (response) => {
        const status = response.statusCode ?? 0;
        response.resume();
        request.destroy();
        const success = status >= 200 && status < 400;
        resolve({ success, message: success ? '' : `HTTP probe failed with statuscode: ${status}` });
      },
    );
    request.on('error', (error: NodeJS.ErrnoException) => {
      resolve({ success: false, message: `Get "${url}": ${dialReason(error, host, port, signal, true)}` });
    });
    request.end();
  });
}

function located(target: HandlerTarget, host: string, port: number): Target {
  return host === target.host ? target.locate(port) : { host, port };
}

function tcpConnect({ host, port }: Target, to: Target, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: to.host, port: to.port });
    const abort = () => socket.destroy(new Error('aborted'));
    signal.addEventListener('abort', abort, { once: true });
    socket.once('connect', () => {
      resolve({ success: true, message: '' });
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve({ success: false, message: dialReason(error, host, port, signal, false) });
    });
    socket.once('close', () => signal.removeEventListener('abort', abort));
  });
}

function dialReason(
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
  signal: AbortSignal,
  http: boolean,
): string {
  if (signal.aborted) {
    return http
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : `dial tcp ${host}:${port}: i/o timeout`;
  }
  if (error.code === 'ECONNREFUSED') return `dial tcp ${host}:${port}: connect: connection refused`;
  if (error.code === 'ECONNRESET') return `read tcp ${host}:${port}: read: connection reset by peer`;
  return error.message;
}
