import {
  getNumber,
  getString,
  LandfallError,
  parseJson,
  type Clock,
  type JsonValue,
} from '../kernel/index.ts';
import { chooseChallenge, parseChallenges, type Challenge } from './challenge.ts';
import type { Credentials, CredentialSource } from './credentials.ts';
import type { HttpExchanger, HttpResponse } from './http-exchange.ts';
import { connectionError, statusError } from './registry-error.ts';
import { checkRealm } from './token-realm.ts';

export interface Scope {
  readonly repository: string;
  readonly actions: 'pull' | 'pull,push' | 'delete';
}

/** Answers a registry's questions about who asks. One of it per origin, so that nothing leaks between origins. */
export interface Authorizer {
  /** The Authorization header to send at once, as far as it is known; undefined for none. */
  header(scopes: readonly Scope[], signal: AbortSignal): Promise<string | undefined>;
  /** The header that answers a 401, or undefined when there is nothing (else) to show. */
  answer(
    response: HttpResponse,
    scopes: readonly Scope[],
    rejected: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined>;
}

export interface AuthorizerOptions {
  readonly http: HttpExchanger;
  readonly clock: Clock;
  /** The origin that is asked, and nothing else ever sees what is answered for it. */
  readonly base: URL;
  /** The host whose credentials are used. */
  readonly credentialHost: string;
  readonly credentials: CredentialSource;
}

interface Token {
  readonly value: string;
  readonly expiresAt: number;
}

const DEFAULT_LIFE_S = 60;
const MARGIN_MS = 5000;
const TOKENS_KEPT = 500;
const CREDENTIALS_LIFE_MS = 5 * 60 * 1000;
const TOKEN_ANSWER_LIMIT = 1024 * 1024;

export function newAuthorizer(options: AuthorizerOptions): Authorizer {
  const { clock, credentialHost } = options;
  let challenge: Challenge | undefined;
  const tokens = new Map<string, Token>();
  const known = new Map<string, { readonly value: Credentials | undefined; readonly until: number }>();

  const credentialsFor = async (
    repository: string,
    signal: AbortSignal,
  ): Promise<Credentials | undefined> => {
    const kept = known.get(repository);
    if (kept !== undefined && kept.until > clock.now()) return kept.value;
    const value = await options.credentials(credentialHost, repository, signal);
    if (known.size >= TOKENS_KEPT) known.clear();
    known.set(repository, { value, until: clock.now() + CREDENTIALS_LIFE_MS });
    return value;
  };

  const bearer = async (
    use: Challenge,
    scopes: readonly Scope[],
    extra: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> => {
    const texts = new Set(scopes.map(({ repository, actions }) => `repository:${repository}:${actions}`));
    for (const scope of extra?.split(' ') ?? []) if (scope !== '') texts.add(scope);
    const key = [...texts].sort().join(' ');
    const kept = tokens.get(key);
    if (kept !== undefined && kept.expiresAt - MARGIN_MS > clock.now()) return `Bearer ${kept.value}`;
    const credentials = await credentialsFor(scopes[0]?.repository ?? '', signal);
    if (credentials?.type === 'registry-token') return `Bearer ${credentials.token}`;
    const token = await fetchToken(options, use, [...texts], credentials, signal);
    if (tokens.size >= TOKENS_KEPT) tokens.clear();
    tokens.set(key, token);
    return `Bearer ${token.value}`;
  };

  const basic = async (scopes: readonly Scope[], signal: AbortSignal): Promise<string | undefined> => {
    const credentials = await credentialsFor(scopes[0]?.repository ?? '', signal);
    if (credentials?.type === 'registry-token') return `Bearer ${credentials.token}`;
    return credentials?.type === 'basic' ? basicHeader(credentials) : undefined;
  };

  const use = (
    chosen: Challenge,
    scopes: readonly Scope[],
    extra: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> =>
    chosen.scheme === 'bearer' ? bearer(chosen, scopes, extra, signal) : basic(scopes, signal);

  return {
    async header(scopes, signal) {
      return challenge === undefined ? undefined : use(challenge, scopes, undefined, signal);
    },
    async answer(response, scopes, rejected, signal) {
      const header = response.headers['www-authenticate'];
      const offered = chooseChallenge(parseChallenges(header === undefined ? [] : [header]));
      if (offered === undefined) return undefined;
      challenge = offered;
      if (rejected !== undefined) {
        // What was shown did not help: a token may have been revoked, a password changed.
        tokens.clear();
        known.clear();
      }
      const next = await use(offered, scopes, offered.parameters['scope'], signal);
      return next === rejected ? undefined : next;
    },
  };
}

function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

async function fetchToken(
  { http, clock, base, credentialHost }: AuthorizerOptions,
  { parameters }: Challenge,
  scopes: readonly string[],
  credentials: Credentials | undefined,
  signal: AbortSignal,
): Promise<Token> {
  const realm = checkRealm(parameters['realm'] ?? '', base.host, base.protocol === 'http:');
  const { service } = parameters;
  const query = new URLSearchParams(service === undefined ? {} : { service });
  for (const scope of scopes) query.append('scope', scope);
  const attempt = { action: 'Getting a token for', object: credentialHost, origin: realm.origin };
  let response: HttpResponse;
  try {
    if (credentials?.type === 'identity-token') {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'landfall',
        ...(service === undefined ? {} : { service }),
        scope: scopes.join(' '),
        refresh_token: credentials.token,
      });
      response = await http.send({
        method: 'POST',
        url: realm,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: Buffer.from(form.toString()),
        maxBytes: TOKEN_ANSWER_LIMIT,
        signal,
      });
    } else {
      const url = new URL(realm);
      for (const [name, value] of query) url.searchParams.append(name, value);
      response = await http.send({
        method: 'GET',
        url,
        headers: {
          accept: 'application/json',
          ...(credentials?.type === 'basic' ? { authorization: basicHeader(credentials) } : {}),
        },
        maxBytes: TOKEN_ANSWER_LIMIT,
        signal,
      });
    }
  } catch (error) {
    throw error instanceof LandfallError ? error : connectionError(attempt, error);
  }
  if (response.status !== 200) {
    const status = response.status === 400 ? 401 : response.status;
    throw statusError(attempt, status, response.body);
  }
  return readToken(response.body.toString('utf8'), clock.now(), attempt.origin);
}

/**
 * The answer of a token endpoint: `token` or `access_token`, `expires_in` in seconds, 60 without it (distribution,
 * token authentication specification). Throws `unavailable` when there is no token in it.
 */
export function readToken(text: string, now: number, origin: string): Token {
  const refuse = (why: string) =>
    new LandfallError(`The token endpoint ${origin} answered without a token: ${why}.`, {
      kind: 'unavailable',
      code: 'registry-token-invalid',
      object: origin,
      hint: 'The authentication service of the registry is in trouble; try again later.',
    });
  let json: JsonValue;
  try {
    json = parseJson(text, 'the answer');
  } catch {
    // The text is not repeated: it may hold half a token.
    throw refuse('it is not JSON');
  }
  const value = [getString(json, 'token'), getString(json, 'access_token')].find(
    (token) => token !== undefined && token !== '',
  );
  if (value === undefined) throw refuse('neither token nor access_token is set');
  if (/[^\u0021-\u007e]/.test(value)) throw refuse('the token cannot be sent in a header');
  const life = getNumber(json, 'expires_in') ?? 0;
  return { value, expiresAt: now + (life > 0 ? life : DEFAULT_LIFE_S) * 1000 };
}
