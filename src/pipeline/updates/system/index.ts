/** What a cycle of updates works with in a cluster. */
export { configure } from './configure.ts';
export type { DeclaredRepository } from './configure.ts';
export { readUpdaterObjects } from './objects.ts';
export type { UpdaterObjects } from './objects.ts';
export { createRegistryClients } from './registry-clients.ts';
export type { RegistryClients } from './registry-clients.ts';
export { clusterSources, objectOf } from './sources.ts';
export type { SystemOptions } from './sources.ts';
export { answerGoverned } from './answer-governed.ts';
