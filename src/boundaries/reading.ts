import { asLandfallError } from '../kernel/index.ts';
import type { LandfallError } from '../kernel/index.ts';

/**
 * Something that was looked for. `absent` is an answer (the source said that it is not there); `unreadable` is none,
 * and must never be taken for an empty one.
 */
export type Reading<T> =
  | { readonly state: 'read'; readonly value: T }
  | { readonly state: 'absent'; readonly why: string; readonly code?: string; readonly hint?: string }
  | { readonly state: 'unreadable'; readonly why: string; readonly code: string; readonly hint?: string };

export function read<T>(value: T): Reading<T> {
  return { state: 'read', value };
}

/** A failed look-up: `not-found` is absence, everything else leaves us without an answer; so does a program we lack. */
export function readingOfError(error: LandfallError): {
  readonly state: 'absent' | 'unreadable';
  readonly why: string;
  readonly code: string;
  readonly hint?: string;
} {
  return {
    state: error.kind === 'not-found' && error.code !== 'program-missing' ? 'absent' : 'unreadable',
    why: error.message,
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}

export function valueOf<T>(reading: Reading<T> | undefined): T | undefined {
  return reading?.state === 'read' ? reading.value : undefined;
}

/** What `work` gives, or why it could not. Throws only when `signal` was aborted. */
export async function attempt<T>(
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<Reading<T>> {
  try {
    return read(await work());
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' && signal?.aborted === true) throw error;
    return readingOfError(error);
  }
}
