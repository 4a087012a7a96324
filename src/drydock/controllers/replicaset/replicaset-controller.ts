import { copyJson } from '../../kinds/json-access.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi, KubeObject, ResourceName } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { controllerOf, keyOf } from '../cache.ts';
import { findCondition, withCondition, withoutCondition } from '../conditions.ts';
import { eventRecorder } from '../events.ts';
import { PODS, REPLICA_SETS } from '../objects.ts';
import {
  asReplicationController,
  REPLICATION_CONTROLLERS,
  replicationControllerCache,
} from './replication-controllers.ts';
import type { Pod, ReplicaSet } from '../objects.ts';
import { compareForDeletion, isPodActive, isPodAvailable, isPodReady } from '../pods.ts';
import { podControl, podFrom } from '../pod-control.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import { matchesSelector } from '../selectors.ts';
import { timestamp } from '../time.ts';
import {
  controllerReference,
  isConflict,
  isNamespaceTerminating,
  omitEmpty,
  sameJson,
  slowStart,
} from '../writes.ts';

const MANAGER = { fieldManager: 'kube-controller-manager' };
const MOST_DELETES = 500;

export interface ReplicaSetControllerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly replicaSets: Cache<ReplicaSet>;
  readonly pods: Cache<Pod>;
}

/** What is different between the two kinds that this controller keeps. */
interface Flavour {
  readonly kind: string;
  readonly resource: ResourceName;
  readonly component: string;
  stored(object: ReplicaSet): KubeObject;
}

interface Failure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly error: unknown;
}

/** Keeps as many active pods as a ReplicaSet asks for (pkg/controller/replicaset, 1.32). */
export function startReplicaSetController(options: ReplicaSetControllerOptions): { close(): Promise<void> } {
  return start(options, {
    kind: 'ReplicaSet',
    resource: REPLICA_SETS,
    component: 'replicaset-controller',
    stored: (object) => object,
  });
}

/** The same for ReplicationControllers, which scripts of before Deployments still use. */
export function startReplicationController(options: Omit<ReplicaSetControllerOptions, 'replicaSets'>): {
  close(): Promise<void>;
} {
  const replicaSets = replicationControllerCache(options.api);
  const running = start(
    { ...options, replicaSets },
    {
      kind: 'ReplicationController',
      resource: REPLICATION_CONTROLLERS,
      component: 'replication-controller',
      stored: asReplicationController,
    },
  );
  return {
    async close() {
      replicaSets.close();
      await running.close();
    },
  };
}

function start(options: ReplicaSetControllerOptions, flavour: Flavour): { close(): Promise<void> } {
  const { api, logger, replicaSets, pods } = options;
  const { clock } = api;
  const recorder = eventRecorder(api, clock, { component: flavour.component });
  const control = podControl(api, pods, recorder);
  const queue = workQueue({
    clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('replica set not reconciled', { key, error: messageOf(error) });
    },
  });

  replicaSets.onChange((replicaSet) => queue.add(keyOf(replicaSet)));
  pods.onChange((pod, old) => {
    for (const owner of new Set([controllerOf(pod), old === undefined ? undefined : controllerOf(old)])) {
      if (owner?.kind === flavour.kind) queue.add(`${pod.metadata.namespace ?? ''}/${owner.name}`);
    }
    if (controllerOf(pod) !== undefined || pod.metadata.deletionTimestamp !== undefined) return;
    for (const replicaSet of replicaSets.inNamespace(pod.metadata.namespace ?? '')) {
      if (matchesSelector(replicaSet.spec.selector, pod.metadata.labels)) queue.add(keyOf(replicaSet));
    }
  });

  async function reconcile(key: string): Promise<Again | undefined> {
    const replicaSet = replicaSets.get(key);
    if (replicaSet === undefined) return undefined;
    const active = await claimedPods(replicaSet);
    const failure =
      replicaSet.metadata.deletionTimestamp === undefined ? await balance(replicaSet, active) : undefined;
    await writeStatus(replicaSet, active, failure);
    if (failure !== undefined && !isNamespaceTerminating(failure.error)) throw failure.error;
    const waits = replicaSet.spec.minReadySeconds ?? 0;
    const notYet = active.some((pod) => isPodReady(pod) && !isPodAvailable(pod, waits, clock.now()));
    return waits > 0 && notYet ? { againAfterMs: waits * 1000 } : undefined;
  }

  async function claimedPods(replicaSet: ReplicaSet): Promise<Pod[]> {
    const claimed: Pod[] = [];
    for (const pod of pods.ownedBy(replicaSet.metadata.uid ?? '')) {
      if (!isPodActive(pod)) continue;
      if (matchesSelector(replicaSet.spec.selector, pod.metadata.labels)) claimed.push(pod);
      else
        await reown(
          pod,
          (pod.metadata.ownerReferences ?? []).filter((o) => o.uid !== replicaSet.metadata.uid),
        );
    }
    if (replicaSet.metadata.deletionTimestamp !== undefined) return claimed;
    for (const pod of pods.orphansIn(replicaSet.metadata.namespace ?? '')) {
      if (!isPodActive(pod)) continue;
      if (!matchesSelector(replicaSet.spec.selector, pod.metadata.labels)) continue;
      const owners = [...(pod.metadata.ownerReferences ?? []), controllerReference(replicaSet)];
      claimed.push(await reown(pod, owners));
    }
    return claimed;
  }

  async function reown(
    pod: Pod,
    ownerReferences: NonNullable<Pod['metadata']['ownerReferences']>,
  ): Promise<Pod> {
    const next = copyJson(pod);
    next.metadata.ownerReferences = ownerReferences;
    const stored = await api.update(PODS, next, MANAGER);
    pods.observe(stored);
    return stored as Pod;
  }

  async function balance(replicaSet: ReplicaSet, active: readonly Pod[]): Promise<Failure | undefined> {
    const missing = (replicaSet.spec.replicas ?? 1) - active.length;
    if (missing > 0) {
      try {
        await slowStart(missing, () =>
          control.create(replicaSet, podFrom(replicaSet.spec.template, replicaSet)),
        );
      } catch (error) {
        return { reason: 'FailedCreate', error };
      }
    }
    if (missing < 0) {
      const surplus = victims(replicaSet, active, Math.min(-missing, MOST_DELETES));
      const results = await Promise.allSettled(surplus.map((pod) => control.delete(replicaSet, pod)));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) return { reason: 'FailedDelete', error: failed.reason };
    }
    return undefined;
  }

  /** Pods to delete: the ones that matter least first, and of equals those doubled up with siblings on a node. */
  function victims(replicaSet: ReplicaSet, active: readonly Pod[], count: number): Pod[] {
    if (count >= active.length) return [...active];
    const onNode = new Map<string, number>();
    for (const pod of siblings(replicaSet)) {
      const node = pod.spec.nodeName ?? '';
      if (node !== '') onNode.set(node, (onNode.get(node) ?? 0) + 1);
    }
    const now = clock.now();
    return active
      .map((pod) => ({ pod, rank: onNode.get(pod.spec.nodeName ?? '') ?? 0 }))
      .sort((a, b) => compareForDeletion(a, b, now))
      .slice(0, count)
      .map(({ pod }) => pod);
  }

  function siblings(replicaSet: ReplicaSet): readonly Pod[] {
    const owner = controllerOf(replicaSet);
    const family =
      owner === undefined
        ? [replicaSet]
        : replicaSets
            .inNamespace(replicaSet.metadata.namespace ?? '')
            .filter((other) => controllerOf(other)?.uid === owner.uid);
    return family.flatMap((member) => pods.ownedBy(member.metadata.uid ?? '').filter(isPodActive));
  }

  async function writeStatus(
    replicaSet: ReplicaSet,
    active: readonly Pod[],
    failure: Failure | undefined,
  ): Promise<void> {
    // What was just written is in the cache; the status of the newest version decides what changes.
    const current = replicaSets.get(keyOf(replicaSet));
    if (current === undefined || current.metadata.uid !== replicaSet.metadata.uid) return;
    const status = statusOf(current, active, failure, clock.now());
    const before = current.status ?? {};
    const observedGeneration = replicaSet.metadata.generation ?? 0;
    if (sameJson(before, { ...status, observedGeneration })) return;
    const stored = await api.update(
      flavour.resource,
      flavour.stored({ ...copyJson(current), status: { ...status, observedGeneration } }),
      { ...MANAGER, subresource: 'status' },
    );
    replicaSets.observe(stored);
  }

  return { close: () => queue.close() };
}

function statusOf(
  replicaSet: ReplicaSet,
  active: readonly Pod[],
  failure: Failure | undefined,
  now: number,
): NonNullable<ReplicaSet['status']> {
  const wantedLabels = replicaSet.spec.template.metadata?.labels ?? {};
  const waits = replicaSet.spec.minReadySeconds ?? 0;
  const labeled = active.filter((pod) =>
    Object.entries(wantedLabels).every(([key, value]) => pod.metadata.labels?.[key] === value),
  );
  const before = replicaSet.status?.conditions;
  const failed = findCondition(before, 'ReplicaFailure');
  let conditions = before;
  if (failure !== undefined && failed === undefined) {
    conditions = withCondition(before, {
      type: 'ReplicaFailure',
      status: 'True',
      reason: failure.reason,
      message: messageOf(failure.error),
      lastTransitionTime: timestamp(now),
    });
  } else if (failure === undefined && failed !== undefined) {
    conditions = withoutCondition(before, 'ReplicaFailure');
  }
  return {
    ...omitEmpty({
      fullyLabeledReplicas: labeled.length,
      readyReplicas: active.filter(isPodReady).length,
      availableReplicas: active.filter((pod) => isPodAvailable(pod, waits, now)).length,
    }),
    replicas: active.length,
    ...(conditions === undefined || conditions.length === 0 ? {} : { conditions }),
  };
}
