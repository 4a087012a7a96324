import { getArray, getIn, getNumber, getString, jsonEqual } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { BoundaryState } from '../boundary.ts';
import { writtenAt } from '../live/index.ts';
import { templateContainers } from '../workload.ts';
import type { PodFacts } from '../workload.ts';
import type { WorkloadPods } from '../workload-pods.ts';
import type { StaleConfiguration } from './configuration.ts';

/** How far the pods of one workload have been replaced, or why that cannot be told. */
export interface Progress {
  readonly state: BoundaryState;
  readonly reason: string;
  readonly text: string;
}

/** Every pod was replaced. */
export const DONE: Progress = { state: 'proven', reason: 'replaced', text: '' };

function conditionOf(live: KubeObject, type: string) {
  return getArray(live, 'status', 'conditions').find((item) => getString(item, 'type') === type);
}

/** `2 old pods still terminate` */
export function terminatingText(old: readonly PodFacts[]): string {
  const leaving = old.filter((pod) => pod.terminating).length;
  return leaving === old.length
    ? `${old.length} old pods still terminate`
    : `${old.length} pods of the old revision are still there`;
}

function deploymentProgress(live: KubeObject, pods: WorkloadPods): Progress {
  const name = objectName(live);
  const generation = live.metadata.generation ?? 0;
  const observed = getNumber(live, 'status', 'observedGeneration') ?? 0;
  if (observed < generation)
    return {
      state: 'moving',
      reason: 'not-observed',
      text: `${name}: generation ${observed} of ${generation} observed`,
    };
  const wanted = getNumber(live, 'spec', 'replicas') ?? 1;
  const updated = getNumber(live, 'status', 'updatedReplicas') ?? 0;
  const available = getNumber(live, 'status', 'availableReplicas') ?? 0;
  const total = getNumber(live, 'status', 'replicas') ?? 0;
  if (updated === wanted && total === updated && available === updated) {
    if (pods.old.length > 0)
      return {
        state: 'moving',
        reason: 'old-pods-terminating',
        text: `${name}: ${terminatingText(pods.old)}`,
      };
    return DONE;
  }
  const counts = `${updated} of ${wanted} updated, ${available} available, ${total - updated} old`;
  const progressing = conditionOf(live, 'Progressing');
  if (getString(progressing, 'reason') === 'ProgressDeadlineExceeded') {
    return {
      state: 'broken',
      reason: 'deadline-exceeded',
      text: `${name}: ${counts}; the progress deadline has passed`,
    };
  }
  if (live.spec !== undefined && getString(progressing, 'reason') === 'DeploymentPaused') {
    // Nothing moves until somebody resumes it.
    return { state: 'unknown', reason: 'paused', text: `${name} is paused: ${counts}` };
  }
  return { state: 'moving', reason: 'replacing', text: `${name}: ${counts}` };
}

function statefulSetProgress(live: KubeObject, pods: WorkloadPods): Progress {
  const name = objectName(live);
  if ((getNumber(live, 'status', 'observedGeneration') ?? 0) < (live.metadata.generation ?? 0)) {
    return {
      state: 'moving',
      reason: 'not-observed',
      text: `${name}: its controller has not seen this generation`,
    };
  }
  if (getString(live, 'spec', 'updateStrategy', 'type') === 'OnDelete' && pods.old.length > 0) {
    return {
      state: 'unknown',
      reason: 'on-delete',
      text: `${name} replaces pods only when somebody deletes them: ${pods.old.length} are of the old revision`,
    };
  }
  const wanted = getNumber(live, 'spec', 'replicas') ?? 1;
  const ready = pods.current.filter((pod) => pod.ready && !pod.terminating).length;
  if (ready === wanted && pods.old.length === 0) return DONE;
  const partition = getNumber(live, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  if (partition > 0)
    return {
      state: 'moving',
      reason: 'partition',
      text: `${name}: ${ready} of ${wanted} updated, partition ${partition} holds the rest`,
    };
  return { state: 'moving', reason: 'replacing', text: `${name}: ${ready} of ${wanted} updated` };
}

function daemonSetProgress(live: KubeObject, pods: WorkloadPods): Progress {
  const name = objectName(live);
  if ((getNumber(live, 'status', 'observedGeneration') ?? 0) < (live.metadata.generation ?? 0)) {
    return {
      state: 'moving',
      reason: 'not-observed',
      text: `${name}: its controller has not seen this generation`,
    };
  }
  const wanted = getNumber(live, 'status', 'desiredNumberScheduled') ?? 0;
  const updated = getNumber(live, 'status', 'updatedNumberScheduled') ?? 0;
  if (updated === wanted && pods.old.length === 0) return DONE;
  const onDelete = getString(live, 'spec', 'updateStrategy', 'type') === 'OnDelete';
  return {
    state: onDelete ? 'unknown' : 'moving',
    reason: onDelete ? 'on-delete' : 'replacing',
    text: `${name}: ${updated} of ${wanted} eligible nodes updated`,
  };
}

const PROGRAM = ['command', 'args', 'env', 'envFrom'] as const;

/** Whether a container of the pod runs another program than the template asks for. */
function runsAnother(pod: PodFacts, live: KubeObject): boolean {
  return getArray(live, 'spec', 'template', 'spec', 'containers').some((wanted) => {
    const own = getArray(pod.spec, 'containers').find(
      (container) => getString(container, 'name') === getString(wanted, 'name'),
    );
    return PROGRAM.some((field) => !jsonEqual(getIn(own, field), getIn(wanted, field)));
  });
}

/**
 * Nothing replaces pods for a new template of a bare ReplicaSet or ReplicationController; only those that come later
 * are made from it. Times are whole seconds: within the same one the pod itself tells.
 */
function replicaSetProgress(live: KubeObject, pods: WorkloadPods): Progress {
  const changed = writtenAt(live, ['spec', 'template']);
  const before = pods.current.find((pod) => {
    const age = Date.parse(pod.createdAt) - (changed ?? Number.NaN);
    return age < 0 || (age === 0 && pod.spec !== undefined && runsAnother(pod, live));
  });
  if (before === undefined || live.metadata.generation === 1) return DONE;
  const scaled = getNumber(live, 'status', 'replicas') !== (getNumber(live, 'spec', 'replicas') ?? 1);
  return {
    state: scaled ? 'moving' : 'unknown',
    reason: 'not-replaced',
    text: `${before.name} is older than the template of ${objectName(live)}, which replaces no pods by itself`,
  };
}

function isTrue(live: KubeObject, type: string): boolean {
  return getString(conditionOf(live, type), 'status') === 'True';
}

/** What the counts of the controller and the pods say, each kind by its own rules; `object` is what Git asks for. */
export function progressOf(live: KubeObject, pods: WorkloadPods, object: KubeObject = live): Progress {
  const declared = getIn(object, 'spec', 'suspend') === true;
  switch (live.kind) {
    case 'Deployment':
      return deploymentProgress(live, pods);
    case 'StatefulSet':
      return statefulSetProgress(live, pods);
    case 'DaemonSet':
      return daemonSetProgress(live, pods);
    case 'ReplicaSet':
    case 'ReplicationController':
      return replicaSetProgress(live, pods);
    case 'Rollout':
      // Steps, analysis and traffic weights decide it, not counts.
      return {
        state: 'unknown',
        reason: 'progressive',
        text: `${objectName(live)} is an Argo Rollouts Rollout: its steps and analysis are not judged`,
      };
    case 'CronJob':
      return {
        state: 'not-applicable',
        reason: 'not-run-yet',
        text: `${objectName(live)} runs on its schedule`,
      };
    case 'Job':
      if (isTrue(live, 'Complete')) return DONE;
      return getIn(live, 'spec', 'suspend') === true
        ? {
            state: declared ? 'not-applicable' : 'unknown',
            reason: 'suspended',
            text: `${objectName(live)} is suspended${declared ? ', as it asks for' : ''}`,
          }
        : { state: 'moving', reason: 'job-running', text: `${objectName(live)} has not completed` };
    default:
      return DONE;
  }
}

/** Every pod of such a template ran exactly these digests: a Job's template cannot change. */
export function pinsItsImages(live: KubeObject): boolean {
  return templateContainers(live).every(({ image }) => image.includes('@sha256:'));
}

const CONFIGURATION = [
  ['stale', 'broken', 'configuration-stale'],
  ['undecided', 'unknown', 'configuration-undecided'],
  ['mounted', 'unknown', 'configuration-mounted'],
] as const;

/** The worst of what running containers have of their configuration; undefined where all have what is stored. */
export function configurationProgress(found: readonly StaleConfiguration[]): Progress | undefined {
  for (const [outcome, state, reason] of CONFIGURATION) {
    const first = found.find((one) => one.outcome === outcome);
    if (first !== undefined) return { state, reason, text: first.why };
  }
  return undefined;
}
