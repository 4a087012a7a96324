import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock, JsonObject } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import type { Store } from '../store/store.ts';
import type { User } from './write-request.ts';

const ISSUER = 'https://kubernetes.default.svc';
const MAX_TOKEN = 16 * 1024;

export interface TokenClaims {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** The token is good only as long as this is there. */
  readonly bound?: BoundObject;
}

export interface BoundObject {
  /** `Pod`, `Secret` or `Node`. */
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Where what a token is bound to is kept, by its name in the token; nodes have no namespace. */
const BOUND_TABLES = { pod: '/pods', secret: '/secrets', node: '/nodes' } as const;

export interface IssuedToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Tokens of service accounts: JSON Web Tokens, signed with a key of this process (HS256), good until they expire or
 * their account is gone, or the pod that they are bound to.
 */
export class ServiceAccountTokens {
  readonly #key: Buffer;
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock, key: Buffer | undefined) {
    this.#store = store;
    this.#clock = clock;
    this.#key = key ?? randomBytes(32);
  }

  issue(claims: TokenClaims): IssuedToken {
    const now = Math.floor(this.#clock.now() / 1000);
    const expires = now + claims.expirationSeconds;
    const payload: JsonObject = {
      aud: claims.audiences.length === 0 ? [ISSUER] : [...claims.audiences],
      exp: expires,
      iat: now,
      nbf: now,
      iss: ISSUER,
      jti: randomBytes(16).toString('hex'),
      'kubernetes.io': {
        namespace: claims.namespace,
        ...(claims.bound === undefined ? {} : boundClaim(claims.bound)),
        serviceaccount: { name: claims.name, uid: claims.uid },
      },
      sub: `system:serviceaccount:${claims.namespace}:${claims.name}`,
    };
    const head = encode({ alg: 'HS256', typ: 'JWT' });
    const body = `${head}.${encode(payload)}`;
    return { token: `${body}.${this.#sign(body).toString('base64url')}`, expiresAt: expires * 1000 };
  }

  /** Undefined for what is no token of ours, has expired, or belongs to an account that is gone. */
  authenticate(token: string): User | undefined {
    const parts = token.split('.');
    const [head, payload, signature] = parts;
    if (token.length > MAX_TOKEN || parts.length !== 3) return undefined;
    if (head === undefined || payload === undefined || signature === undefined) return undefined;
    const given = Buffer.from(signature, 'base64url');
    const wanted = this.#sign(`${head}.${payload}`);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
    const claims = decode(payload);
    const about = claims?.['kubernetes.io'];
    if (claims === undefined || typeof claims.exp !== 'number' || !isJsonObject(about)) return undefined;
    if (claims.exp * 1000 <= this.#clock.now()) return undefined;
    // What was made for somebody else opens nothing here.
    if (!Array.isArray(claims.aud) || !claims.aud.includes(ISSUER)) return undefined;
    const account = about.serviceaccount;
    const { namespace } = about;
    if (typeof namespace !== 'string' || !isJsonObject(account) || typeof account.name !== 'string')
      return undefined;
    const stored = this.#store.get('/serviceaccounts', namespace, account.name);
    if (stored?.object.metadata.uid !== account.uid) return undefined;
    for (const [kind, table] of Object.entries(BOUND_TABLES)) {
      const claim = about[kind];
      if (!isJsonObject(claim)) continue;
      const name = typeof claim.name === 'string' ? claim.name : '';
      const bound = this.#store.get(table, kind === 'node' ? undefined : namespace, name);
      if (bound?.object.metadata.uid !== claim.uid) return undefined;
    }
    return serviceAccountUser(namespace, account.name, typeof account.uid === 'string' ? account.uid : '');
  }

  #sign(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }
}

export function serviceAccountUser(namespace: string, name: string, uid: string): User {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

function boundClaim({ kind, name, uid }: BoundObject): JsonObject {
  return { [kind.toLowerCase()]: { name, uid } };
}

function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
