import { findCondition } from './conditions.ts';
import type { Pod } from './objects.ts';
import { timeOf } from './time.ts';

/** Neither finished nor on its way out: what counts as a replica. */
export function isPodActive(pod: Pod): boolean {
  return (
    pod.status?.phase !== 'Succeeded' &&
    pod.status?.phase !== 'Failed' &&
    pod.metadata.deletionTimestamp === undefined
  );
}

export function isPodFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function isPodReady(pod: Pod): boolean {
  return findCondition(pod.status?.conditions, 'Ready')?.status === 'True';
}

/** When the pod became ready, in milliseconds; undefined while it is not. */
export function readySince(pod: Pod): number | undefined {
  const ready = findCondition(pod.status?.conditions, 'Ready');
  return ready?.status === 'True' ? timeOf(ready.lastTransitionTime) : undefined;
}

/** Ready for `minReadySeconds` at least. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  if (!isPodReady(pod)) return false;
  if (minReadySeconds === 0) return true;
  const since = readySince(pod);
  return since !== undefined && since + minReadySeconds * 1000 <= now;
}

/** Which replica goes first when there are too many; a negative number: `a` before `b`. `rank` as of its node. */
export function compareForDeletion(
  a: { readonly pod: Pod; readonly rank: number },
  b: { readonly pod: Pod; readonly rank: number },
  now: number,
): number {
  const assigned = (pod: Pod) => ((pod.spec.nodeName ?? '') === '' ? 0 : 1);
  const phase = (pod: Pod) => ({ Pending: 0, Unknown: 1, Running: 2 })[pod.status?.phase ?? 'Pending'] ?? 0;
  const ready = (pod: Pod) => (isPodReady(pod) ? 1 : 0);
  const first =
    assigned(a.pod) - assigned(b.pod) ||
    phase(a.pod) - phase(b.pod) ||
    ready(a.pod) - ready(b.pod) ||
    deletionCost(a.pod) - deletionCost(b.pod) ||
    b.rank - a.rank;
  if (first !== 0) return first;
  const readyFor = magnitude(now - (readySince(a.pod) ?? now)) - magnitude(now - (readySince(b.pod) ?? now));
  if (readyFor !== 0) return readyFor;
  const restarts = restartCount(b.pod) - restartCount(a.pod);
  if (restarts !== 0) return restarts;
  const created = (pod: Pod) => timeOf(pod.metadata.creationTimestamp) ?? now;
  const age = magnitude(now - created(a.pod)) - magnitude(now - created(b.pod));
  if (age !== 0) return age;
  return (a.pod.metadata.uid ?? '') < (b.pod.metadata.uid ?? '') ? -1 : 1;
}

/** Ages are compared by their logarithm (LogarithmicScaleDown), so that equals are not decided by a second. */
function magnitude(ms: number): number {
  return ms <= 0 ? 0 : Math.trunc(Math.log2(ms * 1_000_000));
}

function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '0');
  return Number.isInteger(cost) ? cost : 0;
}

function restartCount(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}
