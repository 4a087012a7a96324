import type { BoundaryState } from './boundary.ts';

const WORST_FIRST: readonly BoundaryState[] = ['broken', 'moving', 'unknown', 'proven', 'not-applicable'];

/** The state of a boundary from the states of its parts: one broken part breaks it; none at all is not applicable. */
export function worst(states: readonly BoundaryState[]): BoundaryState {
  return WORST_FIRST.find((state) => states.includes(state)) ?? 'not-applicable';
}
