/** Boundary 6: are the stored objects usable? */
export { decideHealth } from './decide.ts';
export type { HealthSubject, ObjectHealth, Surroundings } from './facts.ts';
export { ENGINES, engineReading } from './engine/index.ts';
export type { Engine, EngineReading } from './engine/index.ts';
export { healthOffline, lookAtHealth } from './look.ts';
export { objectHealth } from './object.ts';
export { tidied } from './tidy.ts';
export { watchHealth } from './wait.ts';
export type { AppliedObject, ObjectOutcome, WatchHealthOptions, WatchOutcome } from './wait.ts';
export { compileHealthRules, ruleProblems } from './rules.ts';
export type { CompiledRule, HealthRule, HealthRules, RuleStatus } from './rules.ts';
export { compileExpression, expressionProblem } from './expressions.ts';
