/** One operation: what it consists of, in which order, and how far it is. */
export { objectOptions, optionValue, unknownOptions } from './options.ts';
export { CLIENT_SIDE_MANAGERS, ownedClientSide, takeOver } from './take-over.ts';
export { hookHealth, isWorking, objectHealth } from './health.ts';
export { releaseHook } from './hooks.ts';
export { runSync } from './run-sync.ts';
export { terminateHooks } from './terminate.ts';
export { createSyncWriter } from './writer.ts';
export type { SyncWriter } from './writer.ts';
export { plainSet } from './sync-set.ts';
export type { OpenSet, PlannedWrite, SyncSet, TakenBack } from './sync-set.ts';
