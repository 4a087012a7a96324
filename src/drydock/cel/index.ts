/** The expression language of Kubernetes' rules, on the library that reads it. */
export { celEnvironment } from './environment.ts';
export { compile, COST_LIMIT } from './program.ts';
export type { Compiled, Program } from './program.ts';
export { celClass, celEqual, celValue, extentOf } from './values.ts';
