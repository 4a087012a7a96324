import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { getIn, isJsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson, asKube, mapAt, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { DecodeError, decodeTyped } from '../schema/decode.ts';
import type { Entry } from '../store/entry.ts';
import { mutableCopy, type Engine } from './engine.ts';
import { badRequest, invalid, notFound } from './status-errors.ts';
import { storeUpdate } from './update.ts';
import type { WriteRequest } from './write-request.ts';

function selectorText(selector: JsonValue | undefined): string {
  if (typeof selector === 'string') return selector;
  if (!isJsonObject(selector)) return '';
  const labels =
    maybeMap(selector, 'matchLabels') ?? (selector.matchExpressions === undefined ? selector : {});
  const parts = Object.entries(labels)
    .filter((pair): pair is [string, string] => typeof pair[1] === 'string')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const expressions = Array.isArray(selector.matchExpressions) ? selector.matchExpressions : [];
  for (const expression of expressions.filter(isJsonObject)) {
    const key = stringAt(expression, 'key');
    const values = (Array.isArray(expression.values) ? expression.values : [])
      .filter((value) => typeof value === 'string')
      .join(',');
    if (expression.operator === 'In') parts.push(`${key} in (${values})`);
    else if (expression.operator === 'NotIn') parts.push(`${key} notin (${values})`);
    else parts.push(expression.operator === 'Exists' ? key : `!${key}`);
  }
  return parts.join(',');
}

/** The Scale of a stored object. Throws 404 where the kind has none. */
export function scaleOf(kind: ResourceKind, object: KubeObject): KubeObject {
  if (kind.scale === undefined) throw notFound(kind, object.metadata.name);
  const json = asJson(object);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = getIn(json, ...kind.scale.specReplicas);
  const current = getIn(json, ...kind.scale.statusReplicas);
  const selector = kind.scale.selector === undefined ? '' : selectorText(getIn(json, ...kind.scale.selector));
  return asKube({
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: uid ?? '',
      resourceVersion: resourceVersion ?? '',
      creationTimestamp: creationTimestamp ?? null,
    },
    spec: typeof replicas === 'number' && replicas !== 0 ? { replicas } : {},
    status: {
      replicas: typeof current === 'number' ? current : 0,
      ...(selector === '' ? {} : { selector }),
    },
  });
}

function decodeScale(scale: JsonObject): JsonObject {
  try {
    return decodeTyped('autoscaling.Scale', 'autoscaling/v1', 'Scale', scale).object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw badRequest(`Scale in version "v1" cannot be handled as a Scale: ${error.message}`);
  }
}

/** Writes a Scale back: only the wanted replicas count. */
export async function writeScale(
  engine: Engine,
  request: WriteRequest,
  entry: Entry,
  scale: JsonValue,
): Promise<KubeObject> {
  const { kind } = request;
  if (kind.scale === undefined) throw notFound(kind, entry.name);
  if (!isJsonObject(scale)) throw badRequest('the body of the request is not an object');
  const object = decodeScale(scale);
  const replicas = maybeMap(object, 'spec')?.replicas ?? 0;
  if (typeof replicas === 'number' && replicas < 0) {
    throw invalid('autoscaling', 'Scale', entry.name, [
      {
        type: 'invalid',
        field: 'spec.replicas',
        value: replicas,
        detail: 'must be greater than or equal to 0',
      },
    ]);
  }
  const next = mutableCopy(entry.object);
  let at: JsonObject = asJson(next);
  const path = kind.scale.specReplicas;
  for (const step of path.slice(0, -1)) at = mapAt(at, step);
  at[path.at(-1) ?? 'replicas'] = replicas;
  const version = maybeMap(object, 'metadata')?.resourceVersion;
  if (typeof version === 'string' && version !== '') next.metadata.resourceVersion = version;
  const stored = await storeUpdate(engine, request, entry, next);
  return scaleOf(kind, stored);
}
