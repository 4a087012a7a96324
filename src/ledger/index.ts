export { errorBaseline, recordErrorShares } from './error-shares.ts';
export type { ApplicationKey, MeasuredShares } from './error-shares.ts';
export type {
  Actor,
  Decision,
  Delivery,
  DeliveryState,
  Hold,
  Journal,
  JournalStep,
  Ledger,
  LedgerSubject,
  SavedPlan,
} from './contract.ts';
