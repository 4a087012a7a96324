import { Option } from 'commander';
import type { PlacesOptions } from '../promotion/open.ts';
import { parseDuration, withCluster, withExamples, withOutput } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface RollbackOptions extends PlacesOptions {
  readonly to?: string;
  readonly reason?: string;
  readonly override?: string;
  readonly imagesOnly?: boolean;
  readonly dryRun?: boolean;
  readonly wait: number;
}

export const rollbackCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('rollback')
      .summary('go back to what landed before, by a commit, and prove it')
      .description(
        'Go back to what landed before: the commit that brought the release is taken back in Git, updates and promotions are held until somebody lifts that, and the workload is followed until it runs the old bytes. What cannot work is told before anything is done. Exit 0 landed, 1 refused or stopped, 2 not proven in time.',
      )
      .argument('<app>', 'name of the application')
      .option(
        '--to <revision>',
        'a delivery of landfall history, or a commit; default: the last that landed before',
      )
      .option('--reason <text>', 'why, for the commit and the history')
      .option(
        '--override <reason>',
        'go on although a migration ran, data would go or it never landed; kept as a decision',
      )
      .option('--images-only', 'write only the images, and keep what else came with them')
      .option('--dry-run', 'say what would change and what stands in the way, and write nothing')
      .addOption(
        new Option('--wait <duration>', 'how long the proof is waited for')
          .argParser(parseDuration)
          .default(600_000, '10m'),
      );
    withExamples(withOutput(withCluster(command)), [
      'landfall rollback payment-api-staging --dry-run',
      'landfall rollback payment-api-staging --reason "errors since 14:02"',
      'landfall rollback payment-api-staging --to 01m3x7qk',
      'landfall holds                                   # what is held since, and why',
    ]).action(async (app: string, options: RollbackOptions) => {
      const { answerRollback } = await import('../promotion/rollback.ts');
      exit(await answerRollback(app, options, io));
    });
  },
};
