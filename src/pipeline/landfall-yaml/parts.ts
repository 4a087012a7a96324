import { strictObject, string, union } from 'zod';

/** Pieces that several sections of landfall.yaml are made of. */

export const name = string().min(1);
export const path = string().regex(/^\/[^\s]*$/, 'a path that starts with "/" is wanted');
export const metric = string().regex(/^[a-zA-Z_:][\w:]*$/, 'the name of a Prometheus metric is wanted');
export const label = string().regex(/^[a-zA-Z_]\w*$/, 'the name of a Prometheus label is wanted');

const variable = string().regex(
  /^[A-Z_][A-Z0-9_]*$/,
  'the name of an environment variable is wanted, or {file: /a/mounted/file}: what is secret is never in Git',
);
export const mounted = strictObject({ file: path });
export const secret = union([variable, mounted]);
