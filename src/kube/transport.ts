import { setMaxListeners } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { LandfallError, sleep } from '../kernel/index.ts';
import type { Clock, Timer } from '../kernel/index.ts';
import { createAgents } from './agents.ts';
import type { TlsSettings } from './agents.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import { cancelled, failureOfConnection, failureOfResponse, timedOut } from './failure.ts';
import type { Attempt } from './failure.ts';
import { createGate } from './gate.ts';

export interface ApiRequest {
  /** In the infinitive, for messages: `read Deployment/comms/web`. */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
  /** Added to those of the identity. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Milliseconds for the whole call, retries included. Default 30,000. */
  readonly timeoutMs?: number;
  /** Bytes of the answer; more is an error. Default 64 MiB. */
  readonly maxBytes?: number;
  /** The body flows for as long as the call lives. Set by `open`. */
  readonly stream?: boolean;
  /** May be sent again when it did not get through. Default: GET only. */
  readonly repeatable?: boolean;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One API server, one identity: sends requests within a deadline, and knows what to say when it cannot. */
export interface Transport {
  readonly server: string;
  /** Resolves with any answer of the server, success or not. */
  send(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse>;
  /** As `send`, with the body still flowing; `timeoutMs` bounds its whole life. Failing answers throw. */
  open(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

const DEFAULT_TIMEOUT = 30_000;
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const MAX_REPEATS = 5;
const MAX_RETRY_AFTER = 10_000;

export interface TransportOptions {
  readonly server: URL;
  readonly tls: TlsSettings;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  readonly userAgent: string;
}

function pathOf(base: URL, request: ApiRequest): string {
  const prefix = base.pathname.replace(/\/+$/, '');
  const query = Object.entries(request.query ?? {})
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join('&');
  const joint = query === '' ? '' : request.path.includes('?') ? '&' : '?';
  return `${prefix}${request.path}${joint}${query}`;
}

/** Milliseconds that `Retry-After` asks for: seconds or a date (RFC 9110). */
function retryAfter(headers: IncomingHttpHeaders, now: number): number | undefined {
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** A deadline and a signal over one call; whichever comes first says why. */
interface Guard {
  readonly failure: () => LandfallError | undefined;
  attach(stop: (error: LandfallError) => void): void;
  release(): void;
}

function guard(clock: Clock, attempt: Attempt, ms: number, signal: AbortSignal | undefined): Guard {
  let failed: LandfallError | undefined;
  let stop: ((error: LandfallError) => void) | undefined;
  const trip = (error: LandfallError) => {
    failed ??= error;
    stop?.(failed);
  };
  const timer: Timer = clock.after(ms, () => trip(timedOut(attempt, ms)));
  const onAbort = () => trip(cancelled(attempt));
  if (signal?.aborted) {
    onAbort();
  } else if (signal !== undefined) {
    // Many calls at a time may end by one signal; each takes its listener away.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', onAbort, { once: true });
  }
  return {
    failure: () => failed,
    attach(callback) {
      stop = callback;
      if (failed) callback(failed);
    },
    release() {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      stop = undefined;
    },
  };
}

export function createTransport(options: TransportOptions): Transport {
  const { server: base, tls, credentials, clock } = options;
  const secure = base.protocol === 'https:';
  const server = `${base.protocol}//${base.host}${base.pathname.replace(/\/+$/, '')}`;
  const agents = createAgents(secure, tls);
  const gate = createGate(clock);

  /** One request on the wire, up to the headers of its answer. */
  function exchange(request: ApiRequest, identity: Credentials, watchdog: Guard): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { body } = request;
      const start = secure ? httpsRequest : httpRequest;
      const sent = start({
        agent: agents.of(identity, request.stream === true),
        host: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port === '' ? (secure ? 443 : 80) : base.port,
        method: request.method,
        path: pathOf(base, request),
        headers: {
          host: base.host,
          accept: request.accept ?? 'application/json',
          'user-agent': options.userAgent,
          ...(body === undefined
            ? {}
            : {
                'content-type': request.contentType ?? 'application/json',
                'content-length': Buffer.byteLength(body),
              }),
          ...identity.headers,
          ...request.headers,
        },
      });
      sent.on('error', (cause) =>
        reject(sent.reusedSocket && isReset(cause) ? new StaleConnection(cause.message, { cause }) : cause),
      );
      sent.on('response', resolve);
      watchdog.attach((error) => {
        reject(error);
        sent.destroy(error);
      });
      // As text it leaves in one piece with the headers.
      sent.end(body);
    });
  }

  async function readText(
    response: IncomingMessage,
    identity: Credentials,
    attempt: Attempt,
    maxBytes: number,
  ): Promise<string> {
    const bytes = await new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size <= maxBytes) return;
        reject(
          new LandfallError(
            `Could not ${attempt.what} on ${server}: the answer is larger than ${maxBytes} bytes.`,
            { kind: 'unavailable', code: 'response-too-large', object: server },
          ),
        );
        response.destroy();
      });
      response.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
      response.on('error', reject);
    });
    const text = bytes.toString('utf8');
    return (response.statusCode ?? 0) < 300 ? text : withoutSecrets(text, identity);
  }

  /** Sends until there is an answer that stands: a 401 is tried once with fresh credentials, a busy server waited for. */
  async function converse<T>(
    request: ApiRequest,
    signal: AbortSignal | undefined,
    take: (response: IncomingMessage, identity: Credentials) => Promise<T>,
    statusOf: (taken: T) => { readonly status: number; readonly headers: IncomingHttpHeaders },
  ): Promise<T> {
    const attempt: Attempt = { what: request.what, server };
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT;
    const deadline = clock.now() + timeoutMs;
    const repeatable = request.repeatable ?? request.method === 'GET';
    let refreshed = false;
    for (let repeats = 0; ; repeats += 1) {
      const identity = await credentials.current(signal);
      const watchdog = guard(clock, attempt, Math.max(1, deadline - clock.now()), signal);
      let leave = () => {};
      try {
        // Streams have connections of their own.
        if (request.stream !== true) leave = await gate.enter((stop) => watchdog.attach(stop));
        const taken = await take(await exchange(request, identity, watchdog), identity);
        const { status, headers } = statusOf(taken);
        if (status === 401 && !refreshed && credentials.renew()) {
          refreshed = true;
          continue;
        }
        if ((status !== 429 && status !== 503) || !repeatable || repeats >= MAX_REPEATS) return taken;
        const wait = retryAfter(headers, clock.now());
        if (wait === undefined || wait > MAX_RETRY_AFTER || clock.now() + wait >= deadline) return taken;
        await sleep(clock, wait, signal);
      } catch (thrown) {
        const failure = watchdog.failure();
        if (failure) throw failure;
        if (repeatable && thrown instanceof StaleConnection && repeats < MAX_REPEATS) continue;
        throw failureOfConnection(thrown instanceof StaleConnection ? thrown.cause : thrown, attempt);
      } finally {
        leave();
        watchdog.release();
      }
    }
  }

  return {
    server,
    async send(request, signal) {
      const attempt: Attempt = { what: request.what, server };
      return converse(
        request,
        signal,
        async (response, identity) => ({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: await readText(response, identity, attempt, request.maxBytes ?? DEFAULT_MAX_BYTES),
        }),
        (taken) => taken,
      );
    },
    async open(request, signal) {
      const attempt: Attempt = { what: request.what, server };
      const opened = await converse<{ response: IncomingMessage; failed?: string }>(
        {
          ...request,
          stream: true,
          timeoutMs: Math.min(request.timeoutMs ?? DEFAULT_TIMEOUT, DEFAULT_TIMEOUT),
        },
        signal,
        async (response, identity) =>
          (response.statusCode ?? 0) < 300
            ? { response }
            : { response, failed: await readText(response, identity, attempt, DEFAULT_MAX_BYTES) },
        ({ response }) => ({ status: response.statusCode ?? 0, headers: response.headers }),
      );
      const { response, failed } = opened;
      if (failed !== undefined) throw failureOfResponse(response.statusCode ?? 0, failed, attempt);
      const life = guard(clock, attempt, request.timeoutMs ?? DEFAULT_TIMEOUT, signal);
      life.attach((error) => response.destroy(error));
      response.on('close', () => life.release());
      // An abort between two reads has no listener on the stream; the reader gets the error from the stream itself.
      response.on('error', () => {});
      return response;
    },
    close() {
      agents.close();
    },
  };
}

function isReset(thrown: unknown): boolean {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/** A kept connection that the server closed just now says nothing about the server. */
class StaleConnection extends Error {}

/** A server may say anything; what it says never carries our own secret on. */
function withoutSecrets(text: string, identity: Credentials): string {
  let clean = text;
  for (const secret of identity.secrets) clean = clean.replaceAll(secret, '(secret)');
  return clean;
}
