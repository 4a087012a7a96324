import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { ApiStatusError, type KubeObject } from '../api/contract.ts';
import { asJson, asKube, maybeMap, stringAt } from '../kinds/json-access.ts';
import { apiVersionOf, type ResourceKind } from '../kinds/kind.ts';
import { FieldSet, printPath } from '../merge/field-set.ts';
import { fieldsOf } from '../merge/fields-of.ts';
import { MergeTypeError } from '../merge/type.ts';
import { ConflictError, type Conflict, type TypedObject, type Updated } from '../merge/updater.ts';
import { validateValue } from '../merge/validate.ts';
import { createDecoded } from './create.ts';
import type { Engine } from './engine.ts';
import { emptyObject, mergeTypeOf, typedFor, updaterFor, writeManaged } from './field-tracking.ts';
import {
  capManagers,
  decodeManaged,
  managerKey,
  NOTHING_MANAGED,
  readManagerKey,
  stripSystemFields,
  type Managed,
} from './managed-fields.ts';
import { asServed, decodeObject, timestamp } from './object-meta.ts';
import { badRequest, conflict, invalid, notFound } from './status-errors.ts';
import { storeUpdate } from './update.ts';
import type { WriteRequest } from './write-request.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const ATTEMPTS = 5;

export interface Applied {
  readonly object: KubeObject;
  readonly created: boolean;
}

/** Server-side apply. Throws 409 with a cause per field that somebody else owns. */
export async function applyObject(
  engine: Engine,
  request: WriteRequest,
  name: string,
  patch: JsonValue,
): Promise<Applied> {
  const config = checkedConfig(request, name, patch);
  for (let attempt = 1; ; attempt++) {
    try {
      return await applyOnce(engine, request, name, config);
    } catch (error) {
      const stale =
        error instanceof ApiStatusError && error.reason === 'Conflict' && error.details?.causes === undefined;
      const insists = isJsonObject(config.metadata) && config.metadata.resourceVersion !== undefined;
      const raced = stale || (error instanceof ApiStatusError && error.reason === 'AlreadyExists');
      if (!raced || insists || attempt >= ATTEMPTS) throw error;
    }
  }
}

function checkedConfig(request: WriteRequest, name: string, patch: JsonValue): JsonObject {
  const { kind } = request;
  if (request.fieldManager === '') {
    throw invalid('meta.k8s.io', 'PatchOptions', '', [
      { type: 'required', field: 'fieldManager', detail: 'is required for apply patch' },
    ]);
  }
  if (!isJsonObject(patch)) throw badRequest('error decoding YAML: the body of an apply patch is an object');
  if (patch.apiVersion !== apiVersionOf(kind) || patch.kind !== kind.kind) {
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${stringAt(patch, 'apiVersion')}, Kind=${stringAt(patch, 'kind')}, expected: ${apiVersionOf(kind)}, Kind=${kind.kind}`,
    );
  }
  const metadata = maybeMap(patch, 'metadata') ?? {};
  if (Array.isArray(metadata.managedFields) && metadata.managedFields.length > 0) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const named = stringAt(metadata, 'name');
  if (named !== '' && named !== name) {
    throw badRequest(`the name of the object (${named}) does not match the name on the URL (${name})`);
  }
  const namespace = stringAt(metadata, 'namespace');
  if (kind.namespaced && namespace !== '' && namespace !== request.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const { managedFields: _none, ...rest } = metadata;
  return {
    ...patch,
    metadata: {
      ...rest,
      name,
      ...(kind.namespaced && request.namespace !== undefined ? { namespace: request.namespace } : {}),
    },
  };
}

async function applyOnce(
  engine: Engine,
  request: WriteRequest,
  name: string,
  config: JsonObject,
): Promise<Applied> {
  const { kind } = request;
  const entry = engine.store.get(kind.table, kind.namespaced ? request.namespace : undefined, name);
  const wantedUid = stringAt(maybeMap(config, 'metadata'), 'uid');
  if (entry === undefined) {
    if (request.subresource !== undefined) {
      throw notFound(kind, name);
    }
    if (wantedUid !== '') {
      throw conflict(
        kind,
        name,
        `uid mismatch: the provided object specified uid ${wantedUid}, and no existing object was found`,
      );
    }
  }
  const live = entry?.object;
  const liveTyped: TypedObject =
    live === undefined ? { type: mergeTypeOf(kind), value: emptyObject(kind) } : typedFor(kind, live);
  const stored = readStored(live);
  const result = applyTyped(
    engine,
    request,
    liveTyped,
    stored,
    typedConfig(kind, name, request, config),
    live,
  );
  const managed: Managed = capManagers(result.managed);
  const value = result.object?.value ?? liveTyped.value;
  const decoded = decodeObject(kind, value).object;
  const version = stringAt(maybeMap(config, 'metadata'), 'resourceVersion');
  if (version !== '') decoded.metadata.resourceVersion = version;
  const track = (_live: unknown, object: KubeObject) => {
    writeManaged(object, managed);
    return object;
  };
  if (entry === undefined) {
    delete decoded.metadata.resourceVersion;
    const object = await createDecoded(engine, request, decoded, (made) => track(undefined, made));
    return { object, created: true };
  }
  return { object: await storeUpdate(engine, request, entry, decoded, track), created: false };
}

function readStored(live: KubeObject | undefined): Managed {
  try {
    return decodeManaged(live?.metadata.managedFields);
  } catch {
    return NOTHING_MANAGED;
  }
}

function typedConfig(
  kind: ResourceKind,
  name: string,
  request: WriteRequest,
  config: JsonObject,
): TypedObject {
  const type = mergeTypeOf(kind);
  try {
    validateValue(type, config, false);
  } catch (error) {
    if (!(error instanceof MergeTypeError)) throw error;
    const where = request.namespace === undefined ? `/${name}` : `${request.namespace}/${name}`;
    const group = kind.group === '' ? `/${kind.version}` : `${kind.group}/${kind.version}`;
    throw new ApiStatusError(
      500,
      '',
      `failed to create typed patch object (${where}; ${group}, Kind=${kind.kind}): ${error.message}`,
    );
  }
  return { type, value: config };
}

interface AppliedFields {
  readonly object: TypedObject | undefined;
  readonly managed: Managed;
}

function applyTyped(
  engine: Engine,
  request: WriteRequest,
  live: TypedObject,
  stored: Managed,
  config: TypedObject,
  liveObject: KubeObject | undefined,
): AppliedFields {
  const { kind, fieldManager, subresource } = request;
  const version = apiVersionOf(kind);
  const key = managerKey({
    manager: fieldManager,
    operation: 'Apply',
    apiVersion: '',
    subresource: subresource ?? '',
  });
  const before = withFirstApply(stored, live, liveObject, version);
  const updater = updaterFor(engine, request);
  const run = (force: boolean): Updated => updater.apply(live, config, version, before.managers, key, force);
  let result: Updated;
  try {
    result = run(request.force);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    if (!comesFromLastApplied(kind, fieldManager, liveObject, error.conflicts))
      throw conflictStatus(error.conflicts, before);
    result = run(true);
  }
  const times = new Map(before.times);
  if (result.object !== undefined) times.set(key, timestamp(engine.clock.now()));
  const managed = { managers: stripSystemFields(result.managers), times };
  return { object: syncLastApplied(result.object, fieldManager, liveObject, config), managed };
}

/** An object that nobody's writes were recorded of belongs to somebody before the first apply. */
function withFirstApply(
  stored: Managed,
  live: TypedObject,
  liveObject: KubeObject | undefined,
  version: string,
): Managed {
  if (liveObject === undefined || stored.managers.size > 0) return stored;
  const key = managerKey({
    manager: 'before-first-apply',
    operation: 'Update',
    apiVersion: version,
    subresource: '',
  });
  const managers = stripSystemFields(
    new Map([[key, { apiVersion: version, applied: false, set: fieldsOf(live.type, live.value) }]]),
  );
  return { managers, times: stored.times };
}

/** `kubectl apply --server-side` may take over what `kubectl apply` had applied before it. */
function comesFromLastApplied(
  kind: ResourceKind,
  manager: string,
  live: KubeObject | undefined,
  conflicts: readonly Conflict[],
): boolean {
  const text = live?.metadata.annotations?.[LAST_APPLIED];
  if (manager !== 'kubectl' || text === undefined || live === undefined) return false;
  try {
    const last = JSON.parse(text) as JsonObject;
    const applied = fieldsOf(mergeTypeOf(kind), last);
    const inLive = fieldsOf(mergeTypeOf(kind), asJson(asServed(kind, live)));
    const allowed = applied.intersection(inLive);
    return FieldSet.of(...conflicts.map(({ path }) => path))
      .difference(allowed)
      .isEmpty();
  } catch {
    return false;
  }
}

/** Keeps the annotation of client-side apply in step with an apply by kubectl. */
function syncLastApplied(
  object: TypedObject | undefined,
  manager: string,
  live: KubeObject | undefined,
  config: TypedObject,
): TypedObject | undefined {
  if (manager !== 'kubectl' || object === undefined) return object;
  if (live?.metadata.annotations?.[LAST_APPLIED] === undefined) return object;
  const { value } = object;
  if (!isJsonObject(value)) return object;
  const metadata = maybeMap(value, 'metadata') ?? {};
  const annotations = {
    ...maybeMap(metadata, 'annotations'),
    [LAST_APPLIED]: `${JSON.stringify(config.value)}\n`,
  };
  return { type: object.type, value: asJson(asKube({ ...value, metadata: { ...metadata, annotations } })) };
}

function describe(key: string, managed: Managed): string {
  const { manager, operation, subresource } = readManagerKey(key);
  const version = managed.managers.get(key)?.apiVersion ?? '';
  if (operation === 'Apply')
    return `conflict with "${manager}"${subresource === '' ? '' : ` with subresource "${subresource}"`}`;
  return `conflict with "${manager}"${subresource === '' ? '' : ` with subresource "${subresource}"`} using ${version}`;
}

function conflictStatus(conflicts: readonly Conflict[], managed: Managed): ApiStatusError {
  const sorted = [...conflicts].sort((a, b) => {
    const left = `${describe(a.manager, managed)} ${printPath(a.path)}`;
    const right = `${describe(b.manager, managed)} ${printPath(b.path)}`;
    return left < right ? -1 : 1;
  });
  const byManager = new Map<string, string[]>();
  for (const { manager, path } of sorted) {
    const words = describe(manager, managed);
    byManager.set(words, [...(byManager.get(words) ?? []), printPath(path)]);
  }
  const parts = [...byManager].map(([words, paths]) =>
    conflicts.length === 1
      ? `${words}: ${paths[0] ?? ''}`
      : `${words.replace('conflict with', 'conflicts with')}:\n${paths.map((path) => `- ${path}`).join('\n')}`,
  );
  const count = conflicts.length;
  return new ApiStatusError(
    409,
    'Conflict',
    `Apply failed with ${count} conflict${count === 1 ? '' : 's'}: ${parts.join('\n')}`,
    {
      causes: sorted.map(({ manager, path }) => ({
        reason: 'FieldManagerConflict',
        message: describe(manager, managed),
        field: printPath(path),
      })),
    },
  );
}
