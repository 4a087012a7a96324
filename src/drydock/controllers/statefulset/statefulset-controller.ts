import { copyJson } from '../../kinds/json-access.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi, KubeObject, ResourceName } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { controllerOf, keyOf } from '../cache.ts';
import { eventRecorder } from '../events.ts';
import {
  currentRevision,
  hashOf,
  REVISION_HASH,
  templateOf,
  trimRevisions,
} from '../history/controller-revisions.ts';
import type { ControllerRevision } from '../history/controller-revisions.ts';
import { PODS } from '../objects.ts';
import type { LabelSelector, Pod, PodTemplate } from '../objects.ts';
import { podFrom } from '../pod-control.ts';
import { isPodAvailable, isPodFinished, isPodReady } from '../pods.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import {
  isAlreadyExists,
  isConflict,
  isNamespaceTerminating,
  isNotFound,
  omitEmpty,
  sameJson,
} from '../writes.ts';

export const STATEFUL_SETS: ResourceName = { group: 'apps', version: 'v1', resource: 'statefulsets' };
const CLAIMS: ResourceName = { group: '', version: 'v1', resource: 'persistentvolumeclaims' };
const MANAGER = { fieldManager: 'kube-controller-manager' };

export interface StatefulSet extends KubeObject {
  spec: {
    replicas?: number;
    serviceName?: string;
    selector: LabelSelector;
    template: PodTemplate;
    minReadySeconds?: number;
    podManagementPolicy?: string;
    revisionHistoryLimit?: number;
    ordinals?: { start?: number };
    updateStrategy?: { type?: string; rollingUpdate?: { partition?: number } };
    volumeClaimTemplates?: { metadata: { name: string; labels?: Record<string, string> }; spec?: object }[];
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    readyReplicas?: number;
    currentReplicas?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    currentRevision?: string;
    updateRevision?: string;
    collisionCount?: number;
  };
}

export interface StatefulSetControllerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly statefulSets: Cache<StatefulSet>;
  readonly revisions: Cache<ControllerRevision>;
  readonly pods: Cache<Pod>;
}

/** Keeps pods with a name and an order of their own (pkg/controller/statefulset, 1.32). */
export function startStatefulSetController(options: StatefulSetControllerOptions): {
  close(): Promise<void>;
} {
  const { api, logger, statefulSets, revisions, pods } = options;
  const { clock } = api;
  const recorder = eventRecorder(api, clock, { component: 'statefulset-controller' });
  const queue = workQueue({
    clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('stateful set not reconciled', { key, error: messageOf(error) });
    },
  });

  statefulSets.onChange((set) => queue.add(keyOf(set)));
  pods.onChange((pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind === 'StatefulSet') queue.add(`${pod.metadata.namespace ?? ''}/${owner.name}`);
  });

  async function reconcile(key: string): Promise<Again | undefined> {
    const set = statefulSets.get(key);
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return undefined;
    const update = await currentRevision(api, revisions, set);
    const named = set.status?.currentRevision;
    const current =
      revisions.ownedBy(set.metadata.uid ?? '').find((revision) => revision.metadata.name === named) ??
      update;
    const owned = new Map(
      pods.ownedBy(set.metadata.uid ?? '').map((pod) => [ordinalOf(set, pod), pod] as const),
    );
    let failure: unknown;
    try {
      await step({ set, current, update, owned });
    } catch (error) {
      failure = error;
    }
    await writeStatus(set, current, update);
    const inUse = new Set([hashOf(current), hashOf(update), ...[...owned.values()].map(revisionOf)]);
    await trimRevisions(api, revisions, set, inUse);
    if (failure !== undefined && !isNamespaceTerminating(failure)) throw failure;
    const waits = set.spec.minReadySeconds ?? 0;
    const notYet = [...owned.values()].some(
      (pod) => isPodReady(pod) && !isPodAvailable(pod, waits, clock.now()),
    );
    return waits > 0 && notYet ? { againAfterMs: waits * 1000 } : undefined;
  }

  interface Pass {
    readonly set: StatefulSet;
    readonly current: ControllerRevision;
    readonly update: ControllerRevision;
    readonly owned: ReadonlyMap<number, Pod>;
  }

  /** One step: what is missing in order, what is too much from the end, then what is old from the end. */
  async function step(pass: Pass): Promise<void> {
    const { set, owned } = pass;
    const [start, end] = ordinals(set);
    const inOrder = (set.spec.podManagementPolicy ?? 'OrderedReady') === 'OrderedReady';
    for (let ordinal = start; ordinal < end; ordinal++) {
      const pod = owned.get(ordinal);
      if (pod !== undefined && isPodFinished(pod) && pod.metadata.deletionTimestamp === undefined) {
        recorder.event(
          set,
          'Warning',
          'RecreatingFailedPod',
          `StatefulSet ${set.metadata.namespace ?? ''}/${set.metadata.name} is recreating failed Pod ${pod.metadata.name}`,
        );
        await remove(set, pod);
        if (inOrder) return;
      } else if (pod === undefined) {
        await create(pass, ordinal);
        if (inOrder) return;
      } else if (inOrder && !isHealthy(set, pod)) {
        return;
      }
    }
    const condemned = [...owned]
      .filter(([ordinal]) => ordinal < start || ordinal >= end)
      .sort(([a], [b]) => b - a);
    for (const [, pod] of condemned) {
      if (pod.metadata.deletionTimestamp === undefined) await remove(set, pod);
      if (inOrder) return;
    }
    await replaceOld(pass, start, end);
  }

  async function replaceOld({ set, update, owned }: Pass, start: number, end: number): Promise<void> {
    if (set.spec.updateStrategy?.type === 'OnDelete') return;
    const first = start + (set.spec.updateStrategy?.rollingUpdate?.partition ?? 0);
    for (let ordinal = end - 1; ordinal >= Math.max(start, first); ordinal--) {
      const pod = owned.get(ordinal);
      if (pod === undefined) return;
      if (revisionOf(pod) !== hashOf(update) && pod.metadata.deletionTimestamp === undefined) {
        await remove(set, pod);
        return;
      }
      if (!isHealthy(set, pod)) return;
    }
  }

  function isHealthy(set: StatefulSet, pod: Pod): boolean {
    return (
      pod.metadata.deletionTimestamp === undefined &&
      isPodAvailable(pod, set.spec.minReadySeconds ?? 0, clock.now())
    );
  }

  async function create({ set, current, update }: Pass, ordinal: number): Promise<void> {
    const [start] = ordinals(set);
    const { type = 'RollingUpdate', rollingUpdate } = set.spec.updateStrategy ?? {};
    const partition = rollingUpdate?.partition ?? 0;
    const below = partition > 0 ? partition : (set.status?.currentReplicas ?? 0);
    const old = type === 'RollingUpdate' && ordinal < start + below;
    const revision = old ? current : update;
    const pod = podFrom(templateOf(revision) ?? set.spec.template, set);
    const name = `${set.metadata.name}-${ordinal}`;
    delete pod.metadata.generateName;
    pod.metadata.name = name;
    pod.metadata.labels = {
      ...pod.metadata.labels,
      'apps.kubernetes.io/pod-index': String(ordinal),
      [REVISION_HASH]: hashOf(revision),
      'statefulset.kubernetes.io/pod-name': name,
    };
    pod.spec.hostname = name;
    if (set.spec.serviceName !== undefined) pod.spec.subdomain = set.spec.serviceName;
    await claim(set, pod);
    try {
      pods.observe(await api.create(PODS, pod, MANAGER));
    } catch (error) {
      if (isAlreadyExists(error)) return;
      recorder.event(
        set,
        'Warning',
        'FailedCreate',
        `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${messageOf(error)}`,
      );
      throw error;
    }
    recorder.event(
      set,
      'Normal',
      'SuccessfulCreate',
      `create Pod ${name} in StatefulSet ${set.metadata.name} successful`,
    );
  }

  /** A claim of its own per pod and template; claims outlive their pods. */
  async function claim(set: StatefulSet, pod: Pod): Promise<void> {
    const templates = set.spec.volumeClaimTemplates ?? [];
    if (templates.length === 0) return;
    const own = templates.map(({ metadata }) => ({
      name: metadata.name,
      persistentVolumeClaim: { claimName: `${metadata.name}-${pod.metadata.name}` },
    }));
    const names = new Set(own.map(({ name }) => name));
    pod.spec.volumes = [...(pod.spec.volumes ?? []).filter(({ name }) => !names.has(name)), ...own];
    for (const { metadata, spec } of templates) {
      const name = `${metadata.name}-${pod.metadata.name}`;
      const namespace = set.metadata.namespace ?? '';
      if (api.get(CLAIMS, namespace, name) !== undefined) continue;
      const labels = { ...set.spec.selector.matchLabels, ...metadata.labels };
      await api.create(
        CLAIMS,
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name, namespace, labels },
          spec: copyJson(spec ?? {}),
        },
        MANAGER,
      );
      const done = `create Claim ${name} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} success`;
      recorder.event(set, 'Normal', 'SuccessfulCreate', done);
    }
  }

  async function remove(set: StatefulSet, pod: Pod): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await api.delete(PODS, namespace, name, uid === undefined ? {} : { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    recorder.event(
      set,
      'Normal',
      'SuccessfulDelete',
      `delete Pod ${name} in StatefulSet ${set.metadata.name} successful`,
    );
  }

  async function writeStatus(
    set: StatefulSet,
    current: ControllerRevision,
    update: ControllerRevision,
  ): Promise<void> {
    const owned = pods.ownedBy(set.metadata.uid ?? '').filter((pod) => !isPodFinished(pod));
    const alive = owned.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const of = (revision: ControllerRevision) =>
      alive.filter((pod) => revisionOf(pod) === hashOf(revision)).length;
    const ready = owned.filter(isPodReady).length;
    const updated = of(update);
    const complete =
      (set.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate' &&
      updated === owned.length &&
      ready === owned.length &&
      owned.length === (set.spec.replicas ?? 1);
    const shown = complete ? update : current;
    const status = {
      ...omitEmpty({
        observedGeneration: set.metadata.generation ?? 0,
        readyReplicas: ready,
        currentReplicas: of(shown),
        updatedReplicas: updated,
      }),
      replicas: owned.length,
      availableReplicas: owned.filter((pod) =>
        isPodAvailable(pod, set.spec.minReadySeconds ?? 0, clock.now()),
      ).length,
      currentRevision: shown.metadata.name,
      updateRevision: update.metadata.name,
      collisionCount: set.status?.collisionCount ?? 0,
    };
    const newest = statefulSets.get(keyOf(set));
    if (newest === undefined || sameJson(newest.status ?? {}, status)) return;
    const next = { ...copyJson(newest), status };
    statefulSets.observe(await api.update(STATEFUL_SETS, next, { ...MANAGER, subresource: 'status' }));
  }

  return { close: () => queue.close() };
}

function ordinals(set: StatefulSet): readonly [number, number] {
  const start = set.spec.ordinals?.start ?? 0;
  return [start, start + (set.spec.replicas ?? 1)];
}

function ordinalOf(set: StatefulSet, pod: Pod): number {
  const tail = pod.metadata.name.slice(set.metadata.name.length + 1);
  return /^\d+$/.test(tail) ? Number(tail) : -1;
}

function revisionOf(pod: Pod): string {
  return pod.metadata.labels?.[REVISION_HASH] ?? '';
}
