import { getArray, getString, LandfallError, type ErrorKind, type JsonValue } from '../kernel/index.ts';

/** What was tried, for a message: `GET manifest`, `registry.corp.io/app:latest`, `https://registry.corp.io`. */
export interface Attempt {
  readonly action: string;
  readonly object: string;
  readonly origin: string;
}

/** The code and message that a registry put into its error body, cut short; '' when it has none. */
function reported(body: Uint8Array): string {
  try {
    const json = JSON.parse(Buffer.from(body).toString('utf8')) as JsonValue;
    const first = getArray(json, 'errors')[0];
    const code = getString(first, 'code');
    const message = getString(first, 'message');
    const text = [code, message].filter((part) => part !== undefined && part !== '').join(': ');
    return text === ''
      ? ''
      : ` (${printable(text)
          .slice(0, 200)
          .replace(/[.\s]+$/, '')})`;
  } catch {
    return '';
  }
}

function printable(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e\u00a0-\uffff]/g, ' ');
}

/** The error for a status that is not a success. */
export function statusError(
  attempt: Attempt,
  status: number,
  body: Uint8Array,
  retryAfterMs?: number,
): LandfallError {
  const { kind, code, what, hint } = meaningOf(status, attempt, retryAfterMs);
  return new LandfallError(
    `${attempt.action} ${attempt.object}: ${attempt.origin} ${what}${reported(body)}.`,
    { kind, code, object: attempt.object, hint },
  );
}

function meaningOf(
  status: number,
  { object, origin }: Attempt,
  retryAfterMs: number | undefined,
): { kind: ErrorKind; code: string; what: string; hint: string } {
  const host = origin.replace(/^https?:\/\//, '');
  if (status === 401 || status === 403) {
    return {
      kind: 'denied',
      code: 'registry-unauthorized',
      what: `refused with ${status}`,
      hint: `Log in with 'docker login ${host}' or give credentials that may use ${object}; some registries also answer so for what does not exist.`,
    };
  }
  if (status === 404) {
    return {
      kind: 'not-found',
      code: 'registry-not-found',
      what: 'has nothing of that name (404)',
      hint: 'Check the repository, the tag and the digest; see which tags there are.',
    };
  }
  if (status === 429) {
    return {
      kind: 'unavailable',
      code: 'registry-rate-limited',
      what: 'answered 429, too many requests',
      hint:
        retryAfterMs === undefined
          ? 'Wait, log in for a higher limit, or configure a mirror.'
          : `It asks to wait for ${Math.ceil(retryAfterMs / 1000)} s; log in for a higher limit, or configure a mirror.`,
    };
  }
  if (status >= 500) {
    return {
      kind: 'unavailable',
      code: 'registry-unavailable',
      what: `answered ${status}`,
      hint: 'The registry is in trouble; try again later or ask who runs it.',
    };
  }
  return {
    kind: 'invalid-input',
    code: 'registry-refused',
    what: `refused with ${status}`,
    hint: 'The registry does not take this request as it is; its message says why.',
  };
}

/** The error for an exchange that ended without an answer. */
export function connectionError(attempt: Attempt, cause: unknown): LandfallError {
  const code = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? '') : '';
  const message = cause instanceof Error ? cause.message : String(cause);
  const trust = /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|ERR_TLS/.test(code);
  return new LandfallError(
    `${attempt.action} ${attempt.object}: ${attempt.origin} did not answer: ${printable(message).slice(0, 300)}.`,
    {
      kind: 'unavailable',
      code: trust ? 'registry-untrusted' : 'registry-unavailable',
      object: attempt.object,
      hint: trust
        ? 'Give the certificate of the authority that signed the registry’s certificate.'
        : hintOf(code, attempt.origin),
      cause,
    },
  );
}

function hintOf(code: string, origin: string): string {
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The name in ${origin} does not resolve here; check it, the network, or configure a mirror.`;
    case 'ECONNREFUSED':
      return `Nothing listens at ${origin}; is the registry running?`;
    default:
      return 'Check the network between here and the registry, and try again.';
  }
}
