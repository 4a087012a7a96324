export { collectRollouts, nodePlatforms } from './collect.ts';
export { decideRollout } from './decide.ts';
export type { DigestCheck, DigestOutcome, RolloutOptions, RolloutSubject } from './decide.ts';
