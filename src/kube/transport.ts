import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { LandfallError, sleep } from '../kernel/index.ts';
import type { Clock, Timer } from '../kernel/index.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import { cancelled, failureOfConnection, failureOfResponse, timedOut } from './failure.ts';
import type { Attempt } from './failure.ts';
import { createGate } from './gate.ts';
import type { Streams } from './streams.ts';
import type { TlsSettings } from './tls-context.ts';
import { StaleConnection, createWirePool } from './wire-pool.ts';
import { TooLarge } from './wire-response.ts';

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
  /** May be sent again when it did not get through. Default: GET only. */
  readonly repeatable?: boolean;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface ApiResponse {
  readonly status: number;
  readonly headers: Headers;
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
/** Of an answer that says why there is no stream. */
const MAX_FAILURE = 1024 * 1024;
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
function retryAfter(headers: Headers, now: number): number | undefined {
  const value = headers['retry-after'];
  if (typeof value !== 'string') return undefined;
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
  const server = `${base.protocol}//${base.host}${base.pathname.replace(/\/+$/, '')}`;
  const gate = createGate(clock);
  const pool = createWirePool(base, tls);
  let opening: Promise<Streams> | undefined;

  /** What streams need is loaded where there are some. */
  function streams(): Promise<Streams> {
    opening ??= import('./streams.ts').then(({ createStreams }) => createStreams(base, tls));
    return opening;
  }

  function headersOf(
    request: ApiRequest,
    identity: Credentials,
  ): Readonly<Record<string, string | string[]>> {
    return {
      host: base.host,
      accept: request.accept ?? 'application/json',
      'user-agent': options.userAgent,
      ...(request.body === undefined
        ? {}
        : {
            'content-type': request.contentType ?? 'application/json',
            'content-length': String(Buffer.byteLength(request.body)),
          }),
      ...identity.headers,
      ...request.headers,
    };
  }

  async function call(
    request: ApiRequest,
    identity: Credentials,
    watchdog: Guard,
    maxBytes: number,
  ): Promise<ApiResponse> {
    const attach = (stop: (error: LandfallError) => void) => watchdog.attach(stop);
    const text = requestText(
      request.method,
      pathOf(base, request),
      headersOf(request, identity),
      request.body,
    );
    const leave = await gate.enter(attach);
    try {
      const { status, headers, body } = await pool.call(identity, text, maxBytes, attach);
      const answer = body.toString('utf8');
      return { status, headers, text: status < 300 ? answer : withoutSecrets(answer, identity) };
    } catch (thrown) {
      if (!(thrown instanceof TooLarge)) throw thrown;
      throw new LandfallError(
        `Could not ${request.what} on ${server}: the answer is larger than ${maxBytes} bytes.`,
        { kind: 'unavailable', code: 'response-too-large', object: server },
      );
    } finally {
      leave();
    }
  }

  /** A failing answer is read whole; any other flows on. */
  async function openStream(
    request: ApiRequest,
    identity: Credentials,
    watchdog: Guard,
  ): Promise<{ readonly response: IncomingMessage; readonly failed?: string }> {
    const opened = await streams();
    const headers = headersOf(request, identity);
    const response = await opened.open(identity, pathOf(base, request), headers, (stop) =>
      watchdog.attach(stop),
    );
    if ((response.statusCode ?? 0) < 300) return { response };
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_FAILURE) break;
      chunks.push(chunk);
    }
    return { response, failed: withoutSecrets(Buffer.concat(chunks).toString('utf8'), identity) };
  }

  /** Sends until there is an answer that stands: a 401 is tried once with fresh credentials, a busy server waited for. */
  async function converse<T>(
    request: ApiRequest,
    signal: AbortSignal | undefined,
    exchange: (identity: Credentials, watchdog: Guard) => Promise<T>,
    statusOf: (taken: T) => { readonly status: number; readonly headers: Headers },
  ): Promise<T> {
    const attempt: Attempt = { what: request.what, server };
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT;
    const deadline = clock.now() + timeoutMs;
    const repeatable = request.repeatable ?? request.method === 'GET';
    let refreshed = false;
    for (let repeats = 0; ; repeats += 1) {
      const identity = await credentials.current(signal);
      const watchdog = guard(clock, attempt, Math.max(1, deadline - clock.now()), signal);
      try {
        const taken = await exchange(identity, watchdog);
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
        watchdog.release();
      }
    }
  }

  return {
    server,
    send(request, signal) {
      const maxBytes = request.maxBytes ?? DEFAULT_MAX_BYTES;
      return converse(
        request,
        signal,
        (identity, watchdog) => call(request, identity, watchdog, maxBytes),
        (taken) => taken,
      );
    },
    async open(request, signal) {
      const attempt: Attempt = { what: request.what, server };
      const first = {
        ...request,
        timeoutMs: Math.min(request.timeoutMs ?? DEFAULT_TIMEOUT, DEFAULT_TIMEOUT),
      };
      const opened = await converse(
        first,
        signal,
        (identity, watchdog) => openStream(first, identity, watchdog),
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
      pool.close();
      opening?.then((opened) => opened.close()).catch(() => {});
    },
  };
}

/**
 * A request as it goes over the wire. Throws for what would be more than one: nothing of a name or a token may end a
 * line.
 */
function requestText(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | string[]>>,
  body: string | undefined,
): string | Buffer {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `${name}: ${one}`),
  );
  const wrong = lines.find((line) => /[^\t\u0020-\u007E\u0080-\u00FF]/.test(line));
  if (wrong !== undefined || /[^\u0021-\u007E]/.test(path)) {
    const what = wrong === undefined ? 'address' : `header ${wrong.slice(0, wrong.indexOf(':'))}`;
    throw new LandfallError(`The ${what} of a request has a character that HTTP does not allow.`, {
      kind: 'invalid-input',
      code: 'kube-request',
      hint: 'Check the user and the token of the kubeconfig, and the names in the request.',
    });
  }
  const head = `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
  if (lines.some((line) => /[\u0080-\u00FF]/.test(line))) {
    return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body ?? '')]);
  }
  return head + (body ?? '');
}

/** A server may say anything; what it says never carries our own secret on. */
function withoutSecrets(text: string, identity: Credentials): string {
  let clean = text;
  for (const secret of identity.secrets) clean = clean.replaceAll(secret, '(secret)');
  return clean;
}
