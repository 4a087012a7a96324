import { LandfallError } from './errors.ts';

export type JsonScalar = string | number | boolean | null;
export type JsonValue = JsonScalar | JsonArray | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}
export type JsonArray = JsonValue[];

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Follows `path` through maps and arrays; undefined where it ends early. Never walks a prototype. */
export function getIn(
  value: JsonValue | undefined,
  ...path: readonly (string | number)[]
): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const step of path) {
    if (Array.isArray(at)) {
      at = typeof step === 'number' ? at[step] : undefined;
    } else if (isJsonObject(at)) {
      at = Object.hasOwn(at, step) ? at[step] : undefined;
    } else {
      return undefined;
    }
  }
  return at;
}

export function getString(
  value: JsonValue | undefined,
  ...path: readonly (string | number)[]
): string | undefined {
  const found = getIn(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

export function getNumber(
  value: JsonValue | undefined,
  ...path: readonly (string | number)[]
): number | undefined {
  const found = getIn(value, ...path);
  return typeof found === 'number' ? found : undefined;
}

export function getObject(
  value: JsonValue | undefined,
  ...path: readonly (string | number)[]
): JsonObject | undefined {
  const found = getIn(value, ...path);
  return isJsonObject(found) ? found : undefined;
}

/** The array at `path`, or an empty one. */
export function getArray(
  value: JsonValue | undefined,
  ...path: readonly (string | number)[]
): readonly JsonValue[] {
  const found = getIn(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** A scalar as people write it; anything else as JSON. Empty for undefined. */
export function textOf(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}

/** Same JSON, whatever the order of keys. */
export function jsonEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => jsonEqual(item, b[index]));
  }
  if (isJsonObject(a) && isJsonObject(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]))
    );
  }
  return false;
}

/** JSON.parse with a sentence: `source` names where the text came from. */
export function parseJson(text: string, source: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new LandfallError(
      `${source} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        kind: 'invalid-input',
        code: 'json-syntax',
        object: source,
        cause,
      },
    );
  }
}
