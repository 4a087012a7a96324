import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { maybeMap, numberAt } from '../kinds/json-access.ts';
import type { Engine } from '../machinery/engine.ts';
import { timestamp } from '../machinery/object-meta.ts';
import type { ServiceAccountTokens } from '../machinery/service-account-tokens.ts';
import { badRequest, invalid, notFound } from '../machinery/status-errors.ts';
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
  const { token, expiresAt } = tokens.issue({
    namespace,
    name,
    uid: account.object.metadata.uid ?? '',
    audiences,
    expirationSeconds: asked,
  });
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp(engine.clock.now()) },
    spec: {
      audiences: audiences.length === 0 ? ['https://kubernetes.default.svc'] : audiences,
      expirationSeconds: asked,
      boundObjectRef: null,
    },
    status: { token, expirationTimestamp: timestamp(expiresAt) },
  };
}
