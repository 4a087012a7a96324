export { decideHealth } from './decide.ts';
export type { HealthSubject } from './decide.ts';
