import { readFileSync, readlinkSync } from 'node:fs';
import os from 'node:os';
import { isAlive, processStart } from '../kernel/index.ts';

/** The process that holds a journal, so that another one can tell whether it lives. */
export interface Holder {
  /** For people: `process 4711 on ci-7`. */
  readonly name: string;
  /** Where process ids mean the same: this boot of this machine, and this container's own count of processes. */
  readonly machine: string;
  readonly pid: number;
  readonly start: string;
}

function machine(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return os.hostname();
  }
}

export function thisProcess(): Holder {
  return {
    name: `process ${process.pid} on ${os.hostname()}`,
    machine: machine(),
    pid: process.pid,
    start: processStart(process.pid) ?? '',
  };
}

/**
 * Whether the holder of a journal lives. Where its process can be seen, the process decides; on another machine the
 * lease does, which the holder renews as long as it runs.
 */
export function lives(
  held: {
    readonly machine: string;
    readonly pid: number;
    readonly process_start: string;
    readonly lease_until: number;
  },
  here: Holder,
  now: number,
): boolean {
  if (held.machine === here.machine) return isAlive(held.pid, held.process_start);
  return held.lease_until > now;
}
