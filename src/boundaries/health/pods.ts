import type { PodContainer, PodFacts } from '../workload.ts';
import { firstLine } from './facts.ts';

/** Reasons that no amount of waiting mends: something has to be changed first. */
const TERMINAL_WAITING = new Set(['InvalidImageName', 'ErrImageNeverPull', 'SignatureValidationFailed']);

/** Reasons that stay unless something else changes soon: a Secret that is missing may be about to be made. */
const STUCK_WAITING = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** How long a pod may be stuck for want of something that another controller brings. */
const STUCK_MS = 30_000;

const PULL_FAILURES = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ImageInspectError',
  'RegistryUnavailable',
]);

/** A crash loop is one from the second restart on: a first crash may be a dependency that comes up later. */
const LOOP_RESTARTS = 2;

export interface PodTrouble {
  /** No waiting mends it. */
  readonly terminal: boolean;
  readonly reason: string;
  readonly text: string;
}

function severity(container: PodContainer): number {
  const reason = container.reason ?? '';
  if (container.state === 'waiting' && (TERMINAL_WAITING.has(reason) || STUCK_WAITING.has(reason))) return 0;
  if (reason === 'CrashLoopBackOff') return 1;
  if (PULL_FAILURES.has(reason)) return 2;
  if (container.state === 'waiting') return 3;
  return container.state === 'terminated' && container.exitCode !== 0 ? 4 : 5;
}

/** The container whose trouble explains the pod best: a crash or a configuration error before a plain "not ready". */
function troubled(pod: PodFacts): PodContainer | undefined {
  return pod.containers
    .filter((container) => !container.ready)
    .toSorted((a, b) => severity(a) - severity(b))[0];
}

function stateText(container: PodContainer): string {
  if (container.reason !== undefined) return container.reason;
  if (container.state === 'terminated') return `exit ${container.exitCode ?? '?'}`;
  return container.state === 'running' ? 'runs and is not ready' : container.state;
}

/** Why a pod is not ready, and whether that can pass by itself. */
export function podTrouble(pod: PodFacts, now: number): PodTrouble {
  if (pod.unschedulable !== undefined)
    return {
      terminal: false,
      reason: 'unschedulable',
      text: `${pod.name} is not scheduled: ${firstLine(pod.unschedulable)}`,
    };
  const container = troubled(pod);
  if (container === undefined)
    return { terminal: false, reason: 'not-ready', text: `${pod.name} is not ready` };
  const told = container.message ? `: ${firstLine(container.message)}` : '';
  const restarts = container.restarts > 0 ? `, ${container.restarts} restarts` : '';
  const text = `${pod.name} ${container.name} ${stateText(container)}${restarts}${told}`;
  // The state of a looping container is now "waiting", now "terminated": its restarts tell.
  const crashed = container.state === 'terminated' && container.exitCode !== 0;
  if (container.reason === 'CrashLoopBackOff' || (crashed && container.restarts >= LOOP_RESTARTS))
    return { terminal: container.restarts >= LOOP_RESTARTS, reason: 'crash-loop', text };
  if (PULL_FAILURES.has(container.reason ?? '')) return { terminal: false, reason: 'image-pull', text };
  if (container.state === 'waiting' && TERMINAL_WAITING.has(container.reason ?? ''))
    return { terminal: true, reason: 'cannot-start', text };
  if (container.state === 'waiting' && STUCK_WAITING.has(container.reason ?? ''))
    return { terminal: now - Date.parse(pod.createdAt) > STUCK_MS, reason: 'cannot-start', text };
  return { terminal: false, reason: container.state === 'running' ? 'not-ready' : 'starting', text };
}

/** Of the pods that are not ready, the one whose trouble says most. */
export function worstTrouble(pods: readonly PodFacts[], now: number): PodTrouble | undefined {
  return pods
    .filter((pod) => !pod.ready)
    .map((pod) => podTrouble(pod, now))
    .toSorted((a, b) => Number(b.terminal) - Number(a.terminal))[0];
}

const STEADY_MS = 10_000;
/** After ten minutes of running the kubelet forgets its back-off, and so do we. */
const LONGEST_STEADY_MS = 600_000;

/**
 * A container that is ready now and crashed before: until it has outlived its last run, being ready proves nothing.
 * A loop without a readiness probe is ready for a moment in every round.
 */
export function unsteady(
  pod: PodFacts,
  now: number,
): { readonly text: string; readonly until: number } | undefined {
  for (const container of pod.containers) {
    const { lastExit, startedAt } = container;
    if (
      !container.ready ||
      container.state !== 'running' ||
      lastExit === undefined ||
      lastExit.exitCode === 0
    )
      continue;
    const started = Date.parse(startedAt ?? '');
    const lived = Date.parse(lastExit.finishedAt ?? '') - Date.parse(lastExit.startedAt ?? '');
    if (Number.isNaN(started)) continue;
    const needed = Math.min((Number.isNaN(lived) ? 0 : Math.max(0, lived)) + STEADY_MS, LONGEST_STEADY_MS);
    if (now - started >= needed) continue;
    const why = lastExit.reason === undefined || lastExit.reason === 'Error' ? '' : `${lastExit.reason}, `;
    return {
      text: `${pod.name} ${container.name} runs again after ${container.restarts} restarts (${why}exit ${lastExit.exitCode}) and has not outlived its last run yet`,
      until: started + needed,
    };
  }
  return undefined;
}
