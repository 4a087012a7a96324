/** Boundary 4: what the controller fetched and applied, read from Applications whoever writes their status. */
export {
  APPLICATION_KIND,
  REFRESH_ANNOTATION,
  applicationSource,
  applicationSpec,
  applicationStatus,
  isSyncing,
  durationMs,
  retryOf,
} from './application.ts';
export type {
  ApplicationCondition,
  ApplicationDestination,
  ApplicationSource,
  ApplicationSpec,
  ApplicationStatus,
  IgnoreRule,
  OperationFacts,
  ResourceResult,
  ResourceState,
  RetryPolicy,
  SyncPolicy,
} from './application.ts';
export { comparePair, ignoring, pairObjects } from './compare.ts';
export type { CompareOptions, ComparedPair, Pair, SyncCode } from './compare.ts';
export { syncCounts, syncCountsText } from './counts.ts';
export type { SyncCounts } from './counts.ts';
export { findIgnored, ignoredByJq } from './ignore.ts';
export type { JqFindings } from './ignore.ts';
export { createJq } from './jq.ts';
export type { Jq, JqPath } from './jq.ts';
export { decideSync } from './decide.ts';
export { INCLUDED_SINCE, fluxCommit, fluxCondition, isFlux } from './flux.ts';
export { fluxManner, fluxPrunes, isLeftByFlux, isSeedOfFlux } from './flux-marks.ts';
export { isRelease, releasesOf } from './release.ts';
export {
  FLUX_KUSTOMIZATION,
  GIT_REPOSITORY,
  HELM_CHART,
  HELM_RELEASE,
  HELM_REPOSITORY,
  OCI_REPOSITORY,
} from './flux-kinds.ts';
export type { SyncSubject } from './decide.ts';
export { applicationEngineHealth, engineHealth } from '../health/engine/index.ts';
export type { HealthSubject } from '../health/engine/index.ts';
export type { EngineHealth, EngineHealthStatus } from '../health/engine/index.ts';
export {
  HOOK_FINALIZER,
  annotationList,
  hookDeletePolicies,
  hookTypes,
  isHook,
  isSkipped,
  syncPhases,
  syncWave,
} from '../hooks.ts';
export type { HookDeletePolicy, HookType, SyncPhase } from '../hooks.ts';
export { respectIgnored } from './respect.ts';
export {
  DEFAULT_TRACKING,
  TRACKING_ANNOTATION,
  parseTrackingId,
  trackedBy,
  withTracking,
} from './tracking.ts';
export type { Tracking, TrackingId } from './tracking.ts';
export { fluxIgnoreRules } from './flux-ignore.ts';
