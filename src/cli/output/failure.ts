import { asLandfallError, redactValue } from '../../kernel/index.ts';
import type { ErrorKind, LandfallError } from '../../kernel/index.ts';
import type { Style } from './style.ts';

/** What a command answers with `-o json` that ended with an error; docs/failures.md, docs/failure.schema.json. */
export interface FailureDocument {
  readonly error: {
    readonly kind: ErrorKind;
    readonly code: string;
    readonly message: string;
    /** What it happened to. */
    readonly object: string | null;
    /** What to do next. */
    readonly next: string | null;
    /** Exit code of the command. */
    readonly exit: number;
  };
}

/** Where an error does not say it: what its kind means that one can do. */
const NEXT: Readonly<Record<ErrorKind, string | null>> = {
  'invalid-input': 'Mend what the message names, and run it again.',
  'not-found': 'Name something that is there.',
  conflict: 'Look at what is there now, and run it again.',
  denied: 'Ask for the permission, or use other credentials.',
  unavailable: 'Nothing is known of the outcome; try again later.',
  cancelled: null,
  bug: 'This is a bug in Landfall. Please report it.',
};

/** An error for the program that reads it. Without secrets, whoever wrote the message. */
export function failureDocument(error: LandfallError, exit: number): FailureDocument {
  const { kind, code, message, object = null, hint } = error;
  const next = hint ?? NEXT[kind];
  return redactValue({ error: { kind, code, message, object, next, exit } });
}

/** An error for the person who reads it: one sentence, what to do, no stack unless it is our own bug; no secrets. */
export function renderFailure(thrown: unknown, style: Style): string {
  const error = asLandfallError(thrown);
  const lines = [`${style.red('✗')} ${error.message}`];
  if (error.object !== undefined && !error.message.includes(error.object))
    lines.push(`  ${style.dim(error.object)}`);
  if (error.hint !== undefined) lines.push(`  ${style.bold('Do:')} ${error.hint}`);
  if (error.kind === 'bug') {
    const stack = error.cause instanceof Error ? error.cause.stack : error.stack;
    lines.push(
      '  This is a bug in Landfall. Please report it with these lines:',
      ...(stack ?? '')
        .split('\n')
        .slice(0, 6)
        .map((line) => `  ${line.trim()}`),
    );
  }
  return `${redactValue(lines.join('\n'))}\n`;
}
