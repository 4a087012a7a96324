import { getString, isJsonObject, LandfallError, type JsonValue } from '../kernel/index.ts';
import type { Credentials } from './credentials.ts';

const FIELDS = ['username', 'password', 'auth', 'identitytoken', 'registrytoken'] as const;

/**
 * One entry of `auths` in a Docker configuration: `auth` is base64 of `user:password` and decides before `username`
 * and `password`; `identitytoken` and `registrytoken` decide before both. Undefined for an empty entry. Throws
 * `invalid-input` without repeating what the entry holds.
 */
export function decodeAuthEntry(entry: JsonValue | undefined, where: string): Credentials | undefined {
  const refuse = (what: string) =>
    new LandfallError(`${where}: ${what}.`, {
      kind: 'invalid-input',
      code: 'docker-config-invalid',
      object: where,
      hint: "Run 'docker login' again, or create the pull secret again.",
    });
  if (!isJsonObject(entry)) throw refuse('the entry is not a JSON object');
  for (const field of FIELDS) {
    const value = entry[field];
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw refuse(`the field ${field} is not a text`);
    }
  }
  const field = (name: (typeof FIELDS)[number]) => getString(entry, name) ?? '';
  if (field('registrytoken') !== '') return { type: 'registry-token', token: field('registrytoken') };
  if (field('identitytoken') !== '') return { type: 'identity-token', token: field('identitytoken') };
  let username = field('username');
  let password = field('password');
  const auth = field('auth');
  if (auth !== '') {
    const decoded = decodeBase64(auth);
    const colon = decoded?.indexOf(':') ?? -1;
    if (decoded === undefined || colon < 0) throw refuse('the field auth is not base64 of user:password');
    username = decoded.slice(0, colon);
    // Docker pads old entries with zero bytes.
    password = decoded.slice(colon + 1).replace(/\0+$/, '');
  }
  if (username === '' && password === '') return undefined;
  // Credential stores and some tools mark an identity token by this user name.
  if (username === '<token>') return { type: 'identity-token', token: password };
  return { type: 'basic', username, password };
}

/** Standard alphabet, padded or not; Buffer alone would skip over whatever is none of it. */
function decodeBase64(text: string): string | undefined {
  const trimmed = text.trim();
  const bare = trimmed.replace(/={1,2}$/, '');
  const padded = bare.length < trimmed.length;
  if (!/^[A-Za-z0-9+/]*$/.test(bare) || bare.length % 4 === 1) return undefined;
  if (padded && trimmed.length % 4 !== 0) return undefined;
  return Buffer.from(bare, 'base64').toString('utf8');
}
