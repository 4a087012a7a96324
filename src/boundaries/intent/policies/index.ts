/** Which tag of an image is the one to run: pure, the same tags always give the same answer. */
export { compilePolicy } from './choose.ts';
export type { ChoiceFacts, Chooser } from './choose.ts';
export { commitOf, indexCommits, refusesCommit } from './commits.ts';
export type { BranchHistory, CommitIndex, CommitRelation } from './commits.ts';
export { parseConstraint } from './constraint.ts';
export { compileGlob } from './glob.ts';
export { compilePattern } from './pattern/index.ts';
export type { Pattern } from './pattern/index.ts';
export type { Candidate, Order, PassedOver, TagChoice, TagFilter, TagPolicy } from './policy.ts';
