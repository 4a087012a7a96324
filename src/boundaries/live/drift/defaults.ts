import { isJsonObject, jsonEqual } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';

/**
 * What the API server puts into an object that does not say: by field name, the values that are a default somewhere.
 * Sources: pkg/apis/{core,apps,batch,networking,policy,autoscaling}/v*\/defaults.go of Kubernetes 1.32.
 */
const DEFAULTS: Readonly<Record<string, readonly JsonValue[]>> = {
  terminationMessagePath: ['/dev/termination-log'],
  terminationMessagePolicy: ['File'],
  imagePullPolicy: ['IfNotPresent', 'Always'],
  restartPolicy: ['Always'],
  dnsPolicy: ['ClusterFirst'],
  schedulerName: ['default-scheduler'],
  securityContext: [{}],
  resources: [{}],
  terminationGracePeriodSeconds: [30],
  enableServiceLinks: [true],
  serviceAccount: ['default'],
  serviceAccountName: ['default'],
  failureThreshold: [3],
  successThreshold: [1],
  periodSeconds: [10],
  timeoutSeconds: [1],
  scheme: ['HTTP'],
  path: ['/'],
  protocol: ['TCP'],
  defaultMode: [420],
  optional: [false],
  progressDeadlineSeconds: [600],
  revisionHistoryLimit: [10],
  replicas: [1],
  strategy: [
    { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    { type: 'Recreate' },
  ],
  rollingUpdate: [
    { maxSurge: '25%', maxUnavailable: '25%' },
    { maxUnavailable: 1, maxSurge: 0 },
    { partition: 0 },
  ],
  updateStrategy: [
    { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    { type: 'RollingUpdate' },
  ],
  podManagementPolicy: ['OrderedReady'],
  persistentVolumeClaimRetentionPolicy: [{ whenDeleted: 'Retain', whenScaled: 'Retain' }],
  maxSurge: ['25%', 0],
  maxUnavailable: ['25%', 1],
  sessionAffinity: ['None'],
  internalTrafficPolicy: ['Cluster'],
  externalTrafficPolicy: ['Cluster'],
  ipFamilyPolicy: ['SingleStack'],
  ipFamilies: [['IPv4'], ['IPv6']],
  allocateLoadBalancerNodePorts: [true],
  type: ['ClusterIP', 'Opaque', 'RollingUpdate'],
  backoffLimit: [6],
  completions: [1],
  parallelism: [1],
  completionMode: ['NonIndexed'],
  suspend: [false],
  podReplacementPolicy: ['TerminatingOrFailed'],
  concurrencyPolicy: ['Allow'],
  successfulJobsHistoryLimit: [3],
  failedJobsHistoryLimit: [1],
  manualSelector: [false],
  pathType: ['ImplementationSpecific'],
  volumeMode: ['Filesystem'],
  storageClassName: ['standard'],
  hostIP: [''],
  creationTimestamp: [null],
};

/** Fields that the API server fills by allocating or copying, whatever their value. */
const ALLOCATED = new Set([
  'nodePort',
  'clusterIP',
  'clusterIPs',
  'healthCheckNodePort',
  'targetPort',
  'volumeName',
]);

/** True when the value may be there without anybody having asked for it. */
export function isDefaultValue(path: readonly (string | number)[], live: JsonValue): boolean {
  const field = path.at(-1);
  if (typeof field !== 'string') return false;
  if (ALLOCATED.has(field)) return true;
  if (DEFAULTS[field]?.some((value) => jsonEqual(value, live)) === true) return true;
  return isJsonObject(live) && Object.entries(live).length > 0
    ? Object.entries(live).every(([key, value]) => isDefaultValue([...path, key], value))
    : false;
}
