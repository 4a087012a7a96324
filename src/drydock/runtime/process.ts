import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { LandfallError, systemClock } from '../../kernel/index.ts';
import { inTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import type { WorkFolder } from './work-folder.ts';

export interface ProcessSpec {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing of this program's own is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: (chunk: Buffer, stream: OutputStream) => void;
  /** Whether something may be written to it. Default: it reads the end of its input at once. */
  readonly input?: boolean;
  /** Runs it in a terminal that notes itself in this file. Where this machine can make none, it has pipes. */
  readonly terminalNote?: string;
}

export type OutputStream = 'stdout' | 'stderr';

export interface Exit {
  /** As a container runtime reports it: 128 plus the number of a signal that ended the process. */
  readonly exitCode: number;
  readonly signal: number | undefined;
}

export interface RunningProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Undefined where it has none. */
  readonly input: Writable | undefined;
  /** Undefined where it has none. */
  readonly terminal: Terminal | undefined;
  /** Leaves its output in the pipes, until it is to come again. */
  hold(held: boolean): void;
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
    const inside = spec.terminalNote === undefined ? undefined : inTerminal(spec, spec.terminalNote);
    const { program, args, env } = inside ?? spec;
    const terminal = inside?.terminal;
    const child = spawn(program, [...args], {
      cwd: spec.cwd,
      env: { ...env },
      stdio: [spec.input === true ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
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
    // A program that has closed its input is not worth an error.
    child.stdin?.on('error', () => {});
    child.stdio[LIFELINE_FD]?.on('error', () => {});
    const killGroup = () => {
      // What runs in a terminal leads a group of its own.
      for (const leader of [terminal?.pid(), pid]) {
        try {
          if (leader !== undefined) process.kill(-leader, 'SIGKILL');
        } catch {
          // Nothing of the group is left.
        }
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
      hold(held) {
        for (const stream of [child.stdout, child.stderr]) {
          if (held) stream?.pause();
          else stream?.resume();
        }
      },
      input: child.stdin ?? undefined,
      terminal,
      signal(name) {
        const inner = terminal?.pid();
        if (inner === undefined) {
          child.kill(name);
          return;
        }
        try {
          process.kill(inner, name);
        } catch {
          // It has ended already.
        }
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
