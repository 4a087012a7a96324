import { objectName } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { objectKey } from '../boundaries/index.ts';
import type { HealthAnswer, ObjectResult } from './delivery.ts';
import type { Plan } from './plan.ts';
import type { StepOutcome } from './set.ts';

/** What is there now of the set: as the server answered, and as it was found where nothing had to be written. */
export function storedObjects(plan: Plan, outcomes: ReadonlyMap<string, StepOutcome>): readonly KubeObject[] {
  return plan.items.flatMap(({ planned, desired, before }) => {
    if (desired === undefined || planned.action === 'prune') return [];
    const outcome = outcomes.get(objectKey(desired));
    const stored = outcome?.state === 'done' ? outcome.object : before;
    return stored === undefined ? [] : [stored];
  });
}

/** What became of each object of the plan. */
export function resultsOf(
  plan: Plan,
  outcomes: ReadonlyMap<string, StepOutcome>,
  unhealthy: HealthAnswer['reasons'],
): readonly ObjectResult[] {
  const sick = new Map(unhealthy.map(({ object, message }) => [object, message]));
  return plan.items.map(({ planned, desired, before }) => {
    const { action, apiVersion, kind, namespace, name, where } = planned;
    const object = desired ?? before;
    const outcome = object === undefined ? undefined : outcomes.get(objectKey(object));
    const written = action !== 'unchanged' && action !== 'skip';
    const illness = object === undefined ? undefined : sick.get(objectName(object));
    const state =
      outcome?.state === 'failed'
        ? 'failed'
        : written && outcome === undefined
          ? 'not-reached'
          : illness !== undefined
            ? 'unhealthy'
            : 'done';
    const message = outcome?.state === 'failed' ? outcome.reason : (illness ?? planned.notes.join('; '));
    return {
      action,
      apiVersion,
      kind,
      ...(namespace === undefined ? {} : { namespace }),
      name,
      state,
      message,
      ...(where === undefined ? {} : { where }),
    };
  });
}
