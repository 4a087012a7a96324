import { setMaxListeners } from 'node:events';
import { systemClock } from '../kernel/index.ts';
import { EXIT } from './exit.ts';
import { processIo } from './io.ts';
import { runCli } from './run.ts';

/** One Ctrl-C may arrive twice: from the terminal, and from npm or npx, which pass on what they got as well. */
const SAME_SIGNAL_MS = 500;

/** Errors of a stream whose other end went away: a pipe was closed, a terminal was hung up. */
const GONE = new Set(['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/** Runs the command line in this process: the first Ctrl-C stops in order, the second at once. */
export async function runProcess(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  // Everything that runs at once waits for this one signal.
  setMaxListeners(0, stop.signal);
  let signalled: number | undefined;
  const onSignal = () => {
    const now = systemClock.now();
    if (signalled !== undefined && now - signalled > SAME_SIGNAL_MS) process.exit(EXIT.interrupted);
    signalled ??= now;
    stop.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  // A reader that went away (`landfall … | head`) ends us quietly and in order; what was found out keeps its exit code.
  let readerGone = false;
  const onStreamError = (error: NodeJS.ErrnoException) => {
    if (!GONE.has(error.code ?? '')) throw error;
    readerGone = true;
    stop.abort();
  };
  process.stdout.on('error', onStreamError);
  process.stderr.on('error', onStreamError);
  const io = processIo(stop.signal);
  const code = await runCli(args, {
    ...io,
    err: (text) => {
      if (!readerGone) io.err(text);
    },
  });
  return readerGone && signalled === undefined && code === EXIT.interrupted ? EXIT.readerGone : code;
}
