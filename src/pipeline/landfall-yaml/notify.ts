import { strictObject, string, union } from 'zod';
import { mounted, secret } from './parts.ts';

const address = string().regex(
  /^(?:https?:\/\/[^\s/@]+(?:\/\S*)?|[A-Z_][A-Z0-9_]*)$/,
  'an http address without user and password is wanted, or the name of an environment variable that holds one',
);

/** Who is told of the deliveries of an environment. */
export const channel = union(
  [
    strictObject({ webhook: union([address, mounted]), secret: secret.exactOptional() }),
    strictObject({ slack: secret }),
  ],
  'a channel is {webhook: ADDRESS, secret: VARIABLE} or {slack: VARIABLE}',
);
