import { withExamples, withOutput } from '../options.ts';
import type { OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export const triageCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('triage')
      .summary('where to look first for what you see, and which shortcut to avoid')
      .description(
        'Describe what you see: the likely boundary, the first useful check, and the shortcut that hides the cause. Without a description: the whole table. Exit 3 when nothing in the table is like it.',
      )
      .argument('[symptom...]', 'in your own words');
    withExamples(withOutput(command), [
      'landfall triage Service has no endpoints',
      'landfall triage "OutOfSync after a manual patch"',
      'landfall triage',
    ]).action(async (words: string[], options: OutputOptions) => {
      const { answerTriage } = await import('../check/triage.ts');
      exit(answerTriage(words.join(' '), options, io));
    });
  },
};
