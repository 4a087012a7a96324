import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import {
  bindingPrinter,
  controllerRevisionPrinter,
  leasePrinter,
  priorityClassPrinter,
  runtimeClassPrinter,
  storageClassPrinter,
  policyBindingPrinter,
  policyPrinter,
  webhookConfigurationPrinter,
} from './cluster.ts';
import type { Printer } from './column.ts';
import {
  configMapPrinter,
  customPrinter,
  defaultPrinter,
  eventPrinter,
  namespacePrinter,
  nodePrinter,
  persistentVolumeClaimPrinter,
  persistentVolumePrinter,
  resourceQuotaPrinter,
  secretPrinter,
  serviceAccountPrinter,
} from './core.ts';
import {
  endpointSlicePrinter,
  endpointsPrinter,
  ingressClassPrinter,
  ingressPrinter,
  networkPolicyPrinter,
  servicePrinter,
} from './network.ts';
import { podPrinter } from './pods.ts';
import {
  autoscalerPrinter,
  cronJobPrinter,
  daemonSetPrinter,
  deploymentPrinter,
  disruptionBudgetPrinter,
  jobPrinter,
  replicaSetPrinter,
  statefulSetPrinter,
} from './workloads.ts';

import {
  apiServicePrinter,
  certificateRequestPrinter,
  componentStatusPrinter,
  flowSchemaPrinter,
  priorityLevelPrinter,
  csiDriverPrinter,
  csiNodePrinter,
  podTemplatePrinter,
  volumeAttachmentPrinter,
} from './rare.ts';

const PRINTERS: Readonly<Record<string, Printer>> = {
  '/ConfigMap': configMapPrinter,
  '/ComponentStatus': componentStatusPrinter,
  '/Endpoints': endpointsPrinter,
  '/Event': eventPrinter,
  '/Namespace': namespacePrinter,
  '/Node': nodePrinter,
  '/PersistentVolume': persistentVolumePrinter,
  '/PersistentVolumeClaim': persistentVolumeClaimPrinter,
  '/Pod': podPrinter,
  '/PodTemplate': podTemplatePrinter,
  '/ReplicationController': replicaSetPrinter,
  '/ResourceQuota': resourceQuotaPrinter,
  '/Secret': secretPrinter,
  '/Service': servicePrinter,
  '/ServiceAccount': serviceAccountPrinter,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': webhookConfigurationPrinter,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': policyPrinter,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': policyBindingPrinter,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': webhookConfigurationPrinter,
  'apiregistration.k8s.io/APIService': apiServicePrinter,
  'apps/ControllerRevision': controllerRevisionPrinter,
  'apps/DaemonSet': daemonSetPrinter,
  'apps/Deployment': deploymentPrinter,
  'apps/ReplicaSet': replicaSetPrinter,
  'apps/StatefulSet': statefulSetPrinter,
  'autoscaling/HorizontalPodAutoscaler': autoscalerPrinter,
  'batch/CronJob': cronJobPrinter,
  'batch/Job': jobPrinter,
  'certificates.k8s.io/CertificateSigningRequest': certificateRequestPrinter,
  'coordination.k8s.io/Lease': leasePrinter,
  'discovery.k8s.io/EndpointSlice': endpointSlicePrinter,
  'events.k8s.io/Event': eventPrinter,
  'flowcontrol.apiserver.k8s.io/FlowSchema': flowSchemaPrinter,
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': priorityLevelPrinter,
  'networking.k8s.io/Ingress': ingressPrinter,
  'networking.k8s.io/IngressClass': ingressClassPrinter,
  'networking.k8s.io/NetworkPolicy': networkPolicyPrinter,
  'node.k8s.io/RuntimeClass': runtimeClassPrinter,
  'policy/PodDisruptionBudget': disruptionBudgetPrinter,
  'rbac.authorization.k8s.io/ClusterRoleBinding': bindingPrinter,
  'rbac.authorization.k8s.io/RoleBinding': bindingPrinter,
  'scheduling.k8s.io/PriorityClass': priorityClassPrinter,
  'storage.k8s.io/CSIDriver': csiDriverPrinter,
  'storage.k8s.io/CSINode': csiNodePrinter,
  'storage.k8s.io/StorageClass': storageClassPrinter,
  'storage.k8s.io/VolumeAttachment': volumeAttachmentPrinter,
};

function printerOf(kind: ResourceKind): Printer {
  if (kind.custom !== undefined) return kind.custom.printer ?? customPrinter;
  return PRINTERS[`${kind.group}/${kind.kind}`] ?? defaultPrinter;
}

/** Objects as a Table, which is what `kubectl get` prints. `include` is the request's includeObject. */
export function tableOf(
  kind: ResourceKind,
  objects: readonly KubeObject[],
  metadata: JsonObject,
  include: string | null,
  now: number,
): JsonObject {
  const printer = printerOf(kind);
  const objectOf = (object: KubeObject): JsonValue => {
    if (include === 'None') return null;
    if (include === 'Object') return asJson(object);
    return {
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: asJson(object).metadata ?? {},
    };
  };
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: printer.columns.map((column) => ({ ...column })),
    rows: objects.map((object) => ({
      cells: printer.cells(asJson(object), now),
      object: objectOf(object),
    })),
  };
}
