import { withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface UpdatesOptions extends ClusterOptions, OutputOptions {
  readonly dryRun?: boolean;
}

export const updatesCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('updates')
      .summary('which images are kept up to date, what their policies choose now, and why not another')
      .description(
        'Which images are kept up to date: by updates of landfall.yaml, annotations or resources of Argo CD Image Updater, or image policies of Flux. list (the default) and check say for each image what Git asks for, what its policy would choose now and why others were passed over; run does one cycle now. Exit 0 nothing is in the way, 1 refused or failed, 2 held or limited.',
      )
      .argument('[action]', 'list, check or run; or the name of an application')
      .argument('[app]', 'name of the application; left out: all of them')
      .option('--dry-run', 'with run: show the lines that would be committed, and commit nothing');
    withExamples(withOutput(withCluster(command)), [
      'landfall updates',
      'landfall updates check tomoda',
      'landfall updates run tomoda --dry-run',
      'landfall updates -o json',
    ]).action(async (action: string | undefined, app: string | undefined, options: UpdatesOptions) => {
      const { answerUpdates } = await import('../updates/answer.ts');
      exit(await answerUpdates({ action, application: app }, options, io));
    });
  },
};
