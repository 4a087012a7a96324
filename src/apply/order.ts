import { getString } from '../kernel/index.ts';
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

export function kindRank(object: { readonly kind: string }): number {
  const rank = KINDS.indexOf(object.kind);
  return rank < 0 ? KINDS.length : rank;
}

/** What may be written at the same time, group after group. */
export function applyGroups<T extends { readonly kind: string }>(
  objects: readonly T[],
): readonly (readonly T[])[] {
  const groups = new Map<number, T[]>();
  for (const object of objects) {
    const rank = kindRank(object);
    const group = groups.get(rank);
    if (group === undefined) groups.set(rank, [object]);
    else group.push(object);
  }
  return [...groups.entries()].toSorted(([a], [b]) => a - b).map(([, group]) => group);
}

/** The CustomResourceDefinition of the set that brings the object's kind. */
export function definitionOf(object: KubeObject, set: readonly KubeObject[]): KubeObject | undefined {
  const slash = object.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
  return set.find(
    (item) =>
      item.kind === 'CustomResourceDefinition' &&
      getString(item, 'spec', 'group') === group &&
      getString(item, 'spec', 'names', 'kind') === object.kind,
  );
}

/** Kinds that hold what others have put into them: never deleted without explicit consent. */
const KEPT = new Set(['Namespace', 'CustomResourceDefinition', 'PersistentVolumeClaim', 'PersistentVolume']);

export function isKeptKind(kind: string): boolean {
  return KEPT.has(kind);
}
