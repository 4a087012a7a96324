import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isJsonObject } from '../../kernel/index.ts';
import { isSameProcess, processSpace } from './process-identity.ts';
import { processStart } from '../../kernel/index.ts';

const PREFIX = 'drydock-';
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
 * The folder of one run of a cluster, and what earlier runs left when they were killed, wherever they ran: their
 * processes are ended (only where id and start time both agree) and their folders removed. `runs` lists the folders
 * of this user's running clusters.
 */
export function openWorkFolder(parent: string = tmpdir(), runs: string = runsFolder()): WorkFolder {
  mkdirSync(runs, { recursive: true, mode: 0o700 });
  reapAbandoned(runs);
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(path.join(realpathSync(parent), PREFIX));
  mkdirSync(path.join(folder, PIDS));
  const entry = path.join(runs, `${path.basename(folder)}.json`);
  const run: Run = { folder, owner: identity(process.pid), space: processSpace() };
  enter(runs, entry, run);
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
      rmSync(entry, { force: true });
      leave(runs);
    },
  };
}

/** Puts a run on the list; another one that ends may just have removed the empty list. */
function enter(runs: string, entry: string, run: Run): void {
  for (let tries = 1; ; tries++) {
    try {
      writeFileSync(entry, JSON.stringify(run), { mode: 0o600 });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 5) throw error;
      mkdirSync(runs, { recursive: true, mode: 0o700 });
    }
  }
}

/** Nothing stays in the temporary folder once no cluster runs. */
function leave(runs: string): void {
  try {
    rmdirSync(runs);
  } catch {
    // Others still run.
  }
}

interface Run {
  readonly folder: string;
  readonly owner: Identity;
  readonly space: string;
}

function runsFolder(): string {
  return path.join(tmpdir(), `drydock-runs-${process.getuid?.() ?? 0}`);
}

function identity(pid: number): Identity {
  return { pid, start: processStart(pid) };
}

function reapAbandoned(runs: string): void {
  // The temporary folder is shared by all users of a machine: a list that somebody else made is not believed.
  const list = statSync(runs, { throwIfNoEntry: false });
  if (list === undefined || (list.mode & 0o022) !== 0) return;
  if (process.getuid !== undefined && list.uid !== process.getuid()) return;
  for (const name of listed(runs)) {
    const entry = path.join(runs, name);
    const run = readRun(entry);
    if (run?.owner.start === undefined || run.space !== processSpace()) continue;
    if (isSameProcess(run.owner.pid, run.owner.start)) continue;
    if (path.basename(run.folder).startsWith(PREFIX)) {
      const pids = path.join(run.folder, PIDS);
      for (const pid of listed(pids)) endGroup(asIdentity(readJson(path.join(pids, pid))));
      rmSync(run.folder, { recursive: true, force: true });
    }
    rmSync(entry, { force: true });
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function readRun(file: string): Run | undefined {
  const value = readJson(file);
  if (!isJsonObject(value) || typeof value['folder'] !== 'string') return undefined;
  const owner = asIdentity(value['owner']);
  const { folder, space } = value;
  return owner === undefined ? undefined : { folder, owner, space: typeof space === 'string' ? space : '' };
}

function asIdentity(value: unknown): Identity | undefined {
  if (!isJsonObject(value) || typeof value['pid'] !== 'number') return undefined;
  const { start } = value;
  return { pid: value['pid'], start: typeof start === 'string' ? start : undefined };
}

function endGroup(recorded: Identity | undefined): void {
  if (recorded === undefined || !isSameProcess(recorded.pid, recorded.start)) return;
  try {
    process.kill(-recorded.pid, 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
}
