import { autoscalerRules } from './autoscaling.ts';
import {
  bindingRules,
  disruptionBudgetRules,
  endpointSliceRules,
  ingressRules,
  networkPolicyRules,
  priorityClassRules,
  storageClassRules,
  webhookRules,
} from './cluster-kinds.ts';
import {
  configMapRules,
  endpointsRules,
  limitRangeRules,
  namespaceRules,
  nodeRules,
  persistentVolumeClaimRules,
  persistentVolumeRules,
  resourceQuotaRules,
  secretRules,
} from './core.ts';
import { definitionRules } from '../custom/definitions.ts';
import { eventRules } from './events.ts';
import type { KindRules } from './kind.ts';
import { policyBindingRules, policyRules } from './policies.ts';
import { podRules, podTemplateRules } from './pods.ts';
import { serviceRules } from './services.ts';
import {
  cronJobRules,
  daemonSetRules,
  deploymentRules,
  jobRules,
  replicaSetRules,
  replicationControllerRules,
  statefulSetRules,
} from './workloads.ts';

const RULES: Readonly<Record<string, KindRules>> = {
  '/ConfigMap': configMapRules,
  '/Endpoints': endpointsRules,
  '/Event': eventRules,
  '/LimitRange': limitRangeRules,
  '/Namespace': namespaceRules,
  '/Node': nodeRules,
  '/PersistentVolume': persistentVolumeRules,
  '/PersistentVolumeClaim': persistentVolumeClaimRules,
  '/Pod': podRules,
  '/PodTemplate': podTemplateRules,
  '/ReplicationController': replicationControllerRules,
  '/ResourceQuota': resourceQuotaRules,
  '/Secret': secretRules,
  '/Service': serviceRules,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': webhookRules,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': webhookRules,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': policyRules,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': policyBindingRules,
  'apiextensions.k8s.io/CustomResourceDefinition': definitionRules,
  'apps/DaemonSet': daemonSetRules,
  'apps/Deployment': deploymentRules,
  'apps/ReplicaSet': replicaSetRules,
  'apps/StatefulSet': statefulSetRules,
  'autoscaling/HorizontalPodAutoscaler': autoscalerRules,
  'batch/CronJob': cronJobRules,
  'batch/Job': jobRules,
  'discovery.k8s.io/EndpointSlice': endpointSliceRules,
  'events.k8s.io/Event': eventRules,
  'networking.k8s.io/Ingress': ingressRules,
  'networking.k8s.io/NetworkPolicy': networkPolicyRules,
  'policy/PodDisruptionBudget': disruptionBudgetRules,
  'rbac.authorization.k8s.io/ClusterRoleBinding': bindingRules,
  'rbac.authorization.k8s.io/RoleBinding': bindingRules,
  'scheduling.k8s.io/PriorityClass': priorityClassRules,
  'storage.k8s.io/StorageClass': storageClassRules,
};

const NO_RULES: KindRules = {};

/** What is particular to a built-in kind; nothing for kinds that are only stored. */
export function rulesFor(group: string, kind: string): KindRules {
  return RULES[`${group}/${kind}`] ?? NO_RULES;
}
