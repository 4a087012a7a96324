import type { Colleague, LoadReport } from '../../../../examples/tomoda/index.ts';
import { LandfallError, runProgram } from '../../../kernel/index.ts';
import type { DemoOptions } from '../../commands/demo.ts';
import { outStyle } from '../../io.ts';
import type { CliIo } from '../../io.ts';
import type { Ran, TomodaStage } from './stage.ts';

const PROGRAM_MS = 180_000;

/** Tells what happens while it does. */
export interface Teller {
  /** A heading: what comes next, and who does it. */
  readonly say: (text: string) => void;
  /** Something that was seen, indented below the heading. */
  readonly detail: (text: string) => void;
  /** Shown with `--quiet`, too: the answers. */
  readonly show: (text: string) => void;
  /** Shows a command as somebody types it. */
  readonly typed: (text: string) => void;
  /** Runs a program as it is installed and shows it with its output. Throws where it fails. */
  readonly program: (program: string, args: readonly string[]) => Promise<void>;
  /** Runs a command of Landfall and shows it with its output. Throws where its exit code is another than wanted. */
  readonly landfall: (args: readonly string[], options?: TypedOptions) => Promise<Ran>;
}

export interface TypedOptions {
  readonly as?: Colleague;
  /** Default 0. */
  readonly wanted?: number;
  /** Shown with `--quiet`, too. */
  readonly answer?: boolean;
}

export function tellerOf(options: DemoOptions, io: CliIo, stage: () => TomodaStage): Teller {
  const style = outStyle(io);
  const loud = options.output === 'text';
  const chatty = loud && options.quiet !== true;
  const show = loud ? io.out : () => {};
  const detail = (text: string) => {
    if (chatty) io.out(`  ${text}\n`);
  };
  const typed = (text: string) => {
    if (chatty) io.out(`\n  ${style.dim('$')} ${text}\n`);
  };
  return {
    show,
    detail,
    typed,
    say: (text) => {
      if (chatty) io.out(`\n${style.bold(style.cyan('▸'))} ${style.bold(text)}\n`);
    },
    async program(name, args) {
      typed([name, ...args].map(shown).join(' '));
      const { code, stdout, stderr } = await runProgram(name, args, {
        env: stage().env,
        signal: io.signal,
        timeoutMs: PROGRAM_MS,
      });
      const out = stdout.toString('utf8');
      if (code !== 0) throw failed(name, args, code ?? -1, 0, `${stderr}${out}`);
      if (chatty) io.out(out.endsWith('\n') ? out : `${out}\n`);
    },
    async landfall(args, { as, wanted = 0, answer = false } = {}) {
      typed(['landfall', ...args].map(shown).join(' '));
      const ran = await stage().run(args, {
        ...(as === undefined ? {} : { as }),
        outTerminal: io.outTerminal,
        ...((answer ? loud : chatty) ? { out: io.out } : {}),
        ...(chatty ? { err: io.out } : {}),
      });
      if (ran.code === wanted) return ran;
      throw failed('landfall', args, ran.code, wanted, `${ran.err}${ran.out}`);
    },
  };
}

function failed(
  program: string,
  args: readonly string[],
  code: number,
  wanted: number,
  said: string,
): LandfallError {
  const command = [program, ...args].map(shown).join(' ');
  return new LandfallError(
    `'${command}' ended with ${code} where ${wanted} was expected: ${said.trim().slice(0, 2000)}`,
    {
      kind: 'unavailable',
      code: 'demo-command',
      object: program,
      hint: 'Run it again; when it happens twice, please report it with this output.',
    },
  );
}

/** A word as somebody types it into a shell. */
function shown(word: string): string {
  return /^[\w./:=@{}[\]-]+$/.test(word) ? word : `'${word}'`;
}

/** What clients from outside have seen, in a line. */
export function loadLine({ requests, lost, answeredBy }: LoadReport, host: string): string {
  const by = [...answeredBy].map(([commit, count]) => `${count} by ${commit.slice(0, 8)}`).join(', ');
  return `https://${host}/health: ${requests} requests, ${lost} lost (${by})`;
}
