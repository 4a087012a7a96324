import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { ApiStatusError, type KubeObject, type PatchType } from '../api/contract.ts';
import { asJson, asKube } from '../kinds/json-access.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { patchSchema } from '../schema/patch-schema.ts';
import { applyObject } from './apply.ts';
import type { Engine } from './engine.ts';
import { reportProblems } from './field-validation.ts';
import { applyJsonPatch, PatchError } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { asServed, decodeObject, unsupportedMediaType, type DecodedObject } from './object-meta.ts';
import { scaleOf, writeScale } from './scale.ts';
import { badRequest, invalid } from './status-errors.ts';
import { applyStrategicMerge } from './strategic-merge.ts';
import { requireEntry, storeUpdate } from './update.ts';
import type { WriteRequest } from './write-request.ts';

const ATTEMPTS = 5;

/** The server keeps the reason to itself: NewGenericServerResponse of apimachinery's pkg/api/errors. */
function unprocessable(): ApiStatusError {
  return new ApiStatusError(422, 'Invalid', 'the server rejected our request due to an error in our request');
}

function undecodable(patch: JsonValue, target: string): ApiStatusError {
  const found = Array.isArray(patch) ? 'array' : typeof patch === 'boolean' ? 'bool' : typeof patch;
  return badRequest(`error decoding patch: json: cannot unmarshal ${found} into Go value of type ${target}`);
}

function patched(
  kind: ResourceKind,
  type: PatchType,
  document: JsonObject,
  patch: JsonValue,
  scale: boolean,
): JsonValue {
  if (type === 'json' && !Array.isArray(patch)) throw undecodable(patch, '[]interface {}');
  if (type === 'merge' && !isJsonObject(patch)) throw undecodable(patch, 'map[string]interface {}');
  try {
    if (type === 'json') return applyJsonPatch(document, patch);
    if (type === 'merge') return applyMergePatch(document, patch);
    const typeId = scale ? 'autoscaling.Scale' : kind.typeId;
    if (typeId === undefined) {
      throw unsupportedMediaType(
        'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
      );
    }
    return applyStrategicMerge(document, patch, patchSchema(typeId));
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    throw error.unprocessable && type === 'json' ? unprocessable() : badRequest(error.message);
  }
}

/** Applies a patch of any of the four kinds. `created` says whether a server-side apply made the object. */
export async function patchObject(
  engine: Engine,
  request: WriteRequest,
  name: string,
  type: PatchType,
  patch: JsonValue,
): Promise<{ readonly object: KubeObject; readonly created: boolean }> {
  if (type === 'apply') return applyObject(engine, request, name, patch);
  for (let attempt = 1; ; attempt++) {
    try {
      return { object: await patchOnce(engine, request, name, type, patch), created: false };
    } catch (error) {
      const stale = error instanceof ApiStatusError && error.reason === 'Conflict';
      if (!stale || attempt >= ATTEMPTS || namesVersion(type, patch)) throw error;
    }
  }
}

/** Whether the client insists on a revision: then a conflict is its own to solve. */
function namesVersion(type: PatchType, patch: JsonValue): boolean {
  if (type === 'json') return JSON.stringify(patch).includes('/metadata/resourceVersion');
  const meta = isJsonObject(patch) ? patch.metadata : undefined;
  return isJsonObject(meta) && (meta.resourceVersion !== undefined || meta.uid !== undefined);
}

const RESTORED: readonly (readonly [RegExp, string])[] = [
  [/cannot unmarshal (\w+) into Go .*of type map\[/, 'map'],
  [/cannot unmarshal (\w+) into Go .*of type \[\]/, 'slice'],
  [/cannot unmarshal (\w+) into Go .*of type \w+\.\w+$/, 'struct'],
];
const GO_KINDS: Readonly<Record<string, string>> = {
  array: 'slice',
  object: 'map',
  number: 'int64',
};

/**
 * A strategic merge is made into the object by apimachinery's converter and not by its JSON decoder, which words what
 * does not fit in another way.
 */
function restored(kind: ResourceKind, result: JsonValue, patch: JsonValue): DecodedObject {
  try {
    return decodeObject(kind, result);
  } catch (error) {
    if (!(error instanceof ApiStatusError) || error.reason !== 'BadRequest') throw error;
    for (const [pattern, target] of RESTORED) {
      const found = pattern.exec(error.message)?.[1];
      if (found === undefined) continue;
      const detail = `cannot restore ${target} from${target === 'struct' ? ':' : ''} ${GO_KINDS[found] ?? found}`;
      throw invalid('', '', '', [{ type: 'invalid', field: 'patch', value: goText(patch), detail }]);
    }
    throw error;
  }
}

/** As Go's `%+v` prints maps and lists. */
function goText(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (isJsonObject(value)) {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, inner]) => `${key}:${goText(inner)}`).join(' ')}]`;
  }
  return value === null || value === undefined ? '<nil>' : String(value);
}

async function patchOnce(
  engine: Engine,
  request: WriteRequest,
  name: string,
  type: PatchType,
  patch: JsonValue,
): Promise<KubeObject> {
  const { kind } = request;
  const entry = requireEntry(engine, kind, request.namespace, name);
  if (request.subresource === 'scale') {
    const scale = patched(kind, type, asJson(scaleOf(kind, entry.object)), patch, true);
    return writeScale(engine, request, entry, scale);
  }
  const live = asServed(kind, entry.object);
  const result = patched(kind, type, asJson(live), patch, false);
  const { object, problems } =
    type === 'strategic' ? restored(kind, result, patch) : decodeObject(kind, result);
  reportProblems(request, problems, (text) =>
    invalid('', '', '', [{ type: 'invalid', field: 'patch', value: JSON.stringify(patch), detail: text }]),
  );
  const given = object.metadata.name;
  if (given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
  return storeUpdate(engine, request, entry, asKube(asJson(object)));
}
