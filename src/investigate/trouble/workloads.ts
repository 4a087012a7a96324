import { getArray, getNumber, getObject, getString } from '../../kernel/index.ts';
import type { World } from '../../verdict/index.ts';
import { WORKLOADS, subjectOf } from '../trace.ts';
import type { Trouble } from './trouble.ts';
import { claimOf, inSpace, isFresh, oneLine } from './trouble.ts';

export function workloadTroubles(world: World): readonly Trouble[] {
  return world.live.flatMap((object): readonly Trouble[] => {
    if (!WORKLOADS.has(object.kind)) return [];
    const subject = subjectOf(object);
    const { value } = object;
    const wanted =
      getNumber(value, 'spec', 'replicas') ?? getNumber(value, 'status', 'desiredNumberScheduled');
    const ready =
      getNumber(value, 'status', 'readyReplicas') ??
      getNumber(value, 'status', 'numberReady') ??
      (object.whole && wanted !== undefined && getObject(value, 'status') !== undefined ? 0 : undefined);
    const updated =
      getNumber(value, 'status', 'updatedReplicas') ?? getNumber(value, 'status', 'updatedNumberScheduled');
    const check = `kubectl describe ${object.kind.toLowerCase()} ${object.name}${inSpace(object.namespace)}`;
    const conditions = getArray(value, 'status', 'conditions');
    const failing = conditions.find((condition) => {
      const type = getString(condition, 'type');
      const status = getString(condition, 'status');
      return (
        (type === 'ReplicaFailure' && status === 'True') || (type === 'Progressing' && status === 'False')
      );
    });
    if (failing !== undefined) {
      const said = [getString(failing, 'reason'), getString(failing, 'message')]
        .filter((part) => part !== undefined)
        .join(': ');
      const stuck = getString(failing, 'type') === 'Progressing';
      return [
        {
          boundary: stuck ? 'rollout' : 'health',
          subject,
          reason: stuck ? 'rollout-stuck' : 'replicas-refused',
          title: `${subject}: ${oneLine(said)}`,
          claims: [
            claimOf(
              stuck ? 'rollout' : 'health',
              subject,
              `condition ${getString(failing, 'type') ?? ''}`,
              said,
              object.cite(['status', 'conditions', conditions.indexOf(failing)]),
            ),
          ],
          weight: 'hard',
          check,
        },
      ];
    }
    if (wanted !== undefined && ready !== undefined && ready < wanted) {
      const moving = conditions.some(
        (condition) =>
          getString(condition, 'type') === 'Progressing' &&
          getString(condition, 'reason') === 'ReplicaSetUpdated',
      );
      return [
        {
          boundary: 'health',
          subject,
          reason: 'replicas-missing',
          title: `${subject} has ${ready} of ${wanted} replicas ready`,
          claims: [
            claimOf(
              'health',
              subject,
              'readyReplicas',
              `${ready} of ${wanted}`,
              object.cite(['status', 'readyReplicas']),
            ),
          ],
          weight: (moving && ready > 0) || isFresh(object) ? 'moving' : 'hard',
          check,
        },
      ];
    }
    if (wanted !== undefined && updated !== undefined && updated < wanted)
      return [
        {
          boundary: 'rollout',
          subject,
          reason: 'not-updated',
          title: `${subject} has ${updated} of ${wanted} replicas of the new revision`,
          claims: [
            claimOf(
              'rollout',
              subject,
              'updatedReplicas',
              `${updated} of ${wanted}`,
              object.cite(['status', 'updatedReplicas']),
            ),
          ],
          weight: 'moving',
          check: `kubectl rollout status ${object.kind.toLowerCase()}/${object.name}${inSpace(object.namespace)}`,
        },
      ];
    return [];
  });
}
