import type { PlacesOptions } from '../promotion/open.ts';
import { withCluster, withExamples, withOutput } from '../options.ts';
import type { CliCommand } from './command.ts';
import { withContexts } from './promote.ts';

export const releasesCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('releases')
      .summary(
        'what is where: each environment with its release, since when, held or not, and what could go on',
      )
      .description(
        'What is where: every environment of a workload in the order in which a release passes through, with release, commit and digest, since when it has landed, what is held, and what could be promoted next. Exit as of status.',
      )
      .argument('[app]', 'the workload, such as payment-api, or an application of it; default: all');
    withExamples(withOutput(withContexts(withCluster(command))), [
      'landfall releases payment-api',
      'landfall releases --contexts staging,prod -o json',
    ]).action(async (app: string | undefined, options: PlacesOptions) => {
      const { answerReleases } = await import('../promotion/releases.ts');
      exit(await answerReleases(app, options, io));
    });
  },
};
