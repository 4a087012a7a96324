import { messageOf } from '../../../kernel/index.ts';
import type { InProcessApi } from '../../api/contract.ts';
import { controllerOf } from '../cache.ts';
import { deploymentCondition, findCondition, withCondition } from '../conditions.ts';
import type { EventRecorder } from '../events.ts';
import { REPLICA_SETS } from '../objects.ts';
import type { Deployment, ReplicaSet } from '../objects.ts';
import { isAlreadyExists, isNamespaceTerminating, sameJson } from '../writes.ts';
import { replicasOf } from './arithmetic.ts';
import type { DeploymentWrites } from './deployment-writes.ts';
import { newReplicaSet } from './new-replica-set.ts';
import { hasDeadline } from './progress.ts';
import { findNewReplicaSet, highestRevision, newReplicaSetAnnotations, REVISION } from './revisions.ts';
import { sameTemplate } from './template-hash.ts';

/** The ReplicaSets of a Deployment, told apart. */
export interface Sets {
  readonly newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
  readonly all: readonly ReplicaSet[];
}

/** Tells the ReplicaSet of the current template from the earlier ones. */
export function told(deployment: Deployment, owned: readonly ReplicaSet[]): Sets {
  const newSet = findNewReplicaSet(deployment, owned);
  const oldSets = owned.filter((replicaSet) => replicaSet !== newSet);
  return { newSet, oldSets, all: newSet === undefined ? oldSets : [...oldSets, newSet] };
}

/** What is known once the newest ReplicaSet and its revision are in step. */
export interface Synced {
  readonly deployment: Deployment;
  readonly sets: Sets;
}

/** Finds or makes the newest ReplicaSet of a Deployment and brings revision annotations in step. */
export interface RevisionSync {
  (deployment: Deployment, owned: readonly ReplicaSet[], create: boolean): Promise<Synced>;
}

export function revisionSync(options: {
  readonly api: InProcessApi;
  readonly recorder: EventRecorder;
  readonly writes: DeploymentWrites;
}): RevisionSync {
  const { api, recorder } = options;
  const { createSet, putRevision, putStatus, recordScaling, updateSet } = options.writes;
  const { clock } = api;

  async function syncRevision(
    deployment: Deployment,
    owned: readonly ReplicaSet[],
    create: boolean,
  ): Promise<Synced> {
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
  ): Promise<Synced> {
    const annotations = newReplicaSetAnnotations(deployment, newSet.metadata.annotations, revision);
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
    let current = newSet;
    if (
      !sameJson(annotations, newSet.metadata.annotations ?? {}) ||
      (newSet.spec.minReadySeconds ?? 0) !== minReadySeconds
    ) {
      const next = structuredClone(newSet);
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

  async function createNewSet(deployment: Deployment, sets: Sets, revision: number): Promise<Synced> {
    const made = newReplicaSet(deployment, sets.all, revision);
    let stored: ReplicaSet;
    let existed = false;
    try {
      stored = await createSet(made);
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

  return syncRevision;
}
