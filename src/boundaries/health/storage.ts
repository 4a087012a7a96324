import { getArray, getString } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { podTemplate } from '../workload.ts';
import { latestEvent } from './events.ts';
import { deadlineAfter, until } from './facts.ts';
import type { HealthSubject, ObjectHealth } from './facts.ts';

const FAILED = new Set(['ProvisioningFailed', 'FailedBinding', 'ProvisioningCleanupFailed']);
const WAITS = new Set(['WaitForFirstConsumer', 'WaitForPodScheduled']);

/** Whether the volume is made only when a pod wants it. Undefined where neither the class nor an event tells. */
function waitsForConsumer(subject: HealthSubject, live: KubeObject): boolean | undefined {
  const { around } = subject;
  const name = getString(live, 'spec', 'storageClassName');
  if (around !== undefined && name !== undefined && name !== '') {
    const found = around.storageClass(name);
    // A class that does not exist waits for nobody.
    if (found.state === 'absent') return false;
    if (found.state === 'read') return getString(found.value, 'volumeBindingMode') === 'WaitForFirstConsumer';
  }
  const uids = new Set([live.metadata.uid ?? '']);
  return latestEvent(subject, uids, WAITS, 0) === undefined ? undefined : true;
}

/** Whether somebody consumes the claim: a pod that is there, or the template of a workload that is judged with it. */
function isConsumed(subject: HealthSubject, live: KubeObject): boolean | undefined {
  const { name, namespace = 'default' } = live.metadata;
  const named = (subject.beside ?? []).some(
    ({ object }) =>
      object.metadata.namespace === live.metadata.namespace &&
      getArray(podTemplate(object), 'spec', 'volumes').some(
        (volume) => getString(volume, 'persistentVolumeClaim', 'claimName') === name,
      ),
  );
  if (named) return true;
  const pods = subject.around?.pods(namespace);
  if (pods?.state !== 'read') return undefined;
  return pods.value.some((pod) => !pod.terminating && pod.claims?.includes(name) === true);
}

/** A claim is usable when it is bound, or when it waits on purpose for the first pod that wants it. */
export function claimHealth(subject: HealthSubject, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const phase = getString(live, 'status', 'phase');
  if (phase === 'Bound')
    return {
      state: 'proven',
      reason: 'bound',
      text: `${name} is bound to ${getString(live, 'spec', 'volumeName') ?? 'a volume'}`,
    };
  if (phase === 'Lost')
    return {
      state: 'broken',
      reason: 'volume-lost',
      text: `${name} has lost its volume ${getString(live, 'spec', 'volumeName') ?? ''}`.trim(),
    };
  const uids = new Set([live.metadata.uid ?? '']);
  const failed = latestEvent(subject, uids, FAILED, deadlineAfter(live, 0));
  const waits = waitsForConsumer(subject, live);
  if (waits === true && isConsumed(subject, live) === false)
    return {
      state: 'not-applicable',
      reason: 'waits-for-consumer',
      text: `${name} is bound when the first pod wants it, and none does`,
    };
  return until(
    {
      reason: failed === undefined ? 'not-bound' : 'provisioning-failed',
      text: `${name} is ${phase ?? 'not seen by its controller'}${failed === undefined ? '' : `: ${failed.message}`}`,
    },
    deadlineAfter(live),
    now,
    // What nobody looked at may be waiting on purpose.
    waits === undefined && isConsumed(subject, live) !== true ? 'unknown' : 'broken',
  );
}

/** A volume nobody claims is usable too. */
export function volumeHealth(live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const phase = getString(live, 'status', 'phase') ?? '';
  if (phase === 'Bound' || phase === 'Available')
    return { state: 'proven', reason: 'available', text: `${name} is ${phase}` };
  if (phase === 'Failed')
    return {
      state: 'broken',
      reason: 'volume-failed',
      text: `${name} could not be reclaimed: ${getString(live, 'status', 'message') ?? 'no reason given'}`,
    };
  if (phase === 'Released')
    return {
      state: 'broken',
      reason: 'volume-released',
      text: `${name} keeps the data of a claim that is gone; no new claim can bind it`,
    };
  return until(
    { reason: 'not-observed', text: `${name} is ${phase === '' ? 'not seen by its controller' : phase}` },
    deadlineAfter(live),
    now,
  );
}
