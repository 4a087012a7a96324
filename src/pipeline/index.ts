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
export { environmentFolders, reachOfChange, reachOfFiles } from './reach.ts';
export type { Reached, ReachQuestion } from './reach.ts';
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
  UPDATE_TRAILER,
  updatesIn,
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
