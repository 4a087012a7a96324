import { splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';

/** Kinds that are usable as soon as they are stored, by group. Nobody acts on them, or nobody tells. */
const PASSIVE: Readonly<Record<string, readonly string[]>> = {
  '': [
    'ConfigMap',
    'Secret',
    'ServiceAccount',
    'LimitRange',
    'ResourceQuota',
    'Endpoints',
    'PodTemplate',
    'Event',
    'Binding',
  ],
  apps: ['ControllerRevision'],
  'rbac.authorization.k8s.io': ['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'],
  'networking.k8s.io': ['NetworkPolicy', 'IngressClass', 'IPAddress'],
  'scheduling.k8s.io': ['PriorityClass'],
  'storage.k8s.io': ['StorageClass', 'CSIDriver', 'CSINode', 'CSIStorageCapacity', 'VolumeAttributesClass'],
  'discovery.k8s.io': ['EndpointSlice'],
  'coordination.k8s.io': ['Lease'],
  'node.k8s.io': ['RuntimeClass'],
  'admissionregistration.k8s.io': [
    'ValidatingAdmissionPolicyBinding',
    'MutatingAdmissionPolicy',
    'MutatingAdmissionPolicyBinding',
  ],
  // Read by the Prometheus operator, which tells in their status only when it was asked to.
  'monitoring.coreos.com': ['ServiceMonitor', 'PodMonitor', 'PrometheusRule', 'Probe', 'ScrapeConfig'],
};

export function isPassive({ apiVersion, kind }: KubeObject): boolean {
  const kinds = PASSIVE[splitApiVersion(apiVersion).group];
  return kinds?.includes(kind) === true;
}
