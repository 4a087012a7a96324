import { withExamples, withOutput } from '../options.ts';
import type { OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export const layoutCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('layout')
      .summary('which files are base, environment and registration, and what each environment asks for')
      .description(
        'Which files of a deployment repository belong to one environment, which are shared and with whom, where each is registered with a controller, and what it asks for: images, replicas, namespace, selectors. Exit 1 where one does not render or a Service selects nothing.',
      )
      .argument('[dir]', 'a repository, or an environment in it', '.');
    withExamples(withOutput(command), [
      'landfall layout',
      'landfall layout apps/payment-api/overlays/staging -o json',
    ]).action(async (folder: string, options: OutputOptions) => {
      const { answerLayout } = await import('../layout/answer.ts');
      exit(await answerLayout(folder, options, io));
    });
  },
};
