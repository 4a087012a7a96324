import { getArray, getIn, getString } from '../../../kernel/index.ts';
import type { Clock } from '../../../kernel/index.ts';
import { refOf } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { isHook } from '../../../boundaries/sync/index.ts';
import type { Turn } from '../../queue.ts';
import { fluxName } from '../apply.ts';
import type { FluxTarget } from '../failure.ts';
import { readinessOf, rulesOf, unusable } from '../health.ts';
import type { Release } from './release-state.ts';

/** What a release waits for after it was applied; undefined: everything is ready. As kstatus reads it. */
export async function releaseHealth(
  { object: { metadata, ...release }, rendered: { objects }, action }: Release,
  target: FluxTarget,
  clock: Clock,
  turn: Turn,
): Promise<{ readonly message: string; readonly lost: boolean } | undefined> {
  const rules = rulesOf(getArray(release, 'spec', 'healthCheckExprs'));
  const waitsForJobs = getIn(release, 'spec', action, 'disableWaitForJobs') !== true;
  const wanted = objects.filter((object) => !isHook(object));
  const found = await target.live.read(wanted.map(refOf), 'fresh', turn.signal);
  const readings = found.map((object) => {
    const readiness = readinessOf(object, rules, clock.now());
    // For kstatus a job that has begun is as it should be.
    return waitsForJobs && readiness === 'Current' && isUnfinished(object) ? 'InProgress' : readiness;
  });
  const current = found.filter(
    (object, index): object is KubeObject => object !== undefined && readings[index] === 'Current',
  );
  const open = wanted.flatMap((object, index) =>
    readings[index] === 'Current' ? [] : [{ object, readiness: readings[index] ?? 'NotFound' }],
  );
  if (open.length === 0) {
    const doubtful = await unusable(target.client, current, rules, clock.now(), turn.signal);
    for (const object of doubtful) open.push({ object, readiness: 'InProgress' });
  }
  if (open.length === 0) return undefined;
  const names = open.map(({ object, readiness }) => `${fluxName(object)} status: '${readiness}'`);
  return {
    message: `${metadata.name} is not ready: [${names.join(', ')}]`,
    lost: open.some(({ readiness }) => readiness === 'Failed'),
  };
}

function isUnfinished(object: KubeObject | undefined): boolean {
  if (object === undefined || object.kind !== 'Job' || !object.apiVersion.startsWith('batch/')) return false;
  return !getArray(object, 'status', 'conditions').some(
    (item) => getString(item, 'type') === 'Complete' && getString(item, 'status') === 'True',
  );
}
