import type { JsonValue } from '../../kernel/index.ts';
import type { Field, ScalarName, TypeShape } from '../schema/notation.ts';
import { structType } from '../schema/types.ts';
import { untypedAtomic, type Atom, type MapField, type TypeRef } from './type.ts';

const SCALARS: Readonly<Record<ScalarName, Atom>> = {
  str: { scalar: 'string' },
  i32: { scalar: 'numeric' },
  i64: { scalar: 'numeric' },
  f64: { scalar: 'numeric' },
  bool: { scalar: 'boolean' },
  bytes: { scalar: 'string' },
  time: { scalar: 'untyped' },
  micro: { scalar: 'untyped' },
  quantity: { scalar: 'untyped' },
  intstr: { scalar: 'untyped' },
  dur: { scalar: 'string' },
  any: untypedAtomic(),
};

const structs = new Map<string, Atom>();
const kinds = new Map<string, Atom>();
const STRING: TypeRef = () => SCALARS.str;

function shapeAtom(shape: TypeShape): Atom {
  switch (shape.shape) {
    case 'scalar':
      return SCALARS[shape.scalar];
    case 'struct':
      return structAtom(shape.type);
    case 'list':
      return { list: { element: lazily(shape.element), relationship: 'atomic', keys: [] } };
    case 'map':
      return { map: { fields: new Map(), element: lazily(shape.element), relationship: 'separable' } };
    default:
      return shape satisfies never;
  }
}

function lazily(shape: TypeShape): TypeRef {
  let atom: Atom | undefined;
  return () => (atom ??= shapeAtom(shape));
}

function fieldAtom(field: Field): Atom {
  const { shape } = field;
  if (shape.shape === 'list') {
    const element = lazily(shape.element);
    if (field.topology === 'map')
      return { list: { element, relationship: 'associative', keys: field.mapKeys } };
    return { list: { element, relationship: field.topology === 'set' ? 'associative' : 'atomic', keys: [] } };
  }
  const atom = shapeAtom(shape);
  if (field.topology !== 'atomic' || atom.map === undefined) return atom;
  return { ...atom, map: { ...atom.map, relationship: 'atomic' } };
}

function mapField(field: Field): MapField {
  let atom: Atom | undefined;
  return {
    type: () => (atom ??= fieldAtom(field)),
    default: field.defaultJson === undefined ? undefined : (JSON.parse(field.defaultJson) as JsonValue),
  };
}

function structAtom(typeId: string): Atom {
  const known = structs.get(typeId);
  if (known !== undefined) return known;
  const type = structType(typeId);
  const fields = new Map<string, MapField>();
  for (const field of type.fields.values()) fields.set(field.name, mapField(field));
  const atom: Atom = {
    map: { fields, element: undefined, relationship: type.atomic ? 'atomic' : 'separable' },
  };
  structs.set(typeId, atom);
  return atom;
}

/** How objects of a built-in kind merge, apiVersion and kind included. */
export function builtinMergeType(typeId: string): TypeRef {
  return () => {
    const known = kinds.get(typeId);
    if (known !== undefined) return known;
    const inner = structAtom(typeId).map;
    const fields = new Map<string, MapField>(inner?.fields);
    for (const name of ['apiVersion', 'kind']) fields.set(name, { type: STRING, default: undefined });
    const atom: Atom = { map: { fields, element: undefined, relationship: 'separable' } };
    kinds.set(typeId, atom);
    return atom;
  };
}

/** How metadata merges, for kinds whose own type says nothing of it. */
export function metadataMergeType(): TypeRef {
  return () => structAtom('meta.ObjectMeta');
}
