import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import type { Engine } from '../machinery/engine.ts';
import { timestamp } from '../machinery/object-meta.ts';
import type { ServiceAccountTokens } from '../machinery/service-account-tokens.ts';
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
  const bound = boundPod(engine, namespace, spec);
  const { token, expiresAt } = tokens.issue({
    namespace,
    name,
    uid: account.object.metadata.uid ?? '',
    audiences,
    expirationSeconds: asked,
    ...(bound === undefined ? {} : { pod: bound }),
  });
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp(engine.clock.now()) },
    spec: {
      audiences: audiences.length === 0 ? ['https://kubernetes.default.svc'] : audiences,
      expirationSeconds: asked,
      boundObjectRef: bound === undefined ? null : { kind: 'Pod', apiVersion: 'v1', ...bound },
    },
    status: { token, expirationTimestamp: timestamp(expiresAt) },
  };
}

/** The pod that the token is to be bound to; undefined for none. Throws for one that is not there, and for other kinds. */
function boundPod(
  engine: Engine,
  namespace: string,
  spec: JsonObject,
): { readonly name: string; readonly uid: string } | undefined {
  const reference = maybeMap(spec, 'boundObjectRef');
  if (reference === undefined) return undefined;
  const kind = stringAt(reference, 'kind');
  const name = stringAt(reference, 'name');
  if (kind !== 'Pod')
    throw badRequest(`cannot bind token to object of type ${kind}: only pods are supported here`);
  const uid = engine.store.get('/pods', namespace, name)?.object.metadata.uid;
  if (uid === undefined) throw notFound({ group: '', resource: 'pods' }, name);
  const wanted = stringAt(reference, 'uid');
  if (wanted !== '' && wanted !== uid) {
    throw conflict(
      { group: '', resource: 'pods' },
      name,
      `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  return { name, uid };
}
