import { isJsonObject, jsonEqual } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';

/**
 * The objects of two renderings of the same without the values in which they differ. An object that is another one each
 * time, or that only one of them has, is left out whole.
 */
export function withoutInvented(
  objects: readonly KubeObject[],
  again: readonly KubeObject[],
): readonly KubeObject[] {
  const known = new Map(again.map((object) => [keyOf(object), object]));
  return objects.flatMap((object) => {
    const other = known.get(keyOf(object));
    if (other === undefined) return [];
    const { apiVersion, kind, metadata } = object;
    const { name, namespace } = metadata;
    const kept = {
      ...common(metadata, other.metadata),
      name,
      ...(namespace === undefined ? {} : { namespace }),
    };
    return [{ ...common(object, other), apiVersion, kind, metadata: kept }];
  });
}

function keyOf({ apiVersion, kind, metadata }: KubeObject): string {
  return JSON.stringify([apiVersion, kind, metadata.namespace ?? '', metadata.name]);
}

function common(a: JsonObject, b: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const [key, value] of Object.entries(a)) {
    const other = b[key];
    const both = value === undefined || other === undefined ? undefined : commonValue(value, other);
    if (both !== undefined) kept[key] = both;
  }
  return kept;
}

function commonValue(a: JsonValue, b: JsonValue): JsonValue | undefined {
  if (jsonEqual(a, b)) return a;
  if (isJsonObject(a) && isJsonObject(b)) return common(a, b);
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return undefined;
  const items = a.map((item, index) => commonValue(item, b[index] ?? null));
  return items.every((item) => item !== undefined) ? items : undefined;
}
