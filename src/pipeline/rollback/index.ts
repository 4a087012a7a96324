/** The way back: to what, whether it can work, and the commit that goes there. */
export { continueRollback, rollback } from './rollback.ts';
