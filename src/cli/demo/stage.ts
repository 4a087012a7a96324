import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  buildAndPush,
  createNotificationRepositories,
} from '../../../examples/notification-service/index.ts';
import type { Build, NotificationRepositories } from '../../../examples/notification-service/index.ts';
import { startController } from '../../controller/index.ts';
import { startCluster } from '../../drydock/index.ts';
import type { Cluster } from '../../drydock/index.ts';
import { createGitMirrors } from '../../git/index.ts';
import { getString, LandfallError, parseYaml, silentLogger } from '../../kernel/index.ts';
import type { Clock, Logger } from '../../kernel/index.ts';
import { loadKubeClient } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { createRegistryClient } from '../../oci/index.ts';
import { APPLICATION_KIND, applicationStatus } from '../../boundaries/index.ts';
import type { Sources } from '../../verdict/index.ts';
import { registryMirrors } from '../sources.ts';
import { openDemoFolder } from './folder.ts';
import { until } from './until.ts';

export const REGISTRY = 'registry.corp.io';
export const APPLICATION = 'comms-notification';
export const PLATFORM = 'comms-platform';

/** Everything the story plays on, running: cluster, registry, repositories, controller. */
export interface Stage {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly cluster: Cluster;
  readonly repositories: NotificationRepositories;
  readonly sources: Sources;
  /** CI builds one release of the application and pushes it as its version and as `latest`. */
  build(tag: string): Promise<Build>;
  /** Hands an Application to the controller. */
  register(application: 'comms-notification' | 'comms-platform'): Promise<void>;
  /** Asks the controller for a sync, as `argocd app sync` does, and waits until that operation has ended. */
  sync(application: string): Promise<KubeObject>;
  /** Asks the controller to look at Git now. */
  refresh(application: string): Promise<void>;
  close(): Promise<void>;
}

const OPERATION_MS = 300_000;

export interface StageOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly keep?: string | undefined;
  /** Default 3. */
  readonly nodes?: number;
  /** Of the API server and of the registry. Default: free ones. */
  readonly port?: number | undefined;
  readonly registryPort?: number | undefined;
  readonly logger?: Logger;
  readonly onLog?: (line: string) => void;
}

/** Builds the stage; whatever fails on the way, nothing of it is left behind. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { clock, signal, logger = silentLogger, onLog = () => {} } = options;
  const folder = await openDemoFolder();
  const closers: (() => Promise<void> | void)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (let next = closers.pop(); next !== undefined; next = closers.pop()) await next();
  };
  try {
    const executable = new Set<string>();
    const cluster = await startCluster({
      clock,
      workDir: folder,
      nodes: options.nodes ?? 3,
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.registryPort === undefined ? {} : { registryPort: options.registryPort }),
      registryMirrors: { [REGISTRY]: 'drydock' },
      isExecutable: (digests) => digests.some((digest) => executable.has(digest)),
      logger,
    });
    closers.push(() => cluster.close());
    const registry = createRegistryClient({ mirrors: registryMirrors(cluster.registryMirrors), clock });
    closers.push(() => registry.close());

    const built = (build: Build): Build => {
      const { digest, manifests, configs } = build.record;
      for (const one of [digest, ...Object.values(manifests), ...Object.values(configs)]) executable.add(one);
      return build;
    };
    const parent = options.keep ?? path.join(folder, 'repositories');
    await mkdir(parent, { recursive: true });
    const repositories = await createNotificationRepositories(parent, {
      signal,
      buildPlatform: async (platform) =>
        built(
          await buildAndPush(
            {
              repository: platform.folder,
              revision: 'v1.0.0',
              image: `${REGISTRY}/comms-platform`,
              tags: ['1.0.0'],
              client: registry,
              clock,
              log: onLog,
              workDir: folder,
            },
            signal,
          ),
        ),
    });

    const kubeconfig = path.join(folder, 'kubeconfig');
    await cluster.writeKubeconfig(kubeconfig);
    const kube = await loadKubeClient({ kubeconfig, clock });
    closers.push(() => kube.close());
    const git = createGitMirrors({ folder: path.join(folder, 'mirrors'), clock });
    closers.push(() => git.close());
    await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } }, {}, signal);
    const controller = startController({ client: kube, mirrors: git, clock, logger, pollMs: 10_000 });
    closers.push(() => controller.close());

    const application = (name: string) =>
      kube.get({ ...APPLICATION_KIND, namespace: 'argocd', name }, signal);
    return {
      folder,
      kubeconfig,
      cluster,
      repositories,
      sources: { kube, git, registry, clock },
      async build(tag) {
        return built(
          await buildAndPush(
            {
              repository: repositories.app.folder,
              revision: tag,
              image: `${REGISTRY}/notification-service`,
              client: registry,
              clock,
              log: onLog,
              workDir: folder,
            },
            signal,
          ),
        );
      },
      async register(name) {
        const file = repositories.deployment.applications[name];
        for (const object of parseYaml(await readFile(file, 'utf8'), file)) {
          await kube.apply(object as unknown as KubeObject, { fieldManager: 'kubectl' }, signal);
        }
      },
      async sync(name) {
        const before =
          applicationStatus((await application(name)) ?? missing(name)).operation?.finishedAt ?? 0;
        await kube.patch(
          { ...APPLICATION_KIND, namespace: 'argocd', name },
          'merge',
          { operation: { initiatedBy: { username: 'admin' }, sync: {} } },
          { fieldManager: 'argocd-server' },
          signal,
        );
        // Argo CD's times are whole seconds: an operation that ends in the second of the one before is told by the request being gone.
        return until(clock, `The sync of ${name}`, OPERATION_MS, signal, async () => {
          const object = (await application(name)) ?? missing(name);
          const { operation, requested } = applicationStatus(object);
          const started =
            getString(object, 'status', 'operationState', 'operation', 'initiatedBy', 'username') === 'admin';
          return !requested &&
            started &&
            operation?.finishedAt !== undefined &&
            operation.finishedAt >= before
            ? object
            : undefined;
        });
      },
      async refresh(name) {
        await kube.patch(
          { ...APPLICATION_KIND, namespace: 'argocd', name },
          'merge',
          { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } },
          {},
          signal,
        );
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function missing(name: string): never {
  throw new LandfallError(`The Application ${name} is gone.`, {
    kind: 'not-found',
    code: 'application-not-found',
    object: name,
  });
}
