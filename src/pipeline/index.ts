export { changeField } from './field/change-field.ts';
export type { FieldChangeRequest, FieldChangeResult } from './field/change-field.ts';
export { editImages, pinImage } from './edits/index.ts';
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
  authorship,
  decideGate,
  decidePending,
  declaredBuilds,
  definitionOf,
  isOfTrigger,
  lastLines,
  lookForBuilds,
  newBuildOf,
  outputFrom,
  parseBuildReport,
  planOf,
  readCi,
  receiveReport,
  recordOfReport,
  referenceOf,
  runBuild,
  shortRef,
  whyNotReviewer,
} from './builds/index.ts';
export type {
  BuildPlan,
  BuildReport,
  CiFacts,
  Decided,
  DeclaredBuild,
  DeclaredNow,
  Found,
  Gate,
  LeftOut,
  Looked,
  Reviewer,
  RunContext,
} from './builds/index.ts';
export { environmentFolders, reachOfChange, reachOfFiles } from './reach.ts';
export type { Reached, ReachQuestion } from './reach.ts';
