import { habit } from './habit.ts';
import type { Draft } from './rule.ts';
import type { View } from './view.ts';

/** Since which minor version of Kubernetes 1.x a version of the API is deprecated and gone. Source: deprecation guide. */
const API_LIFE: Readonly<Record<string, { readonly gone: number; readonly use: string }>> = {
  'extensions/v1beta1 Ingress': { gone: 22, use: 'networking.k8s.io/v1' },
  'networking.k8s.io/v1beta1 Ingress': { gone: 22, use: 'networking.k8s.io/v1' },
  'networking.k8s.io/v1beta1 IngressClass': { gone: 22, use: 'networking.k8s.io/v1' },
  'extensions/v1beta1 Deployment': { gone: 16, use: 'apps/v1' },
  'extensions/v1beta1 DaemonSet': { gone: 16, use: 'apps/v1' },
  'extensions/v1beta1 ReplicaSet': { gone: 16, use: 'apps/v1' },
  'extensions/v1beta1 NetworkPolicy': { gone: 16, use: 'networking.k8s.io/v1' },
  'apps/v1beta1 Deployment': { gone: 16, use: 'apps/v1' },
  'apps/v1beta1 StatefulSet': { gone: 16, use: 'apps/v1' },
  'apps/v1beta2 Deployment': { gone: 16, use: 'apps/v1' },
  'apps/v1beta2 StatefulSet': { gone: 16, use: 'apps/v1' },
  'apps/v1beta2 DaemonSet': { gone: 16, use: 'apps/v1' },
  'apps/v1beta2 ReplicaSet': { gone: 16, use: 'apps/v1' },
  'batch/v1beta1 CronJob': { gone: 25, use: 'batch/v1' },
  'policy/v1beta1 PodDisruptionBudget': { gone: 25, use: 'policy/v1' },
  'policy/v1beta1 PodSecurityPolicy': { gone: 25, use: 'Pod Security admission' },
  'discovery.k8s.io/v1beta1 EndpointSlice': { gone: 25, use: 'discovery.k8s.io/v1' },
  'events.k8s.io/v1beta1 Event': { gone: 25, use: 'events.k8s.io/v1' },
  'autoscaling/v2beta1 HorizontalPodAutoscaler': { gone: 25, use: 'autoscaling/v2' },
  'autoscaling/v2beta2 HorizontalPodAutoscaler': { gone: 26, use: 'autoscaling/v2' },
  'node.k8s.io/v1beta1 RuntimeClass': { gone: 25, use: 'node.k8s.io/v1' },
  'rbac.authorization.k8s.io/v1beta1 Role': { gone: 22, use: 'rbac.authorization.k8s.io/v1' },
  'rbac.authorization.k8s.io/v1beta1 RoleBinding': { gone: 22, use: 'rbac.authorization.k8s.io/v1' },
  'rbac.authorization.k8s.io/v1beta1 ClusterRole': { gone: 22, use: 'rbac.authorization.k8s.io/v1' },
  'rbac.authorization.k8s.io/v1beta1 ClusterRoleBinding': { gone: 22, use: 'rbac.authorization.k8s.io/v1' },
  'apiextensions.k8s.io/v1beta1 CustomResourceDefinition': { gone: 22, use: 'apiextensions.k8s.io/v1' },
  'admissionregistration.k8s.io/v1beta1 ValidatingWebhookConfiguration': {
    gone: 22,
    use: 'admissionregistration.k8s.io/v1',
  },
  'admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration': {
    gone: 22,
    use: 'admissionregistration.k8s.io/v1',
  },
  'scheduling.k8s.io/v1beta1 PriorityClass': { gone: 22, use: 'scheduling.k8s.io/v1' },
  'storage.k8s.io/v1beta1 StorageClass': { gone: 22, use: 'storage.k8s.io/v1' },
  'storage.k8s.io/v1beta1 CSIDriver': { gone: 22, use: 'storage.k8s.io/v1' },
  'storage.k8s.io/v1beta1 CSIStorageCapacity': { gone: 27, use: 'storage.k8s.io/v1' },
  'coordination.k8s.io/v1beta1 Lease': { gone: 22, use: 'coordination.k8s.io/v1' },
  'certificates.k8s.io/v1beta1 CertificateSigningRequest': { gone: 22, use: 'certificates.k8s.io/v1' },
  'flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema': { gone: 26, use: 'flowcontrol.apiserver.k8s.io/v1' },
  'flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema': { gone: 29, use: 'flowcontrol.apiserver.k8s.io/v1' },
  'flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema': { gone: 32, use: 'flowcontrol.apiserver.k8s.io/v1' },
  'flowcontrol.apiserver.k8s.io/v1beta1 PriorityLevelConfiguration': {
    gone: 26,
    use: 'flowcontrol.apiserver.k8s.io/v1',
  },
  'flowcontrol.apiserver.k8s.io/v1beta2 PriorityLevelConfiguration': {
    gone: 29,
    use: 'flowcontrol.apiserver.k8s.io/v1',
  },
  'flowcontrol.apiserver.k8s.io/v1beta3 PriorityLevelConfiguration': {
    gone: 32,
    use: 'flowcontrol.apiserver.k8s.io/v1',
  },
};

export function removedVersions(view: View, minor: number): Draft[] {
  return view.desired.flatMap((thing): Draft[] => {
    const life = API_LIFE[`${thing.apiVersion ?? ''} ${thing.kind}`];
    if (life === undefined) return [];
    const gone = minor >= life.gone;
    return [
      habit(
        view,
        { thing, path: ['apiVersion'] },
        {
          failure: 'REN-05',
          id: gone ? 'api-version-removed' : 'api-version-deprecated',
          boundary: 'render',
          kind: gone ? 'cause' : 'risk',
          confidence: 0.97,
          title: `${thing.id}: ${thing.apiVersion ?? ''} is ${gone ? 'not served since' : 'deprecated, and gone in'} Kubernetes 1.${life.gone}`,
          why: `Checked for Kubernetes 1.${minor}.`,
          fix: `Use ${life.use}.`,
          attribute: 'apiVersion',
          value: thing.apiVersion ?? '',
        },
      ),
    ];
  });
}
