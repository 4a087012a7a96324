import type { JsonValue } from '../../kernel/index.ts';
import { getArray, getString, isJsonObject } from '../../kernel/index.ts';
import { deducedType, type Atom, type MapField, type TypeRef } from './type.ts';

const SCALARS: Readonly<Record<string, NonNullable<Atom['scalar']>>> = {
  string: 'string',
  numeric: 'numeric',
  boolean: 'boolean',
  untyped: 'untyped',
};

/** Types as structured-merge-diff writes them down (`types: [{name, map|list|scalar}]`), by name. */
export function readSmdTypes(types: readonly JsonValue[]): (name: string) => TypeRef {
  const raw = new Map<string, JsonValue>();
  for (const type of types) raw.set(getString(type, 'name') ?? '', type);
  const atoms = new Map<string, Atom>();

  const named = (name: string): TypeRef => {
    if (name === '__untyped_deduced_') return deducedType;
    return () => {
      const known = atoms.get(name);
      if (known !== undefined) return known;
      const source = raw.get(name);
      if (source === undefined) throw new Error(`no type is named ${name}`);
      const made = readAtom(source);
      atoms.set(name, made);
      return made;
    };
  };
  const readRef = (value: JsonValue | undefined): TypeRef | undefined => {
    if (!isJsonObject(value) || Object.keys(value).length === 0) return undefined;
    const name = getString(value, 'namedType');
    let atom: Atom | undefined;
    const base = name === undefined ? () => (atom ??= readAtom(value)) : named(name);
    const relationship = getString(value, 'elementRelationship');
    if (relationship === undefined) return base;
    let overridden: Atom | undefined;
    return () => (overridden ??= override(base(), relationship));
  };
  const readAtom = (value: JsonValue): Atom => {
    if (!isJsonObject(value)) return {};
    const scalar = SCALARS[getString(value, 'scalar') ?? ''];
    const { list, map } = value;
    return {
      ...(scalar === undefined ? {} : { scalar }),
      ...(isJsonObject(list)
        ? {
            list: {
              element: readRef(list.elementType) ?? deducedType,
              relationship:
                list.elementRelationship === 'associative' ? ('associative' as const) : ('atomic' as const),
              keys: getArray(list, 'keys').filter((key): key is string => typeof key === 'string'),
            },
          }
        : {}),
      ...(isJsonObject(map)
        ? {
            map: {
              fields: new Map<string, MapField>(
                getArray(map, 'fields').map((field) => [
                  getString(field, 'name') ?? '',
                  {
                    type: readRef(isJsonObject(field) ? field.type : undefined) ?? deducedType,
                    default: isJsonObject(field) ? (field.default ?? undefined) : undefined,
                  },
                ]),
              ),
              element: readRef(map.elementType),
              relationship:
                map.elementRelationship === 'atomic' ? ('atomic' as const) : ('separable' as const),
            },
          }
        : {}),
    };
  };
  return named;
}

/** A reference may say otherwise how what it refers to is owned. */
function override(atom: Atom, relationship: string): Atom {
  if (atom.map !== undefined) {
    return {
      ...atom,
      map: { ...atom.map, relationship: relationship === 'atomic' ? 'atomic' : 'separable' },
    };
  }
  if (atom.list !== undefined) {
    return {
      ...atom,
      list: { ...atom.list, relationship: relationship === 'atomic' ? 'atomic' : 'associative' },
    };
  }
  return atom;
}
