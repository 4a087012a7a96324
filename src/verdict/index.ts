export { findDrift } from './drift.ts';
export { appliedBy } from './inventory.ts';
export { renderSources } from './render-sources.ts';
export type { DriftReport } from './drift.ts';
export {
  findApplication,
  fromGit,
  listApplications,
  ownerOf,
  qualifiedName,
  readApplication,
  readDelivered,
} from './application.ts';
export { readKustomization } from './flux.ts';
export type { ApplicationSpec, ArgoFacts } from './application.ts';
export { findingsOf, preflightOf } from './findings/index.ts';
export type { Case, EngineStatus, Finding, Fix, Misleading, Subject } from './findings/index.ts';
export type { Declared, Question, Sources } from './question.ts';
export type { Material, Proof } from './judge.ts';
export { writeNote } from './note.ts';
export type { DeliveryNote, SourceLine } from './note.ts';
export { explainLook, prove, proveUntil } from './prove.ts';
export type { Look } from './prove.ts';
export { shownReference, TRACE_ATTRIBUTES, traceAttribute, traceImage } from './trace.ts';
export type { Trace, TraceRow } from './trace.ts';
export { traceField } from './trace-field.ts';
export type { SystemPicture } from './system.ts';
export { nearestSymptoms, SYMPTOMS } from './symptoms.ts';
export type { Symptom } from './symptoms.ts';
export type { Triage } from './triage.ts';
export type { Verdict, VerdictState } from './verdict.ts';
export { desiredObject, eventIn, liveObject } from './world/index.ts';
export { ownerName, sameCommit, sameDigest, sameVersion } from './world/index.ts';
export { decideVerdict } from './verdict.ts';
export type {
  AnswerFact,
  BuildFact,
  CommitFact,
  DigestFact,
  EngineFact,
  EventFact,
  LogLine,
  MetricSample,
  SourceFile,
  World,
  WorldObject,
} from './world/index.ts';
