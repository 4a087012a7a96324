import { withApply } from '../apply/options.ts';
import type { ApplyCommandOptions } from '../apply/options.ts';
import { withExamples } from '../options.ts';
import type { CliCommand } from './command.ts';

export const applyCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('apply')
      .summary('apply a set of manifests: all of it, or nothing')
      .description(
        'Apply a folder, a manifest, stdin or an Application: all of it, or nothing. Everything is checked before the first write, and whatever fails afterwards, health included, goes back to what was there. Exit 0 applied and healthy, 1 refused or taken back, 2 applied and not proven healthy, 3 wrong usage, 130 interrupted (and taken back).',
      )
      .argument('[what]', 'folder, manifest, - for stdin, or name of an Application');
    withExamples(withApply(command), [
      'landfall apply deploy/ --env staging                 # instead of kubectl apply -f deploy/',
      'landfall apply k8s/overlays/prod --env prod --prune',
      'landfall apply payment-api                           # what its Application asks for, now',
      'landfall plan deploy/ --out plan.json && landfall apply --plan plan.json',
    ]).action(async (what: string | undefined, options: ApplyCommandOptions) => {
      const { runApply } = await import('../apply/run-apply.ts');
      exit(await runApply(what, options, io));
    });
  },
};
