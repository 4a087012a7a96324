export { changeField } from './field/change-field.ts';
export type { FieldChangeRequest, FieldChangeResult } from './field/change-field.ts';
export { pinImage } from './edits/index.ts';
export type {
  ImageChange,
  ImageEdit,
  ImageEditRequest,
  ImageEdits,
  ImagePin,
  WriteTarget,
} from './edits/index.ts';
export { channelsOf, declarationsOf, parseLandfallYaml, undeclaredChannels } from './landfall-yaml/index.ts';
export type { LandfallYaml } from './landfall-yaml/index.ts';
export { LANDFALL_FILE } from './landfall-yaml/index.ts';
export {
  approvalOf,
  decideGate,
  decidePending,
  declaredBuilds,
  isOfTrigger,
  lastLines,
  lookForBuilds,
  newBuildOf,
  outputFrom,
  parseBuildReport,
  readCi,
  receiveReport,
  recordOfReport,
  reviewBuild,
  reviewedText,
  runBuild,
  shortRef,
} from './builds/index.ts';
export type {
  BuildPlan,
  BuildReport,
  CiFacts,
  Decided,
  DeclaredBuild,
  DeclaredNow,
  Found,
  BuildGate,
  LeftOut,
  Looked,
  Reviewed,
  Reviewer,
  RunContext,
} from './builds/index.ts';
export { reachOfFiles } from './reach.ts';
export type { Reached, ReachQuestion } from './reach.ts';
export {
  APPROVED,
  decisionsOn,
  detailOf,
  familyEnvironments,
  findPair,
  membersOf,
  promote,
  REJECTED,
  releasesOf,
  rememberStanding,
  reportOf,
  subjectOfApplication,
  surveyApplications,
  whyNotCounted,
} from './promotion/index.ts';
export type {
  ChangeDeps,
  ChangeReport,
  ClusterPlace,
  Environment,
  FoundRelease,
  Gate,
  NextPromotion,
  Pair,
  ReleaseRow,
  Survey,
  SurveyedApplication,
} from './promotion/index.ts';
export { applicationAt, pairOf, resumeChange } from './resume.ts';
export { rollback } from './rollback/index.ts';
export {
  answerGoverned,
  clusterSources,
  configure,
  createCycle,
  createRegistryClients,
  intervalOf,
  objectOf,
  originOf,
  placeOf,
  policyRule,
  readUpdaterObjects,
  recordUpdate,
  repositoryOf,
} from './updates/index.ts';
export type {
  Configuration,
  DeclaredRepository,
  FluxObjects,
  ImageDecision,
  ImageRule,
  RefusedRule,
  Registries,
  RegistryClients,
  Updater,
  UpdateReport,
  UpdaterObjects,
} from './updates/index.ts';
