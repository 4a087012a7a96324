import { existsSync, readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { systemClock } from '../../kernel/index.ts';

/** A program, and what a terminal around it is told by. */
export interface TerminalCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly terminal: Terminal;
}

export interface Terminal {
  /** The process inside of it; undefined until it has begun. */
  pid(): number | undefined;
  /** Tells the program inside how large its terminal is. */
  resize(columns: number, rows: number): void;
}

const ARGUMENT = 'DRYDOCK_ARG';
const NOTE = 'DRYDOCK_TERMINAL';
const SHELL = 'DRYDOCK_SHELL';
const LOOK_MS = 20;
const LOOKS = 100;

/**
 * Puts a program into a pseudo terminal made by util-linux' `script`; undefined where this machine has none. What is
 * run comes to its shell by the environment: no part of it is ever read as shell. `note`: a file to be written.
 */
export function inTerminal(
  command: {
    readonly program: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  },
  note: string,
): TerminalCommand | undefined {
  const tools = findTools();
  if (tools === undefined) return undefined;
  const { script, stty } = tools;
  const names = [command.program, ...command.args].map((_, index) => `${ARGUMENT}${index}`);
  const inside = [
    `{ tty; echo $$; } >"$${NOTE}"`,
    `set -- ${names.map((name) => `"$${name}"`).join(' ')}`,
    `if [ -n "$${SHELL}" ]; then SHELL="$${SHELL}"; else unset SHELL; fi`,
    `unset ${[...names, NOTE, SHELL].join(' ')}`,
    'exec "$@"',
  ].join('; ');
  const given = [command.program, ...command.args].map((value, index) => [`${ARGUMENT}${index}`, value] as const);
  return {
    program: script,
    args: ['--quiet', '--return', '--flush', '--command', inside, '/dev/null'],
    env: {
      TERM: 'xterm',
      ...command.env,
      ...Object.fromEntries(given),
      [NOTE]: note,
      [SHELL]: command.env['SHELL'] ?? '',
      SHELL: '/bin/sh',
    },
    terminal: terminalOf(note, stty),
  };
}

function terminalOf(note: string, stty: string): Terminal {
  let wanted: { readonly columns: number; readonly rows: number } | undefined;
  let looking = false;

  function apply(looks: number): void {
    looking = false;
    if (wanted === undefined) return;
    const device = noted(note)?.device;
    if (device === undefined) {
      if (looks <= 0) return;
      looking = true;
      // The shell inside writes its note in its own time, which no clock moves.
      systemClock.after(LOOK_MS, () => apply(looks - 1));
      return;
    }
    const { columns, rows } = wanted;
    wanted = undefined;
    const child = spawn(stty, ['-F', device, 'rows', String(rows), 'cols', String(columns)], { stdio: 'ignore' });
    // A terminal that is gone has no size.
    child.on('error', () => {});
  }

  return {
    pid: () => noted(note)?.pid,
    resize(columns, rows) {
      wanted = { columns, rows };
      if (!looking) apply(LOOKS);
    },
  };
}

function noted(note: string): { readonly device: string; readonly pid: number } | undefined {
  try {
    const [device = '', pid = ''] = readFileSync(note, 'utf8').split('\n');
    return /^\/dev\/\S+$/.test(device) && /^\d+$/.test(pid) ? { device, pid: Number(pid) } : undefined;
  } catch {
    return undefined;
  }
}

function findTools(): { readonly script: string; readonly stty: string } | undefined {
  if (process.platform !== 'linux') return undefined;
  const folders = ['/usr/bin', '/bin', ...(process.env['PATH'] ?? '').split(path.delimiter)];
  const find = (name: string) =>
    folders
      .filter((folder) => path.isAbsolute(folder))
      .map((folder) => path.join(folder, name))
      .find((file) => existsSync(file));
  const script = find('script');
  const stty = find('stty');
  return script === undefined || stty === undefined || find('tty') === undefined ? undefined : { script, stty };
}
