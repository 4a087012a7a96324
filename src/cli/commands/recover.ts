import type { RecoverOptions } from '../apply/run-recover.ts';
import { withRules } from '../option-rules.ts';
import { parseDuration, withCluster, withExamples, withOutput } from '../options.ts';
import type { CliCommand } from './command.ts';

export const recoverCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('recover')
      .summary('end what a killed apply left half done')
      .description(
        'End what a killed apply left half done: what had been written whole and is healthy stands, everything else goes back to what was there before. What was left in another cluster that had this address is only told; where that one is gone, --forget gives it up. Exit 0 nothing is half done any more, 1 something still is.',
      )
      .argument('[app]', 'only this application; default: all of this cluster')
      .option('--timeout <duration>', 'how long it may take to become healthy', parseDuration, 60_000)
      .option(
        '--forget <delivery>',
        'give up what was left half done in a cluster that is gone, and end nothing else',
      )
      .option('--reason <text>', 'with --forget: why, for the history');
    withRules(command, { needs: { '--reason': '--forget' } });
    withExamples(withOutput(withCluster(command)), [
      'landfall recover',
      'landfall recover --forget 1m7y6j80xd7jmc --reason "the cluster was made again"',
    ]).action(async (application: string | undefined, options: RecoverOptions) => {
      const { runRecover } = await import('../apply/run-recover.ts');
      exit(await runRecover(application, options, io));
    });
  },
};
