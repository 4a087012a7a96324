import { readdir, readFile } from 'node:fs/promises';

/** Every process of a build has it in its environment, wherever it went. */
export const BUILD_VARIABLE = 'LANDFALL_BUILD';
const ROUNDS = 5;

/** Ids of the processes that belong to a build; none where the system does not say. */
async function processesOf(build: string): Promise<readonly number[]> {
  const wanted = `${BUILD_VARIABLE}=${build}`;
  let names: readonly string[];
  try {
    names = await readdir('/proc');
  } catch {
    return [];
  }
  const found: number[] = [];
  for (const name of names) {
    const pid = Number(name);
    if (!Number.isSafeInteger(pid) || pid === process.pid) continue;
    // Others' processes cannot be read, and one may end while it is looked at.
    const environment = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
    if (environment.split('\0').includes(wanted)) found.push(pid);
  }
  return found;
}

export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

/**
 * Ends every process of a build, also what left its group or was left by a Landfall that was killed. Answers with how
 * many there were. On systems without /proc only the group of a running step can be ended.
 */
export async function endProcessesOf(build: string): Promise<number> {
  const ended = new Set<number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const left = await processesOf(build);
    if (left.length === 0) break;
    for (const pid of left) {
      ended.add(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
  }
  return ended.size;
}
