import { getArray, getNumber, getObject, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { World, WorldObject } from '../../verdict/index.ts';
import { WORKLOADS, subjectOf } from '../trace.ts';
import type { Trouble } from './trouble.ts';
import { claimOf, inSpace, isFresh, oneLine } from './trouble.ts';

/** A workload as its status tells it. */
interface Told {
  readonly object: WorldObject;
  readonly subject: string;
  readonly conditions: readonly JsonValue[];
  readonly wanted: number | undefined;
  readonly ready: number | undefined;
  readonly updated: number | undefined;
  readonly check: string;
}

function toldBy(object: WorldObject): Told {
  const { value } = object;
  const wanted = getNumber(value, 'spec', 'replicas') ?? getNumber(value, 'status', 'desiredNumberScheduled');
  return {
    object,
    subject: subjectOf(object),
    conditions: getArray(value, 'status', 'conditions'),
    wanted,
    ready:
      getNumber(value, 'status', 'readyReplicas') ??
      getNumber(value, 'status', 'numberReady') ??
      (object.whole && wanted !== undefined && getObject(value, 'status') !== undefined ? 0 : undefined),
    updated:
      getNumber(value, 'status', 'updatedReplicas') ?? getNumber(value, 'status', 'updatedNumberScheduled'),
    check: `kubectl describe ${object.kind.toLowerCase()} ${object.name}${inSpace(object.namespace)}`,
  };
}

/** A condition by which the workload itself says that it does not get on. */
function failingCondition({ object, subject, conditions, check }: Told): Trouble | undefined {
  const index = conditions.findIndex((condition) => {
    const type = getString(condition, 'type');
    const status = getString(condition, 'status');
    return (type === 'ReplicaFailure' && status === 'True') || (type === 'Progressing' && status === 'False');
  });
  if (index < 0) return undefined;
  const failing = conditions[index];
  const type = getString(failing, 'type') ?? '';
  const said = [getString(failing, 'reason'), getString(failing, 'message')]
    .filter((part) => part !== undefined)
    .join(': ');
  const stuck = type === 'Progressing';
  const boundary = stuck ? 'rollout' : 'health';
  const source = object.cite(['status', 'conditions', index]);
  return {
    boundary,
    subject,
    reason: stuck ? 'rollout-stuck' : 'replicas-refused',
    title: `${subject}: ${oneLine(said)}`,
    claims: [claimOf(boundary, subject, `condition ${type}`, said, source)],
    weight: 'hard',
    check,
  };
}

function missingReplicas({ object, subject, conditions, wanted, ready, check }: Told): Trouble | undefined {
  if (wanted === undefined || ready === undefined || ready >= wanted) return undefined;
  const moving = conditions.some(
    (condition) =>
      getString(condition, 'type') === 'Progressing' &&
      getString(condition, 'reason') === 'ReplicaSetUpdated',
  );
  const source = object.cite(['status', 'readyReplicas']);
  return {
    boundary: 'health',
    subject,
    reason: 'replicas-missing',
    title: `${subject} has ${ready} of ${wanted} replicas ready`,
    claims: [claimOf('health', subject, 'readyReplicas', `${ready} of ${wanted}`, source)],
    weight: (moving && ready > 0) || isFresh(object) ? 'moving' : 'hard',
    check,
  };
}

function oldReplicas({ object, subject, wanted, updated }: Told): Trouble | undefined {
  if (wanted === undefined || updated === undefined || updated >= wanted) return undefined;
  const source = object.cite(['status', 'updatedReplicas']);
  return {
    boundary: 'rollout',
    subject,
    reason: 'not-updated',
    title: `${subject} has ${updated} of ${wanted} replicas of the new revision`,
    claims: [claimOf('rollout', subject, 'updatedReplicas', `${updated} of ${wanted}`, source)],
    weight: 'moving',
    check: `kubectl rollout status ${object.kind.toLowerCase()}/${object.name}${inSpace(object.namespace)}`,
  };
}

/** Of each workload the first that explains the others: what it says itself, what is not ready, what is old. */
export function workloadTroubles(world: World): readonly Trouble[] {
  return world.live
    .filter(({ kind }) => WORKLOADS.has(kind))
    .flatMap((object) => {
      const told = toldBy(object);
      return failingCondition(told) ?? missingReplicas(told) ?? oldReplicas(told) ?? [];
    });
}
