export { decideHealth, DEFAULT_PROGRESS_SECONDS } from './decide.ts';
export type { HealthSubject } from './decide.ts';
