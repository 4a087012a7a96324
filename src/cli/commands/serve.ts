import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option } from 'commander';
import { LandfallError } from '../../kernel/index.ts';
import { EXIT } from '../exit.ts';
import type { CliIo } from '../io.ts';
import { withRules } from '../option-rules.ts';
import { parseCount, parseDuration, withCluster, withExamples } from '../options.ts';
import type { ClusterOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

interface ServeOptions extends ClusterOptions {
  readonly poll?: number;
  readonly from?: string;
  readonly path?: string;
  readonly revision?: string;
  readonly webhook?: Address;
  readonly webhookSecretFile?: string;
  readonly leases: boolean;
  readonly builds: number;
  readonly parts: number;
  readonly helm?: string;
  readonly onFailure: 'restore' | 'keep';
  readonly healthTimeout: number;
}

/** `HOST:PORT`, `:PORT` or `PORT`; without a host only this machine is listened to. */
function parseAddress(text: string): Address {
  const match = /^(?:(\[[0-9a-fA-F:]+\]|[^:]*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new InvalidArgumentError(
      'An address is HOST:PORT, or a port of this machine: 127.0.0.1:9443, 9443.',
    );
  }
  return { host: (match[1] ?? '').replace(/^\[|\]$/g, '') || '127.0.0.1', port };
}

function parseNone(text: string): number {
  return text === '0' ? 0 : parseCount(text);
}

export const serveCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('serve')
      .summary('keep the applications of a cluster delivered')
      .description(
        'Keep every application of the cluster delivered: Argo CD Applications and ApplicationSets, Flux GitRepositories and Kustomizations. Fetch, render, apply, write their status, until Ctrl-C.',
      )
      .option('--from <repository>', 'deliver the applications that a folder of this repository holds, too')
      .option('--path <folder>', 'the folder of --from, such as platform/clusters/staging')
      .option('--revision <name>', 'branch or tag of --from', 'HEAD')
      .option(
        '--poll <duration>',
        'how often Git is asked for something new; default: timeout.reconciliation of argocd-cm, else 3m',
        parseDuration,
      )
      .option(
        '--webhook <address>',
        'listen for push events there: HOST:PORT, or a port of this machine',
        parseAddress,
      )
      .option(
        '--webhook-secret-file <file>',
        'what senders sign with; default: LANDFALL_WEBHOOK_SECRET of the environment',
      )
      .option('--builds <count>', 'builds that run here at a time; 0: none', parseNone, 2)
      .option('--no-leases', 'act alone, without dividing applications with other replicas')
      .option('--parts <count>', 'parts that replicas divide the applications into', parseCount, 4)
      .addOption(
        new Option(
          '--on-failure <what>',
          'what becomes of a sync that fails half way or is not healthy in time, where its application says nothing else',
        )
          .choices(['restore', 'keep'])
          .default('restore'),
      )
      .addOption(
        new Option(
          '--health-timeout <duration>',
          'how long what was synced may take to become healthy before it is taken back',
        )
          .argParser(parseDuration)
          .default(600_000, '10m'),
      )
      .option('--helm <program>', 'the program that renders charts; default: helm on PATH');
    withRules(command, {
      against: { '--no-leases': ['--parts'] },
      needs: {
        '--from': '--path',
        '--path': '--from',
        '--revision': '--from',
        '--webhook-secret-file': '--webhook',
      },
    });
    withExamples(withCluster(command), [
      'landfall serve',
      'landfall serve --from https://git.corp.io/platform.git --path platform/clusters/staging',
      'landfall serve --webhook 9443 --poll 10m --context staging',
    ]).action(async (options: ServeOptions) => {
      const [
        { openSources },
        { introduce, ledgerOf },
        controllers,
        { jsonLogger },
        { untilAborted },
        { createRegistryClients },
        { serveBuilds },
      ] = await Promise.all([
        import('../sources.ts'),
        import('../ledger.ts'),
        import('../../controller/index.ts'),
        import('../../kernel/index.ts'),
        import('../until-aborted.ts'),
        import('../../pipeline/index.ts'),
        import('../builds/serve.ts'),
      ]);
      const secret = await webhookSecret(options, io);
      const ledger = ledgerOf(options, io);
      const sources = await openSources(options, io);
      introduce(ledger, sources.kube, io);
      const say = (text: string) => {
        if (options.quiet !== true) io.err(`${text}\n`);
      };
      try {
        const { gitVersion } = await sources.kube.version(io.signal);
        const root = await rootOf(options, (repository, path) =>
          controllers.bringRoot(
            sources.kube,
            { repository, path, ...(options.revision === undefined ? {} : { revision: options.revision }) },
            io.signal,
          ),
        );
        say(`serving the Applications of ${sources.kube.server} (Kubernetes ${gitVersion}), Ctrl-C stops`);
        if (root !== undefined)
          say(`with those of ${options.from ?? ''} ${options.path ?? ''}, as Application ${root}`);
        const logger = jsonLogger(io.out, () => io.clock.now());
        const registries = createRegistryClients(sources.kube, sources.registryOptions);
        const controller = controllers.startController({
          client: sources.kube,
          mirrors: sources.git,
          clock: io.clock,
          logger,
          ...(options.poll === undefined ? {} : { pollMs: options.poll }),
          // In a pod, whoever may write a source would read what is there of others.
          localRepositories: io.env['KUBERNETES_SERVICE_HOST'] === undefined,
          failurePolicy: { onFailure: options.onFailure, healthTimeoutMs: options.healthTimeout },
          ...(options.helm === undefined ? {} : { helm: options.helm }),
          ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
          ...(options.leases ? { leases: { parts: options.parts } } : {}),
          ledger,
          registries,
        });
        const builds = serveBuilds(
          {
            controller,
            sources,
            ledger,
            logger,
            pollMs: options.poll ?? POLL_MS,
            concurrency: options.builds,
          },
          io,
        );
        const promotions = controllers.startPromotions({
          sources,
          ledger,
          clock: io.clock,
          logger,
          author: { name: 'landfall', email: 'landfall@localhost' },
          folder: io.cwd,
          namespace: options.namespace,
          gitOf: (application) => controller.gitOf(application),
          // Where it turns out that it may not act at all, serve ends and says so.
          ready: controller.ready.catch(() => undefined),
          everyMs: Math.min(options.poll ?? POLL_MS, LONGEST_TURN_MS),
        });
        try {
          const webhook =
            options.webhook === undefined
              ? undefined
              : await controllers.startWebhook({
                  ...options.webhook,
                  secret,
                  clock: io.clock,
                  logger,
                  onPush: (keys) => controller.pushed(keys) + builds.pushed(keys),
                  onReport: (report) => builds.reported(report),
                  onDecision: (decision) => builds.decided(decision),
                });
          if (webhook !== undefined) say(`listening for pushes on ${webhook.url}`);
          // Until somebody ends it, or it turns out that it may not act at all.
          const refused = controller.ready.then(() => new Promise<never>(() => {}));
          await Promise.race([untilAborted(io.signal), refused]);
          await webhook?.close();
        } finally {
          await promotions.close();
          await builds.close();
          await controller.close();
          registries.close();
        }
        exit(EXIT.ok);
      } finally {
        await ledger.close();
        sources.close();
      }
    });
  },
};

/** Of builds and promotions, which Argo CD's settings say nothing of. */
const POLL_MS = 180_000;
/** Between two looks at promotions that wait, however seldom Git is asked for something new. */
const LONGEST_TURN_MS = 60_000;

async function rootOf(
  options: ServeOptions,
  bring: (repository: string, path: string) => Promise<string>,
): Promise<string | undefined> {
  const { from, path } = options;
  return from === undefined || path === undefined ? undefined : bring(from, path);
}

/** From a file or the environment, never from the command line, which every user of the machine can read. */
async function webhookSecret(options: ServeOptions, io: CliIo): Promise<string | undefined> {
  const { webhookSecretFile } = options;
  if (webhookSecretFile === undefined) return io.env['LANDFALL_WEBHOOK_SECRET'] || undefined;
  try {
    const text = (await readFile(webhookSecretFile, 'utf8')).trim();
    if (text !== '') return text;
  } catch (cause) {
    throw new LandfallError(`The webhook secret could not be read from ${webhookSecretFile}.`, {
      kind: 'not-found',
      code: 'webhook-secret-file',
      object: webhookSecretFile,
      hint: 'Check the path, and that this user may read it.',
      cause,
    });
  }
  throw new LandfallError(`${webhookSecretFile} is empty; a secret is wanted.`, {
    kind: 'invalid-input',
    code: 'webhook-secret-file',
    object: webhookSecretFile,
    hint: 'Write something that nobody guesses: openssl rand -hex 32.',
  });
}
