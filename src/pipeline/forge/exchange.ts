import { LandfallError, messageOf, type Clock } from '../../kernel/index.ts';
import type { Dialect } from './contract.ts';
import type { ForgePlace } from './place.ts';

export interface Exchange {
  readonly method: 'GET' | 'POST';
  /** Below the API, with its query. */
  readonly path: string;
  readonly body?: Readonly<Record<string, string>>;
  /** What is attempted, for messages: `Opening a pull request`. */
  readonly action: string;
}

export interface Answer {
  readonly status: number;
  readonly value: unknown;
  /** What the host said in words, without the token. */
  readonly said: string;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 8 * 2 ** 20;

/**
 * One request to the API, and its answer. The token goes to this one origin: redirects are refused, and links in
 * answers are never followed. 2xx, 409 and 422 are answers; everything else throws what it means and what to do.
 */
export async function exchange(
  place: ForgePlace,
  dialect: Dialect,
  token: { readonly value: string; readonly name: string },
  request: Exchange,
  clock: Clock,
  signal: AbortSignal,
): Promise<Answer> {
  const url = new URL(request.path, place.api);
  const attempted = `${request.action} in ${place.display}`;
  const limit = new AbortController();
  const timer = clock.after(TIMEOUT_MS, () => limit.abort());
  try {
    const response = await fetch(url, {
      method: request.method,
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit.signal]),
      headers: {
        'user-agent': 'landfall',
        accept: 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...dialect.headers(token.value),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
    const text = await boundedText(response, attempted);
    const said = sentenceOf(text).replaceAll(token.value, '…');
    const failure = statusFailure(place, dialect, token.name, attempted, response, said, clock);
    if (failure !== undefined) throw failure;
    return { status: response.status, value: parsed(text), said };
  } catch (thrown) {
    if (thrown instanceof LandfallError) throw thrown;
    if (signal.aborted) {
      throw new LandfallError(`${attempted} was cancelled.`, { kind: 'cancelled', code: 'cancelled' });
    }
    const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
    const why = limit.signal.aborted
      ? `it did not answer within ${TIMEOUT_MS / 1000} s`
      : messageOf(cause).replaceAll(token.value, '…').slice(0, 300);
    throw problem(
      'unavailable',
      'forge-unreachable',
      `${attempted} failed: ${place.api.host}: ${why}.`,
      place,
      'Check the address of the API and the network, then try again.',
    );
  } finally {
    timer.cancel();
  }
}

function statusFailure(
  place: ForgePlace,
  dialect: Dialect,
  tokenName: string,
  attempted: string,
  response: Response,
  said: string,
  clock: Clock,
): LandfallError | undefined {
  const { status, headers } = response;
  if (response.ok || status === 409 || status === 422) return undefined;
  const answered = `${attempted} failed: ${place.api.host} answered ${status}${said === '' ? '' : `: ${said}`}.`;
  const wait = waitOf(headers, clock);
  if (status === 429 || (status === 403 && (wait !== undefined || /rate limit/i.test(said)))) {
    const hint = wait === undefined ? 'Try again later.' : `Try again in ${wait} s.`;
    return problem('unavailable', 'forge-rate-limited', answered, place, hint);
  }
  if (status >= 300 && status < 400) {
    const to = originOf(headers.get('location'), place.api);
    return problem(
      'denied',
      'forge-redirect',
      `${attempted} failed: ${place.api.host} sends on to ${to}, and a token is not sent to another place.`,
      place,
      'Give the address of the API itself, as api of this host in landfall.yaml; a repository that was renamed needs its new URL.',
    );
  }
  if (status === 401) {
    return problem(
      'denied',
      'forge-unauthorized',
      answered,
      place,
      `${tokenName} holds a token that is wrong, expired or revoked.`,
    );
  }
  if (status === 403) {
    return problem(
      'denied',
      'forge-forbidden',
      answered,
      place,
      `The token of ${tokenName} needs ${dialect.permission}.`,
    );
  }
  if (status === 404) {
    return problem(
      'not-found',
      'forge-not-found',
      answered,
      place,
      `It is not there, or the token of ${tokenName} may not see it: it needs ${dialect.permission}.`,
    );
  }
  if (status >= 500)
    return problem(
      'unavailable',
      'forge-failed',
      answered,
      place,
      'The host has trouble of its own; try again later.',
    );
  return problem(
    'invalid-input',
    'forge-refused',
    answered,
    place,
    'See what it says; the branch may be missing.',
  );
}

/** Seconds until the host takes requests again: `Retry-After`, or GitHub's time of reset when nothing is left. */
function waitOf(headers: Headers, clock: Clock): number | undefined {
  const after = headers.get('retry-after');
  if (after !== null) {
    const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - clock.now()) / 1000;
    return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
  }
  const reset = Number(headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset'));
  const left = headers.get('x-ratelimit-remaining') ?? headers.get('ratelimit-remaining');
  return left === '0' && reset > 0 ? Math.max(0, Math.ceil(reset - clock.now() / 1000)) : undefined;
}

function originOf(location: string | null, base: URL): string {
  try {
    return new URL(location ?? '', base).origin;
  } catch {
    return 'another address';
  }
}

async function boundedText(response: Response, attempted: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array;
    size += bytes.length;
    if (size > MAX_BYTES) {
      throw new LandfallError(`${attempted} failed: the answer has more than ${MAX_BYTES} bytes.`, {
        kind: 'unavailable',
        code: 'forge-answer',
      });
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The message of an answer: `message`, and the messages of `errors`. Pages of a proxy are not repeated. */
function sentenceOf(text: string): string {
  const value = parsed(text);
  if (value === undefined) return /[<>]/.test(text) ? '' : oneLine(text);
  const texts: string[] = [];
  const collect = (at: unknown, depth: number): void => {
    if (typeof at === 'string') texts.push(at);
    else if (Array.isArray(at) && depth < 4) for (const item of at.slice(0, 5)) collect(item, depth + 1);
    else if (typeof at === 'object' && at !== null && depth < 4) {
      for (const key of ['message', 'error', 'errors', 'error_description', 'base']) {
        if (Object.hasOwn(at, key)) collect((at as Record<string, unknown>)[key], depth + 1);
      }
    }
  };
  collect(value, 0);
  return oneLine(texts.join('; '));
}

function oneLine(text: string): string {
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, 400);
}

export function problem(
  kind: 'unavailable' | 'denied' | 'not-found' | 'invalid-input',
  code: string,
  message: string,
  place: ForgePlace,
  hint: string,
): LandfallError {
  return new LandfallError(message, { kind, code, object: place.display, hint });
}
