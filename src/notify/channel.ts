import { readFile } from 'node:fs/promises';
import { messageOf } from '../kernel/index.ts';

/** Where something secret stands: the name of an environment variable, or a mounted file. Never the secret itself. */
export type SecretReference = string | { readonly file: string };

/** What `landfall.yaml` declares for an environment. */
export type ChannelDeclaration =
  | {
      /** An address, or the name of an environment variable that holds one. */
      readonly webhook: string | { readonly file: string };
      /** What messages are signed with. */
      readonly secret?: SecretReference;
    }
  | {
      /** An incoming webhook of Slack, Mattermost or Rocket.Chat. Its address is the secret. */
      readonly slack: SecretReference;
    };

/** A channel that can be used. */
export interface Channel {
  readonly kind: 'webhook' | 'slack';
  /** For people and the ledger, without anything secret: `slack hooks.slack.com`. */
  readonly name: string;
  readonly url: URL;
  readonly secret: string | undefined;
}

export type ResolvedChannel = Channel | { readonly name: string; readonly problem: string };

const MAX_SECRET = 8 * 1024;

interface Found {
  readonly value?: string;
  readonly problem?: string;
}

async function lookUp(reference: SecretReference, env: NodeJS.ProcessEnv): Promise<Found> {
  if (typeof reference === 'string') {
    const value = env[reference]?.trim();
    return value === undefined || value === ''
      ? { problem: `the environment variable ${reference} is not set` }
      : { value };
  }
  try {
    const value = (await readFile(reference.file, 'utf8')).trim();
    if (value === '' || value.length > MAX_SECRET) return { problem: `${reference.file} holds no value` };
    return { value };
  } catch (thrown) {
    return { problem: `${reference.file} cannot be read: ${messageOf(thrown)}` };
  }
}

/** Looks up what a declaration refers to. A problem says what is missing, never what was found. */
export async function resolveChannel(
  declared: ChannelDeclaration,
  env: NodeJS.ProcessEnv,
): Promise<ResolvedChannel> {
  const kind = 'webhook' in declared ? 'webhook' : 'slack';
  const reference = 'webhook' in declared ? declared.webhook : declared.slack;
  const from = typeof reference === 'string' ? reference : reference.file;
  const literal = kind === 'webhook' && typeof reference === 'string' && reference.includes('://');
  const address = literal ? { value: reference } : await lookUp(reference, env);
  const name = `${kind} ${literal ? '' : from}`.trim();
  if (address.value === undefined) return { name, problem: address.problem ?? '' };
  let url: URL;
  try {
    url = new URL(address.value);
  } catch {
    return { name, problem: `${literal ? 'the address' : from} is no URL` };
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { name, problem: `${literal ? 'the address' : from} is no http address` };
  const known = `${kind} ${url.host}`;
  if (!('secret' in declared) || declared.secret === undefined)
    return { kind, name: known, url, secret: undefined };
  const secret = await lookUp(declared.secret, env);
  // Unsigned messages would be taken for forged ones, or forged ones for ours.
  if (secret.value === undefined) return { name: known, problem: secret.problem ?? '' };
  return { kind, name: known, url, secret: secret.value };
}
