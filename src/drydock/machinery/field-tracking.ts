import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { jsonEqual } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';
import { apiVersionOf, type ResourceKind } from '../kinds/kind.ts';
import { builtinMergeType } from '../merge/builtin-types.ts';
import { FieldSet } from '../merge/field-set.ts';
import { deducedType, type TypeRef } from '../merge/type.ts';
import { Updater, type TypedObject } from '../merge/updater.ts';
import { decodeTyped } from '../schema/decode.ts';
import type { Engine } from './engine.ts';
import {
  asksForReset,
  capManagers,
  decodeManaged,
  encodeManaged,
  managerKey,
  NOTHING_MANAGED,
  stripSystemFields,
  type Managed,
} from './managed-fields.ts';
import { asServed, timestamp } from './object-meta.ts';
import type { WriteRequest } from './write-request.ts';

export function mergeTypeOf(kind: ResourceKind): TypeRef {
  if (kind.custom !== undefined) return kind.custom.mergeType;
  return kind.typeId === undefined ? deducedType : builtinMergeType(kind.typeId);
}

/** Fields that a write through the main resource or a subresource resets, and so cannot own. */
function ignoredBy(request: WriteRequest): FieldSet | undefined {
  const { kind, subresource } = request;
  if (!kind.status) return undefined;
  if (subresource !== 'status') return FieldSet.of(['f:status']);
  if (kind.custom !== undefined) return FieldSet.of(['f:metadata'], ['f:spec']);
  if (kind.kind === 'Deployment') return FieldSet.of(['f:spec'], ['f:metadata', 'f:labels']);
  if (kind.kind === 'Pod') {
    return FieldSet.of(
      ['f:spec'],
      ['f:metadata', 'f:deletionTimestamp'],
      ['f:metadata', 'f:ownerReferences'],
    );
  }
  return FieldSet.of(['f:spec']);
}

/** An object of the kind with nothing in it but what its type always writes. */
export function emptyObject(kind: ResourceKind): JsonObject {
  const apiVersion = apiVersionOf(kind);
  if (kind.typeId === undefined) return { apiVersion, kind: kind.kind };
  return decodeTyped(kind.typeId, apiVersion, kind.kind, {}).object;
}

function withoutManagedFields(object: KubeObject): JsonObject {
  const { managedFields: _managed, ...metadata } = object.metadata;
  return { ...asJson(object), metadata: metadata as unknown as JsonObject };
}

/** The rules of ownership for one request: how versions convert, and what nobody may own. */
export function updaterFor(engine: Engine, request: WriteRequest): Updater {
  const { kind } = request;
  const own = apiVersionOf(kind);
  const ignored = ignoredBy(request);
  return new Updater({
    ignored: () => ignored,
    convert(object, version) {
      if (version === own) return { type: mergeTypeOf(kind), value: object.value };
      const other = engine.catalogue.findKind(version, kind.kind);
      if (other?.table !== kind.table) return undefined;
      return { type: mergeTypeOf(other), value: convertTo(kind, other, object.value) };
    },
  });
}

function convertTo(from: ResourceKind, to: ResourceKind, value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const object = value as unknown as KubeObject;
  const stored = from.convert === undefined ? object : from.convert.toStored(object);
  return asJson(to.convert === undefined ? stored : to.convert.fromStored(stored));
}

/** An object, live or to be, in the version of the request and without its record of managers. */
export function typedFor(kind: ResourceKind, object: KubeObject): TypedObject {
  return { type: mergeTypeOf(kind), value: withoutManagedFields(asServed(kind, object)) };
}

/** The record that counts: the client's own where it sends one, else what is stored. */
function managedOf(request: WriteRequest, live: KubeObject | undefined, object: KubeObject): Managed {
  const stored = () => {
    try {
      return decodeManaged(live?.metadata.managedFields);
    } catch {
      return NOTHING_MANAGED;
    }
  };
  if (request.subresource !== undefined) return stored();
  const given = object.metadata.managedFields;
  if (asksForReset(given)) return NOTHING_MANAGED;
  if (given === undefined || given.length === 0) return stored();
  return decodeManaged(given);
}

export function writeManaged(object: KubeObject, managed: Managed): void {
  const entries = encodeManaged(managed);
  if (entries.length > 0) object.metadata.managedFields = entries;
  else delete object.metadata.managedFields;
}

const SELF = 'this write';

/** Brings metadata.managedFields up to what a plain write by this manager changed. */
export function trackUpdate(
  engine: Engine,
  request: WriteRequest,
  live: KubeObject | undefined,
  object: KubeObject,
): KubeObject {
  const { kind } = request;
  const apiVersion = apiVersionOf(kind);
  const before = managedOf(request, live, object);
  const from: TypedObject =
    live === undefined ? { type: mergeTypeOf(kind), value: emptyObject(kind) } : typedFor(kind, live);
  const to = typedFor(kind, object);
  if (live !== undefined && jsonEqual(from.value, to.value)) {
    writeManaged(object, before);
    return object;
  }
  let managers = updaterFor(engine, request).update(from, to, apiVersion, before.managers, SELF);
  const times = new Map(before.times);
  const own = managers.get(SELF);
  if (own !== undefined) {
    const key = managerKey({
      manager: request.fieldManager || 'unknown',
      operation: 'Update',
      apiVersion,
      subresource: request.subresource ?? '',
    });
    const merged = new Map(managers);
    merged.delete(SELF);
    const known = merged.get(key);
    merged.set(key, known === undefined ? own : { ...own, set: known.set.union(own.set) });
    managers = merged;
    times.set(key, timestamp(engine.clock.now()));
  }
  writeManaged(object, capManagers({ managers: stripSystemFields(managers), times }));
  return object;
}
