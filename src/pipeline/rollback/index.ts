/** The way back: to what, whether it can work, and the commit that goes there. */
export { planRollback } from './plan.ts';
export type { RollbackPlanning } from './plan.ts';
