/** Go's text/template with Argo CD's functions, and the plain substitution of names. */
export { renderTemplate } from './execute.ts';
export type { MissingKey } from './execute.ts';
export { fastTemplate } from './fast-template.ts';
export { fromJson, normalize } from './sprig-data.ts';
export { copyOf, isList, isMap, show, templateError } from './value.ts';
export type { Value, ValueMap } from './value.ts';
