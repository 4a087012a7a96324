import { getArray, getNumber, getString } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { valueOf } from '../reading.ts';
import type { Reading } from '../reading.ts';

export const SCALED_OBJECT = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject' } as const;

/** Whether KEDA scales by this autoscaler. */
export function isOfKeda(autoscaler: KubeObject): boolean {
  return (autoscaler.metadata.ownerReferences ?? []).some(({ kind }) => kind === SCALED_OBJECT.kind);
}

function condition(scaler: KubeObject, type: string): string | undefined {
  const found = getArray(scaler, 'status', 'conditions').find((item) => getString(item, 'type') === type);
  return getString(found, 'status');
}

/**
 * The ScaledObject for which a workload rests at zero pods: it may go to zero, and nothing happens that it would run
 * for. Undefined where none says so; one that somebody paused decides nothing. Source: KEDA, ScaledObject spec and the
 * conditions Active, Ready and Paused.
 */
export function restsAtZero(
  object: KubeObject,
  scaledObjects: Reading<readonly KubeObject[]> | undefined,
): string | undefined {
  return (valueOf(scaledObjects) ?? []).find((scaler) => {
    const kind = getString(scaler, 'spec', 'scaleTargetRef', 'kind') || 'Deployment';
    if (kind !== object.kind || getString(scaler, 'spec', 'scaleTargetRef', 'name') !== object.metadata.name)
      return false;
    const least =
      getNumber(scaler, 'spec', 'idleReplicaCount') ?? getNumber(scaler, 'spec', 'minReplicaCount') ?? 0;
    return (
      least === 0 &&
      condition(scaler, 'Active') === 'False' &&
      condition(scaler, 'Ready') !== 'False' &&
      condition(scaler, 'Paused') !== 'True'
    );
  })?.metadata.name;
}
