import { readdirSync, readFileSync } from 'node:fs';

/**
 * Bytes that each of these process groups holds for itself, by the id of its leader: what a container's limit counts
 * and the kernel cannot take back. Pages of files are not among them, since those are given up before anybody is
 * killed. Empty where the system has no /proc.
 */
export function groupMemory(leaders: ReadonlySet<number>): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return sums;
  }
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const leader = groupOf(readFileSync(`/proc/${name}/stat`, 'utf8'));
      if (!leaders.has(leader)) continue;
      const own = ownBytes(readFileSync(`/proc/${name}/status`, 'utf8'));
      sums.set(leader, (sums.get(leader) ?? 0) + own);
    } catch {
      // It ended between the list and the look.
    }
  }
  return sums;
}

/** The process group in a line of /proc/PID/stat; the name in parentheses may hold anything. */
function groupOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

function ownBytes(status: string): number {
  const kilobytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return (kilobytes('RssAnon') + kilobytes('RssShmem')) * 1024;
}
