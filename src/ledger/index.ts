export { openLedger } from './open.ts';
export { redact, redactText } from './redact.ts';
export { stoppedAt } from './stopped-at.ts';
export type {
  Actor,
  Change,
  ChangeState,
  Decision,
  Delivery,
  DeliveryState,
  Hold,
  Journal,
  JournalHead,
  JournalStep,
  Ledger,
  LedgerOptions,
  LedgerSubject,
  MeasuredShares,
  Notice,
  Observation,
  SavedPlan,
  Standing,
} from './contract.ts';
export type {
  Build,
  BuildDefinition,
  BuildFilter,
  BuildReview,
  Builds,
  BuildState,
  BuildStep,
  CommitPeople,
  NewBuild,
  SeenRefs,
} from './builds-contract.ts';
export { ENDED as ENDED_BUILDS } from './build-rows.ts';
