/** Image updates: what policies choose now, and the commit that asks for it. */
export { createAncestry } from './ancestry.ts';
export type { Ancestry } from './ancestry.ts';
export {
  IMAGE_POLICY,
  IMAGE_REPOSITORY,
  IMAGE_UPDATE_AUTOMATION,
  IMAGE_UPDATER,
  intervalOf,
  policiesOf,
  policyRule,
  readArgo,
  readFlux,
  readLandfall,
  repositoryOf,
} from './configuration/index.ts';
export type {
  Configuration,
  FluxObjects,
  ImageRule,
  PullSecretReference,
  RefusedRule,
  Updater,
} from './configuration/index.ts';
export { createCycle, placeOf } from './cycle.ts';
export type { Cycle, CycleOptions, CycleSources } from './cycle.ts';
export type { ImageDecision } from './decision.ts';
export { UPDATE_TRAILER, updatesIn } from './message.ts';
export type { RenderTemplate } from './message.ts';
export { publishDirect } from './publish.ts';
export type { Publish } from './publish.ts';
export { createRegistries } from './registries.ts';
export type { Registries } from './registries.ts';
export type { UpdateOutcome, UpdateReport } from './report.ts';
export {
  answerGoverned,
  clusterSources,
  configure,
  createRegistryClients,
  objectOf,
  readUpdaterObjects,
} from './system/index.ts';
export type { DeclaredRepository, RegistryClients, SystemOptions, UpdaterObjects } from './system/index.ts';
export { originOf, recordUpdate } from './record.ts';
