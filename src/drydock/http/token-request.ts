import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import type { Engine } from '../machinery/engine.ts';
import { timestamp } from '../machinery/object-meta.ts';
import type { BoundObject, ServiceAccountTokens } from '../machinery/service-account-tokens.ts';
import { badRequest, conflict, invalid, notFound } from '../machinery/status-errors.ts';
import type { ResourcePath } from './request-info.ts';

const DEFAULT_SECONDS = 3600;
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;

/** POST .../serviceaccounts/NAME/token. */
export function requestToken(
  engine: Engine,
  tokens: ServiceAccountTokens,
  path: ResourcePath,
  body: JsonValue,
): JsonObject {
  const name = path.name ?? '';
  const namespace = path.namespace ?? '';
  if (!isJsonObject(body)) throw badRequest('the body of the request is not an object');
  const account = engine.store.get('/serviceaccounts', namespace, name);
  if (account === undefined) throw notFound({ group: '', resource: 'serviceaccounts' }, name);
  const spec = maybeMap(body, 'spec') ?? {};
  const asked = spec.expirationSeconds === undefined ? DEFAULT_SECONDS : numberAt(spec, 'expirationSeconds');
  if (asked < MIN_SECONDS || asked > MAX_SECONDS) {
    throw invalid('authentication.k8s.io', 'TokenRequest', '', [
      {
        type: 'invalid',
        field: 'spec.expirationSeconds',
        value: asked,
        detail:
          asked < MIN_SECONDS
            ? 'may not specify a duration less than 10 minutes'
            : 'may not specify a duration larger than 2^32 seconds',
      },
    ]);
  }
  const audiences = Array.isArray(spec.audiences)
    ? spec.audiences.filter((audience): audience is string => typeof audience === 'string')
    : [];
  const bound = boundObject(engine, namespace, spec);
  const { token, expiresAt } = tokens.issue({
    namespace,
    name,
    uid: account.object.metadata.uid ?? '',
    audiences,
    expirationSeconds: asked,
    ...(bound === undefined ? {} : { bound }),
  });
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp(engine.clock.now()) },
    spec: {
      audiences: audiences.length === 0 ? ['https://kubernetes.default.svc'] : audiences,
      expirationSeconds: asked,
      boundObjectRef: bound === undefined ? null : { apiVersion: 'v1', ...bound },
    },
    status: { token, expirationTimestamp: timestamp(expiresAt) },
  };
}

/** What a token may be bound to, by kind: where it is kept, and whether it lives in the namespace. */
const BINDABLE: Readonly<Record<string, { readonly resource: string; readonly namespaced: boolean }>> = {
  Pod: { resource: 'pods', namespaced: true },
  Secret: { resource: 'secrets', namespaced: true },
  Node: { resource: 'nodes', namespaced: false },
};

/** What the token is to be bound to; undefined for nothing. Throws for what is not there, and for other kinds. */
function boundObject(engine: Engine, namespace: string, spec: JsonObject): BoundObject | undefined {
  const reference = maybeMap(spec, 'boundObjectRef');
  if (reference === undefined) return undefined;
  const kind = stringAt(reference, 'kind');
  const name = stringAt(reference, 'name');
  const bindable = Object.hasOwn(BINDABLE, kind) ? BINDABLE[kind] : undefined;
  if (bindable === undefined) {
    throw badRequest(`cannot bind token for serviceaccount to object with kind ${kind}`);
  }
  const { resource, namespaced } = bindable;
  const uid = engine.store.get(`/${resource}`, namespaced ? namespace : undefined, name)?.object.metadata.uid;
  if (uid === undefined) throw notFound({ group: '', resource }, name);
  const wanted = stringAt(reference, 'uid');
  if (wanted !== '' && wanted !== uid) {
    throw conflict(
      { group: '', resource },
      name,
      `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  return { kind, name, uid };
}
