export { collectRollouts, nodePlatforms } from './collect.ts';
export { decideRollout } from './decide.ts';
export { CLOCKS_APART_MS } from './configuration.ts';
export type { StaleConfiguration } from './configuration.ts';
export type { DigestCheck, DigestOutcome, RolloutOptions, RolloutSubject } from './decide.ts';
