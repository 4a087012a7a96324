import { getString } from '../kernel/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';

/** What others depend on comes first: the order that Helm and Argo CD apply kinds in. Other kinds come last. */
const KINDS: readonly string[] = [
  'Namespace',
  'CustomResourceDefinition',
  'NetworkPolicy',
  'ResourceQuota',
  'LimitRange',
  'PriorityClass',
  'PodDisruptionBudget',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'StorageClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'Service',
  'DaemonSet',
  'Pod',
  'ReplicationController',
  'ReplicaSet',
  'Deployment',
  'HorizontalPodAutoscaler',
  'StatefulSet',
  'Job',
  'CronJob',
  'IngressClass',
  'Ingress',
  'APIService',
];

export function kindRank(object: KubeObject): number {
  const rank = KINDS.indexOf(object.kind);
  return rank < 0 ? KINDS.length : rank;
}

/** Objects that may be applied at the same time, group after group. */
export function applyGroups(objects: readonly KubeObject[]): readonly (readonly KubeObject[])[] {
  const groups = new Map<number, KubeObject[]>();
  for (const object of objects) {
    const rank = kindRank(object);
    groups.set(rank, [...(groups.get(rank) ?? []), object]);
  }
  return [...groups.entries()].toSorted(([a], [b]) => a - b).map(([, group]) => group);
}

/** `group/Kind` that a CustomResourceDefinition brings; undefined for other objects. */
export function definedKind(object: KubeObject): string | undefined {
  if (object.kind !== 'CustomResourceDefinition') return undefined;
  return `${getString(object, 'spec', 'group') ?? ''}/${getString(object, 'spec', 'names', 'kind') ?? ''}`;
}

/** True when a CustomResourceDefinition of the set brings the object's kind. */
export function broughtBySet(object: KubeObject, set: readonly KubeObject[]): boolean {
  const kind = `${splitApiVersion(object.apiVersion).group}/${object.kind}`;
  return set.some((item) => definedKind(item) === kind);
}
