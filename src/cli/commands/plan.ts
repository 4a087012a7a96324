import { withSet } from '../apply/options.ts';
import type { PlanCommandOptions } from '../apply/options.ts';
import { withExamples } from '../options.ts';
import type { CliCommand } from './command.ts';

export const planCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('plan')
      .summary('what an apply would do, and what stands in its way')
      .description(
        'What an apply would do, field by field with the line that asks for it, and everything that stands in its way. Changes nothing. Exit 0 it can be applied, 1 it would be refused.',
      )
      .argument('<what>', 'folder, manifest, - for stdin, or name of an Application')
      .option('--out <file>', 'write the plan down, to be carried out exactly so: landfall apply --plan FILE')
      .option('--save', 'keep the plan in the ledger, to be carried out by its id');
    withExamples(withSet(command), [
      'landfall plan deploy/',
      'landfall plan k8s/overlays/prod --prune --out plan.json',
      'landfall plan payment-api -o json',
    ]).action(async (what: string, options: PlanCommandOptions) => {
      const { runPlan } = await import('../apply/run-plan.ts');
      exit(await runPlan(what, options, io));
    });
  },
};
