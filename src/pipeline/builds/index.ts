/** Builds: what starts one, who has to agree, how it runs, and the record of which commit became which image. */
export { approvalOf, declaredBuilds, shortRef } from './definition.ts';
export type { BuildPlan, DeclaredBuild } from './definition.ts';
export { decideGate } from './gate.ts';
export type { BuildGate, LeftOut, Reviewer } from './gate.ts';
export { decidePending } from './pending.ts';
export type { Decided, DeclaredNow } from './pending.ts';
export { reviewBuild, reviewedText } from './review.ts';
export type { Reviewed, ReviewRequest } from './review.ts';
export { isOfTrigger } from './triggers.ts';
export { lookForBuilds, newBuildOf } from './watch.ts';
export type { Found, Looked } from './watch.ts';
export type { RunContext } from './run/context.ts';
export { lastLines, outputFrom } from './run/output.ts';
export { runBuild } from './run/run-build.ts';
export { readCi } from './report/ci.ts';
export type { CiFacts } from './report/ci.ts';
export { parseBuildReport, receiveReport, recordOfReport } from './report/report.ts';
export type { BuildReport, ReceiveContext } from './report/report.ts';
