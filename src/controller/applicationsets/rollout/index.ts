/** Progressive syncs: Applications of a set that are synced step by step. */
export { hasBegun, lookAtRollout } from './rollout.ts';
export type { Rollout, RolloutCondition } from './rollout.ts';
export { isReversed, rollingSync, stepsOf } from './steps.ts';
