import { Option } from 'commander';
import { withExamples } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface InvestigateOptions {
  readonly output: 'text' | 'markdown' | 'json' | 'yaml';
}

export const investigateCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('investigate')
      .summary('the same from pasted outputs alone: a folder, a file or standard input')
      .description(
        'Reads outputs of kubectl, Argo CD, Flux, Helm, Git, CI and registries, manifests, metrics and logs, in any mixture, and says where the delivery stopped, why, what misled and what to ask next. Exit 0 when it landed, 1 when it is broken, 2 when nothing decides.',
      )
      .argument('<path>', 'a folder, a file, or - for standard input')
      .addOption(
        new Option('-o, --output <format>', 'how to print the answer')
          .choices(['text', 'markdown', 'json', 'yaml'])
          .default('text'),
      );
    withExamples(command, [
      'landfall investigate incident/',
      'kubectl describe pods -n shop | landfall investigate -',
      'landfall investigate briefing.md -o markdown > note.md',
    ]).action(async (where: string, options: InvestigateOptions) => {
      const { answerInvestigate } = await import('../investigate/answer.ts');
      exit(await answerInvestigate(where, options, io));
    });
  },
};
