import { LandfallError } from './errors.ts';

export interface ProgramOptions {
  readonly cwd?: string;
  /** The whole environment of the program; nothing is inherited that is not in here. */
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Milliseconds until the program is killed. Default 120,000. */
  readonly timeoutMs?: number;
  /** Bytes of output that are kept; more is an error, not a truncation. Default 256 MiB. */
  readonly maxOutput?: number;
}

export interface ProgramResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

const KEPT_STDERR = 64 * 1024;
const GRACE_MS = 2000;

/**
 * Runs a program without a shell and gives back whatever exit code it had. Throws `not-found` when the program
 * is not installed, `unavailable` when it ran out of time or wrote too much, `cancelled` on abort.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { signal, timeoutMs = 120_000, maxOutput = 256 * 1024 * 1024 } = options;
  // Most commands start no program, and what starts them takes milliseconds to load.
  const { spawn } = await import('node:child_process');
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(
        new LandfallError(`${program} was not started: cancelled.`, { kind: 'cancelled', code: 'cancelled' }),
      );
      return;
    }
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let failure: LandfallError | undefined;
    let last: NodeJS.Timeout | undefined;
    // SIGTERM first, so that a program can end its own children; what ignores it is killed.
    const fail = (error: LandfallError) => {
      if (failure !== undefined) return;
      failure = error;
      child.kill('SIGTERM');
      last = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    };
    const timer = setTimeout(
      () =>
        fail(
          new LandfallError(
            `${program} ${args[0] ?? ''} did not finish within ${Math.round(timeoutMs / 1000)} s.`,
            {
              kind: 'unavailable',
              code: 'program-timeout',
            },
          ),
        ),
      timeoutMs,
    );
    const onAbort = () =>
      fail(new LandfallError(`${program} was cancelled.`, { kind: 'cancelled', code: 'cancelled' }));
    signal?.addEventListener('abort', onAbort, { once: true });

    const chunks: Buffer[] = [];
    let size = 0;
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxOutput) {
        fail(
          new LandfallError(`${program} wrote more than ${maxOutput} bytes.`, {
            kind: 'unavailable',
            code: 'program-output-too-large',
          }),
        );
        return;
      }
      chunks.push(chunk);
    });
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      if (stderr.length < KEPT_STDERR) stderr += text.slice(0, KEPT_STDERR - stderr.length);
    });
    const finish = () => {
      clearTimeout(timer);
      clearTimeout(last);
      signal?.removeEventListener('abort', onAbort);
    };
    child.on('error', (cause: NodeJS.ErrnoException) => {
      finish();
      reject(
        failure ??
          (cause.code === 'ENOENT'
            ? new LandfallError(
                `The program '${program}' could not be started: it is not on PATH (or its folder is gone).`,
                {
                  kind: 'not-found',
                  code: 'program-missing',
                  object: program,
                  hint: `Install ${program} and see that it is on PATH.`,
                  cause,
                },
              )
            : new LandfallError(`The program '${program}' could not be started: ${cause.message}`, {
                kind: 'unavailable',
                code: 'program-failed',
                object: program,
                cause,
              })),
      );
    });
    // A child of the program may hold its output open long after it was ended: then nobody waits for it.
    child.on('exit', () => {
      if (failure === undefined) return;
      finish();
      child.stdout.destroy();
      child.stderr.destroy();
      reject(failure);
    });
    child.on('close', (code, killed) => {
      finish();
      if (failure) {
        reject(failure);
        return;
      }
      resolve({ code: code ?? (killed ? 128 : 1), stdout: Buffer.concat(chunks), stderr });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
  });
}
