import { asLandfallError } from '../../kernel/index.ts';
import type { Style } from './style.ts';

/** An error for the person who reads it: one sentence, what to do, no stack unless it is our own bug. */
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
  return `${lines.join('\n')}\n`;
}
