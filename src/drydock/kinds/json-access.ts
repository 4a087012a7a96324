import type { JsonObject } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';

/** An object of the API as plain JSON; every stored object came from JSON. */
export function asJson(object: KubeObject): JsonObject {
  return object as unknown as JsonObject;
}

export function asKube(object: JsonObject): KubeObject {
  return object as unknown as KubeObject;
}

/**
 * A copy of what came from JSON, to be changed; several times as fast as structuredClone, and every write makes some.
 * Undefined stays as it is.
 */
export function copyJson<T>(value: T): T {
  return copied(value) as T;
}

function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copied);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[key];
    if (key === '__proto__') {
      Object.defineProperty(copy, key, {
        value: copied(inner),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    } else copy[key] = typeof inner === 'object' ? copied(inner) : inner;
  }
  return copy;
}

/** The map at `key`, made when absent. */
export function mapAt(object: JsonObject, key: string): JsonObject {
  const found = object[key];
  if (isJsonObject(found)) return found;
  const made: JsonObject = {};
  object[key] = made;
  return made;
}

/** The map at `key` when there is one. */
export function maybeMap(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const found = object?.[key];
  return isJsonObject(found) ? found : undefined;
}

/** The maps in the list at `key`; none when there is no list. */
export function mapsAt(object: JsonObject | undefined, key: string): JsonObject[] {
  const found = object?.[key];
  return Array.isArray(found) ? found.filter(isJsonObject) : [];
}

export function stringAt(object: JsonObject | undefined, key: string): string {
  const found = object?.[key];
  return typeof found === 'string' ? found : '';
}

export function numberAt(object: JsonObject | undefined, key: string): number {
  const found = object?.[key];
  return typeof found === 'number' ? found : 0;
}

/** Sets what is absent, null, or an empty string. */
export function setDefault(object: JsonObject, key: string, value: JsonObject[string]): void {
  const found = object[key];
  if (found === undefined || found === null || found === '') object[key] = value;
}
