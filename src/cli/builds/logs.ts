import { sleep } from '../../kernel/index.ts';
import type { Build, BuildStep, Ledger } from '../../ledger/index.ts';
import { outputFrom } from '../../pipeline/index.ts';
import type { LogsOptions } from '../commands/builds.ts';
import { EXIT } from '../exit.ts';
import { errStyle, outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { ledgerOf } from '../ledger.ts';
import type { OutputFormat } from '../options.ts';
import { formatAnswer } from '../output/format.ts';
import { codeOf, findBuild, hasEnded } from './find.ts';
import { buildMark, nextCommand } from './text.ts';

const LOOK_MS = 500;

/** Prints what the steps wrote; with `follow` until the build has ended. */
export async function showLogs(id: string, options: LogsOptions, io: CliIo): Promise<number> {
  const ledger = ledgerOf(options, io);
  try {
    const found = await findBuild(ledger, id);
    const follows = options.follow === true;
    const build = follows ? await followBuild(found.id, ledger, options.output, io) : found;
    const code = follows ? codeOf(build.state) : EXIT.ok;
    if (follows && options.output === 'text') return code;
    const steps = await ledger.builds.steps(build.id);
    io.out(
      formatAnswer(
        options.output,
        { build: build.id, state: build.state, message: build.message, steps },
        () =>
          steps.length === 0
            ? `build ${build.id} is ${build.state}: ${build.message}; no step has begun\n`
            : steps.map((step) => heading(step, io) + ended(outputFrom(step, 0)) + footing(step)).join(''),
      ),
    );
    return code;
  } finally {
    await ledger.close();
  }
}

function heading({ name }: BuildStep, io: CliIo): string {
  return `${outStyle(io).bold(`── ${name}`)}\n`;
}

/** Whatever a program left open. */
function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function footing({ state, exitCode }: BuildStep): string {
  if (state === 'done' || state === 'running') return '';
  return `✗ ${state}${exitCode === undefined ? '' : `, exit ${exitCode}`}\n`;
}

/** Prints what is written from now on, where text is asked for, and how the build ended; answers with it. */
export async function followBuild(
  id: string,
  ledger: Ledger,
  output: OutputFormat,
  io: CliIo,
): Promise<Build> {
  /** Of the step that is being shown: which run of it, and how much of it. */
  let shown = { seq: -1, startedAt: '', at: 0 };
  let said = '';
  function say(build: Build): void {
    const next = nextCommand(build);
    const words = `${build.state} ${build.message}`;
    if (words === said) return;
    said = words;
    if (build.state === 'PENDING' || build.state === 'QUEUED')
      io.err(`build ${id} is ${build.state}: ${build.message}${next === undefined ? '' : `   ${next}`}\n`);
  }
  for (;;) {
    const build = await findBuild(ledger, id);
    say(build);
    for (const step of output === 'text' ? await ledger.builds.steps(id) : []) {
      const again = step.startedAt > shown.startedAt && step.seq <= shown.seq;
      if (step.seq < shown.seq && !again) continue;
      if (step.seq > shown.seq || again) {
        io.out(heading(step, io));
        shown = { seq: step.seq, startedAt: step.startedAt, at: 0 };
      }
      io.out(outputFrom(step, shown.at));
      shown = { ...shown, at: step.written };
    }
    if (hasEnded(build.state)) {
      io.err(`${buildMark(build.state, errStyle(io))} build ${id}: ${build.state}, ${build.message}\n`);
      return build;
    }
    await sleep(io.clock, LOOK_MS, io.signal);
  }
}
