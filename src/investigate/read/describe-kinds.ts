import type { JsonObject } from '../../kernel/index.ts';
import { claimValue, nodeValue, quotaValue } from './describe-cluster.ts';
import { endpointsValue, ingressValue, serviceValue } from './describe-network.ts';
import { metadata } from './describe-parts.ts';
import { budgetValue, daemonValue, jobValue, podValue, scalerValue, workload } from './describe-workloads.ts';
import type { Described } from './described.ts';
import { childOf, told } from './described.ts';
import { fields } from './objects.ts';

/** How each kind's description reads, in the shape of its object. Keys of ConfigMaps and Secrets only. */
export const DESCRIBED: Readonly<Record<string, (root: Described) => JsonObject>> = {
  Pod: podValue,
  Deployment: workload,
  ReplicaSet: workload,
  StatefulSet: workload,
  DaemonSet: daemonValue,
  Job: jobValue,
  CronJob: (root) => ({
    ...metadata(root),
    ...fields(
      [['spec', 'schedule'], told(root, 'Schedule')],
      [
        ['spec', 'suspend'],
        told(root, 'Suspend') === undefined ? undefined : told(root, 'Suspend') === 'True',
      ],
    ),
  }),
  Service: serviceValue,
  Endpoints: endpointsValue,
  Ingress: ingressValue,
  ResourceQuota: quotaValue,
  HorizontalPodAutoscaler: scalerValue,
  Node: nodeValue,
  PersistentVolumeClaim: claimValue,
  PodDisruptionBudget: budgetValue,
  ConfigMap: metadata,
  Secret: (root) => ({ ...metadata(root), ...fields([['type'], told(root, 'Type')]) }),
  Namespace: (root) => ({ ...metadata(root), ...fields([['status', 'phase'], told(root, 'Status')]) }),
};

/** What a description is of, where no command says it: fields that only one kind shows. */
export function inferKind(root: Described): string | undefined {
  const has = (key: string) => childOf(root, key) !== undefined;
  if (has('StrategyType')) return 'Deployment';
  if (has('Desired Number of Nodes Scheduled')) return 'DaemonSet';
  if (has('Schedule')) return 'CronJob';
  if (has('Completions') || has('Pods Statuses')) return 'Job';
  if (has('Update Strategy')) return 'StatefulSet';
  if (has('Pod Template')) return /current/.test(told(root, 'Replicas') ?? '') ? 'ReplicaSet' : 'StatefulSet';
  if (has('Containers') && has('Status')) return 'Pod';
  if (has('Session Affinity') || has('TargetPort')) return 'Service';
  if (has('Subsets')) return 'Endpoints';
  if (has('Rules') && (has('Ingress Class') || has('Default backend'))) return 'Ingress';
  if (has('Allowed disruptions') || has('Min available') || has('Max unavailable'))
    return 'PodDisruptionBudget';
  if (has('Min replicas')) return 'HorizontalPodAutoscaler';
  if (has('Allocatable') || has('Unschedulable')) return 'Node';
  if (has('StorageClass') && has('Access Modes')) return 'PersistentVolumeClaim';
  if (root.children.some((child) => child.items.some(({ text }) => /^Resource\s+Used\s+Hard/.test(text))))
    return 'ResourceQuota';
  return undefined;
}
