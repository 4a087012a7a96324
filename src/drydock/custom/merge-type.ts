import type { JsonObject } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { metadataMergeType } from '../merge/builtin-types.ts';
import { deducedType, type Atom, type MapField, type TypeRef } from '../merge/type.ts';
import { itemsOf, preservesUnknown, type Structural } from './schema.ts';

const STRING: TypeRef = () => ({ scalar: 'string' });

function lazily(schema: Structural): TypeRef {
  let atom: Atom | undefined;
  return () => (atom ??= atomOf(schema));
}

function field(schema: Structural): MapField {
  return { type: lazily(schema), default: schema.default };
}

function listAtom(schema: Structural): Atom {
  const items = itemsOf(schema);
  const element = items === undefined ? deducedType : lazily(items);
  const kind = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  if (kind === 'map' && Array.isArray(keys)) {
    return {
      list: {
        element,
        relationship: 'associative',
        keys: keys.filter((key): key is string => typeof key === 'string'),
      },
    };
  }
  return { list: { element, relationship: kind === 'set' ? 'associative' : 'atomic', keys: [] } };
}

function mapAtom(schema: Structural, extra: ReadonlyMap<string, MapField>): Atom {
  const { properties, additionalProperties } = schema;
  const fields = new Map<string, MapField>();
  for (const [name, property] of Object.entries(isJsonObject(properties) ? properties : {})) {
    if (isJsonObject(property)) fields.set(name, field(property));
  }
  for (const [name, known] of extra) fields.set(name, known);
  const open = preservesUnknown(schema) || additionalProperties === true;
  const element = isJsonObject(additionalProperties)
    ? lazily(additionalProperties)
    : open
      ? deducedType
      : undefined;
  if (fields.size === 0 && open) return deducedType();
  const atomic = schema['x-kubernetes-map-type'] === 'atomic';
  return { map: { fields, element, relationship: atomic ? 'atomic' : 'separable' } };
}

const NOTHING = new Map<string, MapField>();

function embeddedFields(): Map<string, MapField> {
  return new Map<string, MapField>([
    ['apiVersion', { type: STRING, default: undefined }],
    ['kind', { type: STRING, default: undefined }],
    ['metadata', { type: metadataMergeType(), default: undefined }],
  ]);
}

function atomOf(schema: Structural): Atom {
  if (schema['x-kubernetes-int-or-string'] === true) return { scalar: 'untyped' };
  switch (typeof schema.type === 'string' ? schema.type : '') {
    case 'string':
      return { scalar: 'string' };
    case 'integer':
    case 'number':
      return { scalar: 'numeric' };
    case 'boolean':
      return { scalar: 'boolean' };
    case 'array':
      return listAtom(schema);
    case 'object':
      return mapAtom(schema, schema['x-kubernetes-embedded-resource'] === true ? embeddedFields() : NOTHING);
    default:
      return deducedType();
  }
}

/** How custom resources of that schema merge. */
export function customMergeType(schema: Structural): TypeRef {
  let atom: Atom | undefined;
  return () => (atom ??= mapAtom({ ...schema, type: 'object' } satisfies JsonObject, embeddedFields()));
}
