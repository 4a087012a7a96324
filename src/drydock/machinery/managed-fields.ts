import type { JsonObject } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { FieldSet } from '../merge/field-set.ts';
import { MergeTypeError } from '../merge/type.ts';
import type { Managers, VersionedSet } from '../merge/updater.ts';
import { badRequest } from './status-errors.ts';

/** What tells one entry of metadata.managedFields from another. */
export interface ManagerIdentity {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  /** '' for an apply: the same applier stays the same whatever version it writes in. */
  readonly apiVersion: string;
  readonly subresource: string;
}

export interface Managed {
  readonly managers: Managers;
  readonly times: ReadonlyMap<string, string>;
}

export const NOTHING_MANAGED: Managed = { managers: new Map(), times: new Map() };

const MAX_UPDATE_MANAGERS = 10;
const ANCIENT = 'ancient-changes';

export function managerKey(identity: ManagerIdentity): string {
  return JSON.stringify([identity.manager, identity.operation, identity.apiVersion, identity.subresource]);
}

export function readManagerKey(key: string): ManagerIdentity {
  const [manager = '', operation = '', apiVersion = '', subresource = ''] = JSON.parse(key) as string[];
  return { manager, operation: operation === 'Apply' ? 'Apply' : 'Update', apiVersion, subresource };
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');

/** Reads metadata.managedFields. Throws 400 for entries that make no sense. */
export function decodeManaged(entries: readonly JsonObject[] | undefined): Managed {
  const managers = new Map<string, VersionedSet>();
  const times = new Map<string, string>();
  for (const entry of entries ?? []) {
    const operation = text(entry.operation);
    if (operation !== 'Apply' && operation !== 'Update') {
      throw badRequest(
        `metadata.managedFields: Invalid value: ${JSON.stringify(operation)}: must be \`Apply\` or \`Update\``,
      );
    }
    const apiVersion = text(entry.apiVersion);
    if (apiVersion === '') throw badRequest('metadata.managedFields: apiVersion must not be empty');
    if (text(entry.fieldsType) !== 'FieldsV1') {
      throw badRequest(
        `metadata.managedFields: Invalid value: ${JSON.stringify(text(entry.fieldsType))}: must be \`FieldsV1\``,
      );
    }
    const key = managerKey({
      manager: text(entry.manager),
      operation,
      apiVersion: operation === 'Apply' ? '' : apiVersion,
      subresource: text(entry.subresource),
    });
    let set: FieldSet;
    try {
      set = FieldSet.fromFieldsV1(entry.fieldsV1);
    } catch (error) {
      if (error instanceof MergeTypeError) throw badRequest(`metadata.managedFields: ${error.message}`);
      throw error;
    }
    managers.set(key, { apiVersion, applied: operation === 'Apply', set });
    if (text(entry.time) !== '') times.set(key, text(entry.time));
  }
  return { managers, times };
}

/** As metadata.managedFields: applies first, then by time, manager, version. */
export function encodeManaged(managed: Managed): JsonObject[] {
  const entries: JsonObject[] = [];
  for (const [key, owned] of managed.managers) {
    const identity = readManagerKey(key);
    const time = managed.times.get(key);
    entries.push({
      manager: identity.manager,
      operation: identity.operation,
      apiVersion: owned.apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: owned.set.toFieldsV1(),
      ...(identity.subresource === '' ? {} : { subresource: identity.subresource }),
    });
  }
  const order = (entry: JsonObject) => [
    text(entry.operation),
    text(entry.time),
    text(entry.manager),
    text(entry.apiVersion),
    text(entry.subresource),
  ];
  return entries.sort((a, b) => {
    const left = order(a);
    const right = order(b);
    for (const [index, value] of left.entries()) {
      const other = right[index] ?? '';
      if (value !== other) return value < other ? -1 : 1;
    }
    return 0;
  });
}

/** At most ten managers of plain updates: the oldest beyond that become one per version. */
export function capManagers(managed: Managed): Managed {
  const updates = [...managed.managers.keys()].filter((key) => readManagerKey(key).operation === 'Update');
  if (updates.length <= MAX_UPDATE_MANAGERS) return managed;
  const managers = new Map(managed.managers);
  const times = new Map(managed.times);
  const timeOf = (key: string) => times.get(key) ?? '';
  updates.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : timeOf(a) > timeOf(b) ? 1 : a < b ? -1 : 1));
  const buckets = new Set<string>();
  let count = updates.length;
  for (const key of updates) {
    if (count <= MAX_UPDATE_MANAGERS) break;
    const owned = managers.get(key);
    if (owned === undefined) continue;
    const bucket = managerKey({
      manager: ANCIENT,
      operation: 'Update',
      apiVersion: owned.apiVersion,
      subresource: '',
    });
    if (key === bucket) {
      buckets.add(bucket);
      continue;
    }
    const time = times.get(key);
    managers.delete(key);
    times.delete(key);
    const known = managers.get(bucket);
    if (known !== undefined) {
      count--;
    } else if (!buckets.has(bucket)) {
      buckets.add(bucket);
    }
    managers.set(bucket, {
      apiVersion: owned.apiVersion,
      applied: false,
      set: known === undefined ? owned.set : known.set.union(owned.set),
    });
    if (time !== undefined) times.set(bucket, time);
  }
  return { managers, times };
}

const STRIPPED = FieldSet.of(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ['f:metadata', 'f:name'],
  ['f:metadata', 'f:namespace'],
  ['f:metadata', 'f:creationTimestamp'],
  ['f:metadata', 'f:selfLink'],
  ['f:metadata', 'f:uid'],
  ['f:metadata', 'f:clusterName'],
  ['f:metadata', 'f:generation'],
  ['f:metadata', 'f:managedFields'],
  ['f:metadata', 'f:resourceVersion'],
);

/** Without what belongs to the system, which nobody owns. */
export function stripSystemFields(managers: Managers): Managers {
  const result = new Map<string, VersionedSet>();
  for (const [key, owned] of managers) {
    const set = owned.set.difference(STRIPPED);
    if (!set.isEmpty()) result.set(key, { ...owned, set });
  }
  return result;
}

/** `[{}]` is how a client asks to forget all managers. */
export function asksForReset(entries: readonly JsonObject[] | undefined): boolean {
  const [only] = entries ?? [];
  return entries?.length === 1 && isJsonObject(only) && Object.keys(only).length === 0;
}
