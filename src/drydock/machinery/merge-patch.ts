import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { setOwn } from '../schema/decode.ts';

/** RFC 7396. Shares what did not change with `document`, and nothing with `patch` that anybody writes to. */
export function applyMergePatch(document: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = isJsonObject(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setOwn(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}
