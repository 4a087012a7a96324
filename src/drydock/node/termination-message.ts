import { readFileSync, rmSync } from 'node:fs';
import type { Container } from '../controllers/index.ts';
import type { LogBuffer } from '../runtime/index.ts';

const MAX_FILE = 4096;
const MAX_LOG = 2048;
const MAX_LINES = 80;

/**
 * What a container said of its end: the file that it may write, or with FallbackToLogsOnError and no such file the
 * last of its log where it failed. Empty when it said nothing. The file is for one run.
 */
export function terminationMessage(
  file: string,
  spec: Pick<Container, 'terminationMessagePolicy'>,
  exitCode: number,
  log: LogBuffer | undefined,
): string {
  const written = readOnce(file);
  if (written !== '') return written;
  if (spec.terminationMessagePolicy !== 'FallbackToLogsOnError' || exitCode === 0) return '';
  const lines = (log?.text() ?? '').split('\n');
  return lines
    .slice(-MAX_LINES - 1)
    .join('\n')
    .slice(-MAX_LOG);
}

function readOnce(file: string): string {
  try {
    const text = readFileSync(file).subarray(0, MAX_FILE).toString('utf8');
    rmSync(file, { force: true });
    return text;
  } catch {
    return '';
  }
}
