/** Image updates: what policies choose now, and the commit that asks for it. */
export { intervalOf, policyRule, repositoryOf } from './configuration/index.ts';
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
export type { RenderTemplate } from './message.ts';
export type { Publish } from './publish.ts';
export { originOf, recordUpdate } from './record.ts';
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
