/** A release on its way from one environment to the next: what may go, what it changes, and its proof there. */
export { advanceChange } from './advance.ts';
export type { Advancing } from './advance.ts';
export { IMAGES } from './allowed.ts';
export type { ChangeDeps } from './deps.ts';
export type { Environment } from './environments.ts';
export { APPROVED, decisionsOn, REJECTED, whyNotCounted } from './gates.ts';
export type { Gate } from './gates.ts';
export { changeLine, emptyPlan, planEdits, rendererOf } from './plan.ts';
export type { ChangePlan, Refusal } from './plan.ts';
export { planPromotion, trackedBranch, versionFileOf, writeTargetOf } from './prepare.ts';
export type { PromotionAsk } from './prepare.ts';
export { endOf, promote } from './promote.ts';
export { detailJson, detailOf } from './record.ts';
export type { ChangeDetail, Style, End } from './record.ts';
export { releaseIn, releaseName, repositoriesIn, sameRelease } from './release.ts';
export type { FoundRelease, ReleaseImage } from './release.ts';
export { releasesOf } from './releases.ts';
export type { NextPromotion, ReleaseRow } from './releases.ts';
export { reportFrom, reportOf } from './report.ts';
export type { ChangeReport } from './report.ts';
export { rememberStanding } from './standing.ts';
export {
  familyEnvironments,
  findPair,
  membersOf,
  subjectOfApplication,
  surveyApplications,
} from './survey.ts';
export type { ClusterPlace, Pair, Survey, SurveyedApplication } from './survey.ts';
export { slotName, slotsOf, writeImages } from './write-images.ts';
export type { WrittenImages } from './write-images.ts';
