import { getArray, getIn, getNumber, getString } from '../../kernel/index.ts';
import { objectName, splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { BoundaryState } from '../boundary.ts';
import { writtenAt } from '../live/index.ts';

/** Deadline of a workload that declares none; Kubernetes' own default for a Deployment. */
export const DEFAULT_PROGRESS_SECONDS = 600;

/** Kinds that are usable as soon as they are stored. */
const PASSIVE = new Set([
  'ConfigMap',
  'Secret',
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ClusterRole',
  'ClusterRoleBinding',
  'Service',
  'NetworkPolicy',
  'LimitRange',
  'ResourceQuota',
  'PriorityClass',
  'StorageClass',
  'CronJob',
  'Endpoints',
  'EndpointSlice',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'HorizontalPodAutoscaler',
  'PodDisruptionBudget',
  'Ingress',
  'IngressClass',
  'Lease',
  'RuntimeClass',
  'CSIDriver',
  'PodTemplate',
  'ServiceMonitor',
  'PodMonitor',
  'PrometheusRule',
]);

/** Groups whose kinds are meant above; another group may have a kind of the same name that is anything but passive. */
const PASSIVE_GROUPS = new Set(['', 'apps', 'batch', 'autoscaling', 'policy', 'monitoring.coreos.com']);

function isPassive({ apiVersion, kind }: KubeObject): boolean {
  const { group } = splitApiVersion(apiVersion);
  return PASSIVE.has(kind) && (PASSIVE_GROUPS.has(group) || group.endsWith('.k8s.io'));
}

/** What is known about one object. */
export interface ObjectHealth {
  readonly state: BoundaryState;
  readonly reason: string;
  readonly text: string;
  readonly ready?: number;
  readonly wanted?: number;
  readonly deadline?: string;
}

/** One condition of an object's status. */
export function condition(object: KubeObject, type: string) {
  const found = getArray(object, 'status', 'conditions').find((item) => getString(item, 'type') === type);
  if (found === undefined) return undefined;
  return {
    status: getString(found, 'status'),
    reason: getString(found, 'reason'),
    message: getString(found, 'message'),
    generation: getNumber(found, 'observedGeneration'),
    updated: getString(found, 'lastUpdateTime'),
  };
}

/** The health of an object that runs no pods itself, from its conditions as far as it has them. */
export function otherHealth(live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  if (isPassive(live))
    return { state: 'not-applicable', reason: 'passive', text: `${name} needs nothing to become usable` };
  if (live.kind === 'Namespace') {
    const phase = getString(live, 'status', 'phase') ?? 'Active';
    return phase === 'Active'
      ? { state: 'not-applicable', reason: 'passive', text: `${name} is active` }
      : { state: 'broken', reason: 'namespace-terminating', text: `${name} is ${phase}` };
  }
  const observed = getNumber(live, 'status', 'observedGeneration');
  if (observed !== undefined && observed < (live.metadata.generation ?? 0)) {
    return {
      state: 'moving',
      reason: 'not-observed',
      text: `${name}: its controller has not seen generation ${live.metadata.generation ?? '?'}`,
    };
  }
  const until = (writtenAt(live) ?? 0) + DEFAULT_PROGRESS_SECONDS * 1000;
  const deadline = new Date(until).toISOString();
  for (const type of ['Ready', 'Available', 'Established']) {
    const found = condition(live, type);
    if (found === undefined) continue;
    if (found.generation !== undefined && found.generation < (live.metadata.generation ?? 0))
      return {
        state: now <= until ? 'moving' : 'unknown',
        reason: 'not-observed',
        text: `${name}: ${type} is about generation ${found.generation}, stored is ${live.metadata.generation ?? '?'}`,
        ...(now <= until ? { deadline } : {}),
      };
    if (found.status === 'True') return { state: 'proven', reason: 'condition', text: `${name} is ${type}` };
    if (found.status === 'False')
      return {
        state: now <= until ? 'moving' : 'broken',
        reason: 'condition',
        text: `${name} is not ${type}: ${found.message ?? found.reason ?? ''}`,
        ...(now <= until ? { deadline } : {}),
      };
  }
  if (getIn(live, 'status', 'phase') === 'Bound')
    return { state: 'proven', reason: 'bound', text: `${name} is bound` };
  return { state: 'unknown', reason: 'no-condition', text: `${name} says nothing about its health` };
}
