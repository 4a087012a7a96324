export { BOUNDARIES } from './boundary.ts';
export type { BoundaryName, BoundaryReport, BoundaryState, Claim, ClaimSource } from './boundary.ts';
