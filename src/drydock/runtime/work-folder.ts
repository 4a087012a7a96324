import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isSameProcess, processStart } from './process-identity.ts';

const PREFIX = 'drydock-';
const OWNER_FILE = 'owner.json';
const PIDS = 'pids';

interface Identity {
  readonly pid: number;
  readonly start: string | undefined;
}

export interface WorkFolder {
  readonly path: string;
  /** Notes a started process group, so that the next start can end it should this program be killed. */
  noteProcess(pid: number): void;
  forgetProcess(pid: number): void;
  remove(): void;
}

/**
 * The folder of one run of a cluster, and what earlier runs left when they were killed: their processes are ended
 * (only where id and start time both agree) and their folders removed.
 */
export function openWorkFolder(parent: string = tmpdir()): WorkFolder {
  mkdirSync(parent, { recursive: true });
  const base = realpathSync(parent);
  reapAbandoned(base);
  const folder = mkdtempSync(path.join(base, PREFIX));
  writeFileSync(path.join(folder, OWNER_FILE), JSON.stringify(identity(process.pid)), { mode: 0o600 });
  mkdirSync(path.join(folder, PIDS));
  const fileOf = (pid: number) => path.join(folder, PIDS, String(pid));
  return {
    path: folder,
    noteProcess(pid) {
      writeFileSync(fileOf(pid), JSON.stringify(identity(pid)), { mode: 0o600 });
    },
    forgetProcess(pid) {
      rmSync(fileOf(pid), { force: true });
    },
    remove() {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    },
  };
}

function identity(pid: number): Identity {
  return { pid, start: processStart(pid) };
}

function reapAbandoned(base: string): void {
  for (const name of readdirSync(base)) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = path.join(base, name);
    if (!isOurs(folder)) continue;
    const owner = readIdentity(path.join(folder, OWNER_FILE));
    if (owner?.start === undefined || isSameProcess(owner.pid, owner.start)) continue;
    for (const pid of listed(path.join(folder, PIDS))) endGroup(readIdentity(path.join(folder, PIDS, pid)));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The temporary folder is shared by all users of the machine: only folders of this user are touched. */
function isOurs(folder: string): boolean {
  try {
    const { uid } = statSync(folder);
    return process.getuid === undefined || uid === process.getuid();
  } catch {
    return false;
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readIdentity(file: string): Identity | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value !== 'object' || value === null || !('pid' in value) || typeof value.pid !== 'number') {
      return undefined;
    }
    const start = 'start' in value && typeof value.start === 'string' ? value.start : undefined;
    return { pid: value.pid, start };
  } catch {
    return undefined;
  }
}

function endGroup(recorded: Identity | undefined): void {
  if (recorded === undefined || !isSameProcess(recorded.pid, recorded.start)) return;
  try {
    process.kill(-recorded.pid, 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
}
