import { LandfallError, getArray, getNumber, getObject, getString, isJsonObject } from '../kernel/index.ts';
import type { ErrorKind, JsonObject, JsonValue } from '../kernel/index.ts';

const KEPT_TEXT = 2000;

/** What was attempted, in the infinitive, and where: `read Deployment/comms/web`, `https://10.0.0.1:6443`. */
export interface Attempt {
  readonly what: string;
  readonly server: string;
}

/** Kubernetes' Status out of a response body; undefined when it is something else. */
export function statusOf(body: string): JsonObject | undefined {
  if (!body.trimStart().startsWith('{')) return undefined;
  try {
    const value = JSON.parse(body) as JsonValue;
    return isJsonObject(value) && value['kind'] === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}

function causesOf(status: JsonObject): string[] {
  return getArray(status, 'details', 'causes').map((cause) => {
    const field = getString(cause, 'field');
    const message = getString(cause, 'message') ?? getString(cause, 'reason') ?? '';
    return field ? `${field}: ${message}` : message;
  });
}

/** The server's sentence with the causes that it does not name itself. */
function sentenceOf(code: number, status: JsonObject | undefined, body: string): string {
  if (status === undefined) {
    const text = body.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
    return text === '' ? `HTTP ${code} without a body` : `HTTP ${code}: ${text}`;
  }
  const message = (getString(status, 'message') ?? getString(status, 'reason') ?? `HTTP ${code}`).slice(
    0,
    KEPT_TEXT,
  );
  const missing = causesOf(status).filter((cause) => {
    const detail = cause.slice(cause.indexOf(': ') + 1).trim();
    return detail !== '' && !message.includes(detail);
  });
  return missing.length === 0
    ? message
    : `${message} (${missing.slice(0, 10).join('; ')})`.slice(0, KEPT_TEXT);
}

interface Outcome {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly hint?: string;
}

function outcomeOf(code: number, status: JsonObject | undefined, server: string): Outcome {
  const reason = getString(status, 'reason');
  const message = getString(status, 'message') ?? '';
  switch (code) {
    case 401:
      return {
        kind: 'denied',
        code: 'kube-unauthorized',
        hint: 'The server does not accept these credentials: log in again, or check the user of the kubeconfig context.',
      };
    case 403:
      return {
        kind: 'denied',
        code: 'kube-forbidden',
        hint: 'Grant the permission that the message names, or use a context whose user has it.',
      };
    case 407:
      return {
        kind: 'denied',
        code: 'kube-proxy-login',
        hint: 'A proxy between here and the server wants to be logged in to: run where the server is reached directly.',
      };
    case 404:
      return { kind: 'not-found', code: 'kube-not-found' };
    case 409:
      return {
        kind: 'conflict',
        code: reason === 'AlreadyExists' ? 'kube-already-exists' : 'kube-conflict',
      };
    case 410:
      return { kind: 'conflict', code: 'resource-version-expired', hint: 'List again and go on from there.' };
    case 413:
      return { kind: 'invalid-input', code: 'kube-too-large' };
    case 429:
      return {
        kind: 'unavailable',
        code: 'kube-too-many-requests',
        hint: 'The server is busy; try again in a moment.',
      };
    default:
      break;
  }
  // A field that the schema does not have: an apply is answered with 500, though asking again cannot help.
  if (code === 500 && message.startsWith('failed to create typed patch object')) {
    return { kind: 'invalid-input', code: 'kube-invalid' };
  }
  if (code >= 500 || code < 400) {
    return {
      kind: 'unavailable',
      code: 'kube-server-error',
      hint: `Nothing is known about the outcome; check that ${server} is well (kubectl get --raw /readyz), then try again.`,
    };
  }
  return { kind: 'invalid-input', code: reason === 'Invalid' ? 'kube-invalid' : 'kube-bad-request' };
}

/** An answer that is not a success, as the error the caller can act on. */
export function failureOfResponse(code: number, body: string, attempt: Attempt): LandfallError {
  const status = statusOf(body);
  const outcome = outcomeOf(code, status, attempt.server);
  const sentence = sentenceOf(code, status, body);
  return new LandfallError(
    `Could not ${attempt.what} on ${attempt.server}: ${sentence}${/[.!?)]$/.test(sentence) ? '' : '.'}`,
    {
      kind: outcome.kind,
      code: outcome.code,
      object: attempt.what.slice(attempt.what.indexOf(' ') + 1),
      ...(outcome.hint === undefined ? {} : { hint: outcome.hint }),
      ...(status === undefined ? {} : { cause: new KubeStatus(code, status) }),
    },
  );
}

/** The server's Status, kept as the cause of the error that was made of it. */
export class KubeStatus extends Error {
  readonly httpCode: number;
  readonly status: JsonObject;

  constructor(httpCode: number, status: JsonObject) {
    super(getString(status, 'message') ?? `HTTP ${httpCode}`);
    this.name = 'KubeStatus';
    this.httpCode = httpCode;
    this.status = status;
  }
}

/** The Status code, reason and details behind an error of this client; undefined for failures without an answer. */
export function statusBehind(
  error: unknown,
):
  | { readonly code: number; readonly reason: string; readonly message: string; readonly details: JsonObject }
  | undefined {
  const cause = error instanceof LandfallError ? error.cause : undefined;
  if (!(cause instanceof KubeStatus)) return undefined;
  return {
    code: getNumber(cause.status, 'code') ?? cause.httpCode,
    reason: getString(cause.status, 'reason') ?? '',
    message: cause.message,
    details: getObject(cause.status, 'details') ?? {},
  };
}

const TLS_CODES = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|HOSTNAME_MISMATCH|INVALID_CA)/;

/** No answer at all: refused, unreachable, reset, or a certificate that is not trusted. */
export function failureOfConnection(cause: unknown, attempt: Attempt): LandfallError {
  if (cause instanceof LandfallError) return cause;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  const text = cause instanceof Error ? cause.message : String(cause);
  const fail = (problem: string, errorCode: string, hint: string) =>
    new LandfallError(`Could not ${attempt.what} on ${attempt.server}: ${problem}.`, {
      kind: 'unavailable',
      code: errorCode,
      object: attempt.server,
      hint,
      cause,
    });
  if (TLS_CODES.test(code)) {
    return fail(
      `its certificate is not trusted (${text})`,
      'kube-tls',
      'Check certificate-authority and tls-server-name of the cluster in the kubeconfig.',
    );
  }
  if (code === 'EPROTO' || code === 'HPE_INVALID_CONSTANT') {
    return fail(
      'it does not speak the protocol that was expected',
      'kube-protocol',
      'Check whether the server of the kubeconfig should start with http:// or https://.',
    );
  }
  const problem =
    code === 'ECONNREFUSED'
      ? 'the connection was refused'
      : code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? 'its name does not resolve'
        : code === 'ECONNRESET' || code === 'EPIPE'
          ? 'the connection broke'
          : `the connection failed (${code || text})`;
  return fail(
    problem,
    'kube-unreachable',
    'Check that the cluster runs and that this is the right context: kubectl config current-context.',
  );
}

export function timedOut(attempt: Attempt, ms: number): LandfallError {
  return new LandfallError(
    `Could not ${attempt.what} on ${attempt.server}: no answer within ${ms / 1000} s.`,
    {
      kind: 'unavailable',
      code: 'kube-timeout',
      object: attempt.server,
      hint: 'Nothing is known about the outcome; check that the cluster is reachable from here, then try again.',
    },
  );
}

export function cancelled(attempt: Attempt): LandfallError {
  return new LandfallError(`Cancelled: ${attempt.what} on ${attempt.server}.`, {
    kind: 'cancelled',
    code: 'cancelled',
  });
}
