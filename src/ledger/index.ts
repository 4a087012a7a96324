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
