/**
 * What the caller can do about a failure decides its kind:
 * `invalid-input` mend what was given; `not-found` name something else; `conflict` read again and retry;
 * `denied` ask for the permission; `unavailable` try later, nothing is known; `cancelled` somebody asked for it;
 * `bug` report it.
 */
export type ErrorKind =
  | 'invalid-input'
  | 'not-found'
  | 'conflict'
  | 'denied'
  | 'unavailable'
  | 'cancelled'
  | 'bug';

export interface ErrorDetails {
  readonly kind: ErrorKind;
  /** Stable, kebab-case, safe to match on in scripts: `registry-unauthorized`. */
  readonly code: string;
  /** What it happened to: a file with line and column, an object, a URL without credentials. */
  readonly object?: string;
  /** What to do next, one sentence or one command. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error class. The message says what was attempted, on what, what was found and what was wanted. */
export class LandfallError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly object: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'LandfallError';
    this.kind = details.kind;
    this.code = details.code;
    this.object = details.object;
    this.hint = details.hint;
  }
}

/** Anything thrown, as a LandfallError: foreign errors become `bug`, aborts become `cancelled`. */
export function asLandfallError(thrown: unknown): LandfallError {
  if (thrown instanceof LandfallError) return thrown;
  if (thrown instanceof Error && (thrown.name === 'AbortError' || thrown.name === 'TimeoutError')) {
    return new LandfallError(thrown.message, { kind: 'cancelled', code: 'cancelled', cause: thrown });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new LandfallError(message, { kind: 'bug', code: 'unexpected', cause: thrown });
}

/** The sentence of an error of any class, without a stack. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
