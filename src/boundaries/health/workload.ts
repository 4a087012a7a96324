import { getIn, getNumber, getObject, getString, textOf } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { writtenAt } from '../live/index.ts';
import { declaredReplicas, observedGeneration } from '../workload.ts';
import type { PodFacts } from '../workload.ts';
import type { WorkloadPods } from '../workload-pods.ts';
import { latestEvent } from './events.ts';
import { condition, DEFAULT_PROGRESS_SECONDS, firstLine, said, until } from './facts.ts';
import type { Condition, HealthSubject, ObjectHealth } from './facts.ts';
import { unsteady, worstTrouble } from './pods.ts';

const REFUSED = new Set(['FailedCreate']);

function parse(time: string | undefined): number {
  return Date.parse(time ?? '');
}

function deadlineOf(live: KubeObject, progressing: Condition | undefined, pods: readonly PodFacts[]): number {
  const seconds = getNumber(live, 'spec', 'progressDeadlineSeconds') ?? DEFAULT_PROGRESS_SECONDS;
  // A pod that was replaced long after the rollout has a deadline of its own, and so has one that runs again.
  const starts = [
    parse(progressing?.updated),
    ...pods.map((pod) => parse(pod.createdAt)),
    ...pods.flatMap((pod) => pod.containers.map((container) => parse(container.startedAt))),
    writtenAt(live) ?? Number.NaN,
  ].filter((time) => !Number.isNaN(time));
  return starts.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...starts) + seconds * 1000;
}

/** How many pods a rolling update may miss: then old pods make room, and a refusal for want of quota can pass. */
function mayMakeRoom(live: KubeObject, wanted: number): boolean {
  if (live.kind !== 'Deployment') return live.kind === 'DaemonSet' || live.kind === 'StatefulSet';
  if (getString(live, 'spec', 'strategy', 'type') === 'Recreate') return true;
  const limit = getIn(live, 'spec', 'strategy', 'rollingUpdate', 'maxUnavailable') ?? '25%';
  const count =
    typeof limit === 'number' ? limit : Math.floor((Number.parseFloat(textOf(limit)) / 100) * wanted);
  return count >= 1;
}

/** How long a refusal counts as passing while old pods may still make room. */
const ROOM_MS = 30_000;

interface Refusal {
  readonly text: string;
  /** ms; undefined where it is not told. */
  readonly at: number | undefined;
}

/**
 * Pods that the API server refuses (quota, admission): the condition that Deployments and ReplicaSets have, else the
 * event, as long as it is newer than the newest pod: a later pod says that the refusal is over.
 */
function refusal(subject: HealthSubject, live: KubeObject, found: WorkloadPods): Refusal | undefined {
  for (const object of [live, found.replicaSet]) {
    const failure = object && condition(object, 'ReplicaFailure');
    if (failure?.status === 'True') {
      const at = parse(failure.changed);
      return { text: said(failure), at: Number.isNaN(at) ? undefined : at };
    }
  }
  const uids = new Set(
    [live.metadata.uid ?? '', found.replicaSet?.metadata.uid ?? ''].filter((uid) => uid !== ''),
  );
  const newest = Math.max(writtenAt(live) ?? 0, ...found.current.map((pod) => parse(pod.createdAt) || 0));
  const told = latestEvent(subject, uids, REFUSED, newest);
  return told && { text: told.message, at: told.at };
}

/** What somebody decided about the update that keeps pods of the old template on purpose. */
function heldBack(
  live: KubeObject,
  wanted: number,
): { readonly reason: string; readonly text: string } | undefined {
  const strategy = getString(live, 'spec', 'updateStrategy', 'type');
  if (strategy === 'OnDelete')
    return {
      reason: 'on-delete',
      text: 'its strategy is OnDelete: a pod is replaced only when somebody deletes it',
    };
  const partition = getNumber(live, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  if (live.kind === 'StatefulSet' && partition > 0)
    return {
      reason: 'partitioned',
      text: `its partition ${partition} keeps ${Math.min(partition, wanted)} of ${wanted} pods on the old template`,
    };
  if (live.kind === 'Deployment' && getIn(live, 'spec', 'paused') === true)
    return { reason: 'paused', text: 'it is paused' };
  return undefined;
}

/** Whether pods of an earlier template run beside those of the stored one on purpose. */
export function keepsOld(live: KubeObject): boolean {
  return live.kind === 'Rollout' || heldBack(live, declaredReplicas(live) ?? 1) !== undefined;
}

/** How many pods of the stored template there have to be before nothing more is replaced. */
function dueNow(live: KubeObject, wanted: number): number {
  const partition = getNumber(live, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  return live.kind === 'StatefulSet' ? Math.max(0, wanted - partition) : wanted;
}

/** Why an Argo Rollout stands still, where somebody or its analysis decided so. */
function rolloutHealth(live: KubeObject, name: string): ObjectHealth | undefined {
  const invalid = condition(live, 'InvalidSpec');
  if (invalid?.status === 'True')
    return { state: 'broken', reason: 'invalid-spec', text: `${name} is invalid: ${said(invalid)}` };
  if (getIn(live, 'status', 'abort') === true)
    return {
      state: 'broken',
      reason: 'aborted',
      text: `${name} was aborted: ${firstLine(getString(live, 'status', 'message') ?? '') || 'no reason given'}`,
    };
  return undefined;
}

function isPausedRollout(live: KubeObject): boolean {
  return (
    getIn(live, 'spec', 'paused') === true ||
    (Array.isArray(getIn(live, 'status', 'pauseConditions')) &&
      getObject(live, 'status', 'pauseConditions', 0) !== undefined)
  );
}

/** Where the pods could not be read: what the workload says itself may tell that it is not healthy, never that it is. */
function withoutPods(subject: HealthSubject, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const wanted = wantedPods(live);
  const progressing = condition(live, 'Progressing');
  const deadline = deadlineOf(live, progressing, []);
  const ready = getNumber(live, 'status', live.kind === 'DaemonSet' ? 'numberReady' : 'readyReplicas') ?? 0;
  const counts = { ready, wanted };
  const unseen = unseenGeneration(live);
  if (unseen !== undefined) return until({ reason: 'not-observed', text: unseen, ...counts }, deadline, now);
  if (wanted === 0) return zero(subject, live, counts);
  const refused = condition(live, 'ReplicaFailure');
  if (refused?.status === 'True' && ready < wanted)
    return {
      state: 'broken',
      reason: 'pods-refused',
      text: `${name}: pods are refused: ${said(refused)}`,
      ...counts,
    };
  if (progressing?.reason === 'ProgressDeadlineExceeded' && ready < wanted)
    return {
      state: 'broken',
      reason: 'deadline-exceeded',
      text: `${name} did not progress within its deadline`,
      ...counts,
    };
  return {
    state: 'unknown',
    reason: 'pods-unreadable',
    text: `the pods of ${name} could not be read: ${subject.pods === undefined || subject.pods.state === 'read' ? 'not asked' : subject.pods.why}`,
  };
}

function wantedPods(live: KubeObject): number {
  const counted =
    live.kind === 'DaemonSet' ? getNumber(live, 'status', 'desiredNumberScheduled') : declaredReplicas(live);
  return counted ?? 1;
}

function unseenGeneration(live: KubeObject): string | undefined {
  const observed = observedGeneration(live);
  const generation = live.metadata.generation ?? 0;
  return observed < generation
    ? `${objectName(live)}: its controller has seen generation ${observed} of ${generation}`
    : undefined;
}

/** Workloads that keep pods running, by the pods of the template that is stored now. */
export function workloadHealth(subject: HealthSubject, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  if (subject.pods === undefined || subject.pods.state !== 'read') return withoutPods(subject, live, now);
  const pods = subject.pods.value.current.filter((pod) => !pod.terminating);
  const old = subject.pods.value.old.filter((pod) => !pod.terminating);
  const progressing = condition(live, 'Progressing');
  const deadline = deadlineOf(live, progressing, pods);
  const wanted = wantedPods(live);
  const ready = pods.filter((pod) => pod.ready).length;
  const counts = { ready, wanted };
  const late = (reason: string, text: string, terminal = false): ObjectHealth => ({
    reason,
    text,
    ...counts,
    state: terminal || deadline < now ? 'broken' : 'moving',
    ...(Number.isFinite(deadline) ? { deadline: new Date(deadline).toISOString() } : {}),
  });
  const unseen = unseenGeneration(live);
  if (unseen !== undefined) return late('not-observed', unseen);
  if (wanted === 0) return zero(subject, live, counts);
  const rollout = live.kind === 'Rollout' ? rolloutHealth(live, name) : undefined;
  if (rollout !== undefined) return { ...rollout, ...counts };
  if (pods.length < wanted) {
    const refused = refusal(subject, live, subject.pods.value);
    if (refused !== undefined) {
      const passing =
        old.length > 0 && mayMakeRoom(live, wanted) && refused.at !== undefined && now - refused.at < ROOM_MS;
      return late('pods-refused', `${name}: pods are refused: ${refused.text}`, !passing);
    }
  }
  const trouble = worstTrouble(pods, now);
  if (progressing?.reason === 'ProgressDeadlineExceeded' && ready < wanted) {
    return late(
      'deadline-exceeded',
      `${name} did not progress within its deadline${trouble ? `: ${trouble.text}` : ''}`,
      true,
    );
  }
  if (trouble !== undefined) return late(trouble.reason, trouble.text, trouble.terminal);
  const shaky = pods.map((pod) => unsteady(pod, now)).find((found) => found !== undefined);
  if (shaky !== undefined) {
    return {
      state: 'moving',
      reason: 'restarted',
      text: shaky.text,
      ...counts,
      deadline: new Date(shaky.until).toISOString(),
    };
  }
  if (pods.length < wanted) return missing(live, pods.length, wanted, late);
  const seconds = getNumber(live, 'spec', 'minReadySeconds') ?? 0;
  const usable =
    getNumber(live, 'status', live.kind === 'DaemonSet' ? 'numberAvailable' : 'availableReplicas') ?? 0;
  if (seconds > 0 && usable < wanted)
    return late('not-available', `${name} has ${usable} of ${wanted} pods that are ready for ${seconds} s`);
  return { state: 'proven', reason: 'ready', text: `${name} ${ready}/${wanted} ready`, ...counts };
}

function missing(
  live: KubeObject,
  found: number,
  wanted: number,
  late: (reason: string, text: string) => ObjectHealth,
): ObjectHealth {
  const name = objectName(live);
  const text = `${name} has ${found} of ${wanted} pods of this template`;
  const held = heldBack(live, wanted);
  if (held !== undefined && (held.reason !== 'partitioned' || found >= dueNow(live, wanted)))
    return { ...late(held.reason, `${text}; ${held.text}`), state: 'unknown' };
  if (live.kind === 'Rollout' && isPausedRollout(live))
    return { state: 'moving', reason: 'paused', text: `${text}; it is paused`, ready: found, wanted };
  return late('pods-missing', text);
}

/** Zero pods are right only where zero is declared. */
function zero(
  subject: HealthSubject,
  live: KubeObject,
  counts: { readonly ready: number; readonly wanted: number },
): ObjectHealth {
  const name = objectName(live);
  if (live.kind === 'DaemonSet')
    return {
      state: 'not-applicable',
      reason: 'no-eligible-node',
      text: `${name} has no node to run on`,
      ...counts,
    };
  if (subject.atRest !== undefined)
    return {
      state: 'not-applicable',
      reason: 'at-rest',
      text: `${name} rests at zero pods, as ScaledObject ${subject.atRest} has it`,
      ...counts,
    };
  const declared = declaredReplicas(subject.object);
  if (declared === 0)
    return {
      state: 'not-applicable',
      reason: 'zero-declared',
      text: `${name} declares zero pods`,
      ...counts,
    };
  return {
    state: 'unknown',
    reason: 'scaled-to-zero',
    text: `${name} was scaled to zero; Git asks for ${declared ?? 'more'}`,
    ...counts,
  };
}
