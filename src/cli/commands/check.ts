import { InvalidArgumentError, Option } from 'commander';
import { withRules } from '../option-rules.ts';
import { withExamples } from '../options.ts';
import type { ClusterOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export type FailOn = 'error' | 'warning' | 'risk';

export interface CheckOptions extends ClusterOptions {
  readonly output: 'text' | 'json' | 'yaml';
  readonly format?: 'sarif' | 'junit';
  readonly failOn: FailOn;
  readonly all?: boolean;
  readonly cluster?: boolean;
  readonly kubernetesVersion?: number;
}

function parseMinor(text: string): number {
  const minor = /^v?1\.(\d{1,3})(?:\.\d+)?$/.exec(text)?.[1];
  if (minor === undefined) throw new InvalidArgumentError('A version of Kubernetes is 1.32.');
  return Number(minor);
}

export const checkCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('check')
      .summary('what would go wrong, before it is deployed')
      .description(
        'Find before a deploy what would stop it or bite later: mutable tags, selectors, ports, probes, budgets, autoscalers, missing configuration, removed API versions, variables that nobody filled in. With --cluster also quotas, permissions, and a dry run. Exit 1 when something as bad as --fail-on is found.',
      )
      .argument(
        '[dir|app]',
        'folder with manifests or a kustomization, or an Application of the cluster; default: this folder, or every environment below it',
      )
      .option('--all', 'every environment of the repository')
      .option(
        '--cluster',
        'also ask the cluster: quotas, what is there, permissions, a dry run that writes nothing',
      )
      .option(
        '--kubernetes-version <version>',
        'version that the manifests go to; default: the cluster, else 1.34',
        parseMinor,
      )
      .option(
        '--kubeconfig <file>',
        'the cluster to ask; default: KUBECONFIG, ~/.kube/config, the pod itself',
      )
      .option('--context <name>', 'context of the kubeconfig')
      .option('-n, --namespace <name>', 'namespace for objects that name none')
      .addOption(
        new Option('-o, --output <format>', 'how to print the answer')
          .choices(['text', 'json', 'yaml'])
          .default('text'),
      )
      .addOption(new Option('--format <format>', 'a report for CI instead').choices(['sarif', 'junit']))
      .addOption(
        new Option('--fail-on <level>', 'the mildest finding that fails')
          .choices(['error', 'warning', 'risk'])
          .default('error'),
      );
    withRules(command, { against: { '--format': ['--output'] } });
    withExamples(command, [
      'landfall check k8s/overlays/prod',
      'landfall check --all --fail-on warning',
      'landfall check k8s/overlays/prod --cluster -n comms',
      'landfall check comms-notification               # what it tracks, against its cluster',
      'landfall check --all --format sarif > landfall.sarif',
    ]).action(async (folder: string | undefined, options: CheckOptions) => {
      const { answerCheck } = await import('../check/check.ts');
      exit(await answerCheck(folder, options, io));
    });
  },
};
