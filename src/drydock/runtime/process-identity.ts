import { readlinkSync } from 'node:fs';
import { isAlive } from '../../kernel/index.ts';

export function isSameProcess(pid: number, start: string | undefined): boolean {
  return start !== undefined && isAlive(pid, start);
}

/** Where process ids mean the same: a container that shares a folder with this one has other ids. */
export function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
