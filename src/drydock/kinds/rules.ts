import { cronJobRules, jobRules } from './batch-rules.ts';
import { autoscalerRules } from './autoscaling.ts';
import {
  clusterRoleBindingRules,
  clusterRoleRules,
  leaseRules,
  priorityClassRules,
  roleBindingRules,
  roleRules,
} from './access-rules.ts';
import { disruptionBudgetRules, endpointSliceRules, webhookRules } from './cluster-kinds.ts';
import { configMapRules, endpointsRules, namespaceRules, nodeRules, secretRules } from './core.ts';
import { definitionRules } from '../custom/definitions.ts';
import { eventRules } from './events.ts';
import type { KindRules } from './kind.ts';
import { policyBindingRules, policyRules } from './policies.ts';
import { ingressRules, networkPolicyRules } from './network-rules.ts';
import { limitRangeRules, resourceQuotaRules } from './quota-rules.ts';
import { persistentVolumeClaimRules, persistentVolumeRules, storageClassRules } from './storage-rules.ts';
import { podRules, podTemplateRules } from './pods.ts';
import { serviceRules } from './services.ts';
import {
  daemonSetRules,
  deploymentRules,
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
  'coordination.k8s.io/Lease': leaseRules,
  'discovery.k8s.io/EndpointSlice': endpointSliceRules,
  'events.k8s.io/Event': eventRules,
  'networking.k8s.io/Ingress': ingressRules,
  'networking.k8s.io/NetworkPolicy': networkPolicyRules,
  'policy/PodDisruptionBudget': disruptionBudgetRules,
  'rbac.authorization.k8s.io/ClusterRole': clusterRoleRules,
  'rbac.authorization.k8s.io/ClusterRoleBinding': clusterRoleBindingRules,
  'rbac.authorization.k8s.io/Role': roleRules,
  'rbac.authorization.k8s.io/RoleBinding': roleBindingRules,
  'scheduling.k8s.io/PriorityClass': priorityClassRules,
  'storage.k8s.io/StorageClass': storageClassRules,
};

const NO_RULES: KindRules = {};

/** What is particular to a built-in kind; nothing for kinds that are only stored. */
export function rulesFor(group: string, kind: string): KindRules {
  return RULES[`${group}/${kind}`] ?? NO_RULES;
}
