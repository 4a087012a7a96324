import type { Logger } from '../../../kernel/index.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { InProcessApi } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { controllerOf, keyOf } from '../cache.ts';
import { deploymentCondition, findCondition, withCondition } from '../conditions.ts';
import { eventRecorder } from '../events.ts';
import { REPLICA_SETS } from '../objects.ts';
import type { Deployment, Pod, ReplicaSet } from '../objects.ts';
import { isPodFinished } from '../pods.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import { isEmptySelector, matchesSelector } from '../selectors.ts';
import { isConflict, sameJson } from '../writes.ts';
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
import { claimReplicaSets } from './claim.ts';
import { deploymentWrites } from './deployment-writes.ts';
import { revisionSync, told } from './newest-replica-set.ts';
import type { Sets } from './newest-replica-set.ts';
import { countedStatus, deadlineCheckAfter, hasDeadline, isComplete, rolloutStatus } from './progress.ts';
import { outlivedReplicaSets, sizeAnnotations } from './revisions.ts';

export interface DeploymentControllerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly deployments: Cache<Deployment>;
  readonly replicaSets: Cache<ReplicaSet>;
  readonly pods: Cache<Pod>;
}

/**
 * The Deployment controller: makes a ReplicaSet per pod template and moves replicas from the old to the new one within
 * the bounds of the strategy. Arithmetic, conditions and their order are Kubernetes' (pkg/controller/deployment, 1.32).
 */
export function startDeploymentController(options: DeploymentControllerOptions): { close(): Promise<void> } {
  const { api, logger, deployments, replicaSets, pods } = options;
  const { clock } = api;
  const recorder = eventRecorder(api, clock, { component: 'deployment-controller' });
  const writes = deploymentWrites({ api, deployments, replicaSets, recorder });
  const { updateSet, writeStatus, putStatus, recordScaling } = writes;
  const syncRevision = revisionSync({ api, recorder, writes });
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
    let deployment = structuredClone(found);
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

  async function resize(deployment: Deployment, changes: readonly Resize[], sets: Sets): Promise<Sets> {
    const stored = new Map<ReplicaSet, ReplicaSet>();
    for (const { replicaSet, to } of changes) {
      const from = replicasOf(replicaSet);
      const annotations = { ...replicaSet.metadata.annotations, ...sizeAnnotations(deployment) };
      if (from === to && sameJson(annotations, replicaSet.metadata.annotations ?? {})) continue;
      const next = structuredClone(replicaSet);
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

  return { close: () => queue.close() };
}
