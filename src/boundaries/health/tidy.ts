import { isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';

function texts(value: JsonValue): Record<string, string> | undefined {
  if (!isJsonObject(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function objects(value: JsonValue): JsonObject[] | undefined {
  return Array.isArray(value) ? value.filter(isJsonObject) : undefined;
}

const text = (value: JsonValue) => (typeof value === 'string' ? value : undefined);

const FIELDS: Readonly<Record<string, (value: JsonValue) => JsonValue | undefined>> = {
  name: text,
  namespace: text,
  uid: text,
  resourceVersion: text,
  creationTimestamp: text,
  deletionTimestamp: text,
  generation: (value) => (typeof value === 'number' ? value : undefined),
  labels: texts,
  annotations: texts,
  finalizers: (value) =>
    Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined,
  ownerReferences: objects,
  managedFields: objects,
};

/**
 * An object that no API server has seen may hold anything where its metadata should be. What is of another type than
 * the API has it is left out, as if it were not there; so is `null`, which `kubectl` prints for what is unset.
 */
export function tidied(object: KubeObject): KubeObject {
  const given: JsonValue = object.metadata;
  const kept = Object.entries(isJsonObject(given) ? given : {}).flatMap(([key, value]) => {
    const found = Object.hasOwn(FIELDS, key) ? FIELDS[key]?.(value) : undefined;
    return found === undefined ? [] : [[key, found] as const];
  });
  return { ...object, metadata: { name: '', ...Object.fromEntries(kept) } };
}
