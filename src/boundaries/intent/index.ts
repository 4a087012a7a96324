export { decideIntent } from './decide.ts';
export type { Asked, TrackedRevision } from './decide.ts';
export type { GovernedImage, UpdateStop } from './governed.ts';
export {
  commitOf,
  compileGlob,
  compilePattern,
  compilePolicy,
  indexCommits,
  parseConstraint,
  refusesCommit,
} from './policies/index.ts';
export type {
  BranchHistory,
  Candidate,
  ChoiceFacts,
  Chooser,
  CommitIndex,
  CommitRelation,
  PassedOver,
  Pattern,
  TagChoice,
  TagFilter,
  TagPolicy,
} from './policies/index.ts';
