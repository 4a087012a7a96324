import { getIn, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { namesItem } from './managed-item.ts';

export interface FieldWriter {
  readonly manager: string;
  readonly operation: string;
  readonly time: string | undefined;
  /** `scale`, `status`; undefined for the object itself. */
  readonly subresource: string | undefined;
}

/** The parts of a field set at a path; more than one where an item of a list cannot be told. */
function setsAt(
  fields: JsonValue | undefined,
  path: readonly (string | number)[],
  desired: JsonValue | undefined,
): readonly JsonObject[] {
  const [step, ...rest] = path;
  if (!isJsonObject(fields)) return [];
  if (step === undefined) return [fields];
  if (typeof step === 'string') {
    const below = isJsonObject(desired) ? desired[step] : undefined;
    return setsAt(fields[`f:${step}`], rest, below);
  }
  const item = Array.isArray(desired) ? desired[step] : undefined;
  const items = Object.entries(fields).filter(([key]) => /^[kvi]:/.test(key));
  // A list that is owned as one, or an item that cannot be told without its key: any item counts.
  if (items.length === 0) return [fields];
  const named = item === undefined ? [] : items.filter(([key]) => namesItem(key, item));
  return (named.length > 0 ? named : item === undefined ? items : []).flatMap(([, value]) =>
    setsAt(value, rest, item),
  );
}

function holds(
  fields: JsonValue | undefined,
  path: readonly (string | number)[],
  desired: JsonValue | undefined,
): boolean {
  return setsAt(fields, path, desired).length > 0;
}

/**
 * Who owns a map as one, as the selector of a Service is owned: its entries are in no field set. A map that is asked
 * for empty is not meant: what somebody else puts into it does not belong to who asked.
 * Source: `x-kubernetes-map-type: atomic`.
 */
function holdsAsOne(
  entries: readonly JsonObject[],
  path: readonly (string | number)[],
  desired: KubeObject,
): readonly JsonObject[] {
  for (let length = path.length - 1; length > 0; length -= 1) {
    const map = path.slice(0, length);
    const asked = getIn(desired, ...map);
    if (!isJsonObject(asked) || Object.keys(asked).length === 0) continue;
    const found = entries
      .map((entry) => ({ entry, sets: setsAt(entry['fieldsV1'], map, desired) }))
      .filter(({ sets }) => sets.length > 0);
    if (found.length === 0) continue;
    const whole = found.every(({ sets }) => sets.every((set) => Object.keys(set).length === 0));
    return whole ? found.map(({ entry }) => entry) : [];
  }
  return [];
}

/**
 * When the object was last written, apart from its status, in ms: the newest of its managed fields, else its birth.
 * `path` asks for the writers of that field only.
 */
export function writtenAt(object: KubeObject, path: readonly (string | number)[] = []): number | undefined {
  const times = (object.metadata.managedFields ?? [])
    .filter((entry) => getString(entry, 'subresource') !== 'status')
    .filter((entry) => path.length === 0 || holds(entry['fieldsV1'], path, undefined))
    .map((entry) => Date.parse(getString(entry, 'time') ?? ''))
    .filter((time) => !Number.isNaN(time));
  if (times.length > 0) return Math.max(...times);
  const born = Date.parse(object.metadata.creationTimestamp ?? '');
  return Number.isNaN(born) ? undefined : born;
}

/**
 * Who owns a field, by the object's managed fields; the newest write first. Indexes of `path` are those of `desired`,
 * which tells by its keys which item of a list is meant.
 */
export function writersOf(
  object: KubeObject,
  path: readonly (string | number)[],
  desired: KubeObject = object,
): readonly FieldWriter[] {
  const entries = object.metadata.managedFields ?? [];
  const owners = entries.filter((entry) => holds(entry['fieldsV1'], path, desired));
  return (owners.length > 0 ? owners : holdsAsOne(entries, path, desired))
    .map((entry) => ({
      manager: getString(entry, 'manager') ?? 'unknown',
      operation: getString(entry, 'operation') ?? 'Update',
      time: getString(entry, 'time'),
      subresource: getString(entry, 'subresource'),
    }))
    .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''));
}
