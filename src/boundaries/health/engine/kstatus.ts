import { getArray, getNumber, getString } from '../../../kernel/index.ts';
import { splitApiVersion } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';

export type KstatusStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating' | 'NotFound' | 'Unknown';

/** The abnormal-true condition that kstatus adds where an object is not current. */
export interface KstatusCondition {
  readonly type: 'Reconciling' | 'Stalled';
  readonly status: 'True';
  readonly reason: string;
  readonly message: string;
}

/** What kstatus says of an object, with its message and the conditions that it would add. */
export interface KstatusHealth {
  readonly status: KstatusStatus;
  readonly message: string;
  readonly conditions: readonly KstatusCondition[];
}

function current(message: string): KstatusHealth {
  return { status: 'Current', message, conditions: [] };
}

function inProgress(reason: string, message: string): KstatusHealth {
  const condition = { type: 'Reconciling', status: 'True', reason, message } as const;
  return { status: 'InProgress', message, conditions: [condition] };
}

function failed(reason: string, message: string): KstatusHealth {
  return { status: 'Failed', message, conditions: [{ type: 'Stalled', status: 'True', reason, message }] };
}

type Check = (object: KubeObject, now: number) => KstatusHealth;

const alwaysReady: Check = () => current('Resource is always ready');

const CHECKS: Readonly<Record<string, Check>> = {
  '/Service': serviceStatus,
  '/Pod': podStatus,
  '/Secret': alwaysReady,
  '/ConfigMap': alwaysReady,
  '/PersistentVolumeClaim': claimStatus,
  'apps/StatefulSet': statefulSetStatus,
  'apps/DaemonSet': daemonSetStatus,
  'extensions/DaemonSet': daemonSetStatus,
  'apps/Deployment': deploymentStatus,
  'extensions/Deployment': deploymentStatus,
  'apps/ReplicaSet': replicaSetStatus,
  'extensions/ReplicaSet': replicaSetStatus,
  'policy/PodDisruptionBudget': () => current('AllowedDisruptions has been computed.'),
  'batch/CronJob': alwaysReady,
  'batch/Job': jobStatus,
  'apiextensions.k8s.io/CustomResourceDefinition': definitionStatus,
};

interface BasicCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

function conditionsOf(object: KubeObject): readonly BasicCondition[] {
  return getArray(object, 'status', 'conditions').map((item) => ({
    type: getString(item, 'type') ?? '',
    status: getString(item, 'status') ?? '',
    reason: getString(item, 'reason') ?? '',
    message: getString(item, 'message') ?? '',
  }));
}

function whole(object: KubeObject, otherwise: number, ...path: readonly string[]): number {
  const found = getNumber(object, ...path);
  return found !== undefined && Number.isInteger(found) ? found : otherwise;
}

/**
 * kstatus' answer for one live object, undefined for one that does not exist: generic properties first, then the rules
 * for built-in kinds, then Ready; what says nothing is Current. `now` (ms) decides how long a pod may wait for a node.
 * Source: fluxcd/cli-utils and sigs.k8s.io/cli-utils, `pkg/kstatus/status`.
 */
export function kstatusHealth(object: KubeObject | undefined, now: number): KstatusHealth {
  if (object === undefined) return { status: 'NotFound', message: 'Resource not found', conditions: [] };
  const generic = genericStatus(object);
  if (generic !== undefined) return generic;
  const { group } = splitApiVersion(object.apiVersion);
  const check = CHECKS[`${group}/${object.kind}`];
  return check === undefined ? byReady(object) : check(object, now);
}

function genericStatus(object: KubeObject): KstatusHealth | undefined {
  if ((object.metadata.deletionTimestamp ?? '') !== '')
    return { status: 'Terminating', message: 'Resource scheduled for deletion', conditions: [] };
  const generation = object.metadata.generation;
  const observed = getNumber(object, 'status', 'observedGeneration');
  if (generation !== undefined && observed !== undefined && observed !== generation)
    return inProgress(
      'LatestGenerationNotObserved',
      `${object.kind} generation is ${generation}, but latest observed generation is ${observed}`,
    );
  for (const { type, status, reason, message } of conditionsOf(object)) {
    if (type === 'Reconciling' && status === 'True') return inProgress(reason, message);
    if (type === 'Stalled' && status === 'True') return failed(reason, message);
  }
  return undefined;
}

function byReady(object: KubeObject): KstatusHealth {
  for (const { type, status, reason, message } of conditionsOf(object)) {
    if (type !== 'Ready') continue;
    if (status === 'True') return current('Resource is Ready');
    if (status === 'False' || status === 'Unknown') return inProgress(reason, message);
  }
  return current('Resource is current');
}

function statefulSetStatus(object: KubeObject): KstatusHealth {
  if (getString(object, 'spec', 'updateStrategy', 'type') === 'OnDelete')
    return current('StatefulSet is using the ondelete update strategy');
  const wanted = whole(object, 1, 'spec', 'replicas');
  const [replicas = 0, ready = 0, currentReplicas = 0, updated = 0] = [
    'replicas',
    'readyReplicas',
    'currentReplicas',
    'updatedReplicas',
  ].map((field) => whole(object, 0, 'status', field));
  if (wanted > replicas) return inProgress('LessReplicas', `Replicas: ${replicas}/${wanted}`);
  if (wanted > ready) return inProgress('LessReady', `Ready: ${ready}/${wanted}`);
  if (replicas > wanted) return inProgress('ExtraPods', `Pending termination: ${replicas - wanted}`);
  const partition = whole(object, -1, 'spec', 'updateStrategy', 'rollingUpdate', 'partition');
  if (partition !== -1) {
    return updated < wanted - partition
      ? inProgress('PartitionRollout', `updated: ${updated}/${wanted - partition}`)
      : current(`Partition rollout complete. updated: ${updated}`);
  }
  if (wanted > currentReplicas) return inProgress('LessCurrent', `current: ${currentReplicas}/${wanted}`);
  const before = getString(object, 'status', 'currentRevision') ?? '';
  if (before !== (getString(object, 'status', 'updateRevision') ?? ''))
    return inProgress('RevisionMismatch', 'Waiting for updated revision to match current');
  return current(`All replicas scheduled as expected. Replicas: ${replicas}`);
}

/** What kstatus takes for "no deadline": then the controller keeps no Progressing condition. */
const NO_DEADLINE = 2_147_483_647;

function deploymentStatus(object: KubeObject): KstatusHealth {
  let progressing = whole(object, NO_DEADLINE, 'spec', 'progressDeadlineSeconds') === NO_DEADLINE;
  let available = false;
  for (const { type, status, reason, message } of conditionsOf(object)) {
    if (type === 'Progressing') {
      if (reason === 'ProgressDeadlineExceeded')
        return { ...failed(reason, message), message: 'Progress deadline exceeded' };
      progressing ||= status === 'True' && reason === 'NewReplicaSetAvailable';
    }
    if (type === 'Available') available ||= status === 'True';
  }
  const wanted = whole(object, 1, 'spec', 'replicas');
  const [replicas = 0, updated = 0, ready = 0, usable = 0] = [
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
  ].map((field) => whole(object, 0, 'status', field));
  if (wanted > replicas) return inProgress('LessReplicas', `Replicas: ${replicas}/${wanted}`);
  if (wanted > updated) return inProgress('LessUpdated', `Updated: ${updated}/${wanted}`);
  if (replicas > wanted) return inProgress('ExtraPods', `Pending termination: ${replicas - wanted}`);
  if (updated > usable) return inProgress('LessAvailable', `Available: ${usable}/${updated}`);
  if (wanted > ready) return inProgress('LessReady', `Ready: ${ready}/${wanted}`);
  if (!progressing) return inProgress('ReplicaSetNotAvailable', 'ReplicaSet not Available');
  if (!available) return inProgress('DeploymentNotAvailable', 'Deployment not Available');
  return current(`Deployment is available. Replicas: ${replicas}`);
}

function replicaSetStatus(object: KubeObject): KstatusHealth {
  if (conditionsOf(object).some(({ type, status }) => type === 'ReplicaFailure' && status === 'True'))
    return inProgress('ReplicaFailure', 'Replica Failure condition. Check Pods');
  const wanted = whole(object, 1, 'spec', 'replicas');
  const [replicas = 0, ready = 0, usable = 0, labelled = 0] = [
    'replicas',
    'readyReplicas',
    'availableReplicas',
    'fullyLabeledReplicas',
  ].map((field) => whole(object, 0, 'status', field));
  if (wanted > labelled) return inProgress('LessLabelled', `Labelled: ${labelled}/${wanted}`);
  if (wanted > usable) return inProgress('LessAvailable', `Available: ${usable}/${wanted}`);
  if (wanted > ready) return inProgress('LessReady', `Ready: ${ready}/${wanted}`);
  if (replicas > wanted) return inProgress('ExtraPods', `Pending termination: ${replicas - wanted}`);
  return current(`ReplicaSet is available. Replicas: ${replicas}`);
}

function daemonSetStatus(object: KubeObject): KstatusHealth {
  if (object.metadata.generation === undefined)
    return inProgress('NoGeneration', `${object.kind} metadata.generation not found`);
  if (getNumber(object, 'status', 'observedGeneration') === undefined)
    return inProgress('NoObservedGeneration', `${object.kind} status.observedGeneration not found`);
  const desired = whole(object, -1, 'status', 'desiredNumberScheduled');
  if (desired === -1) return inProgress('NoDesiredNumber', 'Missing .status.desiredNumberScheduled');
  const steps = [
    ['LessCurrent', 'Current', 'currentNumberScheduled'],
    ['LessUpdated', 'Updated', 'updatedNumberScheduled'],
    ['LessAvailable', 'Available', 'numberAvailable'],
    ['LessReady', 'Ready', 'numberReady'],
  ] as const;
  for (const [reason, word, field] of steps) {
    const found = whole(object, 0, 'status', field);
    if (desired > found) return inProgress(reason, `${word}: ${found}/${desired}`);
  }
  return current(`All replicas scheduled as expected. Replicas: ${desired}`);
}

function claimStatus(object: KubeObject): KstatusHealth {
  const phase = getString(object, 'status', 'phase') ?? 'unknown';
  return phase === 'Bound'
    ? current('PVC is Bound')
    : inProgress('NotBound', `PVC is not Bound. phase: ${phase}`);
}

const SCHEDULE_WINDOW_MS = 15_000;

function podStatus(object: KubeObject, now: number): KstatusHealth {
  const conditions = conditionsOf(object);
  const phase = getString(object, 'status', 'phase') ?? '';
  switch (phase) {
    case 'Succeeded':
      return current('Pod has completed successfully');
    case 'Failed':
      return current('Pod has completed, but not successfully');
    case 'Running': {
      if (conditions.some(({ type, status }) => type === 'Ready' && status === 'True'))
        return current('Pod is Ready');
      const looping = getArray(object, 'status', 'containerStatuses')
        .filter((item) => getString(item, 'state', 'waiting', 'reason') === 'CrashLoopBackOff')
        .flatMap((item) => getString(item, 'name') ?? []);
      return looping.length > 0
        ? failed('ContainerCrashLooping', `Containers in CrashLoop state: ${looping.join(',')}`)
        : inProgress('PodRunningNotReady', 'Pod is running but is not Ready');
    }
    case 'Pending': {
      const unscheduled = conditions.find(
        ({ type, status }) => type === 'PodScheduled' && status === 'False',
      );
      if (unscheduled?.reason !== 'Unschedulable')
        return inProgress('PodPending', 'Pod is in the Pending phase');
      const born = Date.parse(object.metadata.creationTimestamp ?? '');
      return !Number.isNaN(born) && now - SCHEDULE_WINDOW_MS < born
        ? inProgress('PodNotScheduled', 'Pod has not been scheduled')
        : failed('PodUnschedulable', 'Pod could not be scheduled');
    }
    case '':
      return inProgress('PodNotObserved', 'Pod phase not available');
    default:
      return { status: 'Unknown', message: `unknown phase ${phase}`, conditions: [] };
  }
}

function jobStatus(object: KubeObject): KstatusHealth {
  const parallelism = whole(object, 1, 'spec', 'parallelism');
  const completions = whole(object, parallelism, 'spec', 'completions');
  const [succeeded = 0, active = 0, failures = 0] = ['succeeded', 'active', 'failed'].map((field) =>
    whole(object, 0, 'status', field),
  );
  for (const { type, status } of conditionsOf(object)) {
    if (status !== 'True') continue;
    if (type === 'Complete') return current(`Job Completed. succeeded: ${succeeded}/${completions}`);
    if (type === 'Failed') return failed('JobFailed', `Job Failed. failed: ${failures}/${completions}`);
  }
  if ((getString(object, 'status', 'startTime') ?? '') === '')
    return inProgress('JobNotStarted', 'Job not started');
  return current(`Job in progress. success:${succeeded}, active: ${active}, failed: ${failures}`);
}

function serviceStatus(object: KubeObject): KstatusHealth {
  const isBalanced = getString(object, 'spec', 'type') === 'LoadBalancer';
  return isBalanced && (getString(object, 'spec', 'clusterIP') ?? '') === ''
    ? inProgress('NoIPAssigned', 'ClusterIP not set. Service type: LoadBalancer')
    : current('Service is ready');
}

function definitionStatus(object: KubeObject): KstatusHealth {
  for (const { type, status, reason, message } of conditionsOf(object)) {
    if (type === 'NamesAccepted' && status === 'False') return failed(reason, message);
    if (type !== 'Established') continue;
    if (status === 'False' && reason !== 'Installing') return failed(reason, message);
    if (status === 'True') return current('CRD is established');
  }
  return inProgress('Installing', 'Install in progress');
}
