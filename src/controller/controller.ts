import { asLandfallError, getArray, getString, sleep, systemClock } from '../kernel/index.ts';
import { startReflector } from '../kube/index.ts';
import { clusterIdentity } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import {
  APPLICATION_KIND,
  TRACKING_ANNOTATION,
  applicationSpec,
  createJq,
  parseTrackingId,
  trackedBy,
} from '../boundaries/sync/index.ts';
import { startApplicationSets } from './application-sets.ts';
import { createApplicationWriter } from './application-writer.ts';
import { createApplicationGit } from './application-git.ts';
import { argoCredentials } from '../boundaries/render/index.ts';
import { createAccessFiles, createClusters, followArgoSecrets } from './clusters/index.ts';
import type { Controller, ControllerOptions } from './contract.ts';
import { createDeclarations } from './declarations.ts';
import type { TrackedRepository } from './declarations.ts';
import { DEFAULT_FAILURE_POLICY } from './failure-policy.ts';
import type { FailurePolicy } from './failure-policy.ts';
import { createEventRecorder } from './events.ts';
import { startFlux } from './flux/index.ts';
import { createSyncJournals } from './journals.ts';
import { createLiveObjects } from './live.ts';
import { createLooker } from './look.ts';
import { createOperator } from './operate.ts';
import { followProjects } from './projects/index.ts';
import { followSettings } from './settings/index.ts';
import { createQueue } from './queue.ts';
import type { Level, Turn } from './queue.ts';
import { createReconciler } from './reconcile.ts';
import { createRepositories } from './repositories.ts';
import { startShards } from './shards.ts';
import { createTargetLoader } from './target.ts';
import type { SourceAccess } from './target.ts';
import { touchedBy } from './touched.ts';
import { startUpdates } from './updates/index.ts';
import { repositoryKey } from './webhook.ts';

const POLL = 180_000;
const CONCURRENCY = 16;
const PARTS = 4;
/** What a push changes is worked on for so long before everything else that names its repository. */
const HEAD_START = 5000;

/**
 * Keeps Argo CD Applications delivered: a loop that compares each one with Git and the cluster, applies what its
 * policy asks for, and writes its status by Argo CD's rules. State is read again in every turn; an event only says
 * which application to look at.
 */
export function startController(options: ControllerOptions): Controller {
  const { client, mirrors, clock, logger, ledger, random = Math.random, homeNamespace = 'argocd' } = options;

  function instanceOf(application: KubeObject): string {
    const { name, namespace = homeNamespace } = application.metadata;
    return namespace === homeNamespace ? name : `${namespace}_${name}`;
  }

  /** Names of objects hold no underscore. */
  function keyOfInstance(instance: string): string {
    const cut = instance.indexOf('_');
    return cut < 0 ? `${homeNamespace}/${instance}` : `${instance.slice(0, cut)}/${instance.slice(cut + 1)}`;
  }

  const policy: FailurePolicy = { ...DEFAULT_FAILURE_POLICY, ...options.failurePolicy };
  const journals = ledger === undefined ? undefined : createSyncJournals({ ledger, clock, logger });
  const stopped = new AbortController();
  const events = createEventRecorder(client, clock, logger);
  /** An object changed: whose application has to be looked at. */
  function changed(object: KubeObject): void {
    flux.objectChanged(object);
    const { tracking } = settings.last;
    const owner =
      tracking.method === 'label'
        ? trackedBy(object, tracking)
        : parseTrackingId(object.metadata.annotations?.[TRACKING_ANNOTATION])?.application;
    if (owner === undefined) return;
    const key = keyOfInstance(owner);
    if (applications.get(key) !== undefined) queue.add(key, 'live');
  }

  /** What applications are limited or reached by changed. */
  function wake(level: Level, concerns: (application: KubeObject) => boolean): void {
    for (const application of applications.list()) {
      if (concerns(application)) queue.add(keyOf(application), level);
    }
  }

  const secrets = followArgoSecrets(client, homeNamespace, clock, (kind) => {
    wake(kind === 'cluster' ? 'live' : 'git', isRefused);
    sets.wakeAll();
  });
  const settings = followSettings(client, homeNamespace, clock, logger, () => {
    wake('git', () => true);
    sets.wakeAll();
  });
  const projects = followProjects(client, homeNamespace, clock, settings, (concerns) =>
    wake('live', (application) => concerns(getString(application, 'spec', 'project') || 'default')),
  );
  const openLive = (remote: KubeClient) => {
    ledger?.clusters?.know(remote.server, () => clusterIdentity(remote, clock));
    return createLiveObjects({ client: remote, clock, onChange: changed });
  };
  const clusters = createClusters({
    client,
    clock,
    logger,
    secrets,
    openLive,
  });
  const files = createAccessFiles();
  async function credentials(url: string, project: string, signal?: AbortSignal) {
    try {
      return await argoCredentials(secrets, url, project, signal);
    } catch (thrown) {
      // A controller that may not read Secrets delivers what is public; what is not says so itself.
      const error = asLandfallError(thrown);
      if (error.kind === 'denied') return undefined;
      throw error;
    }
  }

  const access: SourceAccess = {
    credentials,
    async mirror(url, project, signal) {
      const found = await credentials(url, project, signal);
      return found === undefined ? mirrors.open(url) : mirrors.open(url, await files.git(found));
    },
  };
  const shards =
    options.leases === undefined
      ? undefined
      : startShards({
          client,
          clock,
          logger,
          namespace: homeNamespace,
          count: options.leases.parts ?? PARTS,
          ...(options.leases.durationMs === undefined ? {} : { leaseMs: options.leases.durationMs }),
          ...(options.leases.identity === undefined ? {} : { identity: options.leases.identity }),
          onGained: () => {
            wake('git', () => true);
            sets.wakeAll();
            flux.wakeAll();
          },
        });

  /** Runs a turn while this replica holds the part that its key is in; another replica's turns are not run at all. */
  async function mine<T>(key: string, turn: Turn, work: (own: Turn) => Promise<T>): Promise<T | undefined> {
    if (shards === undefined) return work(turn);
    const held = shards.hold(key);
    if (held === undefined) {
      await journals?.release(key);
      return undefined;
    }
    return work({ ...turn, signal: AbortSignal.any([turn.signal, held]) });
  }

  const writer = createApplicationWriter(client, events, homeNamespace);
  const repositories = createRepositories(
    (url, project, signal) => access.mirror(url, project, signal),
    clock,
  );
  const targets = createTargetLoader({
    access,
    repositories,
    ...(options.helm === undefined ? {} : { helm: options.helm }),
  });
  const jq = createJq(systemClock);
  const looker = createLooker({ clock, targets, instanceOf, jq });
  const reconciler = createReconciler({
    client,
    clock,
    logger,
    clusters,
    projects,
    settings,
    homeNamespace,
    looker,
    writer,
    events,
    instanceOf,
    isApplication: (instance) => applications.get(keyOfInstance(instance)) !== undefined,
    random,
    operator: createOperator({
      clock,
      logger,
      looker,
      writer,
      events,
      instanceOf,
      ...(journals === undefined ? {} : { journals }),
    }),
    ...(journals === undefined ? {} : { journals }),
    policy,
    ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
    ...(options.syncTimeoutMs === undefined ? {} : { syncTimeoutMs: options.syncTimeoutMs }),
  });
  const queue = createQueue(
    { clock, logger, random, concurrency: options.concurrency ?? CONCURRENCY },
    (key, turn) => mine(key, turn, (own) => reconciler.reconcile(key, own)),
  );
  const sets = startApplicationSets({
    mine,
    client,
    clock,
    logger,
    events,
    secrets,
    clusters,
    projects,
    settings,
    repositories,
    access,
    jq,
    random,
    applications: (namespace) =>
      applications.list().filter((item) => namespace === undefined || item.metadata.namespace === namespace),
    pollMs: options.pollMs ?? POLL,
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
  });
  const flux = startFlux({
    mine,
    client,
    clock,
    logger,
    events,
    mirrors,
    files,
    random,
    home: clusters.home,
    openLive,
    resolve: (mirror, revision, level, signal) => repositories.resolveIn(mirror, revision, level, signal),
    strictSubstitutions: options.strictSubstitutions === true,
    localRepositories: options.localRepositories === true,
    ...(options.helm === undefined ? {} : { helm: options.helm }),
    ...(options.sops === undefined ? {} : { sops: options.sops }),
    policy,
    ...(journals === undefined ? {} : { journals }),
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
  });
  const applications = startReflector(client, APPLICATION_KIND, {
    clock,
    random,
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    onChange: ({ key, object, gone }) => {
      if (gone) queue.forget(key);
      else queue.add(key, 'live');
      sets.applicationChanged(object);
    },
    onState: (state) => {
      if (state.state === 'stale') {
        logger.warn('Applications cannot be watched; what is known is kept and tried again', {
          code: state.error.code,
          error: state.error.message,
        });
      }
    },
  });
  const ready = Promise.all([applications.ready, shards?.ready]).then(() => {});
  // Who closes it before does not wait for it.
  ready.catch(() => {});

  function tracked(): readonly TrackedRepository[] {
    const found = applications.list().flatMap((application) => {
      const { sources, project } = applicationSpec(application);
      return sources
        .filter((source) => source.chart === undefined)
        .map(({ repoURL }) => ({
          url: repoURL,
          open: (signal: AbortSignal) => access.mirror(repoURL, project, signal),
        }));
    });
    return [...found, ...flux.tracked()];
  }

  /** After a push: first those that it changes, then those that only have to know the new commit. */
  async function lookAt(concerned: readonly KubeObject[]): Promise<void> {
    let rest = concerned;
    try {
      const found = await touchedBy({ access, repositories, signal: stopped.signal }, concerned);
      rest = found.others;
      const first = Promise.allSettled(found.touched.map((item) => queue.run(keyOf(item), 'asked')));
      await Promise.race([first, sleep(clock, HEAD_START, stopped.signal)]);
    } catch (thrown) {
      if (stopped.signal.aborted) return;
      logger.debug('What a push changed is not known, so everything is looked at', {
        error: asLandfallError(thrown).message,
      });
    }
    for (const application of rest) queue.add(keyOf(application), 'asked');
  }

  function pushed(keys: ReadonlySet<string>): number {
    const fits = (url: string) => keys.has(repositoryKey(url));
    const concerned = applications
      .list()
      .filter((application) => applicationSpec(application).sources.some((source) => fits(source.repoURL)));
    const others = flux.pushed(fits) + sets.pushed(fits);
    void lookAt(concerned);
    return concerned.length + others;
  }

  const declarations = createDeclarations({
    tracked,
    resolve: (mirror, revision, level, signal) => repositories.resolveIn(mirror, revision, level, signal),
  });
  const { registries: clients } = options;
  const updates =
    clients === undefined || ledger?.decisions === undefined
      ? undefined
      : startUpdates({
          client,
          clock,
          logger,
          events,
          mirrors,
          mirror: (url, project, signal) => access.mirror(url, project, signal),
          declarations,
          clients,
          ledger: { holds: ledger.holds, decisions: ledger.decisions },
          hold: (key) => (shards === undefined ? stopped.signal : shards.hold(key)),
          onCommitted: pushed,
          random,
          after: ready,
          ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
        });

  return {
    ready,
    pushed,
    imagesPushed: (images) => updates?.pushed(images),
    updatesNow: async () => (await updates?.runNow()) ?? [],
    declarations,
    openRepository: (url, signal) => access.mirror(url, 'default', signal),
    gitOf: createApplicationGit({
      mirrors,
      ofProject: (url, project, signal) => access.mirror(url, project, signal),
      ofSource: (source, url, signal) => flux.mirrorOf(source, url, signal),
      signal: stopped.signal,
    }),
    reconcileNow: ({ namespace, name }) => queue.run(`${namespace}/${name}`, 'asked'),
    async close() {
      stopped.abort();
      await updates?.close();
      await applications.close();
      await sets.close();
      await flux.close();
      await queue.close();
      await journals?.release();
      await jq.close();
      await clusters.close();
      await projects.close();
      await settings.close();
      await secrets.close();
      await files.close();
      await shards?.close();
    },
  };
}

function keyOf(application: KubeObject): string {
  return `${application.metadata.namespace ?? ''}/${application.metadata.name}`;
}

/** It waits for something outside of itself: a cluster, a project, a repository it may read. */
function isRefused(application: KubeObject): boolean {
  return getArray(application, 'status', 'conditions').some((condition) =>
    ['InvalidSpecError', 'ComparisonError', 'UnknownError'].includes(getString(condition, 'type') ?? ''),
  );
}
