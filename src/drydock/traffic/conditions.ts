import type { JsonObject } from '../../kernel/index.ts';
import { getArray, getString, isJsonObject } from '../../kernel/index.ts';

/** A condition as it is decided; the time is added where it changes. */
export interface Decided {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** Conditions with the time of their last change, taken over from `before` where the status is the same. */
export function stamped(
  decided: readonly Decided[],
  before: JsonObject | undefined,
  generation: number,
  now: string,
): JsonObject[] {
  const known = getArray(before, 'conditions').filter(isJsonObject);
  return decided.map(({ type, status, reason, message }) => {
    const old = known.find((condition) => condition.type === type);
    const since = old?.status === status ? getString(old, 'lastTransitionTime') : undefined;
    return {
      type,
      status,
      observedGeneration: generation,
      lastTransitionTime: since ?? now,
      reason,
      message,
    };
  });
}

export function accepted(message: string): Decided {
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message };
}

export function refused(reason: string, message: string): Decided {
  return { type: 'Accepted', status: 'False', reason, message };
}

/** `ResolvedRefs` for the first problem, or that there is none. */
export function resolvedRefs(problem: Problem | undefined): Decided {
  return problem === undefined
    ? { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'every reference is resolved' }
    : { type: 'ResolvedRefs', status: 'False', reason: problem.reason, message: problem.message };
}

export interface Problem {
  readonly reason: string;
  readonly message: string;
}
