import { Command, CommanderError, Help } from 'commander';
import { LandfallError } from '../kernel/index.ts';
import { commandsFor } from './commands/index.ts';
import { EXIT } from './exit.ts';
import { errStyle } from './io.ts';
import type { CliIo } from './io.ts';
import { withExamples } from './options.ts';
import type { OutputFormat } from './options.ts';
import { failureDocument, renderFailure } from './output/failure.ts';
import { formatAnswer } from './output/format.ts';
import { failureOf } from './system-failure.ts';
import { version } from './version.ts';

class PlainHelp extends Help {
  override subcommandDescription(command: Command): string {
    return command.summary() || command.description();
  }

  override subcommandTerm(command: Command): string {
    return `${command.name()} ${command.registeredArguments.map((argument) => (argument.required ? argument.name() : `[${argument.name()}]`)).join(' ')}`.trim();
  }
}

function silence(command: Command, io: CliIo): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: io.out,
    writeErr: io.err,
    outputError: (text, write) => write(text.replace(/^error: /, `${errStyle(io).red('✗')} `)),
  });
  command.createHelp = () => Object.assign(new PlainHelp(), { helpWidth: 100 });
  for (const child of command.commands) silence(child, io);
}

/** Commands whose exit code is a verdict. To them a source that cannot be read leaves everything unproven. */
const JUDGING = new Set(['prove', 'trace', 'explain', 'note', 'status']);
/** Commands that answer 1 for what they found, as `kubectl diff` does: a failure is more than 1. */
const COMPARING = new Set(['diff']);

function exitOf(error: LandfallError, command: string | undefined): number {
  const named = command ?? '';
  if (error.kind === 'cancelled' && error.code === 'interrupted') return EXIT.interrupted;
  if (COMPARING.has(named)) return EXIT.unproven;
  if (error.kind === 'invalid-input' || error.kind === 'not-found') return EXIT.usage;
  const unread = error.kind === 'unavailable' || error.kind === 'denied';
  return JUDGING.has(named) && unread ? EXIT.unproven : EXIT.broken;
}

/** `-o=json` as `-o json`: kubectl takes both. */
function withoutEquals(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return args.flatMap((word, at) => {
    const [, flag, value] = (end === -1 || at < end ? /^(-[no])=(.*)$/s.exec(word) : null) ?? [];
    return flag === undefined || value === undefined ? [word] : [flag, value];
  });
}

/** What `-o` asks for, as far as the words tell: it has to be known also where they cannot be understood. */
function formatAsked(args: readonly string[]): OutputFormat {
  const end = args.indexOf('--');
  const words = end === -1 ? args : args.slice(0, end);
  const values = words.flatMap((word, at) => {
    const inside = /^(?:--output=|-o)(.+)$/.exec(word)?.[1];
    return inside ?? (word === '-o' || word === '--output' ? (words[at + 1] ?? '') : []);
  });
  const last = values.at(-1);
  return last === 'json' || last === 'yaml' ? last : 'text';
}

/** What commander found to be wrong with the words, as an error of ours. */
function usageError(thrown: CommanderError, program: Command): LandfallError {
  const code = thrown.code
    .replace(/^commander\./, '')
    .replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const message =
    code === 'help'
      ? 'A command of this group is wanted.'
      : thrown.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  return new LandfallError(message, {
    kind: 'invalid-input',
    code: `usage-${code}`,
    hint: `${program.name()} help shows what there is.`,
  });
}

const INTERRUPTED = new LandfallError('Stopped before it was done.', {
  kind: 'cancelled',
  code: 'interrupted',
});

/** The whole command line as a function: answers with the exit code, throws nothing. */
export async function runCli(words: readonly string[], given: CliIo): Promise<number> {
  const args = withoutEquals(words);
  const program = new Command('landfall');
  let exit: number = EXIT.ok;
  let command: string | undefined;
  let answered = false;
  const io: CliIo = {
    ...given,
    out(text) {
      answered ||= text !== '';
      given.out(text);
    },
  };
  const format = formatAsked(args);
  /** Whoever asked for a document gets one, and never two. */
  const fail = (error: LandfallError, code = exitOf(error, command)): number => {
    if (format !== 'text' && !answered) io.out(formatAnswer(format, failureDocument(error, code), () => ''));
    return code;
  };
  program
    .description('Carries a commit to a Kubernetes cluster and proves that it got there.')
    .version(version(), '-V, --version')
    // A command with commands below it, as promote, leaves to them what stands behind their name.
    .enablePositionalOptions()
    .showHelpAfterError('(landfall help shows what there is)')
    .showSuggestionAfterError();
  withExamples(program, [
    'landfall demo                                  # replay an incident on an embedded cluster',
    'landfall prove comms-notification --wait 5m    # did it get there?',
    'landfall explain comms-notification            # where it stopped, why, what to do',
  ]);
  for (const each of commandsFor(args[0])) {
    each.register(program, io, (code) => {
      exit = code;
    });
  }
  program.hook('preAction', (_program, action) => {
    if (action.parent === program) command = action.name();
  });
  silence(program, io);
  if (args.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exit;
  } catch (thrown) {
    if (thrown instanceof CommanderError)
      return thrown.exitCode === 0 ? EXIT.ok : fail(usageError(thrown, program), EXIT.usage);
    const error = failureOf(thrown);
    if (error.kind === 'cancelled' && io.signal.aborted) {
      io.err('stopped\n');
      return fail(INTERRUPTED);
    }
    io.err(renderFailure(error, errStyle(io)));
    return fail(error);
  }
}
