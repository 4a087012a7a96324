export { decideIntent } from './decide.ts';
export type { Asked, TrackedRevision } from './decide.ts';
