import { setMaxListeners } from 'node:events';
import { EXIT } from './exit.ts';
import { processIo } from './io.ts';
import { runCli } from './run.ts';

/** Runs the command line in this process: the first Ctrl-C stops in order, the second at once. */
export async function runProcess(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  // Everything that runs at once waits for this one signal.
  setMaxListeners(0, stop.signal);
  let signals = 0;
  const onSignal = () => {
    signals++;
    if (signals === 1) stop.abort();
    else process.exit(EXIT.interrupted);
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  // A reader that went away (`landfall … | head`) ends us quietly, as it ends other programs.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
  return runCli(args, processIo(stop.signal));
}
