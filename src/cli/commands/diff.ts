import { withSet } from '../apply/options.ts';
import type { SetOptions } from '../apply/options.ts';
import { withExamples } from '../options.ts';
import type { CliCommand } from './command.ts';

export const diffCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('diff')
      .summary('what is live against what the files ask for')
      .description(
        'What is live against what the files ask for, by a dry run of the API server. Exit 0 nothing differs, 1 something does, 2 it could not be found out.',
      )
      .argument('<what>', 'folder, manifest, - for stdin, or name of an Application');
    withExamples(withSet(command), [
      'landfall diff deploy/',
      'landfall diff payment-api || echo "it differs"',
    ]).action(async (what: string, options: SetOptions) => {
      const { runDiff } = await import('../apply/run-diff.ts');
      exit(await runDiff(what, options, io));
    });
  },
};
