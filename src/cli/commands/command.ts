import type { Command } from 'commander';
import type { CliIo } from '../io.ts';

/** One command of the command line. Registering is cheap: what it needs is imported when it runs. */
export interface CliCommand {
  register(program: Command, io: CliIo, exit: (code: number) => void): void;
}
