import { Option } from 'commander';
import type { PlacesOptions } from '../promotion/open.ts';
import { withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface HoldsOptions extends ClusterOptions, OutputOptions {
  readonly comment?: string;
}

export interface PutHoldOptions extends PlacesOptions {
  readonly kind: 'updates' | 'promotion' | 'all';
  readonly reason: string;
}

export const holdsCommand: CliCommand = {
  register(program, io, exit) {
    const holds = program
      .command('holds')
      .summary('what must not go on by itself, since when, and why; lift it, or put one')
      .description(
        'What must not go on by itself: revisions that failed, updates and promotions that a rollback or a person has stopped.',
      );
    withExamples(holds, ['landfall holds', 'landfall holds lift 1m8qe44p --comment "fixed in 1.27.7"']);
    const list = holds
      .command('list', { isDefault: true })
      .summary('every hold, or those of an application')
      .description('Every hold, or those of an application, newest first.')
      .argument('[app]', 'name of the application');
    withExamples(withOutput(withCluster(list)), [
      'landfall holds',
      'landfall holds list payment-api-staging',
    ]).action(async (app: string | undefined, options: HoldsOptions) => {
      const { listHolds } = await import('../promotion/holds.ts');
      await listHolds(app, options, io);
    });
    const lift = holds
      .command('lift')
      .summary('let it go on')
      .description('Lift a hold, so that what it stopped goes on by itself again. Kept as a decision.')
      .argument('<id>', 'of the hold, or its beginning')
      .option('--comment <text>', 'why, for the history');
    withExamples(withOutput(withCluster(lift)), [
      'landfall holds lift 01m3x7qk --comment "fixed in 1.27.7"',
    ]).action(async (id: string, options: HoldsOptions) => {
      const { liftHold } = await import('../promotion/holds.ts');
      exit(await liftHold(id, options, io));
    });
    const put = holds
      .command('put')
      .summary('stop updates or promotions of an application')
      .description('Stop updates or promotions of an application until somebody lifts that.')
      .argument('<app>', 'name of the application')
      .addOption(
        new Option('--kind <kind>', 'what is stopped')
          .choices(['updates', 'promotion', 'all'])
          .default('all'),
      )
      .requiredOption('--reason <text>', 'why');
    withExamples(withOutput(withCluster(put)), [
      'landfall holds put payment-api-prod --reason "freeze for the audit"',
      'landfall holds put payment-api-dev --kind updates --reason "bisecting"',
    ]).action(async (app: string, options: PutHoldOptions) => {
      const { putHold } = await import('../promotion/holds.ts');
      exit(await putHold(app, options, io));
    });
  },
};
