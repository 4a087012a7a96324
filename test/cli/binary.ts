import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { sleep, systemClock } from '../../src/kernel/index.ts';

const PATIENCE_MS = 50_000;
const root = path.resolve(import.meta.dirname, '../..');

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  out(): string;
  err(): string;
  /** Waits until the output holds it. */
  until(wanted: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** The bundled program as it is installed, with a home and a temporary folder that nothing else uses. */
export interface Binary {
  readonly folder: string;
  readonly home: string;
  readonly temporary: string;
  readonly script: string;
  start(args: readonly string[], options?: StartOptions): Started;
  /** Starts it, waits for its end, and gives everything it said. */
  run(
    args: readonly string[],
    options?: StartOptions,
  ): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
  /** What is left of earlier runs: processes by id and command line, and entries of the temporary folder. */
  leftovers(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

/** Processes that run from, in or for a folder; found by command line, working directory and environment. */
function processesOf(folder: string): readonly { readonly pid: number; readonly text: string }[] {
  const read = (file: string) => {
    try {
      return file.endsWith('cwd') ? readlinkSync(file) : readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({
      pid: Number(name),
      text: ['cmdline', 'cwd', 'environ'].map((part) => read(`/proc/${name}/${part}`)).join(' '),
    }))
    .filter(({ text }) => text.includes(folder));
}

export async function openBinary(): Promise<Binary> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'landfall-bin-')));
  const home = path.join(folder, 'home');
  const temporary = path.join(folder, 'tmp');
  await Promise.all([mkdir(home), mkdir(temporary)]);
  const { bundle } = (await import(pathToFileURL(path.join(root, 'scripts/bundle.mjs')).href)) as {
    readonly bundle: (outdir: string) => Promise<void>;
  };
  try {
    await bundle(path.join(folder, 'dist'));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  // The example's files belong to the package.
  await symlink(path.join(root, 'examples'), path.join(folder, 'examples'));
  // What npm installs beside it: libraries that are not part of the bundle.
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const script = path.join(folder, 'dist', 'landfall.js');
  const running = new Set<Started>();

  const start = (args: readonly string[], options: StartOptions = {}): Started => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd: options.cwd ?? home,
      env: { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: temporary, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
    let over = false;
    const started: Started = {
      child,
      pid: child.pid ?? 0,
      out: () => out,
      err: () => err,
      async until(wanted) {
        const end = systemClock.now() + PATIENCE_MS;
        for (;;) {
          const found = wanted.exec(out);
          if (found !== null) return found;
          if (over || systemClock.now() > end)
            throw new Error(
              `${over ? 'It ended' : 'It runs'} and has not said ${String(wanted)}:\n${out}\n${err}`,
            );
          await sleep(systemClock, 10);
        }
      },
      kill: (signal) => void child.kill(signal),
      ended: new Promise((resolve) => {
        child.once('close', (code, signal) => {
          over = true;
          running.delete(started);
          resolve({ code, signal });
        });
      }),
    };
    running.add(started);
    return started;
  };

  return {
    folder,
    home,
    temporary,
    script,
    start,
    async run(args, options) {
      const started = start(args, options);
      const { code } = await started.ended;
      return { code, out: started.out(), err: started.err() };
    },
    async leftovers() {
      const processes = processesOf(folder).map(({ pid, text }) => `${pid} ${text.slice(0, 200)}`);
      return [...processes, ...(await readdir(temporary))];
    },
    async remove() {
      for (const started of running) started.kill('SIGKILL');
      await Promise.all([...running].map((started) => started.ended));
      // Detached clusters of a failed test.
      for (const { pid } of processesOf(folder)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has just ended.
        }
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}
