import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CliIo } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/run.ts';
import { systemClock } from '../../src/kernel/index.ts';
import type { Clock } from '../../src/kernel/index.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Both streams are terminals. Default false: a pipe. */
  readonly terminal?: boolean;
  /** Sees every write to stdout as it comes. */
  readonly onOut?: (text: string) => void;
}

/** A person at a terminal of their own: an empty home, no cluster, nothing that this machine has. */
export interface Person {
  readonly home: string;
  /** The folder for what the person makes. */
  readonly folder: string;
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** As `run` with `-o json`, and its answer. */
  ask(args: readonly string[], options?: RunOptions): Promise<Ran & { readonly json: unknown }>;
  leave(): Promise<void>;
}

export async function newPerson(): Promise<Person> {
  const home = await mkdtemp(path.join(tmpdir(), 'landfall-cli-'));
  const folder = path.join(home, 'work');
  await mkdir(folder);
  const run = async (args: readonly string[], options: RunOptions = {}): Promise<Ran> => {
    let out = '';
    let err = '';
    const terminal = options.terminal === true ? { isTTY: true, columns: 100 } : {};
    const io: CliIo = {
      out(text) {
        out += text;
        options.onOut?.(text);
      },
      err(text) {
        err += text;
      },
      outTerminal: terminal,
      errTerminal: terminal,
      env: { HOME: home, ...options.env },
      cwd: options.cwd ?? folder,
      clock: options.clock ?? systemClock,
      signal: options.signal ?? new AbortController().signal,
      stdin: () => Promise.resolve(''),
    };
    const code = await runCli(args, io);
    return { code, out, err };
  };
  return {
    home,
    folder,
    run,
    async ask(args, options) {
      const ran = await run([...args, '-o', 'json'], options);
      return { ...ran, json: ran.out === '' ? undefined : (JSON.parse(ran.out) as unknown) };
    },
    leave: () => rm(home, { recursive: true, force: true }),
  };
}
