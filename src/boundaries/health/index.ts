/** Boundary 6: are the stored objects usable? */
export { decideHealth } from './decide.ts';
export type { HealthSubject, ObjectHealth, Surroundings } from './facts.ts';
export { objectHealth } from './object.ts';
export { watchHealth } from './wait.ts';
export type { AppliedObject, ObjectOutcome, WatchHealthOptions, WatchOutcome } from './wait.ts';
