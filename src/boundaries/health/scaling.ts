import { getArray, getNumber, getObject, parseJson } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { observedGeneration } from '../workload.ts';
import { condition, deadlineAfter, said, until } from './facts.ts';
import type { HealthSubject, ObjectHealth } from './facts.ts';

const V1_CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';

/** Version 1 of the kind keeps its conditions in an annotation. */
function withConditions(live: KubeObject): KubeObject {
  const text = live.metadata.annotations?.[V1_CONDITIONS];
  if (text === undefined || getArray(live, 'status', 'conditions').length > 0) return live;
  try {
    return { ...live, status: { ...getObject(live, 'status'), conditions: parseJson(text, V1_CONDITIONS) } };
  } catch {
    return live;
  }
}

/** An autoscaler is usable when it can read its metrics and set the scale. Source: autoscaling/v2 conditions. */
export function autoscalerHealth(subject: HealthSubject, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const told = withConditions(live);
  const able = condition(told, 'AbleToScale');
  const active = condition(told, 'ScalingActive');
  const deadline = deadlineAfter(live);
  if (able?.status === 'False')
    return until(
      { reason: 'cannot-scale', text: `${name} cannot set the scale: ${said(able)}` },
      deadline,
      now,
    );
  if (active?.status === 'False') {
    if (active.reason === 'ScalingDisabled')
      return {
        state: 'not-applicable',
        reason: 'scaling-disabled',
        text: `${name} scales nothing while its target has zero pods`,
      };
    return until(
      { reason: 'metrics-unavailable', text: `${name} cannot scale: ${said(active)}` },
      deadline,
      now,
    );
  }
  if (able === undefined || active === undefined) {
    if (subject.around === undefined)
      return { state: 'not-applicable', reason: 'passive', text: `${name} has not been asked to scale yet` };
    return until(
      { reason: 'not-observed', text: `${name} says nothing about its scaling yet` },
      deadline,
      now,
      'unknown',
    );
  }
  const limited = condition(told, 'ScalingLimited');
  const bound = limited?.status === 'True' ? ` (${said(limited)})` : '';
  return {
    state: 'proven',
    reason: 'scaling-active',
    text: `${name} reads its metrics and sets the scale${bound}`,
  };
}

/** A budget is usable when its controller counted the pods it protects, and enough of them are healthy. */
export function budgetHealth(subject: HealthSubject, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  if (subject.around === undefined)
    return {
      state: 'not-applicable',
      reason: 'passive',
      text: `${name} is judged by the pods that it protects`,
    };
  const failed = condition(live, 'DisruptionAllowed');
  const deadline = deadlineAfter(live);
  if (failed?.reason === 'SyncFailed')
    return until(
      { reason: 'sync-failed', text: `${name}: its controller cannot count its pods: ${said(failed)}` },
      deadline,
      now,
    );
  const expected = getNumber(live, 'status', 'expectedPods');
  if (observedGeneration(live) < (live.metadata.generation ?? 0) || expected === undefined)
    return until(
      {
        reason: 'not-observed',
        text: `${name}: its controller has not seen generation ${live.metadata.generation ?? '?'}`,
      },
      deadline,
      now,
      'unknown',
    );
  if (expected === 0)
    return { state: 'not-applicable', reason: 'selects-nothing', text: `${name} selects no pods` };
  const healthy = getNumber(live, 'status', 'currentHealthy') ?? 0;
  const desired = getNumber(live, 'status', 'desiredHealthy') ?? 0;
  if (healthy < desired)
    return until(
      { reason: 'too-few-healthy', text: `${name} wants ${desired} healthy pods and counts ${healthy}` },
      deadline,
      now,
    );
  const allowed = getNumber(live, 'status', 'disruptionsAllowed') ?? 0;
  return {
    state: 'proven',
    reason: 'pods-protected',
    text: `${name} counts ${healthy} healthy pods, wants ${desired}, allows ${allowed} disruption${allowed === 1 ? '' : 's'}`,
  };
}
