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
