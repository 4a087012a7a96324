import { getNumber } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { BoundaryReport, Claim } from '../boundary.ts';
import { worst } from '../combine.ts';
import type { Reading } from '../reading.ts';
import { writtenAt } from '../live/index.ts';
import { declaredReplicas, isWorkload, observedGeneration } from '../workload.ts';
import type { PodContainer, PodFacts } from '../workload.ts';
import type { WorkloadPods } from '../workload-pods.ts';
import { objectSource } from '../source.ts';
import { condition, DEFAULT_PROGRESS_SECONDS, otherHealth } from './other.ts';
import type { ObjectHealth } from './other.ts';

/** Reasons that no amount of waiting mends: something has to be changed first. */
const TERMINAL_WAITING = new Set([
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'SignatureValidationFailed',
]);

const PULL_FAILURES = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ImageInspectError',
  'RegistryUnavailable',
]);

export interface HealthSubject {
  /** As rendered, with its namespace. */
  readonly object: KubeObject;
  readonly live: Reading<KubeObject>;
  readonly pods: Reading<WorkloadPods> | undefined;
}

/** The container whose trouble explains the pod best: a crash or a configuration error before a plain "not ready". */
function troubled(pod: PodFacts): PodContainer | undefined {
  const order = (container: PodContainer) =>
    container.state === 'waiting' && TERMINAL_WAITING.has(container.reason ?? '')
      ? 0
      : container.reason === 'CrashLoopBackOff'
        ? 1
        : PULL_FAILURES.has(container.reason ?? '')
          ? 2
          : container.state === 'waiting'
            ? 3
            : container.state === 'terminated' && container.exitCode !== 0
              ? 4
              : 5;
  return pod.containers.filter((container) => !container.ready).toSorted((a, b) => order(a) - order(b))[0];
}

const QUOTED = 200;

/** A container may leave the end of its log as its message: one line of it says enough. */
function firstLine(message: string): string {
  const line = message.trim().split('\n', 1)[0] ?? '';
  return line.length > QUOTED ? `${line.slice(0, QUOTED)}…` : line;
}

function podTrouble(pod: PodFacts): {
  readonly terminal: boolean;
  readonly reason: string;
  readonly text: string;
} {
  if (pod.unschedulable !== undefined)
    return {
      terminal: false,
      reason: 'unschedulable',
      text: `${pod.name} is not scheduled: ${pod.unschedulable}`,
    };
  const container = troubled(pod);
  if (container === undefined)
    return { terminal: false, reason: 'not-ready', text: `${pod.name} is not ready` };
  const what =
    container.reason ??
    (container.state === 'terminated'
      ? `exit ${container.exitCode ?? '?'}`
      : container.state === 'running'
        ? 'runs and is not ready'
        : container.state);
  const told = container.message ? `: ${firstLine(container.message)}` : '';
  const restarts = container.restarts > 0 ? `, ${container.restarts} restarts` : '';
  const text = `${pod.name} ${container.name} ${what}${restarts}${told}`;
  if (container.reason === 'CrashLoopBackOff')
    return { terminal: container.restarts >= 2, reason: 'crash-loop', text };
  if (PULL_FAILURES.has(container.reason ?? '')) return { terminal: false, reason: 'image-pull', text };
  if (container.state === 'waiting' && TERMINAL_WAITING.has(container.reason ?? ''))
    return { terminal: true, reason: 'cannot-start', text };
  return { terminal: false, reason: container.state === 'running' ? 'not-ready' : 'starting', text };
}

function deadlineOf(
  live: KubeObject,
  progressing: ReturnType<typeof condition>,
  pods: readonly PodFacts[],
): string | undefined {
  const seconds = getNumber(live, 'spec', 'progressDeadlineSeconds') ?? DEFAULT_PROGRESS_SECONDS;
  // A pod that was replaced long after the rollout has a deadline of its own.
  const starts = [progressing?.updated, ...pods.map((pod) => pod.createdAt)]
    .map((time) => Date.parse(time ?? ''))
    .concat(writtenAt(live) ?? [])
    .filter((time) => !Number.isNaN(time));
  return starts.length === 0 ? undefined : new Date(Math.max(...starts) + seconds * 1000).toISOString();
}

function workloadHealth(subject: HealthSubject, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  if (subject.pods === undefined || subject.pods.state !== 'read') {
    return {
      state: 'unknown',
      reason: 'pods-unreadable',
      text: `the pods of ${name} could not be read: ${subject.pods?.why ?? 'not asked'}`,
    };
  }
  const observed = observedGeneration(live);
  const generation = live.metadata.generation ?? 0;
  const pods = subject.pods.value.current.filter((pod) => !pod.terminating);
  const progressing = condition(live, 'Progressing');
  const deadline = deadlineOf(live, progressing, pods);
  const overdue = deadline !== undefined && Date.parse(deadline) < now;
  const late = (base: Omit<ObjectHealth, 'state'>, terminal = false): ObjectHealth => ({
    ...base,
    state: terminal || overdue ? 'broken' : 'moving',
    ...(deadline === undefined ? {} : { deadline }),
  });
  if (live.kind === 'Job') {
    const failed = condition(live, 'Failed');
    if (failed?.status === 'True')
      return {
        state: 'broken',
        reason: 'job-failed',
        text: `${name} failed: ${failed.reason ?? ''} ${failed.message ?? ''}`.trim(),
      };
    if (condition(live, 'Complete')?.status === 'True')
      return { state: 'proven', reason: 'job-complete', text: `${name} complete` };
    const running = { reason: 'job-running', text: `${name} has not completed` };
    const limit = getNumber(live, 'spec', 'activeDeadlineSeconds');
    if (limit !== undefined) return { ...running, state: 'moving' };
    // A Job may take its time: that it still runs contradicts nothing.
    return overdue && !pods.some((pod) => podTrouble(pod).terminal)
      ? { ...running, state: 'unknown' }
      : late(running, overdue);
  }
  const counted =
    live.kind === 'DaemonSet' ? getNumber(live, 'status', 'desiredNumberScheduled') : declaredReplicas(live);
  const wanted = counted ?? 1;
  const ready = pods.filter((pod) => pod.ready).length;
  const counts = { ready, wanted };
  if (live.kind !== 'Pod' && observed < generation) {
    return late({
      reason: 'not-observed',
      text: `${name}: its controller has seen generation ${observed} of ${generation}`,
      ...counts,
    });
  }
  if (wanted === 0) {
    const declared = declaredReplicas(subject.object);
    if (live.kind === 'DaemonSet') {
      return {
        state: 'not-applicable',
        reason: 'no-eligible-node',
        text: `${name} has no node to run on`,
        ...counts,
      };
    }
    if (declared === 0) {
      return {
        state: 'not-applicable',
        reason: 'zero-declared',
        text: `${name} declares zero pods`,
        ...counts,
      };
    }
    return {
      state: 'unknown',
      reason: 'scaled-to-zero',
      text: `${name} was scaled to zero; Git asks for ${declared ?? 'more'}`,
      ...counts,
    };
  }
  const refused = condition(live, 'ReplicaFailure');
  if (refused?.status === 'True' && pods.length < wanted) {
    return {
      state: 'broken',
      reason: 'pods-refused',
      text: `${name}: pods are refused: ${refused.message ?? refused.reason ?? ''}`,
      ...counts,
    };
  }
  if (progressing?.reason === 'ProgressDeadlineExceeded' && ready < wanted) {
    const trouble = pods.filter((pod) => !pod.ready).map(podTrouble)[0];
    return {
      state: 'broken',
      reason: 'deadline-exceeded',
      text: `${name} did not progress within its deadline${trouble ? `: ${trouble.text}` : ''}`,
      ...counts,
    };
  }
  const troubles = pods
    .filter((pod) => !pod.ready)
    .map(podTrouble)
    .toSorted((a, b) => Number(b.terminal) - Number(a.terminal));
  const first = troubles[0];
  if (first !== undefined) return late({ reason: first.reason, text: first.text, ...counts }, first.terminal);
  if (pods.length < wanted)
    return late({
      reason: 'pods-missing',
      text: `${name} has ${pods.length} of ${wanted} pods of this template`,
      ...counts,
    });
  return { state: 'proven', reason: 'ready', text: `${name} ${ready}/${wanted} ready`, ...counts };
}

function objectHealth(subject: HealthSubject, now: number): ObjectHealth {
  if (subject.live.state === 'unreadable')
    return { state: 'unknown', reason: 'unreadable', text: subject.live.why };
  if (subject.live.state === 'absent')
    return { state: 'broken', reason: 'missing', text: `${objectName(subject.object)} does not exist` };
  return isWorkload(subject.object) && subject.object.kind !== 'CronJob'
    ? workloadHealth(subject, subject.live.value, now)
    : otherHealth(subject.live.value, now);
}

/**
 * Boundary 6: are the stored objects usable? Only pods of the template that is stored count; an old pod that works
 * proves nothing about the release. A pod that is late is moving until the workload's own progress deadline
 * (Kubernetes: `progressDeadlineSeconds`, 600 s when unset), then broken.
 */
export function decideHealth(subjects: readonly HealthSubject[], at: string): BoundaryReport {
  const now = Date.parse(at);
  const judged = subjects.map((subject) => ({ subject, health: objectHealth(subject, now) }));
  const claims: Claim[] = judged.flatMap(({ subject, health }) =>
    health.reason === 'passive'
      ? []
      : [
          {
            boundary: 'health' as const,
            subject: objectName(subject.object),
            attribute: health.wanted === undefined ? 'health' : 'ready',
            value: health.wanted === undefined ? health.text : `${health.ready ?? 0}/${health.wanted}`,
            source: objectSource(subject.live.state === 'read' ? subject.live.value : subject.object),
            at,
          },
        ],
  );
  const combined = worst(judged.map(({ health }) => health.state));
  const leading = judged.find(({ health }) => health.state === combined)?.health;
  const ready = judged.reduce((sum, { health }) => sum + (health.ready ?? 0), 0);
  const wanted = judged.reduce((sum, { health }) => sum + (health.wanted ?? 0), 0);
  const counted = judged.some(({ health }) => health.wanted !== undefined);
  return {
    boundary: 'health',
    state: combined,
    reason: leading?.reason ?? 'nothing-rendered',
    headline: counted
      ? `${ready}/${wanted} ready`
      : combined === 'not-applicable'
        ? 'nothing to wait for'
        : (leading?.reason ?? 'no objects'),
    detail: combined === 'proven' ? '' : (leading?.text ?? 'no object was rendered'),
    claims,
    ...(leading?.deadline === undefined ? {} : { deadline: leading.deadline }),
  };
}
