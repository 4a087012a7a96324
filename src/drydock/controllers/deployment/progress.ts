import { deploymentCondition, findCondition, withCondition, withoutCondition } from '../conditions.ts';
import type { Condition, Deployment, DeploymentStatus, ReplicaSet } from '../objects.ts';
import { timeOf } from '../time.ts';
import { omitEmpty } from '../writes.ts';
import { boundsOf, totalReplicas, totalStatus, wantedReplicas } from './arithmetic.ts';

const NO_DEADLINE = 2_147_483_647;

export function hasDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== NO_DEADLINE;
}

/** The status that the ReplicaSets add up to; Progressing and ReplicaFailure are still as they were. */
export function countedStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  now: number,
): DeploymentStatus {
  const available = totalStatus(all, 'availableReplicas');
  const enough = available >= wantedReplicas(deployment) - boundsOf(deployment).unavailable;
  return {
    ...omitEmpty({
      observedGeneration: deployment.metadata.generation ?? 0,
      replicas: totalStatus(all, 'replicas'),
      updatedReplicas: totalStatus([newSet], 'replicas'),
      readyReplicas: totalStatus(all, 'readyReplicas'),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, totalReplicas(all) - available),
    }),
    ...(deployment.status?.collisionCount === undefined
      ? {}
      : { collisionCount: deployment.status.collisionCount }),
    conditions: withCondition(
      deployment.status?.conditions,
      enough
        ? deploymentCondition(
            now,
            'Available',
            'True',
            'MinimumReplicasAvailable',
            'Deployment has minimum availability.',
          )
        : deploymentCondition(
            now,
            'Available',
            'False',
            'MinimumReplicasUnavailable',
            'Deployment does not have minimum availability.',
          ),
    ),
  };
}

/** Every wanted pod is of the newest template, available, and no old one is left; as of the newest generation. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = wantedReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, status: DeploymentStatus, now: number): boolean {
  const progressing = findCondition(status.conditions, 'Progressing');
  if (progressing === undefined || progressing.reason === 'NewReplicaSetAvailable') return false;
  if (progressing.reason === 'ProgressDeadlineExceeded') return true;
  const from = timeOf(progressing.lastUpdateTime) ?? now;
  return from + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000 < now;
}

/** The status of a rollout with its Progressing and ReplicaFailure conditions, in the original's order. */
export function rolloutStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  now: number,
): DeploymentStatus {
  const status = countedStatus(deployment, all, newSet, now);
  const before = deployment.status ?? {};
  const current = findCondition(before.conditions, 'Progressing');
  let conditions = status.conditions ?? [];
  if (!hasDeadline(deployment)) conditions = withoutCondition(conditions, 'Progressing');
  const completedBefore =
    status.replicas === status.updatedReplicas && current?.reason === 'NewReplicaSetAvailable';
  if (hasDeadline(deployment) && !completedBefore) {
    const what =
      newSet === undefined
        ? `Deployment "${deployment.metadata.name}"`
        : `ReplicaSet "${newSet.metadata.name}"`;
    if (isComplete(deployment, status)) {
      conditions = withCondition(
        conditions,
        deploymentCondition(
          now,
          'Progressing',
          'True',
          'NewReplicaSetAvailable',
          `${what} has successfully progressed.`,
        ),
      );
    } else if (hasProgressed(before, status)) {
      const next = deploymentCondition(
        now,
        'Progressing',
        'True',
        'ReplicaSetUpdated',
        `${what} is progressing.`,
      );
      if (current?.status === 'True' && current.lastTransitionTime !== undefined) {
        next.lastTransitionTime = current.lastTransitionTime;
      }
      // Removed and added again, so that the update time moves even when the reason stays.
      conditions = withCondition(withoutCondition(conditions, 'Progressing'), next);
    } else if (hasTimedOut(deployment, { ...status, conditions }, now)) {
      conditions = withCondition(
        conditions,
        deploymentCondition(
          now,
          'Progressing',
          'False',
          'ProgressDeadlineExceeded',
          `${what} has timed out progressing.`,
        ),
      );
    }
  }
  const failure = replicaFailure(all, newSet);
  conditions =
    failure === undefined
      ? withoutCondition(conditions, 'ReplicaFailure')
      : withCondition(conditions, failure);
  return { ...status, conditions };
}

function replicaFailure(all: readonly ReplicaSet[], newSet: ReplicaSet | undefined): Condition | undefined {
  const ordered = [...(newSet === undefined ? [] : [newSet]), ...all];
  for (const replicaSet of ordered) {
    const failure = findCondition(replicaSet.status?.conditions, 'ReplicaFailure');
    if (failure !== undefined) {
      return { ...failure, lastUpdateTime: failure.lastTransitionTime ?? null };
    }
  }
  return undefined;
}

/** Milliseconds until the progress deadline has to be looked at again; undefined when nothing can time out. */
export function deadlineCheckAfter(
  deployment: Deployment,
  status: DeploymentStatus,
  now: number,
): number | undefined {
  if (!hasDeadline(deployment)) return undefined;
  const current = findCondition(deployment.status?.conditions, 'Progressing');
  if (
    current === undefined ||
    isComplete(deployment, status) ||
    current.reason === 'ProgressDeadlineExceeded'
  ) {
    return undefined;
  }
  const due = (timeOf(current.lastUpdateTime) ?? now) + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000;
  return Math.max(0, due - now) + 1000;
}
