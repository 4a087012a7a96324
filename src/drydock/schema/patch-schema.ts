import { UNTYPED, type PatchField, type PatchSchema } from '../machinery/strategic-merge.ts';
import type { Field, TypeShape } from './notation.ts';
import { structType } from './types.ts';

const schemas = new Map<string, PatchSchema>();

function schemaOf(shape: TypeShape): PatchSchema {
  if (shape.shape === 'struct') return patchSchema(shape.type);
  if (shape.shape === 'list') return schemaOf(shape.element);
  return UNTYPED;
}

function patchField(field: Field): PatchField {
  return {
    strategy: field.patchStrategies.includes('merge') ? 'merge' : 'default',
    mergeKey: field.mergeKey,
    schema: schemaOf(field.shape),
  };
}

/** What strategic merge knows of a built-in type. */
export function patchSchema(typeId: string): PatchSchema {
  const known = schemas.get(typeId);
  if (known !== undefined) return known;
  const type = structType(typeId);
  const fields = new Map<string, PatchField>();
  const schema: PatchSchema = {
    name: `v1.${typeId.slice(typeId.indexOf('.') + 1)}`,
    field(name) {
      const cached = fields.get(name);
      if (cached !== undefined) return cached;
      const field = type.fields.get(name);
      if (field === undefined) return undefined;
      const made = patchField(field);
      fields.set(name, made);
      return made;
    },
  };
  schemas.set(typeId, schema);
  return schema;
}
