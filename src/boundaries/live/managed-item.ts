import { isJsonObject, jsonEqual, parseJson } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';

/**
 * True when a step of FieldsV1 names this item of a list: `k:{"name":"web"}` by its keys, `v:"a"` by its value. A key
 * that the manifest leaves out (`protocol`) has the API server's default.
 */
export function namesItem(step: string, item: JsonValue): boolean {
  if (!step.startsWith('k:') && !step.startsWith('v:')) return false;
  const key = parseJson(step.slice(2), 'a key of managedFields');
  if (step.startsWith('v:')) return jsonEqual(key, item);
  return (
    isJsonObject(key) &&
    isJsonObject(item) &&
    Object.entries(key).every(([name, value]) =>
      jsonEqual(item[name] ?? (name === 'protocol' ? 'TCP' : null), value),
    )
  );
}
