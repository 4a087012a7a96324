import { spawn } from 'node:child_process';
import type { Clock } from '../../../kernel/index.ts';
import type { Output } from './output.ts';
import { endProcessesOf, signalGroup } from './processes.ts';

export interface StepCommand {
  readonly build: string;
  /** Program and arguments; no shell reads them. */
  readonly run: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly clock: Clock;
  readonly output: Output;
}

export type StepOutcome =
  | { readonly how: 'exited'; readonly code: number; readonly left: number }
  | { readonly how: 'killed'; readonly by: string; readonly left: number }
  | { readonly how: 'not-started'; readonly why: string }
  | { readonly how: 'timeout' }
  | { readonly how: 'stopped' };

/** Output of a process that has ended may be on its way; what a child of it holds open is not waited for. */
const DRAIN_MS = 1_000;

/**
 * Runs one step in a process group of its own. At its time limit, or when `signal` aborts, the group gets SIGTERM, and
 * a little later everything of it SIGKILL. What a step left in the background is ended with it.
 */
export async function runStep(command: StepCommand, signal: AbortSignal): Promise<StepOutcome> {
  const { build, run, cwd, env, timeoutMs, graceMs, clock, output } = command;
  if (signal.aborted) return { how: 'stopped' };
  const [program = '', ...args] = run;
  const child = spawn(program, args, {
    cwd,
    env,
    // A group of its own, so that all of it can be ended.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.on('data', (chunk: Buffer) => output.write(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.write(chunk));
  let ended: 'timeout' | 'stopped' | undefined;
  let killing: { cancel(): void } | undefined;

  function stop(why: 'timeout' | 'stopped'): void {
    if (ended !== undefined || child.pid === undefined) return;
    ended = why;
    const { pid } = child;
    signalGroup(pid, 'SIGTERM');
    killing = clock.after(graceMs, () => {
      signalGroup(pid, 'SIGKILL');
      void endProcessesOf(build);
    });
  }

  const limit = clock.after(timeoutMs, () => stop('timeout'));
  const onAbort = () => stop('stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const exited = await new Promise<StepOutcome>((resolve) => {
      child.once('error', (cause: NodeJS.ErrnoException) =>
        resolve({
          how: 'not-started',
          why:
            cause.code === 'ENOENT'
              ? `the program '${program}' is not on PATH`
              : `'${program}' could not be started: ${cause.message}`,
        }),
      );
      child.once('exit', (code, by) =>
        resolve(
          code === null ? { how: 'killed', by: by ?? 'a signal', left: 0 } : { how: 'exited', code, left: 0 },
        ),
      );
    });
    if (exited.how === 'not-started') return exited;
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    const left = await endProcessesOf(build);
    await drained(child, clock);
    if (ended !== undefined) return { how: ended };
    return exited.how === 'exited' || exited.how === 'killed' ? { ...exited, left } : exited;
  } finally {
    limit.cancel();
    killing?.cancel();
    signal.removeEventListener('abort', onAbort);
    child.stdout.destroy();
    child.stderr.destroy();
    output.end();
  }
}

function drained(child: ReturnType<typeof spawn>, clock: Clock): Promise<void> {
  const { stdout, stderr } = child;
  if (stdout?.destroyed !== false && stderr?.destroyed !== false) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.after(DRAIN_MS, resolve);
    child.once('close', () => {
      timer.cancel();
      resolve();
    });
  });
}
