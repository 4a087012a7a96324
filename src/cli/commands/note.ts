import { Option } from 'commander';
import { withCluster, withExamples } from '../options.ts';
import type { ClusterOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface NoteOptions extends ClusterOptions {
  readonly output: 'text' | 'markdown' | 'json' | 'yaml';
}

export const noteCommand: CliCommand = {
  register(program, io) {
    const command = program
      .command('note')
      .summary('the record of a delivery: desired, rendered, sync, live, health and rollout state')
      .description(
        'The record of a delivery: desired, rendered, sync, live, health and rollout state, each with its evidence; the boundary at which it stopped; what to roll back to. Without a delivery as it stands now; landfall explain says why and what to do.',
      )
      .argument('<app>', 'name of the Application')
      .argument('[delivery]', 'id of a delivery that the ledger holds, or the beginning of it')
      .addOption(
        new Option('-o, --output <format>', 'how to print the note')
          .choices(['text', 'markdown', 'json', 'yaml'])
          .default('text'),
      );
    withExamples(withCluster(command), [
      'landfall note payment-api',
      'landfall note payment-api 1m7y4nqgce -o markdown > note.md',
    ]).action(async (application: string, delivery: string | undefined, options: NoteOptions) => {
      const { answerNote } = await import('../history/answer-note.ts');
      await answerNote(application, delivery, options, io);
    });
  },
};
