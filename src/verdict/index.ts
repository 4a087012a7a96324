export {
  APPLICATION,
  engineStatus,
  findApplication,
  listApplications,
  nearest,
  readApplication,
} from './application.ts';
export type { ApplicationSpec } from './application.ts';
export { findFindings, mechanismOf } from './findings/index.ts';
export type { Case, EngineStatus, Finding, Fix, Misleading, Subject } from './findings/index.ts';
export { gather } from './gather.ts';
export type { Declared, Question, Sources } from './gather.ts';
export { judge } from './judge.ts';
export type { Material, Proof } from './judge.ts';
export { writeNote } from './note.ts';
export type { DeliveryNote, SourceLine } from './note.ts';
export { prove, proveUntil } from './prove.ts';
export { shownReference, TRACE_ATTRIBUTES, traceAttribute, traceImage } from './trace.ts';
export type { Trace, TraceRow } from './trace.ts';
export { pictureSystem } from './system.ts';
export type { SystemPicture } from './system.ts';
export { decideVerdict } from './verdict.ts';
export type { Verdict, VerdictState } from './verdict.ts';
