import { Option } from 'commander';
import { parseDuration, withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface DriftOptions extends ClusterOptions, OutputOptions {
  readonly object?: string;
  readonly all?: boolean;
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly wait: number;
}

export const driftCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('drift')
      .summary('what differs from Git in the cluster, who did it, and the two ways out of it')
      .description(
        'What differs from Git in the cluster, field by field, and who wrote it. accept commits the live value to the line or the overlay that owns it; revert lets the controller put back what Git says. Both end when Git, controller and workload agree. Exit 0 nothing unexplained, 1 drift, 2 not settled in time.',
      )
      .argument('<app>', 'name of the Argo CD Application')
      .argument('[action]', 'accept or revert')
      .argument('[field]', 'a field as shown: spec.replicas; of one object: deploy/NAME:spec.replicas')
      .option('--object <kind/name>', 'only this object: Deployment/payment-api')
      .option(
        '--all',
        'also what belongs to its writer by design: autoscalers, injected sidecars, rotated secrets',
      )
      .option('--reason <text>', 'why, for the commit and the history')
      .option('--dry-run', 'show what accept or revert would do')
      .addOption(
        new Option('--wait <duration>', 'how long to wait until all three agree')
          .argParser(parseDuration)
          .default(120_000, '2m'),
      );
    withExamples(withOutput(withCluster(command)), [
      'landfall drift payment-api-staging',
      'landfall drift payment-api-staging accept spec.replicas --reason "load test needs five"',
      'landfall drift payment-api-staging revert spec.replicas',
      'landfall drift payment-api-staging --all -o json',
    ]).action(
      async (
        application: string,
        action: string | undefined,
        field: string | undefined,
        options: DriftOptions,
      ) => {
        const { answerDrift } = await import('../drift/drift.ts');
        exit(await answerDrift({ application, action, field }, options, io));
      },
    );
  },
};
