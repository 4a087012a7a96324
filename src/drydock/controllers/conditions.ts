import type { Condition } from './objects.ts';
import { timestamp } from './time.ts';

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function withoutCondition(conditions: readonly Condition[] | undefined, type: string): Condition[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

/**
 * Kubernetes' rule for conditions of Deployments, ReplicaSets and Jobs: nothing changes while status and reason stay;
 * a changed condition moves to the end of the list, and keeps its transition time while its status stays.
 */
export function withCondition(conditions: readonly Condition[] | undefined, next: Condition): Condition[] {
  const current = findCondition(conditions, next.type);
  if (current !== undefined && current.status === next.status && current.reason === next.reason) {
    return [...(conditions ?? [])];
  }
  const kept =
    current !== undefined && current.status === next.status && current.lastTransitionTime !== undefined
      ? { ...next, lastTransitionTime: current.lastTransitionTime }
      : next;
  return [...withoutCondition(conditions, next.type), kept];
}

/** A condition as Deployments have it, with both of its times. */
export function deploymentCondition(
  now: number,
  type: string,
  status: Condition['status'],
  reason: string,
  message: string,
): Condition {
  const time = timestamp(now);
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}
