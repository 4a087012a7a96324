/** One operation: what it consists of, in which order, and how far it is. */
export { objectOptions, optionValue, unknownOptions } from './options.ts';
export { isWorking } from './health.ts';
export { releaseHook } from './hooks.ts';
export { runSync } from './run-sync.ts';
export { terminateHooks } from './terminate.ts';
export { createSyncWriter } from './writer.ts';
export type { SyncWriter } from './writer.ts';
export { plainWaves } from './wave.ts';
export type { OpenWave, Wave, WaveStep } from './wave.ts';
