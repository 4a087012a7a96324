import { getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { namesItem } from './managed-item.ts';

export interface FieldWriter {
  readonly manager: string;
  readonly operation: string;
  readonly time: string | undefined;
  /** `scale`, `status`; undefined for the object itself. */
  readonly subresource: string | undefined;
}

function holds(
  fields: JsonValue | undefined,
  path: readonly (string | number)[],
  desired: JsonValue | undefined,
): boolean {
  const [step, ...rest] = path;
  if (!isJsonObject(fields)) return false;
  if (step === undefined) return true;
  if (typeof step === 'string') {
    const below = isJsonObject(desired) ? desired[step] : undefined;
    return holds(fields[`f:${step}`], rest, below);
  }
  const item = Array.isArray(desired) ? desired[step] : undefined;
  const items = Object.entries(fields).filter(([key]) => /^[kvi]:/.test(key));
  // A list that is owned as one, or an item that cannot be told without its key: any item counts.
  if (items.length === 0) return true;
  const named = item === undefined ? [] : items.filter(([key]) => namesItem(key, item));
  return (named.length > 0 ? named : item === undefined ? items : []).some(([, value]) =>
    holds(value, rest, item),
  );
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
  return (object.metadata.managedFields ?? [])
    .filter((entry) => holds(entry['fieldsV1'], path, desired))
    .map((entry) => ({
      manager: getString(entry, 'manager') ?? 'unknown',
      operation: getString(entry, 'operation') ?? 'Update',
      time: getString(entry, 'time'),
      subresource: getString(entry, 'subresource'),
    }))
    .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''));
}
