/**
 * The types of the built-in kinds, written in a small notation of one line a type, parsed when a type is first asked
 * for: a process that serves five kinds never builds the other six hundred types.
 *
 * `Container name#1:str+! ports#6:[]ContainerPort~merge(containerPort)=map(containerPort,protocol) ...`
 *
 * - `name#1` JSON name and protobuf number; a leading `^` marks a struct whose fields are written into its parent.
 * - `str i32 i64 f64 bool bytes time micro quantity intstr dur any`, or the name of a type, of another table as
 *   `core.PodSpec`; before it `*` for a pointer, `[]` for a list, `{}` for a map of strings.
 * - `+` is written even when empty, `!` is required.
 * - `~merge(key)` and `~retainKeys` strategic merge; `=map(keys)`, `=set`, `=atomic` the topology of server-side
 *   apply; `=default(json)` the default that keys of list items take.
 * - ` @atomic` after the name of a type: values of it are replaced as a whole.
 *
 * Source of the facts: the Go field tags and markers of k8s.io/api, apimachinery and apiextensions-apiserver 0.32.
 */
export type ScalarName =
  | 'str'
  | 'i32'
  | 'i64'
  | 'f64'
  | 'bool'
  | 'bytes'
  | 'time'
  | 'micro'
  | 'quantity'
  | 'intstr'
  | 'dur'
  | 'any';

export type TypeShape =
  | { readonly shape: 'scalar'; readonly scalar: ScalarName }
  | { readonly shape: 'struct'; readonly type: string }
  | { readonly shape: 'list'; readonly element: TypeShape }
  | { readonly shape: 'map'; readonly element: TypeShape };

export interface Field {
  readonly name: string;
  /** 0 where the field has no place in the protobuf form. */
  readonly number: number;
  readonly inline: boolean;
  readonly pointer: boolean;
  readonly shape: TypeShape;
  readonly alwaysWritten: boolean;
  readonly required: boolean;
  readonly patchStrategies: readonly ('merge' | 'retainKeys')[];
  readonly mergeKey: string | undefined;
  readonly topology: 'map' | 'set' | 'atomic' | undefined;
  readonly mapKeys: readonly string[];
  /** JSON text. */
  readonly defaultJson: string | undefined;
}

export interface StructType {
  /** `core.PodSpec` */
  readonly id: string;
  readonly atomic: boolean;
  /** By JSON name, with the fields of inline structs among them, in the order they are written. */
  readonly fields: ReadonlyMap<string, Field>;
  /** As protobuf nests them: inline structs are fields of their own. */
  readonly wireFields: readonly Field[];
}

const SCALARS: ReadonlySet<string> = new Set<ScalarName>([
  'str',
  'i32',
  'i64',
  'f64',
  'bool',
  'bytes',
  'time',
  'micro',
  'quantity',
  'intstr',
  'dur',
  'any',
]);

function isScalarName(text: string): text is ScalarName {
  return SCALARS.has(text);
}

function parseShape(text: string, table: string): TypeShape {
  const bare = text.startsWith('*') ? text.slice(1) : text;
  if (bare.startsWith('[]')) return { shape: 'list', element: parseShape(bare.slice(2), table) };
  if (bare.startsWith('{}')) return { shape: 'map', element: parseShape(bare.slice(2), table) };
  if (isScalarName(bare)) return { shape: 'scalar', scalar: bare };
  return { shape: 'struct', type: bare.includes('.') ? bare : `${table}.${bare}` };
}

const FIELD =
  /^(\^?)([^#]+)#(\d*):([*[\]{}\w.]+)(\+?)(!?)(?:~(merge|retainKeys|merge&retainKeys)(?:\((\w+)\))?)?(.*)$/;

/** Reads one field; throws a plain Error, since only a slip in our own tables can cause it. */
export function parseField(text: string, table: string): Field {
  const match = FIELD.exec(text);
  if (match === null) throw new Error(`The type table '${table}' has a field it cannot read: ${text}`);
  const [, inline, name = '', number, type = '', written, required, strategies, mergeKey, rest = ''] = match;
  const keys = /=map\(([\w,]*)\)/.exec(rest);
  const topology = keys
    ? 'map'
    : rest.includes('=set')
      ? 'set'
      : rest.includes('=atomic')
        ? 'atomic'
        : undefined;
  return {
    name,
    number: Number(number),
    inline: inline === '^',
    pointer: type.startsWith('*'),
    shape: parseShape(type, table),
    alwaysWritten: written === '+',
    required: required === '!',
    patchStrategies:
      strategies === undefined
        ? []
        : strategies.split('&').map((part) => (part === 'merge' ? 'merge' : 'retainKeys')),
    mergeKey,
    topology,
    mapKeys: keys?.[1]?.split(',') ?? [],
    defaultJson: /=default\((.*)\)$/.exec(rest)?.[1],
  };
}

/** The lines of one table by the name of their type; nothing is parsed yet. */
export function indexTable(text: string): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  for (const entry of text.trim().split(/\n(?! )/)) {
    const end = entry.search(/\s/);
    lines.set(end < 0 ? entry : entry.slice(0, end), end < 0 ? '' : entry.slice(end).trim());
  }
  return lines;
}
