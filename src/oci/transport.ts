import { LandfallError, sleep, type Clock } from '../kernel/index.ts';
import type { Scope } from './authorizer.ts';
import type { Endpoint } from './endpoints.ts';
import type { HttpExchanger, HttpRequest, HttpResponse } from './http-exchange.ts';
import type { Pace } from './pace.ts';
import { connectionError, statusError, type Attempt } from './registry-error.ts';
import { isLoopbackHost } from './token-realm.ts';

export interface RegistryRequest {
  readonly method: HttpRequest['method'];
  /** Absolute path and query under the endpoint, or a URL that the endpoint answered with (an upload's location). */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly maxBytes?: number;
  readonly scopes: readonly Scope[];
  /** Statuses that are answers; any other is an error. */
  readonly expect: readonly number[];
  /** For messages. */
  readonly action: string;
  readonly object: string;
}

export interface TransportOptions {
  readonly http: HttpExchanger;
  readonly clock: Clock;
  /** Further attempts after 429, 502, 503, 504 and a cut connection. */
  readonly retries: number;
  /** The longest wait that a registry may ask for; asked for more, the request fails at once. Milliseconds. */
  readonly maxWaitMs: number;
  readonly pace: Pace;
}

/** One request to one endpoint: authenticated, redirected, repeated within bounds. Throws LandfallError only. */
export type Transport = (
  endpoint: Endpoint,
  request: RegistryRequest,
  signal: AbortSignal,
) => Promise<HttpResponse>;

const REDIRECTS = 5;
const DEFAULT_BODY_LIMIT = 1024 * 1024;
const FIRST_WAIT_MS = 250;
const TRANSIENT: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const REDIRECT: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export function newTransport(options: TransportOptions): Transport {
  const { http, clock, retries, maxWaitMs, pace } = options;

  const once = async (
    endpoint: Endpoint,
    request: RegistryRequest,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<HttpResponse> => {
    let url = targetUrl(endpoint.base, request);
    for (let hop = 0; ; hop += 1) {
      const sameOrigin = url.origin === endpoint.base.origin;
      const response = await http.send({
        method: request.method,
        url,
        headers: {
          ...request.headers,
          // What proves who asks is for this origin only, whoever redirects where.
          ...(authorization !== undefined && sameOrigin ? { authorization } : {}),
        },
        ...(request.body === undefined ? {} : { body: request.body }),
        maxBytes: request.maxBytes ?? DEFAULT_BODY_LIMIT,
        signal,
      });
      const { location } = response.headers;
      if (!REDIRECT.has(response.status) || location === undefined) return response;
      const reads = request.method === 'GET' || request.method === 'HEAD';
      if (!reads && response.status !== 307 && response.status !== 308) return response;
      url = redirectUrl(location, url, request, hop);
    }
  };

  const authorized = async (
    endpoint: Endpoint,
    request: RegistryRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> => {
    const { authorizer } = endpoint;
    const first = await authorizer.header(request.scopes, signal);
    const response = await once(endpoint, request, first, signal);
    // A 401 of another origin is about a signed URL, not about who we are.
    if (response.status !== 401 || response.url.origin !== endpoint.base.origin) return response;
    const next = await authorizer.answer(response, request.scopes, first, signal);
    return next === undefined ? response : once(endpoint, request, next, signal);
  };

  return async (endpoint, request, signal) => {
    const attempt: Attempt = {
      action: request.action,
      object: request.object,
      origin: endpoint.base.origin,
    };
    for (let tried = 0; ; tried += 1) {
      let response: HttpResponse;
      const { origin } = endpoint.base;
      // Somebody else was told to stop: asking again would only prolong it.
      if (!(await pace.enter(origin, maxWaitMs, signal))) {
        throw statusError(attempt, 429, new Uint8Array(), pace.restMs(origin));
      }
      try {
        response = await authorized(endpoint, request, signal);
      } catch (error) {
        if (error instanceof LandfallError) throw error;
        if (tried >= retries || !isCut(error, request.method)) throw connectionError(attempt, error);
        await sleep(clock, backOff(tried), signal);
        continue;
      }
      if (request.expect.includes(response.status)) return response;
      const asked = retryAfter(response.headers['retry-after'], clock.now());
      const wait = asked ?? backOff(tried);
      if (response.status === 429 && response.url.origin === origin) pace.rest(origin, wait);
      if (tried >= retries || !TRANSIENT.has(response.status) || wait > maxWaitMs) {
        throw statusError(attempt, response.status, response.body, asked);
      }
      await sleep(clock, wait, signal);
    }
  };
}

/** A path is appended to the endpoint's own path; a location is taken as it is. */
function targetUrl(base: URL, { target, object }: RegistryRequest): URL {
  if (typeof target !== 'string') return target;
  const prefix = base.pathname.replace(/\/$/, '');
  const url = new URL(`${base.origin}${prefix}${target}`);
  if (url.origin === base.origin) return url;
  throw new LandfallError(`The path of a request for ${object} leads to another host.`, {
    kind: 'bug',
    code: 'registry-path',
    object,
  });
}

function redirectUrl(location: string, from: URL, request: RegistryRequest, hop: number): URL {
  const refuse = (why: string) =>
    new LandfallError(`${request.action} ${request.object}: ${from.origin} redirects ${why}.`, {
      kind: 'unavailable',
      code: 'registry-redirect-refused',
      object: request.object,
      hint: 'Tell who runs the registry, or name the place it redirects to as a mirror.',
    });
  if (hop >= REDIRECTS) throw refuse(`more than ${REDIRECTS} times`);
  let url: URL;
  try {
    url = new URL(location, from);
  } catch {
    throw refuse('to something that is not a URL');
  }
  const secure = url.protocol === 'https:';
  const plainAllowed = url.protocol === 'http:' && from.protocol === 'http:';
  if (!secure && !plainAllowed) throw refuse(`from TLS to ${url.protocol}//`);
  // A registry out there must not make us talk to services of this machine.
  if (isLoopbackHost(url.hostname) && !isLoopbackHost(from.hostname)) throw refuse('to this machine');
  return url;
}

/** A connection that was cut says nothing about the request; only what may be repeated is. */
function isCut(error: unknown, method: string): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return method !== 'POST' && method !== 'PATCH' && (code === 'ECONNRESET' || code === 'EPIPE');
}

function backOff(tried: number): number {
  return Math.round(FIRST_WAIT_MS * 2 ** tried * (0.75 + Math.random() * 0.5));
}

/** Retry-After in milliseconds: seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
