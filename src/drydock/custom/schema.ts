import { copyJson } from '../kinds/json-access.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { setOwn } from '../schema/decode.ts';

/** A structural schema: `openAPIV3Schema` of a CustomResourceDefinition, as it is written. */
export type Structural = JsonObject;

export function propertyOf(schema: Structural, name: string): Structural | undefined {
  const { properties, additionalProperties } = schema;
  if (isJsonObject(properties) && Object.hasOwn(properties, name)) {
    const found = properties[name];
    return isJsonObject(found) ? found : undefined;
  }
  return isJsonObject(additionalProperties) ? additionalProperties : undefined;
}

export function itemsOf(schema: Structural): Structural | undefined {
  return isJsonObject(schema.items) ? schema.items : undefined;
}

export function preservesUnknown(schema: Structural): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true;
}

function keepsEverything(schema: Structural): boolean {
  return preservesUnknown(schema) || schema.additionalProperties === true;
}

const EMBEDDED = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Drops what the schema does not name, in place, and tells where: `unknown field "spec.foo"`. The fields of `keep`
 * are never dropped.
 */
export function prune(
  value: JsonValue,
  schema: Structural | undefined,
  path: string,
  problems: string[],
  keep: ReadonlySet<string>,
): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    for (const [index, item] of value.entries()) prune(item, items, `${path}[${index}]`, problems, new Set());
    return;
  }
  if (!isJsonObject(value)) return;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  for (const key of Object.keys(value)) {
    const here = path === '' ? key : `${path}.${key}`;
    const property = propertyOf(schema, key);
    const inner = value[key];
    if (keep.has(key) || (embedded && EMBEDDED.has(key))) continue;
    if (property !== undefined) {
      if (inner !== undefined) prune(inner, property, here, problems, new Set());
    } else if (!keepsEverything(schema)) {
      delete value[key];
      problems.push(`unknown field "${here}"`);
    }
  }
}

/** Fills in defaults, in place: for what is absent, and for nulls that may not be there. */
export function applyDefaults(value: JsonValue, schema: Structural | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    for (const item of value) applyDefaults(item, itemsOf(schema));
    return;
  }
  if (!isJsonObject(value)) return;
  const { properties } = schema;
  if (isJsonObject(properties)) {
    for (const [name, property] of Object.entries(properties)) {
      if (!isJsonObject(property) || property.default === undefined) continue;
      const present = Object.hasOwn(value, name) ? value[name] : undefined;
      const forbiddenNull = present === null && property.nullable !== true;
      if (present === undefined || forbiddenNull) setOwn(value, name, copyJson(property.default));
    }
  }
  for (const [name, inner] of Object.entries(value)) applyDefaults(inner, propertyOf(schema, name));
}
