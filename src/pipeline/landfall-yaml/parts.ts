import { strictObject, string, union } from 'zod';

/** Pieces that several sections of landfall.yaml are made of. */

export const name = string().min(1);
export const path = string().regex(/^\/[^\s]*$/, 'a path that starts with "/" is wanted');
export const metric = string().regex(/^[a-zA-Z_:][\w:]*$/, 'the name of a Prometheus metric is wanted');
export const label = string().regex(/^[a-zA-Z_]\w*$/, 'the name of a Prometheus label is wanted');
/** YAML takes a day without quotes for a time. */
export const day = string()
  .regex(/^\d{4}-\d\d-\d\d(?:T00:00:00(?:\.0+)?Z)?$/, 'a day such as 2026-12-31 is wanted')
  .transform((text) => text.slice(0, 10));

const variable = string().regex(
  /^[A-Z_][A-Z0-9_]*$/,
  'the name of an environment variable is wanted, or {file: /a/mounted/file}: what is secret is never in Git',
);
export const mounted = strictObject({ file: path });
export const secret = union([variable, mounted]);
