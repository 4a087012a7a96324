import { getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';

export interface FieldWriter {
  readonly manager: string;
  readonly operation: string;
  readonly time: string | undefined;
}

function holds(fields: JsonValue | undefined, path: readonly (string | number)[]): boolean {
  let at: JsonValue | undefined = fields;
  for (const step of path) {
    if (!isJsonObject(at)) return false;
    // Below a list, the item that is meant cannot be told without its key: any item of it counts.
    if (typeof step === 'number') {
      const items: JsonValue[] = Object.entries(at)
        .filter(([key]) => key.startsWith('k:') || key.startsWith('i:'))
        .map(([, value]) => value);
      return items.length === 0 || items.some((item) => holds(item, path.slice(path.indexOf(step) + 1)));
    }
    at = at[`f:${step}`];
    if (at === undefined) return false;
  }
  return true;
}

/**
 * When the object was last written, apart from its status, in ms: the newest of its managed fields, else its birth.
 * `path` asks for the writers of that field only.
 */
export function writtenAt(object: KubeObject, path: readonly (string | number)[] = []): number | undefined {
  const times = (object.metadata.managedFields ?? [])
    .filter((entry) => getString(entry, 'subresource') !== 'status')
    .filter((entry) => path.length === 0 || holds(entry['fieldsV1'], path))
    .map((entry) => Date.parse(getString(entry, 'time') ?? ''))
    .filter((time) => !Number.isNaN(time));
  if (times.length > 0) return Math.max(...times);
  const born = Date.parse(object.metadata.creationTimestamp ?? '');
  return Number.isNaN(born) ? undefined : born;
}

/** Who owns a field, by the object's managed fields; the newest write first. */
export function writersOf(object: KubeObject, path: readonly (string | number)[]): readonly FieldWriter[] {
  return (object.metadata.managedFields ?? [])
    .filter((entry) => holds(entry['fieldsV1'], path))
    .map((entry) => ({
      manager: getString(entry, 'manager') ?? 'unknown',
      operation: getString(entry, 'operation') ?? 'Update',
      time: getString(entry, 'time'),
    }))
    .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''));
}
