/** Which fields of Argo CD's objects are honoured, which are refused, and which nobody here knows. */
export { inspect } from './inspect.ts';
export type { FieldNews, Shape } from './inspect.ts';
export { APPLICATION, APPLICATION_SET, OPERATION, PROJECT } from './shapes.ts';
