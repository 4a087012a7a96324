import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson, copyJson, maybeMap } from '../kinds/json-access.ts';
import { apiVersionOf, type ResourceKind } from '../kinds/kind.ts';
import { nameProblem } from '../kinds/names.ts';
import { validateLabels } from '../kinds/label-validation.ts';
import { DecodeError, decodeTyped } from '../schema/decode.ts';
import { ApiStatusError } from '../api/contract.ts';
import { badRequest, type FieldError } from './status-errors.ts';

const ANNOTATIONS_LIMIT = 256 * 1024;

/** RFC 3339 in whole seconds, which is all that metav1.Time keeps. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export interface DecodedObject {
  readonly object: KubeObject;
  readonly problems: readonly string[];
}

/** A body as an object of that kind, in the form it is stored in; what it does not know comes back as problems. */
export function decodeObject(kind: ResourceKind, body: JsonValue): DecodedObject {
  if (!isJsonObject(body)) throw badRequest('the body of the request is not an object');
  const apiVersion = apiVersionOf(kind);
  const given = typeof body.kind === 'string' && body.kind !== '' ? body.kind : kind.kind;
  const version =
    typeof body.apiVersion === 'string' && body.apiVersion !== '' ? body.apiVersion : apiVersion;
  if (given !== kind.kind || version !== apiVersion) {
    throw badRequest(
      `${given} in version "${version.slice(version.indexOf('/') + 1)}" cannot be handled as a ${kind.kind}: the request is for ${kind.kind} of ${apiVersion}`,
    );
  }
  if (body.metadata !== undefined && body.metadata !== null && !isJsonObject(body.metadata)) {
    throw badRequest(
      `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: metadata is not an object`,
    );
  }
  if (kind.typeId === undefined) return decodeCustom(kind, body);
  try {
    const { object, problems } = decodeTyped(kind.typeId, apiVersion, kind.kind, body);
    const typed = object as unknown as KubeObject;
    return { object: kind.convert === undefined ? typed : kind.convert.toStored(typed), problems };
  } catch (error) {
    if (error instanceof DecodeError) {
      throw badRequest(
        `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${error.message}`,
      );
    }
    throw error;
  }
}

function decodeCustom(kind: ResourceKind, body: JsonObject): DecodedObject {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = body;
  let meta: JsonObject;
  let metaProblems: readonly string[];
  try {
    const decoded = decodeTyped('meta.ObjectMeta', '', '', isJsonObject(metadata) ? metadata : {});
    const { kind: _k, apiVersion: _v, ...fields } = decoded.object;
    meta = fields;
    metaProblems = decoded.problems.map((problem) => problem.replace('"', '"metadata.'));
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`error decoding metadata: ${error.message}`);
    throw error;
  }
  const object = {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: meta,
    ...copyJson(rest),
  } as unknown as KubeObject;
  const normalized = kind.custom?.normalize(object) ?? { object, problems: [] };
  return { object: normalized.object, problems: [...metaProblems, ...normalized.problems] };
}

/** A stored object in the version of `kind`. */
export function asServed(kind: ResourceKind, object: KubeObject): KubeObject {
  if (kind.convert === undefined) return object;
  let versions = served.get(object);
  if (versions === undefined) {
    versions = new Map();
    served.set(object, versions);
  }
  const apiVersion = apiVersionOf(kind);
  let converted = versions.get(apiVersion);
  if (converted === undefined) {
    converted = kind.convert.fromStored(object);
    versions.set(apiVersion, converted);
  }
  return converted;
}

const served = new WeakMap<KubeObject, Map<string, KubeObject>>();

/** Groups whose objects may have finalizers of any name; a definition's own has no slash. */
const LOOSE_FINALIZERS: ReadonlySet<string> = new Set([
  'apiextensions.k8s.io',
  'admissionregistration.k8s.io',
]);

/** What is wrong with names, labels and annotations, whatever the kind. */
export function validateMetadata(kind: ResourceKind, object: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const { name, annotations } = object.metadata;
  const problem = nameProblem(kind.group, kind.kind, name);
  if (problem !== undefined)
    errors.push({ type: 'invalid', field: 'metadata.name', value: name, detail: problem });
  errors.push(
    ...validateLabels(maybeMap(asJson(object).metadata as JsonObject, 'labels'), 'metadata.labels'),
  );
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) size += key.length + value.length;
  if (size > ANNOTATIONS_LIMIT) {
    errors.push({
      type: 'too-long',
      field: 'metadata.annotations',
      detail: `may not be more than ${ANNOTATIONS_LIMIT} bytes`,
    });
  }
  const controllers = (object.metadata.ownerReferences ?? []).filter((owner) => owner.controller === true);
  if (controllers.length > 1) {
    errors.push({
      type: 'invalid',
      field: 'metadata.ownerReferences',
      value: controllers.map(({ kind: owner, name: named }) => `${owner}/${named}`),
      detail: 'Only one reference can have Controller set to true',
    });
  }
  (object.metadata.ownerReferences ?? []).forEach((owner, index) => {
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if (owner[field] !== '') continue;
      errors.push({
        type: 'invalid',
        field: `metadata.ownerReferences[${index}].${field}`,
        value: '',
        detail: 'must not be empty',
      });
    }
  });
  for (const finalizer of object.metadata.finalizers ?? []) {
    if (
      finalizer.includes('/') ||
      finalizer === 'foregroundDeletion' ||
      finalizer === 'orphan' ||
      finalizer === 'kubernetes'
    )
      continue;
    if (kind.typeId === undefined || LOOSE_FINALIZERS.has(kind.group)) continue;
    errors.push({
      type: 'invalid',
      field: 'metadata.finalizers',
      value: finalizer,
      detail: 'name is neither a standard finalizer name nor is it fully qualified',
    });
  }
  return errors;
}

export function unsupportedMediaType(message: string): ApiStatusError {
  return new ApiStatusError(415, 'UnsupportedMediaType', message);
}
