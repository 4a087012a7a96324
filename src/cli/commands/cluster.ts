import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import { parseCount, parseMirror, parsePort, withExamples, withOutput } from '../options.ts';
import type { OutputOptions } from '../options.ts';
import type { CliIo } from '../io.ts';
import { registerFail } from './cluster-fail.ts';
import type { CliCommand } from './command.ts';

export interface StartOptions extends OutputOptions {
  readonly name: string;
  readonly port?: number;
  readonly registryPort?: number;
  readonly kubeconfig?: string;
  readonly token?: string;
  readonly data?: string;
  readonly detach?: boolean;
  readonly nodes: number;
  readonly strictImages?: boolean;
  readonly definitions: readonly string[];
  readonly registryMirror?: Readonly<Record<string, string>>;
  readonly registryAlias?: readonly string[];
}

function named(command: Command): Command {
  return command.option('--name <name>', 'which cluster of this machine', 'landfall');
}

function registerStart(cluster: Command, io: CliIo, exit: (code: number) => void): void {
  const start = named(cluster.command('start'))
    .description('Start Drydock: an embedded Kubernetes and an OCI registry, in one process, until Ctrl-C.')
    .option('--port <number>', 'port of the API server; default: a free one', parsePort)
    .option('--registry-port <number>', 'port of the registry; default: a free one', parsePort)
    .option('--kubeconfig <file>', 'where to write the kubeconfig; it is complete the moment it exists')
    .option(
      '--token <token>',
      'bearer token with all rights; default: a random one. LANDFALL_CLUSTER_TOKEN keeps it off the command line',
    )
    .option('--data <dir>', 'keep everything here across restarts, objects and images; default: in memory')
    .option('--detach', 'go on in the background; landfall cluster stop ends it')
    .option('--nodes <count>', 'number of nodes', parseCount, 3)
    .option(
      '--definitions <families>',
      'custom resources to install: argocd, flux, argo-rollouts, image-updater, gateway-api; all, or none',
      (text: string) => (text === 'none' ? [] : text.split(',').map((word) => word.trim())),
      ['argocd'],
    )
    .option('--strict-images', 'images of unknown registries fail to pull instead of being simulated')
    .option(
      '--registry-alias <host>',
      'let this registry host mean the embedded registry; may be repeated',
      (host: string, all: readonly string[] | undefined) => [...(all ?? []), host],
    )
    .option(
      '--registry-mirror <host=url>',
      'pull images of a host from this URL; may be repeated',
      parseMirror,
    );
  withExamples(withOutput(start), [
    'landfall cluster start',
    'landfall cluster start --detach --registry-alias registry.corp.io',
    'export KUBECONFIG=$(landfall cluster status -o json | jq -r ".[0].kubeconfig")',
  ]).action(async (options: StartOptions) => {
    const { startForeground, startDetached } = await import('../cluster/start.ts');
    exit(options.detach === true ? await startDetached(options, io) : await startForeground(options, io));
  });
}

export const clusterCommand: CliCommand = {
  register(program, io, exit) {
    const cluster = program
      .command('cluster')
      .summary('an embedded Kubernetes on this machine')
      .description('An embedded Kubernetes on this machine, for trying and testing.');
    withExamples(cluster, [
      'landfall cluster start --detach',
      'landfall cluster status',
      'landfall cluster stop',
    ]);
    registerStart(cluster, io, exit);
    registerFail(cluster, io, exit);
    const stop = named(cluster.command('stop')).description(
      'Stop a cluster that runs in the background, and everything in it.',
    );
    withExamples(withOutput(stop), ['landfall cluster stop', 'landfall cluster stop --name dev']).action(
      async (options: OutputOptions & { readonly name: string }) => {
        const { stopCluster } = await import('../cluster/stop.ts');
        exit(await stopCluster(options, io));
      },
    );
    const status = cluster
      .command('status')
      .description('The clusters of this machine. Exit 0 when one runs, 1 otherwise.');
    withExamples(withOutput(status), ['landfall cluster status', 'landfall cluster status -o json']).action(
      async (options: OutputOptions) => {
        const { clusterStatus } = await import('../cluster/status.ts');
        exit((await clusterStatus(options, io)) ? EXIT.ok : EXIT.broken);
      },
    );
  },
};
