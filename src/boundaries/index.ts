export { BOUNDARIES } from './boundary.ts';
export type { BoundaryName, BoundaryReport, BoundaryState, Claim, ClaimSource } from './boundary.ts';
export { fieldTargets } from './field-target.ts';
export { shortDigest, shortReference, withoutTag } from './names.ts';
export { attempt, read, valueOf } from './reading.ts';
export type { Reading } from './reading.ts';
export { whereSet } from './rendered.ts';
export type { FieldSource, RenderedFacts } from './rendered.ts';
export {
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
  ImageAnswer,
  ImageFacts,
  ImageUse,
  NodePlatform,
  PlatformImage,
  Release,
} from './artifact/index.ts';
export { decideIntent } from './intent/index.ts';
export type { Asked, TrackedRevision } from './intent/index.ts';
export { decideRender, renderApplication } from './render/index.ts';
export type { RenderedSet } from './render/index.ts';
export {
  APPLICATION_KIND,
  applicationSpec,
  applicationStatus,
  decideSync,
  ignoredByJq,
  ignoring,
  isHook,
  syncCounts,
} from './sync/index.ts';
export type { ApplicationSource, IgnoreRule, JqFindings } from './sync/index.ts';
export { decideLive, fieldPath, objectKey, takeSnapshot, writersOf } from './live/index.ts';
export type {
  ClusterSnapshot,
  FieldDifference,
  FieldWriter,
  LiveSubject,
  NamespaceFacts,
} from './live/index.ts';
export { decideHealth } from './health/index.ts';
export type { HealthSubject } from './health/index.ts';
export { collectRollouts, decideRollout, nodePlatforms } from './rollout/index.ts';
export type { DigestCheck, DigestOutcome, RolloutOptions, RolloutSubject } from './rollout/index.ts';
export {
  decideTraffic,
  discoverObservations,
  groupName,
  measuredOf,
  observe,
  percent,
  sampleName,
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
