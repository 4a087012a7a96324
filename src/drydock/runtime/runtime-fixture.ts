import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {
  logBuffer,
  nodeOptions,
  openWorkFolder,
  PRELOAD_VARIABLES,
  startProcess,
  writePreload,
} from './index.ts';
import type { LogBuffer, RunningProcess, WorkFolder } from './index.ts';
import type { ProcessSpec } from './process.ts';
import { processSpace } from './process-identity.ts';

/** A work folder of its own, and programs that run in it. For tests. */
export interface RuntimeFixture {
  readonly parent: string;
  readonly runs: string;
  readonly work: WorkFolder;
  /** Makes the list of runs say that the cluster was killed. */
  abandon(space?: string): void;
  nodeProgram(
    source: string,
    env?: Record<string, string>,
  ): Promise<{ readonly running: RunningProcess; readonly output: LogBuffer }>;
  /** A program that is ended with the fixture. */
  start(
    spec: Omit<ProcessSpec, 'onOutput'>,
  ): Promise<{ readonly running: RunningProcess; readonly output: LogBuffer }>;
  podEnvironment(ip: string, localhost: string, hosts?: string): Record<string, string>;
  /** Ends what still runs, as after an assertion that failed, and removes everything. */
  close(): Promise<void>;
}

export function runtimeFixture(): RuntimeFixture {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'runtime-test-'));
  const runs = path.join(parent, 'runs');
  const work = openWorkFolder(parent, runs);
  const started = new Set<RunningProcess>();
  async function start(spec: Omit<ProcessSpec, 'onOutput'>) {
    const output = logBuffer(Date.now);
    const running = await startProcess({ ...spec, onOutput: (chunk) => output.write(chunk) }, work);
    started.add(running);
    void running.exited.finally(() => started.delete(running));
    return { running, output };
  }
  return {
    start,
    parent,
    runs,
    work,
    abandon(space = processSpace()) {
      const entry = path.join(runs, `${path.basename(work.path)}.json`);
      writeFileSync(
        entry,
        JSON.stringify({ folder: work.path, owner: { pid: 2 ** 22 + 1, start: '1' }, space }),
      );
    },
    async nodeProgram(source, env = {}) {
      const file = path.join(mkdtempSync(path.join(work.path, 'program-')), 'main.cjs');
      writeFileSync(file, source);
      return await start({ program: process.execPath, args: [file], cwd: work.path, env });
    },
    podEnvironment(ip, localhost, hosts) {
      const ports = path.join(work.path, 'ports');
      mkdirSync(ports, { recursive: true });
      return {
        NODE_OPTIONS: nodeOptions(writePreload(work.path), undefined),
        [PRELOAD_VARIABLES.ip]: ip,
        [PRELOAD_VARIABLES.localhost]: localhost,
        [PRELOAD_VARIABLES.namespace]: 'default',
        [PRELOAD_VARIABLES.ports]: ports,
        ...(hosts === undefined ? {} : { [PRELOAD_VARIABLES.hosts]: hosts }),
        [PRELOAD_VARIABLES.lifeline]: '3',
      };
    },
    async close() {
      for (const running of started) running.killGroup();
      await Promise.all([...started].map(({ exited }) => exited));
      work.remove();
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A port that nothing on this machine listens on now. */
export async function freePort(): Promise<number> {
  // Below the ports that the system hands out by itself, or a test beside this one may be given the same.
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => {
      server.close(resolve);
    });
    return port;
  }
}

export { isAlive } from '../../kernel/index.ts';

/** Waits in real time, because processes live in it. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tried = 0; tried < 1000; tried++) {
    if (condition()) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  throw new Error(`waited in vain for: ${what}`);
}
