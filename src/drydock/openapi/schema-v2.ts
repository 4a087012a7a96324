import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { message, text, varint } from '../protobuf/writer.ts';

/** A schema of OpenAPI 3 as OpenAPI 2 has it: a reference takes neighbours, there is no choice of types, no default. */
export function schemaV2(schema: JsonObject): JsonObject {
  const made: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'default' || key === 'nullable') continue;
    if (key === '$ref' && typeof value === 'string') {
      made.$ref = value.replace('#/components/schemas/', '#/definitions/');
    } else if (key === 'allOf' && Array.isArray(value) && value.length === 1 && isJsonObject(value[0])) {
      Object.assign(made, schemaV2(value[0]));
    } else if (key === 'oneOf' && typeof schema.type !== 'string') {
      made.type = 'string';
    } else if ((key === 'items' || key === 'additionalProperties') && isJsonObject(value)) {
      made[key] = schemaV2(value);
    } else if (key === 'properties' && isJsonObject(value)) {
      made.properties = Object.fromEntries(
        Object.entries(value).map(([name, property]) => [
          name,
          isJsonObject(property) ? schemaV2(property) : property,
        ]),
      );
    } else {
      made[key] = value;
    }
  }
  return made;
}

/** Field numbers of openapi.v2.Schema, as gnostic publishes them. */
const TEXTS = { $ref: 1, format: 2, title: 3, description: 4, pattern: 12 } as const;

/** A value as openapi.v2.Any: YAML, of which JSON is a part. */
const any = (number: number, value: JsonValue) => message(number, text(2, JSON.stringify(value)));

const named = (number: number, name: string, value: Buffer) =>
  message(number, text(1, name), Buffer.concat([varint(2 * 8 + 2), varint(value.length), value]));

/** One schema of OpenAPI 2 as the fields of its protobuf message; what no client of it reads is left out. */
export function schemaFields(schema: JsonObject): Buffer {
  const parts: Buffer[] = [];
  for (const [key, number] of Object.entries(TEXTS)) {
    const value = schema[key];
    if (typeof value === 'string') parts.push(text(number, value));
  }
  const { required, enum: values, additionalProperties, type, items, properties } = schema;
  if (Array.isArray(required)) {
    parts.push(...required.flatMap((name) => (typeof name === 'string' ? [text(19, name)] : [])));
  }
  if (Array.isArray(values)) parts.push(...values.map((value) => any(20, value)));
  if (isJsonObject(additionalProperties)) {
    parts.push(message(21, message(1, schemaFields(additionalProperties))));
  } else if (additionalProperties === true) {
    parts.push(message(21, Buffer.concat([varint(2 * 8), varint(1)])));
  }
  if (typeof type === 'string') parts.push(message(22, text(1, type)));
  if (isJsonObject(items)) parts.push(message(23, message(1, schemaFields(items))));
  if (isJsonObject(properties)) {
    const members = Object.entries(properties).map(([name, property]) =>
      named(1, name, isJsonObject(property) ? schemaFields(property) : Buffer.alloc(0)),
    );
    parts.push(message(25, ...members));
  }
  for (const [key, value] of Object.entries(schema)) {
    if (key.startsWith('x-') && value !== undefined) {
      parts.push(message(31, text(1, key), any(2, value)));
    }
  }
  return Buffer.concat(parts);
}

/** openapi.v2.Definitions: every schema by its name. */
export function definitionsMessage(number: number, definitions: JsonObject): Buffer {
  const members = Object.entries(definitions).map(([name, schema]) =>
    named(1, name, isJsonObject(schema) ? schemaFields(schema) : Buffer.alloc(0)),
  );
  return message(number, ...members);
}
