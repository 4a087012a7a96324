/** How a set of objects is written: planned, checked, journalled, applied, and taken back whole when it fails. */
export { deliver, refuseHeld } from './deliver.ts';
export type {
  DeliveryContext,
  DeliveryOutcome,
  DeliveryRequest,
  DeliveryStep,
  HealthAnswer,
  HealthWatch,
  ObjectResult,
} from './delivery.ts';
export { FIELD_MANAGER } from './field-manager.ts';
export { readObject } from './live-read.ts';
export { applyGroups, definitionOf, isKeptKind, kindRank } from './order.ts';
export { makePlan } from './make-plan.ts';
export { isEmptyPlan } from './plan.ts';
export { attestedIdentity, identityOf } from './permissions.ts';
export type { Identity } from './permissions.ts';
export type { PlanRequest } from './plan-request.ts';
export { placeObjects, setDigest } from './place.ts';
export type { Plan, PlanItem, PlannedField, PlannedObject, PlanProblem } from './plan.ts';
export { forgetUnfinished } from './forget.ts';
export type { Forgotten } from './forget.ts';
export { recoverUnfinished, unfinishedElsewhere } from './recover.ts';
export type { Recovered } from './recover.ts';
export type { LeftField } from './restoration.ts';
export { assertAsReviewed, parsePlan } from './saved-plan.ts';
export type { PlanDocument } from './saved-plan.ts';
export type {
  Restored,
  SetContext,
  SetRequest,
  SetStep,
  SetWriter,
  StepDetails,
  StepOutcome,
  UndoneStep,
} from './set.ts';
export { beginSet, resumeSet } from './set-writer.ts';
