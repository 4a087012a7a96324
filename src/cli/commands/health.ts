import { Option } from 'commander';
import { withRules } from '../option-rules.ts';
import { withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface HealthOptions extends ClusterOptions, OutputOptions {
  readonly engineCompatible?: 'argocd' | 'kstatus';
  readonly filename?: string;
  readonly rules?: string;
}

export const healthCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('health')
      .summary('the health of each object, strictly, and as Argo CD or kstatus would have it')
      .description(
        'The health of each object of an application: pods of the stored template, endpoints, quotas, claims, conditions about the stored generation. --engine-compatible puts the answer of Argo CD or kstatus beside it. Exit 0: all healthy; 1: one is broken; 2: one is on its way or not known.',
      )
      .argument('[app]', 'name of the Argo CD Application; left out with --filename')
      .addOption(
        new Option('--engine-compatible <engine>', 'also what this engine says of each object').choices([
          'argocd',
          'kstatus',
        ]),
      )
      .option(
        '-f, --filename <file>',
        'judge the objects of a file instead (- is the standard input); of their pods and endpoints nothing is known then',
      )
      .option('--rules <file>', 'with --filename: a landfall.yaml whose health rules count');
    withRules(command, { needs: { '--rules': '--filename' } });
    withExamples(withOutput(withCluster(command)), [
      'landfall health payment-api',
      'landfall health payment-api --engine-compatible argocd',
      'kubectl get certificate shop -o yaml | landfall health -f - --engine-compatible kstatus',
    ]).action(async (application: string | undefined, options: HealthOptions) => {
      const { answerHealth } = await import('../answers/health.ts');
      exit(await answerHealth(application, options, io));
    });
  },
};
