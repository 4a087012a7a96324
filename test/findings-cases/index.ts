import type { FailureCase } from './failure-case.ts';
import { PIPELINE } from './pipeline.ts';
import { INTENT_AND_RENDER } from './intent-and-render.ts';
import { RECONCILIATION } from './reconciliation.ts';
import { LIVE } from './live.ts';
import { ROLLOUT } from './rollout.ts';
import { HEALTH } from './health.ts';
import { TRAFFIC } from './traffic.ts';

/** The catalogue, in the order in which a delivery meets its failures. */
export const CASES: readonly FailureCase[] = [
  ...PIPELINE,
  ...INTENT_AND_RENDER,
  ...RECONCILIATION,
  ...LIVE,
  ...ROLLOUT,
  ...HEALTH,
  ...TRAFFIC,
];
