import { readFile } from 'node:fs/promises';
import { LandfallError } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';

type HeaderMap = Readonly<Record<string, string | string[]>>;

/** What one request is sent with. */
export interface Credentials {
  readonly headers: HeaderMap;
  readonly cert?: string;
  readonly key?: string;
  /** What must never be printed. */
  readonly secrets: readonly string[];
}

export interface CredentialSource {
  current(signal?: AbortSignal): Promise<Credentials>;
  /** After a 401: true when another attempt may have other credentials. */
  renew(): boolean;
}

export interface StaticIdentity {
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Impersonation headers. */
  readonly headers?: HeaderMap;
}

/** Header and certificate of an identity that does not change. */
export function credentialsOf(identity: StaticIdentity): Credentials {
  const secrets = [identity.token, identity.password, identity.key].filter(
    (secret): secret is string => secret !== undefined && secret.length >= 4,
  );
  const headers: Record<string, string | string[]> = { ...identity.headers };
  if (identity.token !== undefined) {
    headers['authorization'] = `Bearer ${identity.token}`;
  } else if (identity.username !== undefined) {
    const pair = Buffer.from(`${identity.username}:${identity.password ?? ''}`).toString('base64');
    headers['authorization'] = `Basic ${pair}`;
    secrets.push(pair);
  }
  return {
    headers,
    secrets,
    ...(identity.cert === undefined ? {} : { cert: identity.cert }),
    ...(identity.key === undefined ? {} : { key: identity.key }),
  };
}

export function staticSource(identity: StaticIdentity): CredentialSource {
  const credentials = credentialsOf(identity);
  return { current: () => Promise.resolve(credentials), renew: () => false };
}

/** A projected token is replaced on disk before it expires; client-go reads it again after a minute. */
const TOKEN_FILE_AGE = 60_000;

export function tokenFileSource(path: string, identity: StaticIdentity, clock: Clock): CredentialSource {
  let cached: { readonly credentials: Credentials; readonly at: number } | undefined;
  return {
    async current() {
      if (cached !== undefined && clock.now() - cached.at < TOKEN_FILE_AGE) return cached.credentials;
      let token: string;
      try {
        token = (await readFile(path, 'utf8')).trim();
      } catch (cause) {
        throw new LandfallError(
          `The token file ${path} could not be read: ${(cause as NodeJS.ErrnoException).code ?? 'unreadable'}.`,
          {
            kind: 'not-found',
            code: 'token-file',
            object: path,
            hint: 'Check tokenFile in the kubeconfig.',
            cause,
          },
        );
      }
      if (token === '') {
        throw new LandfallError(`The token file ${path} is empty.`, {
          kind: 'invalid-input',
          code: 'token-file',
          object: path,
        });
      }
      cached = { credentials: credentialsOf({ ...identity, token }), at: clock.now() };
      return cached.credentials;
    },
    renew() {
      const had = cached !== undefined;
      cached = undefined;
      return had;
    },
  };
}
