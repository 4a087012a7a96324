import { copyJson } from '../../kinds/json-access.ts';
import type { Logger } from '../../../kernel/index.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { InProcessApi } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { controllerOf, keyOf } from '../cache.ts';
import { deploymentCondition, findCondition, withCondition } from '../conditions.ts';
import { eventRecorder } from '../events.ts';
import { DEPLOYMENTS, REPLICA_SETS } from '../objects.ts';
import type { Deployment, DeploymentStatus, Pod, ReplicaSet } from '../objects.ts';
import { isPodFinished } from '../pods.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import { isEmptySelector, matchesSelector } from '../selectors.ts';
import { isAlreadyExists, isConflict, isNamespaceTerminating, sameJson } from '../writes.ts';
import {
  isActive,
  isRollingUpdate,
  isScalingEvent,
  newReplicaSetSize,
  replicasOf,
  scaleReplicaSets,
  shrinkOldReplicaSets,
  totalStatus,
  wantedReplicas,
} from './arithmetic.ts';
import type { Resize } from './arithmetic.ts';
import { countedStatus, deadlineCheckAfter, hasDeadline, isComplete, rolloutStatus } from './progress.ts';
import {
  findNewReplicaSet,
  highestRevision,
  newReplicaSetAnnotations,
  outlivedReplicaSets,
  REVISION,
  sizeAnnotations,
} from './revisions.ts';
import { claimReplicaSets } from './claim.ts';
import { newReplicaSet } from './new-replica-set.ts';
import { sameTemplate } from './template-hash.ts';

const MANAGER = { fieldManager: 'kube-controller-manager' };

export interface DeploymentControllerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly deployments: Cache<Deployment>;
  readonly replicaSets: Cache<ReplicaSet>;
  readonly pods: Cache<Pod>;
}

/** The ReplicaSets of a Deployment, told apart. */
interface Sets {
  readonly newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
  readonly all: readonly ReplicaSet[];
}

/**
 * The Deployment controller: makes a ReplicaSet per pod template and moves replicas from the old to the new one within
 * the bounds of the strategy. Arithmetic, conditions and their order are Kubernetes' (pkg/controller/deployment, 1.32).
 */
export function startDeploymentController(options: DeploymentControllerOptions): { close(): Promise<void> } {
  const { api, logger, deployments, replicaSets, pods } = options;
  const { clock } = api;
  const recorder = eventRecorder(api, clock, { component: 'deployment-controller' });
  const queue = workQueue({
    clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('deployment not reconciled', { key, error: messageOf(error) });
    },
  });

  deployments.onChange((deployment) => queue.add(keyOf(deployment)));
  replicaSets.onChange((replicaSet) => {
    const owner = controllerOf(replicaSet);
    if (owner?.kind === 'Deployment') {
      queue.add(`${replicaSet.metadata.namespace ?? ''}/${owner.name}`);
      return;
    }
    if (owner !== undefined) return;
    for (const deployment of deployments.inNamespace(replicaSet.metadata.namespace ?? '')) {
      if (matchesSelector(deployment.spec.selector, replicaSet.metadata.labels)) queue.add(keyOf(deployment));
    }
  });
  pods.onChange((pod, _old, gone) => {
    // Only Recreate waits for pods to be gone; everything else is told by the ReplicaSets.
    if (!gone) return;
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return;
    const replicaSet = replicaSets.get(`${pod.metadata.namespace ?? ''}/${owner.name}`);
    const parent = replicaSet === undefined ? undefined : controllerOf(replicaSet);
    if (parent?.kind !== 'Deployment') return;
    const deployment = deployments.get(`${pod.metadata.namespace ?? ''}/${parent.name}`);
    if (deployment !== undefined && !isRollingUpdate(deployment)) queue.add(keyOf(deployment));
  });

  async function reconcile(key: string): Promise<Again | undefined> {
    const found = deployments.get(key);
    if (found === undefined) return undefined;
    let deployment = copyJson(found);
    if (isEmptySelector(deployment.spec.selector)) {
      recorder.event(
        deployment,
        'Warning',
        'SelectingAll',
        'This deployment is selecting all pods. A non-empty selector is required.',
      );
      return undefined;
    }
    const owned = await claimReplicaSets(deployment, replicaSets, updateSet);
    if (deployment.metadata.deletionTimestamp !== undefined) {
      const { all, newSet } = told(deployment, owned);
      await writeStatus(deployment, countedStatus(deployment, all, newSet, clock.now()));
      return undefined;
    }
    deployment = await notePaused(deployment);
    if (deployment.spec.paused === true || isScalingEvent(deployment, owned)) {
      return await scaleOnly(deployment, owned);
    }
    return isRollingUpdate(deployment) ? await roll(deployment, owned) : await recreate(deployment, owned);
  }

  async function updateSet(replicaSet: ReplicaSet): Promise<ReplicaSet> {
    const stored = await api.update(REPLICA_SETS, replicaSet, MANAGER);
    replicaSets.observe(stored);
    return stored as ReplicaSet;
  }

  function told(deployment: Deployment, owned: readonly ReplicaSet[]): Sets {
    const newSet = findNewReplicaSet(deployment, owned);
    const oldSets = owned.filter((replicaSet) => replicaSet !== newSet);
    return { newSet, oldSets, all: newSet === undefined ? oldSets : [...oldSets, newSet] };
  }

  async function notePaused(deployment: Deployment): Promise<Deployment> {
    if (!hasDeadline(deployment)) return deployment;
    const current = findCondition(deployment.status?.conditions, 'Progressing');
    if (current?.reason === 'ProgressDeadlineExceeded') return deployment;
    const paused = deployment.spec.paused === true;
    if (paused === (current?.reason === 'DeploymentPaused')) return deployment;
    const next = deploymentCondition(
      clock.now(),
      'Progressing',
      'Unknown',
      paused ? 'DeploymentPaused' : 'DeploymentResumed',
      paused ? 'Deployment is paused' : 'Deployment is resumed',
    );
    return await putStatus(deployment, {
      ...deployment.status,
      conditions: withCondition(deployment.status?.conditions, next),
    });
  }

  async function scaleOnly(deployment: Deployment, owned: readonly ReplicaSet[]): Promise<undefined> {
    const { deployment: current, sets } = await syncRevision(deployment, owned, false);
    const resized = await resize(current, scaleReplicaSets(current, sets.newSet, sets.oldSets), sets);
    if (current.spec.paused === true) await cleanUp(current, resized.oldSets);
    await writeStatus(current, countedStatus(current, resized.all, resized.newSet, clock.now()));
    return undefined;
  }

  async function roll(deployment: Deployment, owned: readonly ReplicaSet[]): Promise<Again | undefined> {
    const synced = await syncRevision(deployment, owned, true);
    const { deployment: current } = synced;
    let { sets } = synced;
    const { newSet } = sets;
    if (newSet === undefined) return undefined;
    const size =
      replicasOf(newSet) > wantedReplicas(current)
        ? wantedReplicas(current)
        : newReplicaSetSize(current, sets.all, replicasOf(newSet));
    const grow = size === replicasOf(newSet) ? [] : [{ replicaSet: newSet, to: size }];
    const changes = grow.length > 0 ? grow : shrinkOldReplicaSets(current, newSet, sets.oldSets);
    if (changes.length > 0) sets = await resize(current, changes, sets);
    else if (isComplete(current, current.status ?? {})) await cleanUp(current, sets.oldSets);
    return await writeRollout(current, sets);
  }

  async function recreate(deployment: Deployment, owned: readonly ReplicaSet[]): Promise<Again | undefined> {
    const before = await syncRevision(deployment, owned, false);
    const active = before.sets.oldSets.filter(isActive);
    if (active.length > 0) {
      const changes = active.map((replicaSet) => ({ replicaSet, to: 0 }));
      return await writeRollout(before.deployment, await resize(before.deployment, changes, before.sets));
    }
    if (oldPodsRun(before.sets)) return await writeRollout(before.deployment, before.sets);
    const after = await syncRevision(before.deployment, before.sets.all, true);
    let { sets } = after;
    if (sets.newSet !== undefined && replicasOf(sets.newSet) !== wantedReplicas(after.deployment)) {
      const change = { replicaSet: sets.newSet, to: wantedReplicas(after.deployment) };
      sets = await resize(after.deployment, [change], sets);
    }
    if (isComplete(after.deployment, after.deployment.status ?? {})) {
      await cleanUp(after.deployment, sets.oldSets);
    }
    return await writeRollout(after.deployment, sets);
  }

  function oldPodsRun(sets: Sets): boolean {
    if (totalStatus(sets.oldSets, 'replicas') > 0) return true;
    return sets.oldSets.some((replicaSet) =>
      pods.ownedBy(replicaSet.metadata.uid ?? '').some((pod) => !isPodFinished(pod)),
    );
  }

  /** Finds or makes the newest ReplicaSet and brings revision annotations in step. */
  async function syncRevision(
    deployment: Deployment,
    owned: readonly ReplicaSet[],
    create: boolean,
  ): Promise<{ deployment: Deployment; sets: Sets }> {
    const sets = told(deployment, owned);
    const revision = highestRevision(sets.oldSets) + 1;
    if (sets.newSet !== undefined) return await refreshNewSet(deployment, sets, sets.newSet, revision);
    if (!create) return { deployment, sets };
    return await createNewSet(deployment, sets, revision);
  }

  async function refreshNewSet(
    deployment: Deployment,
    sets: Sets,
    newSet: ReplicaSet,
    revision: number,
  ): Promise<{ deployment: Deployment; sets: Sets }> {
    const annotations = newReplicaSetAnnotations(deployment, newSet.metadata.annotations, revision);
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
    let current = newSet;
    if (
      !sameJson(annotations, newSet.metadata.annotations ?? {}) ||
      (newSet.spec.minReadySeconds ?? 0) !== minReadySeconds
    ) {
      const next = copyJson(newSet);
      next.metadata.annotations = annotations;
      if (minReadySeconds === 0) delete next.spec.minReadySeconds;
      else next.spec.minReadySeconds = minReadySeconds;
      current = await updateSet(next);
    }
    const found = findCondition(deployment.status?.conditions, 'Progressing');
    const noted =
      found === undefined && hasDeadline(deployment)
        ? deploymentCondition(
            clock.now(),
            'Progressing',
            'True',
            'FoundNewReplicaSet',
            `Found new replica set "${current.metadata.name}"`,
          )
        : undefined;
    const shown = current.metadata.annotations?.[REVISION] ?? String(revision);
    return {
      deployment: await putRevision(deployment, shown, noted),
      sets: { newSet: current, oldSets: sets.oldSets, all: [...sets.oldSets, current] },
    };
  }

  async function createNewSet(
    deployment: Deployment,
    sets: Sets,
    revision: number,
  ): Promise<{ deployment: Deployment; sets: Sets }> {
    const made = newReplicaSet(deployment, sets.all, revision);
    let stored: ReplicaSet;
    let existed = false;
    try {
      stored = (await api.create(REPLICA_SETS, made, MANAGER)) as ReplicaSet;
      replicaSets.observe(stored);
    } catch (error) {
      if (isNamespaceTerminating(error)) return { deployment, sets };
      if (!isAlreadyExists(error)) {
        await noteCreateFailure(deployment, made.metadata.name, error);
        throw error;
      }
      const other = api.get(REPLICA_SETS, made.metadata.namespace, made.metadata.name) as
        | ReplicaSet
        | undefined;
      const ours =
        other !== undefined &&
        controllerOf(other)?.uid === deployment.metadata.uid &&
        sameTemplate(other.spec.template, deployment.spec.template);
      if (!ours) {
        await putStatus(deployment, {
          ...deployment.status,
          collisionCount: (deployment.status?.collisionCount ?? 0) + 1,
        });
        throw error;
      }
      stored = other;
      existed = true;
    }
    if (!existed && replicasOf(stored) > 0)
      recordScaling(deployment, stored.metadata.name, 0, replicasOf(stored));
    const noted =
      !existed && hasDeadline(deployment)
        ? deploymentCondition(
            clock.now(),
            'Progressing',
            'True',
            'NewReplicaSetCreated',
            `Created new replica set "${stored.metadata.name}"`,
          )
        : undefined;
    return {
      deployment: await putRevision(deployment, String(revision), noted),
      sets: { newSet: stored, oldSets: sets.oldSets, all: [...sets.oldSets, stored] },
    };
  }

  async function noteCreateFailure(deployment: Deployment, name: string, error: unknown): Promise<void> {
    const message = `Failed to create new replica set "${name}": ${messageOf(error)}`;
    if (hasDeadline(deployment)) {
      const condition = deploymentCondition(
        clock.now(),
        'Progressing',
        'False',
        'ReplicaSetCreateError',
        message,
      );
      await putStatus(deployment, {
        ...deployment.status,
        conditions: withCondition(deployment.status?.conditions, condition),
      });
    }
    recorder.event(deployment, 'Warning', 'ReplicaSetCreateError', message);
  }

  async function resize(deployment: Deployment, changes: readonly Resize[], sets: Sets): Promise<Sets> {
    const stored = new Map<ReplicaSet, ReplicaSet>();
    for (const { replicaSet, to } of changes) {
      const from = replicasOf(replicaSet);
      const annotations = { ...replicaSet.metadata.annotations, ...sizeAnnotations(deployment) };
      if (from === to && sameJson(annotations, replicaSet.metadata.annotations ?? {})) continue;
      const next = copyJson(replicaSet);
      next.spec.replicas = to;
      next.metadata.annotations = annotations;
      stored.set(replicaSet, await updateSet(next));
      if (from !== to) recordScaling(deployment, replicaSet.metadata.name, from, to);
    }
    const current = (replicaSet: ReplicaSet) => stored.get(replicaSet) ?? replicaSet;
    return {
      newSet: sets.newSet === undefined ? undefined : current(sets.newSet),
      oldSets: sets.oldSets.map(current),
      all: sets.all.map(current),
    };
  }

  function recordScaling(deployment: Deployment, name: string, from: number, to: number): void {
    const direction = to > from ? 'up' : 'down';
    recorder.event(
      deployment,
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${direction} replica set ${name} from ${from} to ${to}`,
    );
  }

  async function cleanUp(deployment: Deployment, oldSets: readonly ReplicaSet[]): Promise<void> {
    for (const replicaSet of outlivedReplicaSets(deployment, oldSets)) {
      await api.delete(REPLICA_SETS, replicaSet.metadata.namespace, replicaSet.metadata.name);
    }
  }

  async function writeRollout(deployment: Deployment, sets: Sets): Promise<Again | undefined> {
    const status = rolloutStatus(deployment, sets.all, sets.newSet, clock.now());
    const written = await writeStatus(deployment, status);
    const againAfterMs = deadlineCheckAfter(written, status, clock.now());
    return againAfterMs === undefined ? undefined : { againAfterMs };
  }

  /** Writes the status when it differs from what is stored. */
  async function writeStatus(deployment: Deployment, status: DeploymentStatus): Promise<Deployment> {
    if (sameJson(deployment.status ?? {}, status)) return deployment;
    return await putStatus(deployment, status);
  }

  /** The revision annotation is written with the status: by itself it would raise the generation. */
  async function putRevision(
    deployment: Deployment,
    revision: string,
    condition: ReturnType<typeof deploymentCondition> | undefined,
  ): Promise<Deployment> {
    if (deployment.metadata.annotations?.[REVISION] === revision && condition === undefined)
      return deployment;
    const next = copyJson(deployment);
    next.metadata.annotations = { ...next.metadata.annotations, [REVISION]: revision };
    const status = { ...deployment.status };
    if (condition !== undefined) status.conditions = withCondition(status.conditions, condition);
    return await putStatus(next, status);
  }

  async function putStatus(deployment: Deployment, status: DeploymentStatus): Promise<Deployment> {
    const stored = await api.update(
      DEPLOYMENTS,
      { ...deployment, status },
      { ...MANAGER, subresource: 'status' },
    );
    deployments.observe(stored);
    return copyJson(stored) as Deployment;
  }

  return { close: () => queue.close() };
}
