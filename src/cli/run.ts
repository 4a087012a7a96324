import { Command, CommanderError, Help } from 'commander';
import type { LandfallError } from '../kernel/index.ts';
import { commandsFor } from './commands/index.ts';
import { EXIT } from './exit.ts';
import { errStyle } from './io.ts';
import type { CliIo } from './io.ts';
import { withExamples } from './options.ts';
import { renderFailure } from './output/failure.ts';
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

function exitOf(error: LandfallError, judging: boolean): number {
  if (error.kind === 'invalid-input' || error.kind === 'not-found') return EXIT.usage;
  return judging && (error.kind === 'unavailable' || error.kind === 'denied') ? EXIT.unproven : EXIT.broken;
}

/** The whole command line as a function: answers with the exit code, throws nothing. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const program = new Command('landfall');
  let exit: number = EXIT.ok;
  let judging = false;
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
  for (const command of commandsFor(args[0])) {
    command.register(program, io, (code) => {
      exit = code;
    });
  }
  program.hook('preAction', (_program, action) => {
    judging = action.parent === program && JUDGING.has(action.name());
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
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const error = failureOf(thrown);
    if (error.kind === 'cancelled' && io.signal.aborted) {
      io.err('stopped\n');
      return EXIT.interrupted;
    }
    io.err(renderFailure(error, errStyle(io)));
    return exitOf(error, judging);
  }
}
