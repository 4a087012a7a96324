export { BOUNDARIES } from './boundary.ts';
export type { BoundaryName, BoundaryReport, BoundaryState, Claim, ClaimSource } from './boundary.ts';
export { fieldTargets } from './field-target.ts';
export { shortDigest, shortReference, withoutTag } from './names.ts';
export { attempt, read, valueOf } from './reading.ts';
export type { Reading } from './reading.ts';
export { hiding, isHidden, whereSet } from './rendered.ts';
export type { FieldSource, RenderedFacts } from './rendered.ts';
export {
  carriesPods,
  declaredReplicas,
  isWorkload,
  podTemplate,
  podTemplatePath,
  selects,
  templateContainers,
} from './workload.ts';
export type { PodContainer, PodFacts, PullPolicy, TemplateContainer } from './workload.ts';
export type { WorkloadPods } from './workload-pods.ts';
export { collectImages, decideArtifact, fullRepository, leadingImage, releaseOf } from './artifact/index.ts';
export type {
  BuildFacts,
  CommitBuild,
  ImageAnswer,
  ImageFacts,
  ImageUse,
  NodePlatform,
  PlatformImage,
  Release,
} from './artifact/index.ts';
export { decideIntent } from './intent/index.ts';
export type { Asked, GovernedImage, TrackedRevision, UpdateStop } from './intent/index.ts';
export {
  KUSTOMIZATION_FILES,
  KUSTOMIZE_OPTIONS,
  decideRender,
  fluxVariables,
  ignorePatterns,
  imageOverrideOf,
  imageOverrides,
  overrideList,
  parseImageOverride,
  renderApplication,
  renderFlux,
  sopsOf,
} from './render/index.ts';
export type { ImageOverrideEntry, OverrideOwner, RenderedSet } from './render/index.ts';
export {
  APPLICATION_KIND,
  FLUX_KUSTOMIZATION,
  GIT_REPOSITORY,
  HELM_RELEASE,
  HELM_REPOSITORY,
  OCI_REPOSITORY,
  applicationSource,
  applicationSpec,
  applicationStatus,
  decideSync,
  durationMs,
  fluxCommit,
  fluxCondition,
  ignoredByJq,
  ignoring,
  INCLUDED_SINCE,
  isFlux,
  isLeftByFlux,
  isSeedOfFlux,
  isHook,
  isRelease,
  isSkipped,
  isSyncing,
  releasesOf,
  syncCounts,
  trackedBy,
} from './sync/index.ts';
export type { ApplicationSource, IgnoreRule, JqFindings } from './sync/index.ts';
export {
  asStored,
  autoscalersOf,
  changedByOthers,
  decideDrift,
  decideLive,
  fieldDifferences,
  fieldPath,
  isOnAdmission,
  objectKey,
  takeSnapshot,
  unreadSubjects,
  writersOf,
} from './live/index.ts';
export type {
  ClusterSnapshot,
  Drift,
  DriftQuestion,
  DriftSubject,
  FieldDifference,
  FieldWriter,
  LiveSubject,
  NamespaceFacts,
} from './live/index.ts';
export {
  compileHealthRules,
  decideHealth,
  ENGINES,
  engineReading,
  healthOffline,
  lookAtHealth,
  objectHealth,
  ruleProblems,
  tidied,
} from './health/index.ts';
export type {
  AppliedObject,
  Engine,
  EngineReading,
  HealthRule,
  HealthRules,
  HealthSubject,
  ObjectHealth,
  ObjectOutcome,
  Surroundings,
  WatchHealthOptions,
  WatchOutcome,
} from './health/index.ts';
export { CLOCKS_APART_MS, collectRollouts, decideRollout, nodePlatforms } from './rollout/index.ts';
export type {
  DigestCheck,
  DigestOutcome,
  RolloutOptions,
  RolloutSubject,
  StaleConfiguration,
} from './rollout/index.ts';
export {
  besideFacts,
  decideTraffic,
  discoverObservations,
  groupName,
  measuredOf,
  observe,
  percent,
  routeFacts,
  sampleName,
  askPorts,
  serviceFacts,
  shareOf,
  worstGroup,
} from './traffic/index.ts';
export type {
  ErrorBaseline,
  ErrorShare,
  Observation,
  Observed,
  Sample,
  ServiceFacts,
  TrafficFacts,
} from './traffic/index.ts';
