import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as ChildProcess from 'node:child_process';

function linuxStart(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Counted behind the name, which stands in brackets and may hold anything: the state is field 3, the start 22.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/**
 * When a process started, in the system's own notation; undefined when there is none of this id, or one that has
 * ended and that nobody has asked for. With the id it names a process for good: ids are used again, the pair is not.
 */
export function processStart(pid: number): string | undefined {
  if (process.platform === 'linux') return linuxStart(pid);
  // Loaded where it is needed only: it takes milliseconds, and this file is part of every command.
  const { spawnSync } = createRequire(import.meta.url)('node:child_process') as typeof ChildProcess;
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
  });
  const [state = '', ...start] = (stdout ?? '').trim().split(/\s+/);
  return status === 0 && state !== '' && !state.startsWith('Z') ? start.join(' ') : undefined;
}

/** Whether a process runs; with `start` (not empty) only if it is that very process. */
export function isAlive(pid: number, start?: string): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  const found = processStart(pid);
  return found !== undefined && (start === undefined || start === '' || found === start);
}
