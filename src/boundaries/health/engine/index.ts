/** What the engines that people know would say of an object, for their status fields and for comparison. */
export { applicationEngineHealth, engineHealth } from './argocd.ts';
export type { HealthSubject } from './argocd.ts';
export { ENGINES, engineReading } from './reading.ts';
export type { Engine, EngineReading } from './reading.ts';
export type { EngineHealth, EngineHealthStatus } from './status.ts';
