import { Option } from 'commander';
import { withCluster, withExamples } from '../options.ts';
import type { ClusterOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface ExplainOptions extends ClusterOptions {
  readonly output: 'text' | 'markdown' | 'json' | 'yaml';
}

export const explainCommand: CliCommand = {
  register(program, io) {
    const command = program
      .command('explain')
      .summary('the delivery note: where it stopped, why, what to do, how to verify it')
      .description(
        'The delivery note: what the system is, where its delivery stopped and why, what misled, what to do, how to verify it.',
      )
      .argument('<app>', 'name of the Argo CD Application')
      .addOption(
        new Option('-o, --output <format>', 'how to print the note')
          .choices(['text', 'markdown', 'json', 'yaml'])
          .default('text'),
      );
    withExamples(withCluster(command), [
      'landfall explain comms-notification',
      'landfall explain comms-notification -o markdown > note.md',
    ]).action(async (application: string, options: ExplainOptions) => {
      const { answerExplain } = await import('../answers/explain.ts');
      await answerExplain(application, options, io);
    });
  },
};
