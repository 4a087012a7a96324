export type ProbeKind = 'startup' | 'readiness' | 'liveness';

export interface ProbeCounter {
  /** Whether the container counts as started, ready or alive. */
  readonly passing: boolean;
  /** Takes one outcome; true when it changed what the container counts as. */
  count(success: boolean): boolean;
}

/** Kubernetes' thresholds: so many outcomes in a row turn a probe; a liveness probe starts as passing. */
export function probeCounter(
  kind: ProbeKind,
  thresholds: { readonly successThreshold?: number; readonly failureThreshold?: number },
): ProbeCounter {
  let passing = kind === 'liveness';
  let decided = kind !== 'startup';
  let last: boolean | undefined;
  let inRow = 0;
  return {
    get passing() {
      return passing;
    },
    count(success) {
      inRow = success === last ? inRow + 1 : 1;
      last = success;
      const needed = success ? (thresholds.successThreshold ?? 1) : (thresholds.failureThreshold ?? 3);
      if (inRow < needed) return false;
      // A startup probe that has never passed tells by its first verdict, whichever it is.
      const changed = passing !== success || !decided;
      passing = success;
      decided = true;
      return changed;
    },
  };
}
