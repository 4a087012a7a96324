import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { jsonEqual } from '../../kernel/index.ts';
import { ApiStatusError, type KubeObject, type ObjectMeta } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import type { Entry } from '../store/entry.ts';
import { orderedMeta } from './create.ts';
import {
  generationSubject,
  mutableCopy,
  mutatingAdmission,
  validatingAdmission,
  writeContext,
  type Engine,
} from './engine.ts';
import { trackUpdate } from './field-tracking.ts';
import { reportProblems } from './field-validation.ts';
import { asServed, decodeObject, validateMetadata } from './object-meta.ts';
import { badRequest, conflict, invalid, notFound, staleWrite, type FieldError } from './status-errors.ts';
import type { WriteRequest } from './write-request.ts';

export function requireEntry(
  engine: Engine,
  kind: ResourceKind,
  namespace: string | undefined,
  name: string,
): Entry {
  const entry = engine.store.get(kind.table, kind.namespaced ? namespace : undefined, name);
  if (entry === undefined) throw notFound(kind, name);
  return entry;
}

/** Replaces an object (PUT). Throws 404, 409 for a stale resourceVersion, 422. */
export async function replaceObject(
  engine: Engine,
  request: WriteRequest,
  name: string,
  body: JsonValue,
): Promise<KubeObject> {
  const { kind } = request;
  const decoded = decodeObject(kind, body);
  reportProblems(request, decoded.problems, (text) =>
    badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${text}`),
  );
  const object = decoded.object;
  const given = object.metadata.name;
  if (given === undefined || given === '') object.metadata.name = name;
  else if (given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
  // The number 0 means any version, as its absence does.
  if (object.metadata.resourceVersion === '0' && kind.custom === undefined) {
    delete object.metadata.resourceVersion;
  }
  const conditional = (object.metadata.resourceVersion ?? '') !== '';
  if (kind.custom !== undefined && (object.metadata.resourceVersion ?? '') === '') {
    throw invalid(kind.group, kind.kind, name, [
      {
        type: 'invalid',
        field: 'metadata.resourceVersion',
        value: 0,
        detail: 'must be specified for an update',
      },
    ]);
  }
  for (let attempt = 1; ; attempt++) {
    const entry = requireEntry(engine, kind, request.namespace, name);
    try {
      // Its own copy each time: an update changes what it is given.
      return await storeUpdate(engine, request, entry, conditional ? object : mutableCopy(object));
    } catch (error) {
      // Without a resourceVersion the client wants to win over whoever came between.
      const raced = error instanceof ApiStatusError && error.reason === 'Conflict' && !conditional;
      if (!raced || attempt >= ATTEMPTS || object.metadata.uid !== undefined) throw error;
    }
  }
}

const ATTEMPTS = 5;

export type Track = (live: KubeObject, object: KubeObject) => KubeObject;

/**
 * The common end of PUT, every PATCH and the subresources: what the client may not change is put back, then the
 * rules of the kind, admission, the store. `object` is decoded, and changed.
 */
export async function storeUpdate(
  engine: Engine,
  request: WriteRequest,
  entry: Entry,
  object: KubeObject,
  track: Track = (live, next) => trackUpdate(engine, request, live, next),
): Promise<KubeObject> {
  const { kind, subresource } = request;
  const live = entry.object;
  const wanted = object.metadata.resourceVersion;
  if (wanted !== undefined && wanted !== '' && wanted !== live.metadata.resourceVersion) {
    throw staleWrite(kind, live.metadata.name);
  }
  const uid = object.metadata.uid;
  if (uid !== undefined && uid !== '' && uid !== live.metadata.uid) {
    throw conflict(
      kind,
      live.metadata.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid ?? ''}`,
    );
  }
  const metadataErrors = keepSystemMetadata(kind, object, live, request);
  const context = writeContext(engine, request);
  if (subresource === 'status') {
    keepAllButStatus(object, live);
  } else {
    if (kind.status) keepStatus(object, live);
    kind.rules.defaults?.(object);
    kind.rules.prepareUpdate?.(object, live, context);
  }
  let next = track(live, object);
  const admitted = mutatingAdmission(engine, 'UPDATE', next, live, request);
  next = admitted instanceof Promise ? await admitted : admitted;
  if (
    subresource !== 'status' &&
    kind.generation &&
    !jsonEqual(asSubject(kind, next), asSubject(kind, live))
  ) {
    next.metadata.generation = (live.metadata.generation ?? 0) + 1;
  }
  const errors = [
    ...metadataErrors,
    ...validateMetadata(kind, next),
    ...(subresource === 'status' ? [] : (kind.rules.validate?.(next) ?? [])),
    ...(subresource === 'status' ? [] : (kind.rules.validateUpdate?.(next, live, request.trusted) ?? [])),
    ...(kind.custom?.validate(next, live) ?? []),
  ];
  if (errors.length > 0) throw invalid(kind.group, kind.kind, live.metadata.name, errors);
  const verdict = validatingAdmission(engine, 'UPDATE', next, live, request);
  if (verdict !== undefined) await verdict;
  if (subresource !== 'status') kind.rules.allocate?.(next, live, context);
  return commitUpdate(engine, request, entry, next);
}

function asSubject(kind: ResourceKind, object: KubeObject): JsonObject {
  return generationSubject(kind, object) as JsonObject;
}

async function commitUpdate(
  engine: Engine,
  request: WriteRequest,
  entry: Entry,
  next: KubeObject,
): Promise<KubeObject> {
  const { kind } = request;
  const live = entry.object;
  if (engine.store.get(kind.table, entry.namespace, entry.name) !== entry) throw staleWrite(kind, entry.name);
  next.metadata = orderedMeta({ ...next.metadata, resourceVersion: live.metadata.resourceVersion ?? '' });
  if (jsonEqual(asJson(next), asJson(live))) return asServed(kind, live);
  const finished =
    next.metadata.deletionTimestamp !== undefined &&
    (next.metadata.finalizers ?? []).length === 0 &&
    (next.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
    (kind.kind !== 'Namespace' || namespaceFinalized(next));
  if (request.dryRun) return asServed(kind, next);
  if (finished) {
    const removed = engine.store.remove(kind.table, entry.namespace, entry.name, next);
    await engine.store.flushed();
    return asServed(kind, removed?.object ?? next);
  }
  const stored = engine.store.put(kind.table, next);
  await engine.store.flushed();
  return asServed(kind, stored.object);
}

function namespaceFinalized(object: KubeObject): boolean {
  const spec = asJson(object).spec;
  return (
    typeof spec !== 'object' ||
    spec === null ||
    !('finalizers' in spec) ||
    (Array.isArray(spec.finalizers) && spec.finalizers.length === 0)
  );
}

const FIXED = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'generateName',
] as const;

function keepSystemMetadata(
  kind: ResourceKind,
  object: KubeObject,
  live: KubeObject,
  request: WriteRequest,
): FieldError[] {
  const errors: FieldError[] = [];
  const meta = object.metadata;
  if (kind.namespaced) {
    const given = meta.namespace;
    if (given !== undefined && given !== '' && given !== request.namespace) {
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    }
    meta.namespace = live.metadata.namespace ?? '';
  } else {
    delete meta.namespace;
  }
  if (meta.name !== live.metadata.name) {
    errors.push({ type: 'invalid', field: 'metadata.name', value: meta.name, detail: 'field is immutable' });
  }
  for (const field of FIXED) copyField(meta, live.metadata, field);
  if (live.metadata.deletionTimestamp !== undefined) {
    const known = new Set(live.metadata.finalizers ?? []);
    const added = (meta.finalizers ?? []).filter((finalizer) => !known.has(finalizer));
    if (added.length > 0) {
      errors.push({
        type: 'forbidden',
        field: 'metadata.finalizers',
        detail: `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`,
      });
    }
  }
  return errors;
}

function copyField(target: ObjectMeta, source: ObjectMeta, field: keyof ObjectMeta): void {
  const value = source[field];
  if (value === undefined) delete target[field];
  else Object.assign(target, { [field]: value });
}

function keepStatus(object: KubeObject, live: KubeObject): void {
  if (live.status === undefined) delete object.status;
  else object.status = live.status;
}

/** A write to the status subresource changes status, and of metadata only managedFields and annotations-like marks. */
function keepAllButStatus(object: KubeObject, live: KubeObject): void {
  for (const field of Object.keys(object)) {
    if (
      field !== 'status' &&
      field !== 'metadata' &&
      field !== 'apiVersion' &&
      field !== 'kind' &&
      !(field in live)
    ) {
      delete object[field];
    }
  }
  for (const [field, value] of Object.entries(live)) {
    if (field !== 'status' && field !== 'metadata') object[field] = value;
  }
  copyField(object.metadata, live.metadata, 'labels');
  copyField(object.metadata, live.metadata, 'ownerReferences');
  if (live.metadata.finalizers === undefined) delete object.metadata.finalizers;
}
