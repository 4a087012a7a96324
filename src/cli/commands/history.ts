import { parseCount, withExamples, withOutput } from '../options.ts';
import type { OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface HistoryOptions extends OutputOptions {
  readonly limit: number;
  readonly namespace?: string;
  readonly ledger?: string;
}

const SHOWN = 20;

export const historyCommand: CliCommand = {
  register(program, io) {
    const command = program
      .command('history')
      .summary('the deliveries of an application, newest first, or one of them whole')
      .description(
        'The deliveries of an application that the ledger holds, newest first: what was asked for, by whom, how it ended and at which boundary. With a delivery: each object, the evidence, what was decided, who was told.',
      )
      .argument('<app>', 'name of the application')
      .argument('[delivery]', 'id of one delivery, or the beginning of it')
      .option('-n, --limit <count>', 'how many', parseCount, SHOWN)
      .option('--namespace <name>', 'namespace of the Application; default: wherever it is')
      .option(
        '--ledger <url>',
        'history in PostgreSQL, postgres://…; default: LANDFALL_LEDGER, a file of this user',
      );
    withExamples(withOutput(command), [
      'landfall history payment-api',
      'landfall history payment-api -n 5 -o json',
      'landfall history payment-api 1m7y4nqgce          # the beginning of an id is enough',
    ]).action(async (application: string, delivery: string | undefined, options: HistoryOptions) => {
      const { answerHistory } = await import('../history/answer-history.ts');
      await answerHistory(application, delivery, options, io);
    });
  },
};
