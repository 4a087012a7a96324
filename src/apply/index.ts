/** How a set of objects is written: planned, checked, journalled, applied, and taken back whole when it fails. */
export { FIELD_MANAGER } from './field-manager.ts';
export { applyGroups, definitionOf, isKeptKind, kindRank } from './order.ts';
export type { LeftField } from './restoration.ts';
export type { Restored, SetContext, SetRequest, SetStep, SetWriter, StepOutcome, UndoneStep } from './set.ts';
export { beginSet, recoverSet } from './set-writer.ts';
