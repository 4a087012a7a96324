import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { getNumber, getString, parseJson, type Clock, type JsonValue } from '../../kernel/index.ts';
import { OciFailure } from './failure.ts';
import type { Route } from './route.ts';

export interface RegistryUser {
  readonly name: string;
  readonly password: string;
  /** `push` includes pull and delete. Default `push`. */
  readonly access?: 'pull' | 'push';
  /** Accepted by the token endpoint as a refresh token (an "identity token" of Docker's configuration). */
  readonly identityToken?: string;
}

/** `token` is the Docker token flow; its endpoint is this registry's `/token`. */
export interface RegistryAuth {
  readonly type: 'basic' | 'token';
  readonly users: readonly RegistryUser[];
  /** Pulling needs no credentials. Default false. */
  readonly anonymousPull?: boolean;
  /** How long a token lives. Default 300; with 'omit' the answer leaves expires_in out, which means 60. */
  readonly expiresInSeconds?: number | 'omit';
}

type Action = 'pull' | 'push' | 'delete';
interface Grant {
  readonly repository: string;
  readonly actions: readonly Action[];
}

export interface Gate {
  /** Throws 401 or 403 when `authorization` does not allow `method` on `route`. */
  check(route: Route, method: string, authorization: string | undefined, mountFrom: string | undefined): void;
  /** Answers the token endpoint: the query of a GET, or the form of a POST. */
  token(parameters: URLSearchParams, authorization: string | undefined, posted: boolean): JsonValue;
}

export const openGate: Gate = {
  check() {},
  token() {
    throw new OciFailure(404, 'UNSUPPORTED', 'This registry asks for no tokens.');
  },
};

const SERVICE = 'drydock';

function sameText(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

function neededFor(route: Route, method: string): Action {
  if (method === 'GET' || method === 'HEAD') {
    return route.operation === 'upload' ? 'push' : 'pull';
  }
  return method === 'DELETE' && route.operation !== 'upload' ? 'delete' : 'push';
}

function allows(user: RegistryUser, action: Action): boolean {
  return action === 'pull' || user.access !== 'pull';
}

export function newGate(auth: RegistryAuth, clock: Clock, realm: () => string): Gate {
  const secret = randomBytes(32);
  const sign = (payload: string) => createHmac('sha256', secret).update(payload).digest('base64url');

  const basicUser = (authorization: string | undefined): RegistryUser | undefined => {
    const encoded = /^basic\s+([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
    if (encoded === undefined) return undefined;
    const [, name, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
    if (name === undefined || password === undefined) return undefined;
    return auth.users.find((user) => user.name === name && sameText(user.password, password));
  };

  const grantsOf = (authorization: string | undefined): readonly Grant[] | undefined => {
    const token = /^bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
    const [payload, signature] = token?.split('.') ?? [];
    if (payload === undefined || signature === undefined || !sameText(sign(payload), signature))
      return undefined;
    const claims = parseJson(Buffer.from(payload, 'base64url').toString('utf8'), 'The token');
    if ((getNumber(claims, 'expires') ?? 0) <= clock.now()) return undefined;
    return (claims as unknown as { access: readonly Grant[] }).access;
  };

  const checkBasic = (action: Action, authorization: string | undefined): void => {
    const user = basicUser(authorization);
    if (user === undefined) {
      if (action === 'pull' && auth.anonymousPull === true && authorization === undefined) return;
      throw new OciFailure(401, 'UNAUTHORIZED', 'Authentication is required.', {
        headers: { 'www-authenticate': 'Basic realm="drydock"' },
      });
    }
    if (!allows(user, action)) {
      throw new OciFailure(403, 'DENIED', `The user may not ${action}.`);
    }
  };

  const checkToken = (needs: readonly Grant[], authorization: string | undefined): void => {
    const grants = grantsOf(authorization);
    const satisfied =
      grants !== undefined &&
      needs.every((need) =>
        need.actions.every((action) =>
          grants.some((grant) => grant.repository === need.repository && grant.actions.includes(action)),
        ),
      );
    if (satisfied) return;
    const scope = needs.map((need) => `repository:${need.repository}:${need.actions.join(',')}`).join(' ');
    const why = authorization === undefined ? undefined : grants ? 'insufficient_scope' : 'invalid_token';
    const challenge = [
      `realm="${realm()}"`,
      `service="${SERVICE}"`,
      ...(scope === '' ? [] : [`scope="${scope}"`]),
      ...(why === undefined ? [] : [`error="${why}"`]),
    ].join(',');
    throw new OciFailure(401, 'UNAUTHORIZED', 'Authentication is required.', {
      headers: { 'www-authenticate': `Bearer ${challenge}` },
      detail: needs.map((need) => ({ Type: 'repository', Name: need.repository, Action: need.actions[0] })),
    });
  };

  return {
    check(route, method, authorization, mountFrom) {
      if (route.operation === 'token') return;
      const action = neededFor(route, method);
      if (auth.type === 'basic') {
        checkBasic(action, authorization);
        return;
      }
      const needs: Grant[] = [];
      if ('repository' in route) {
        needs.push({
          repository: route.repository,
          actions: action === 'push' ? ['pull', 'push'] : [action],
        });
      }
      if (mountFrom !== undefined) needs.push({ repository: mountFrom, actions: ['pull'] });
      checkToken(needs, authorization);
    },

    token(parameters, authorization, posted) {
      if (auth.type !== 'token') return openGate.token(parameters, authorization, posted);
      let user: RegistryUser | undefined;
      if (posted) {
        const given = parameters.get('refresh_token') ?? '';
        const password = parameters.get('password') ?? '';
        user =
          parameters.get('grant_type') === 'refresh_token'
            ? auth.users.find(
                ({ identityToken }) => identityToken !== undefined && sameText(identityToken, given),
              )
            : auth.users.find(
                ({ name, password: own }) => name === parameters.get('username') && sameText(own, password),
              );
      } else if (authorization !== undefined) {
        user = basicUser(authorization);
      }
      if (user === undefined && (posted || authorization !== undefined)) {
        throw new OciFailure(401, 'UNAUTHORIZED', 'The user or the password is wrong.');
      }
      const access: Grant[] = [];
      const scopes = parameters.getAll('scope').flatMap((text) => text.split(' '));
      for (const scope of scopes) {
        const [, repository, list] = /^repository:(.+):([a-z,*]+)$/.exec(scope) ?? [];
        if (repository === undefined || list === undefined) continue;
        const wanted = list === '*' ? ['pull', 'push', 'delete'] : list.split(',');
        const actions = (['pull', 'push', 'delete'] as const).filter(
          (action) =>
            wanted.includes(action) &&
            (user === undefined ? action === 'pull' && auth.anonymousPull === true : allows(user, action)),
        );
        access.push({ repository, actions });
      }
      const seconds = auth.expiresInSeconds === undefined ? 300 : auth.expiresInSeconds;
      const lives = seconds === 'omit' ? 60 : seconds;
      const payload = Buffer.from(JSON.stringify({ expires: clock.now() + lives * 1000, access })).toString(
        'base64url',
      );
      const token = `${payload}.${sign(payload)}`;
      // OAuth2 answers call it access_token, Docker's own call it token; each client must take both.
      return {
        ...(posted ? { access_token: token } : { token }),
        ...(seconds === 'omit' ? {} : { expires_in: lives }),
        issued_at: new Date(clock.now()).toISOString(),
        ...(getString(Object.fromEntries(parameters), 'offline_token') === 'true' &&
        user?.identityToken !== undefined
          ? { refresh_token: user.identityToken }
          : {}),
      };
    },
  };
}
