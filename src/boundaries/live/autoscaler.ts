import { getNumber, getString } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { valueOf } from '../reading.ts';
import type { Reading } from '../reading.ts';
import { knownWriter } from './drift/writers.ts';
import { writersOf } from './managers.ts';
import { isOfKeda } from './scaled-objects.ts';

function targets(scaler: KubeObject, object: KubeObject): boolean {
  return (
    getString(scaler, 'spec', 'scaleTargetRef', 'kind') === object.kind &&
    getString(scaler, 'spec', 'scaleTargetRef', 'name') === object.metadata.name
  );
}

/**
 * Whether an autoscaler could have set that count. One that KEDA made is at zero while nothing happens; any other is
 * switched off by a zero (Kubernetes: horizontal.go, ScalingDisabled).
 */
function allows(scaler: KubeObject, replicas: number): boolean {
  if (replicas === 0 && isOfKeda(scaler)) return true;
  const least = getNumber(scaler, 'spec', 'minReplicas') ?? 1;
  const most = getNumber(scaler, 'spec', 'maxReplicas') ?? Number.POSITIVE_INFINITY;
  return replicas >= least && replicas <= most;
}

/**
 * The autoscalers that own the stored replica count of a workload; unknown when they could not be listed. A count out
 * of their bounds is theirs only where an autoscaler wrote it (its bounds changed since): they leave zero as it is, and
 * may not have looked yet at what somebody else wrote.
 */
export function autoscalersOf(
  object: KubeObject,
  live: KubeObject | undefined,
  autoscalers: Reading<readonly KubeObject[]> | undefined,
): readonly string[] | 'unknown' {
  if (autoscalers === undefined || autoscalers.state === 'unreadable') return 'unknown';
  const replicas = live === undefined ? undefined : getNumber(live, 'spec', 'replicas');
  const [writer] = live === undefined ? [] : writersOf(live, ['spec', 'replicas']);
  const byAutoscaler = writer !== undefined && knownWriter(writer).kind === 'autoscaler';
  return (valueOf(autoscalers) ?? [])
    .filter((scaler) => targets(scaler, object))
    .filter((scaler) => replicas === undefined || byAutoscaler || allows(scaler, replicas))
    .map((scaler) => scaler.metadata.name);
}

/** Whether an autoscaler owns the stored replica count; unknown when they could not be listed. */
export function autoscaling(
  object: KubeObject,
  live: KubeObject | undefined,
  autoscalers: Reading<readonly KubeObject[]> | undefined,
): boolean | 'unknown' {
  const found = autoscalersOf(object, live, autoscalers);
  return found === 'unknown' ? found : found.length > 0;
}
