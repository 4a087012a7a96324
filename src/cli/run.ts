import { Command, CommanderError, Help } from 'commander';
import { asLandfallError } from '../kernel/index.ts';
import { commands } from './commands/index.ts';
import { EXIT } from './exit.ts';
import { errStyle } from './io.ts';
import type { CliIo } from './io.ts';
import { renderFailure } from './output/failure.ts';
import { version } from './version.ts';

class PlainHelp extends Help {
  override subcommandDescription(command: Command): string {
    return command.summary();
  }

  override subcommandTerm(command: Command): string {
    return `${command.name()} ${command.registeredArguments.map((argument) => (argument.required ? argument.name() : `[${argument.name()}]`)).join(' ')}`.trim();
  }
}

function silence(command: Command, io: CliIo): void {
  command.exitOverride();
  command.configureOutput({ writeOut: io.out, writeErr: io.err });
  command.createHelp = () => Object.assign(new PlainHelp(), { helpWidth: 100 });
  for (const child of command.commands) silence(child, io);
}

/** The whole command line as a function: answers with the exit code, throws nothing. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const program = new Command('landfall');
  let exit: number = EXIT.ok;
  program
    .description('Carries a commit to a Kubernetes cluster and proves that it got there.')
    .version(version(), '-V, --version')
    .showHelpAfterError('(landfall help shows what there is)')
    .showSuggestionAfterError();
  for (const command of commands) {
    command.register(program, io, (code) => {
      exit = code;
    });
  }
  silence(program, io);
  if (args.length === 0) {
    io.out(program.helpInformation());
    return EXIT.ok;
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exit;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' && io.signal.aborted) {
      io.err('stopped\n');
      return EXIT.interrupted;
    }
    io.err(renderFailure(error, errStyle(io)));
    // A wrong question is wrong usage; a source that cannot be read leaves everything unproven.
    if (error.kind === 'invalid-input' || error.kind === 'not-found') return EXIT.usage;
    return error.kind === 'unavailable' || error.kind === 'denied' ? EXIT.unproven : EXIT.broken;
  }
}
