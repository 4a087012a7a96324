import { readFileSync, readlinkSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

/**
 * When a process started, in the system's own notation; undefined when there is none of this id. With the id it names
 * a process for good: ids are used again, the pair is not.
 */
export function processStart(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The second field is the program's name in brackets and may hold anything; the start is the 22nd.
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    } catch {
      return undefined;
    }
  }
  const { status, stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const text = stdout?.trim() ?? '';
  return status === 0 && text !== '' ? text : undefined;
}

export function isSameProcess(pid: number, start: string | undefined): boolean {
  return start !== undefined && processStart(pid) === start;
}

/** Where process ids mean the same: a container that shares a folder with this one has other ids. */
export function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
