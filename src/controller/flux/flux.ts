import { asLandfallError, getArray, getObject, getString } from '../../kernel/index.ts';
import type { Clock, Logger } from '../../kernel/index.ts';
import type { GitMirror, GitMirrors } from '../../git/index.ts';
import { startReflector } from '../../kube/index.ts';
import type { KindRef, KubeClient, KubeObject, Reflector } from '../../kube/index.ts';
import { HELM_NAMESPACE_LABEL, HELM_NAME_LABEL, createArtifacts } from '../../boundaries/render/index.ts';
import type { AccessFiles } from '../clusters/index.ts';
import type { TrackedRepository } from '../declarations.ts';
import type { EventRecorder } from '../events.ts';
import type { FailurePolicy } from '../failure-policy.ts';
import type { SyncJournals } from '../journals.ts';
import type { LiveObjects } from '../live.ts';
import { createQueue } from '../queue.ts';
import { createWaits } from '../waits.ts';
import type { Level, Queue, Turn } from '../queue.ts';
import { NAMESPACE_LABEL, NAME_LABEL } from './apply.ts';
import {
  chartOptions,
  createReleaseRenderer,
  reconcileHelmChart,
  reconcileHelmRelease,
  reconcileHelmRepository,
} from './helm/index.ts';
import type { ReleaseOptions } from './helm/index.ts';
import { mirrorOf } from './git-access.ts';
import { artifactOf, includes } from './git-content.ts';
import { reconcileBucket } from './bucket.ts';
import { reconcileGitRepository } from './git-repository.ts';
import { createVerifier } from './git-verify.ts';
import { createTargets } from './targets.ts';
import {
  BUCKET,
  GIT_REPOSITORY,
  HELM_CHART,
  HELM_RELEASE,
  HELM_REPOSITORY,
  KUSTOMIZATION,
  OCI_REPOSITORY,
  requested,
} from './kinds.ts';
import { reconcileKustomization } from './kustomization.ts';
import { reconcileOciRepository } from './oci-repository.ts';
import type { Source } from './source.ts';
import type { FluxTarget } from './failure.ts';

export interface FluxOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventRecorder;
  readonly mirrors: GitMirrors;
  readonly files: AccessFiles;
  readonly home: FluxTarget;
  readonly openLive: (client: KubeClient) => LiveObjects;
  readonly resolve: (
    mirror: GitMirror,
    revision: string,
    level: Level,
    signal: AbortSignal,
  ) => Promise<string>;
  readonly random: () => number;
  readonly namespace?: string;
  /** Left out: what a failed set has written stays. */
  readonly journals?: SyncJournals;
  /** The program that renders charts. Default `helm`. */
  readonly helm?: string;
  /** The program that opens what is encrypted. Default `sops`. */
  readonly sops?: string;
  /** Of objects that say nothing else. */
  readonly policy: FailurePolicy;
  /** Default false, as in Flux. */
  readonly strictSubstitutions?: boolean;
  /** Default false, as in Flux. */
  readonly localRepositories?: boolean;
  /** Runs a turn where this replica works on that key. */
  readonly mine: <T>(key: string, turn: Turn, work: (own: Turn) => Promise<T>) => Promise<T | undefined>;
}

export interface Flux {
  /** An object changed: the Kustomization that it belongs to looks at it. */
  objectChanged(object: KubeObject): void;
  /** Somebody pushed to that repository. */
  pushed(matches: (url: string) => boolean): number;
  /** The repositories of all GitRepositories. */
  tracked(): readonly TrackedRepository[];
  /** What a GitRepository is of, with its credentials; undefined where there is none of that name for that URL. */
  mirrorOf(
    source: { readonly namespace: string; readonly name: string },
    url: string,
    signal: AbortSignal,
  ): Promise<GitMirror | undefined>;
  /** Looks at everything again: this replica's share changed. */
  wakeAll(): void;
  close(): Promise<void>;
}

const AT_ONCE = 8;

/** The loops over Flux' objects: each on its own, whenever it, its source, its objects or its time says so. */
export function startFlux(options: FluxOptions): Flux {
  const { client, clock, logger, random } = options;
  const targets = createTargets(options);

  function loop(
    kind: KindRef,
    level: (object: KubeObject) => Level,
    reconcile: (object: KubeObject, turn: Turn) => Promise<{ readonly again?: number } | undefined>,
    changed: (object: KubeObject) => void,
  ): { readonly queue: Queue; readonly objects: Reflector } {
    const queue = createQueue({ clock, logger, random, concurrency: AT_ONCE }, (key, given) =>
      options.mine(key, given, (turn) => one(key, turn)),
    );

    async function one(key: string, turn: Turn) {
      const slash = key.indexOf('/');
      const ref = { ...kind, namespace: key.slice(0, slash), name: key.slice(slash + 1) };
      const object = await client.get(ref, turn.signal);
      if (object === undefined) return undefined;
      const next = await reconcile(object, turn);
      return next?.again === undefined || next.again < 2000
        ? next
        : { again: Math.round(next.again * (1 + random() / 10)) };
    }

    const objects = startReflector(client, kind, {
      clock,
      random,
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
      onChange: ({ key, object, gone }) => {
        if (gone) queue.forget(key);
        else queue.add(key, level(object));
        changed(object);
      },
      onState: (state) => {
        if (state.state !== 'stale' || state.error.code === 'kind-unknown') return;
        logger.warn('Objects of Flux cannot be watched; what is known is kept and tried again', {
          kind: kind.kind,
          error: asLandfallError(state.error).message,
        });
      },
    });
    return { queue, objects };
  }

  const artifacts = createArtifacts(client);
  const verify = createVerifier(client);

  async function files({ object, content }: Source, signal: AbortSignal) {
    if (object.kind === 'OCIRepository') return artifacts.tree(object, content, signal);
    return artifactOf(options, object, content, signal);
  }

  const releaseOptions: ReleaseOptions = {
    client,
    clock,
    events: options.events,
    policy: options.policy,
    target: targets.of,
    files,
    versions: new Map(),
    running: new Map(),
    waits: createWaits(clock),
    render: createReleaseRenderer(),
    ...(options.helm === undefined ? {} : { helm: options.helm }),
    ...(options.journals === undefined ? {} : { journals: options.journals }),
  };
  const asked = (object: KubeObject): Level => (requested(object) === undefined ? 'live' : 'asked');

  const kustomizations = loop(
    KUSTOMIZATION,
    asked,
    (object, turn) =>
      reconcileKustomization(
        {
          client,
          clock,
          events: options.events,
          files,
          target: targets.of,
          strict: options.strictSubstitutions === true,
          policy: options.policy,
          ...(options.sops === undefined ? {} : { sops: options.sops }),
          ...(options.journals === undefined ? {} : { journals: options.journals }),
        },
        object,
        turn,
      ),
    (object) => wake(dependsOn(object)),
  );
  const repositories = loop(
    GIT_REPOSITORY,
    asked,
    (object, turn) => reconcileGitRepository({ ...options, verify }, object, turn),
    (object) => {
      wake(comesFrom(object));
      for (const other of repositories.objects.list()) {
        if (includes(other, object)) repositories.queue.add(keyOf(other), 'live');
      }
    },
  );
  const registries = loop(
    OCI_REPOSITORY,
    asked,
    (object, turn) => reconcileOciRepository(options, object, turn),
    (object) => wake(comesFrom(object)),
  );
  const releases = loop(
    HELM_RELEASE,
    asked,
    (object, turn) => reconcileHelmRelease(releaseOptions, object, turn),
    (object) => wake(dependsOn(object)),
  );
  const buckets = loop(
    BUCKET,
    asked,
    (object, turn) => reconcileBucket(options, object, turn),
    () => undefined,
  );
  const chartRepositories = loop(
    HELM_REPOSITORY,
    asked,
    (object, turn) => reconcileHelmRepository(options, object, turn),
    (object) => wake(comesFrom(object)),
  );
  const charts = loop(
    HELM_CHART,
    asked,
    (object, turn) => reconcileHelmChart(options, chartOptions(releaseOptions, turn), object, turn),
    (object) => wake(comesFrom(object)),
  );
  const sources = [repositories, registries, buckets, chartRepositories, charts];
  function wake(concerns: (object: KubeObject) => boolean): void {
    for (const { objects, queue } of [kustomizations, releases, charts]) {
      for (const object of objects.list()) if (concerns(object)) queue.add(keyOf(object), 'live');
    }
  }

  return {
    objectChanged(object) {
      const { labels } = object.metadata;
      const key = `${labels?.[NAMESPACE_LABEL] ?? ''}/${labels?.[NAME_LABEL] ?? ''}`;
      if (kustomizations.objects.get(key) !== undefined) kustomizations.queue.add(key, 'live');
      const release = `${labels?.[HELM_NAMESPACE_LABEL] ?? ''}/${labels?.[HELM_NAME_LABEL] ?? ''}`;
      if (releases.objects.get(release) !== undefined) releases.queue.add(release, 'live');
    },
    pushed(matches) {
      const found = repositories.objects
        .list()
        .filter((object) => matches(getString(object, 'spec', 'url') ?? ''));
      for (const object of found) repositories.queue.add(keyOf(object), 'asked');
      return found.length;
    },
    tracked: () =>
      repositories.objects.list().map((object) => ({
        url: getString(object, 'spec', 'url') ?? '',
        open: (signal) => mirrorOf(options, object, signal),
      })),
    async mirrorOf({ namespace, name }, url, signal) {
      const object = repositories.objects.get(`${namespace}/${name}`);
      return object === undefined || getString(object, 'spec', 'url') !== url
        ? undefined
        : mirrorOf(options, object, signal);
    },
    wakeAll() {
      for (const { objects, queue } of [...sources, kustomizations, releases]) {
        for (const object of objects.list()) queue.add(keyOf(object), 'live');
      }
    },
    async close() {
      for (const { objects, queue } of [...sources, kustomizations, releases]) {
        await objects.close();
        await queue.close();
      }
      await targets.close();
    },
  };
}

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** A Kustomization, release or chart that names the source. */
function comesFrom(source: KubeObject): (object: KubeObject) => boolean {
  return (object) =>
    (source.kind === 'HelmChart' && getString(object, 'status', 'helmChart') === keyOf(source)) ||
    [
      getObject(object, 'spec', 'sourceRef'),
      getObject(object, 'spec', 'chart', 'spec', 'sourceRef'),
      getObject(object, 'spec', 'chartRef'),
    ].some(
      (ref) =>
        getString(ref, 'kind') === source.kind &&
        getString(ref, 'name') === source.metadata.name &&
        (getString(ref, 'namespace') || object.metadata.namespace) === source.metadata.namespace,
    );
}

function dependsOn(dependency: KubeObject): (object: KubeObject) => boolean {
  return (object) =>
    object.kind === dependency.kind &&
    getArray(object, 'spec', 'dependsOn').some(
      (item) =>
        getString(item, 'name') === dependency.metadata.name &&
        (getString(item, 'namespace') || object.metadata.namespace) === dependency.metadata.namespace,
    );
}
