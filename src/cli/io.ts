import { systemClock } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import { styleFor } from './output/style.ts';
import type { Style, Terminal } from './output/style.ts';

/** Everything that a command may touch of the process it runs in. */
export interface CliIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly outTerminal: Terminal;
  readonly errTerminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly clock: Clock;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  readonly stdin: () => Promise<string>;
}

export function outStyle(io: CliIo): Style {
  return styleFor(io.outTerminal, io.env);
}

export function errStyle(io: CliIo): Style {
  return styleFor(io.errTerminal, io.env);
}

const MAX_STDIN = 16 * 1024 * 1024;

/** The io of this process. */
export function processIo(signal: AbortSignal): CliIo {
  return {
    out: (text) => {
      process.stdout.write(text);
    },
    err: (text) => {
      process.stderr.write(text);
    },
    outTerminal: process.stdout,
    errTerminal: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    clock: systemClock,
    signal,
    async stdin() {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of process.stdin) {
        const bytes = Buffer.from(chunk as Uint8Array);
        size += bytes.length;
        if (size > MAX_STDIN) break;
        chunks.push(bytes);
      }
      return Buffer.concat(chunks).toString('utf8');
    },
  };
}
