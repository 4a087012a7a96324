export { errorBaseline, recordErrorShares } from './error-shares.ts';
export type { ApplicationKey, MeasuredShares } from './error-shares.ts';
