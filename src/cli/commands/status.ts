import { withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export const statusCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('status')
      .summary('every Application with its verdict')
      .description(
        'Every Application with its verdict, beside what its engine says. Exit 0 when all have landed, 1 when one is broken, 2 otherwise.',
      )
      .argument('[app...]', 'only these Applications');
    withExamples(withOutput(withCluster(command)), [
      'landfall status',
      'landfall status comms-notification comms-platform -o json',
    ]).action(async (names: readonly string[], options: ClusterOptions & OutputOptions) => {
      const { answerStatus } = await import('../answers/status.ts');
      exit(await answerStatus(names, options, io));
    });
  },
};
