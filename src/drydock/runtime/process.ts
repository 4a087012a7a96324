import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { LandfallError, systemClock } from '../../kernel/index.ts';
import type { WorkFolder } from './work-folder.ts';

export interface ProcessSpec {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing of this program's own is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
}

export interface Exit {
  /** As a container runtime reports it: 128 plus the number of a signal that ended the process. */
  readonly exitCode: number;
  readonly signal: number | undefined;
}

export interface RunningProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** To the process alone, as a container's first process gets it. */
  signal(name: NodeJS.Signals): void;
  /** Ends the process and everything it started. */
  killGroup(): void;
}

/** The file descriptor on which a preloaded Node.js program sees that the cluster is gone. */
export const LIFELINE_FD = 3;

/** Starts a program without a shell, as the leader of a process group of its own. */
export function startProcess(spec: ProcessSpec, folder: WorkFolder): Promise<RunningProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(spec.program, [...spec.args], {
      cwd: spec.cwd,
      env: { ...spec.env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
      windowsHide: true,
    });
    const { pid } = child;
    child.once('error', (cause: NodeJS.ErrnoException) => {
      if (pid !== undefined) return;
      reject(
        new LandfallError(`The program "${spec.program}" could not be started: ${cause.message}`, {
          kind: 'invalid-input',
          code: 'entrypoint-not-started',
          object: spec.program,
          cause,
        }),
      );
    });
    if (pid === undefined) return;
    folder.noteProcess(pid);
    child.stdout?.on('data', (chunk: Buffer) => spec.onOutput(chunk, 'stdout'));
    child.stderr?.on('data', (chunk: Buffer) => spec.onOutput(chunk, 'stderr'));
    child.stdio[LIFELINE_FD]?.on('error', () => {});
    const killGroup = () => {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // Nothing of the group is left.
      }
    };
    const exited = new Promise<Exit>((settle) => {
      child.once('exit', (code, signal) => {
        // What the first process leaves behind goes with it, as in a container; open pipes would be held by it too.
        killGroup();
        folder.forgetProcess(pid);
        const number = signal === null ? undefined : constants.signals[signal];
        const exit = { exitCode: code ?? 128 + (number ?? 0), signal: number };
        drained(child).then(
          () => settle(exit),
          () => settle(exit),
        );
      });
    });
    resolve({
      pid,
      exited,
      signal(name) {
        child.kill(name);
      },
      killGroup,
    });
  });
}

const DRAIN_MS = 1000;

/** Output still in the pipes belongs to the log; a descendant that left the group must not hold it up for long. */
function drained(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve) => {
    // Pipes of the system know no other clock than the system's.
    const timer = systemClock.after(DRAIN_MS, finish);
    function finish(): void {
      timer.cancel();
      for (const stream of [child.stdout, child.stderr, child.stdio[LIFELINE_FD]]) stream?.destroy();
      resolve();
    }
    child.once('close', finish);
    child.stdio[LIFELINE_FD]?.destroy();
  });
}
