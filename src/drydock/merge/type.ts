import type { JsonObject, JsonValue } from '../../kernel/index.ts';

/**
 * How values of a type merge: the schema of structured-merge-diff. A type may allow several forms (a scalar or a map);
 * which one counts is decided by the value.
 */
export interface Atom {
  readonly scalar?: 'string' | 'numeric' | 'boolean' | 'untyped';
  readonly list?: ListType;
  readonly map?: MapType;
}

export interface ListType {
  readonly element: TypeRef;
  /** Items of an associative list are told apart by their keys, or by their value where there are none. */
  readonly relationship: 'associative' | 'atomic';
  readonly keys: readonly string[];
}

export interface MapType {
  readonly fields: ReadonlyMap<string, MapField>;
  /** Of keys that are no declared field; undefined where there may be none. */
  readonly element: TypeRef | undefined;
  readonly relationship: 'separable' | 'atomic';
}

export interface MapField {
  readonly type: TypeRef;
  readonly default: JsonValue | undefined;
}

/** Resolved when asked for, since types contain themselves. */
export type TypeRef = () => Atom;

const DEDUCED: Atom = {
  scalar: 'untyped',
  list: { element: () => DEDUCED, relationship: 'atomic', keys: [] },
  map: { fields: new Map(), element: () => DEDUCED, relationship: 'separable' },
};

/** The type of what has no schema: maps merge, lists are replaced. */
export const deducedType: TypeRef = () => DEDUCED;

const UNTYPED_ATOMIC: Atom = {
  scalar: 'untyped',
  list: { element: () => UNTYPED_ATOMIC, relationship: 'atomic', keys: [] },
  map: { fields: new Map(), element: () => UNTYPED_ATOMIC, relationship: 'atomic' },
};

/** The type of embedded JSON, which has one owner as a whole. */
export const untypedAtomic: TypeRef = () => UNTYPED_ATOMIC;

/** Absent is not null: null is a value of every type. */
export type Maybe = JsonValue | undefined;

export function isMap(value: Maybe): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The form of `atom` that `value` has; the atom itself where the value is absent, null, or of none of its forms. */
export function formOf(atom: Atom, value: Maybe): Atom {
  if (value === undefined || value === null) return atom;
  if (Array.isArray(value)) return atom.list === undefined ? atom : formsOf(atom).list;
  if (typeof value === 'object') return atom.map === undefined ? atom : formsOf(atom).map;
  return atom.scalar === undefined ? atom : formsOf(atom).scalar;
}

interface Forms {
  readonly scalar: Atom;
  readonly list: Atom;
  readonly map: Atom;
}

const forms = new WeakMap<Atom, Forms>();

/** Each form alone, the same object every time, so that forms are compared by identity. */
function formsOf(atom: Atom): Forms {
  const known = forms.get(atom);
  if (known !== undefined) return known;
  const single = Object.keys(atom).length === 1;
  const made: Forms = single
    ? { scalar: atom, list: atom, map: atom }
    : {
        scalar: atom.scalar === undefined ? atom : { scalar: atom.scalar },
        list: atom.list === undefined ? atom : { list: atom.list },
        map: atom.map === undefined ? atom : { map: atom.map },
      };
  forms.set(atom, made);
  return made;
}

export function fieldTypeOf(map: MapType, key: string): TypeRef | undefined {
  return map.fields.get(key)?.type ?? map.element;
}

/** A value that does not fit its type: the path as structured-merge-diff prints it, and what is wrong. */
export class MergeTypeError extends Error {
  readonly path: string;

  constructor(path: string, problem: string) {
    super(path === '' ? problem : `${path}: ${problem}`);
    this.name = 'MergeTypeError';
    this.path = path;
  }
}
