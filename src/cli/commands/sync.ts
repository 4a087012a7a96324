import { InvalidArgumentError } from 'commander';
import { withRules } from '../option-rules.ts';
import { parseDuration, withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

/** One object that a sync is about. */
export interface NamedResource {
  readonly group: string;
  readonly kind: string;
  /** Empty: whichever it is in. */
  readonly namespace: string;
  readonly name: string;
}

export interface SyncCommandOptions extends ClusterOptions, OutputOptions {
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly revision?: string;
  readonly resource?: readonly NamedResource[];
  readonly force?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
  readonly terminate?: boolean;
}

function parseResource(text: string, before: readonly NamedResource[] = []): readonly NamedResource[] {
  const match = /^([a-z0-9.-]*):([A-Za-z0-9]+):(?:([a-z0-9-]+)\/)?([A-Za-z0-9.:_-]+)$/.exec(text);
  if (match === null) {
    throw new InvalidArgumentError(
      'An object is GROUP:KIND:[NAMESPACE/]NAME, as in apps:Deployment:shop/web or :ConfigMap:settings.',
    );
  }
  const [, group = '', kind = '', namespace = '', name = ''] = match;
  return [...before, { group, kind, namespace, name }];
}

export const syncCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('sync')
      .summary('ask the controller for a sync now, and follow it object by object')
      .description(
        'Ask for a sync now and follow it: Argo CD, Flux or landfall serve does the work. Exit 0 synced, 1 failed, 2 not over in time.',
      )
      .argument('<app>', 'name of the Argo CD Application, Flux Kustomization or HelmRelease')
      .option('--prune', 'delete what Git no longer asks for')
      .option('--dry-run', 'say what would happen, and change nothing')
      .option('--revision <revision>', 'sync to this commit, branch or tag instead of the tracked one')
      .option(
        '--resource <group:kind:namespace/name>',
        'only this object, without hooks; may be repeated',
        parseResource,
      )
      .option('--force', 'delete and make again what the server refuses to change')
      .option('--no-wait', 'ask, and do not follow it')
      .option('--timeout <duration>', 'follow it at most this long', parseDuration, 600_000)
      .option('--terminate', 'end the operation that runs instead of asking for one');
    withRules(command, {
      against: {
        '--terminate': ['--prune', '--dry-run', '--revision', '--resource', '--force'],
        '--no-wait': ['--timeout'],
      },
    });
    withExamples(withOutput(withCluster(command)), [
      'landfall sync payment-api',
      'landfall sync payment-api --prune --revision 1a2b3c4d',
      'landfall sync payment-api --resource apps:Deployment:payments/payment-api --dry-run',
      'landfall sync payment-api --terminate',
    ]).action(async (application: string, options: SyncCommandOptions) => {
      const { answerSync } = await import('../sync/answer.ts');
      exit(await answerSync(application, options, io));
    });
  },
};
