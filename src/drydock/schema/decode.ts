import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import type { Field, ScalarName, TypeShape } from './notation.ts';
import { canonicalQuantity } from './quantity.ts';
import { structType } from './types.ts';

/** A value of the wrong type, in the words of Go's JSON decoder, which is what clients of Kubernetes get to see. */
export class DecodeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DecodeError';
  }
}

export interface Decoded {
  readonly object: JsonObject;
  /** `unknown field "spec.foo"`, in the order met. */
  readonly problems: readonly string[];
}

const INTEGER_RANGE = { i32: [-(2 ** 31), 2 ** 31 - 1], i64: [-(2 ** 63), 2 ** 63] } as const;
const MAX_PROBLEMS = 64;
const MAX_DEPTH = 200;

interface Context {
  readonly problems: string[];
  /** The innermost struct, as Go names it in a mismatch. */
  owner: string;
  /** The fields that lead there: no index of a list and no key of a map is among them. */
  readonly fields: string[];
  depth: number;
}

function goKind(value: JsonValue): string {
  if (Array.isArray(value)) return 'array';
  if (value !== null && typeof value === 'object') return 'object';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

function mismatch(value: JsonValue, goType: string, context: Context): DecodeError {
  const shown = typeof value === 'number' && !Number.isInteger(value) ? `number ${value}` : goKind(value);
  const field = `${context.owner}.${context.fields.join('.')}`;
  return new DecodeError(`json: cannot unmarshal ${shown} into Go struct field ${field} of type ${goType}`);
}

const GO_SCALARS: Readonly<Record<ScalarName, string>> = {
  str: 'string',
  i32: 'int32',
  i64: 'int64',
  f64: 'float64',
  bool: 'bool',
  bytes: '[]uint8',
  time: 'v1.Time',
  micro: 'v1.MicroTime',
  quantity: 'resource.Quantity',
  intstr: 'intstr.IntOrString',
  dur: 'v1.Duration',
  any: 'runtime.RawExtension',
};

function decodeScalar(scalar: ScalarName, value: JsonValue, context: Context): JsonValue {
  switch (scalar) {
    case 'any':
      return value;
    case 'str':
    case 'dur':
      if (typeof value !== 'string') throw mismatch(value, GO_SCALARS[scalar], context);
      return value;
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(value, 'bool', context);
      return value;
    case 'f64':
      if (typeof value !== 'number') throw mismatch(value, 'float64', context);
      return value;
    case 'i32':
    case 'i64': {
      const [low, high] = INTEGER_RANGE[scalar];
      if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
        throw mismatch(value, GO_SCALARS[scalar], context);
      }
      return value;
    }
    case 'intstr':
      if (typeof value === 'number' && Number.isInteger(value)) return value;
      if (typeof value !== 'string') throw mismatch(value, 'int32', context);
      return value;
    case 'bytes':
      if (typeof value !== 'string') throw mismatch(value, '[]uint8', context);
      if (!/^[A-Za-z0-9+/\r\n]*={0,2}$/.test(value)) {
        const at = value.search(/[^A-Za-z0-9+/=\r\n]/);
        throw new DecodeError(`illegal base64 data at input byte ${Math.max(0, at)}`);
      }
      return value;
    case 'time':
    case 'micro': {
      if (typeof value !== 'string') throw mismatch(value, 'string', context);
      const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value) ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(at)) {
        throw new DecodeError(
          `parsing time "${value}" as "2006-01-02T15:04:05Z07:00": cannot parse "${value}" as "2006"`,
        );
      }
      if (scalar === 'micro') {
        const fraction = /\.(\d{1,9})/.exec(value)?.[1] ?? '';
        return `${new Date(at).toISOString().slice(0, 19)}.${fraction.padEnd(6, '0').slice(0, 6)}Z`;
      }
      return `${new Date(at).toISOString().slice(0, 19)}Z`;
    }
    case 'quantity': {
      const text = typeof value === 'number' ? String(value) : value;
      const canonical = typeof text === 'string' ? canonicalQuantity(text.trim()) : undefined;
      if (canonical === undefined) {
        throw new DecodeError(
          "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        );
      }
      return canonical;
    }
    default:
      return scalar satisfies never;
  }
}

function decodeShape(shape: TypeShape, value: JsonValue, path: string, context: Context): JsonValue {
  switch (shape.shape) {
    case 'scalar':
      return decodeScalar(shape.scalar, value, context);
    case 'struct':
      if (!isJsonObject(value)) throw mismatch(value, goTypeOf(shape), context);
      return decodeStruct(shape.type, value, path, context);
    case 'list': {
      if (!Array.isArray(value)) throw mismatch(value, `[]${goTypeOf(shape.element)}`, context);
      const items: JsonValue[] = [];
      for (let index = 0; index < value.length; index++) {
        const item = value[index] ?? null;
        if (item === null && shape.element.shape !== 'scalar') items.push(emptyOf(shape.element, context));
        else if (item === null) items.push(zeroOf(shape.element));
        else items.push(decodeShape(shape.element, item, `${path}[${index}]`, context));
      }
      return items;
    }
    case 'map': {
      if (!isJsonObject(value)) throw mismatch(value, `map[string]${goTypeOf(shape.element)}`, context);
      const entries: JsonObject = {};
      for (const key of Object.keys(value).sort()) {
        const item = value[key] ?? null;
        setOwn(
          entries,
          key,
          item === null ? zeroOf(shape.element) : decodeShape(shape.element, item, `${path}.${key}`, context),
        );
      }
      return entries;
    }
    default:
      return shape satisfies never;
  }
}

/** Assigns without ever reaching a prototype, whatever the key is called. */
export function setOwn(target: JsonObject, key: string, value: JsonValue): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}

function goTypeOf(shape: TypeShape): string {
  if (shape.shape === 'scalar') return GO_SCALARS[shape.scalar];
  if (shape.shape === 'struct') return shape.type.replace(/^\w+\./, 'v1.');
  return shape.shape === 'list' ? `[]${goTypeOf(shape.element)}` : `map[string]${goTypeOf(shape.element)}`;
}

function zeroOf(shape: TypeShape): JsonValue {
  if (shape.shape !== 'scalar') return shape.shape === 'struct' ? {} : null;
  switch (shape.scalar) {
    case 'str':
      return '';
    case 'i32':
    case 'i64':
    case 'f64':
    case 'intstr':
      return 0;
    case 'bool':
      return false;
    case 'quantity':
      return '0';
    case 'dur':
      return '0s';
    case 'bytes':
    case 'time':
    case 'micro':
    case 'any':
      return null;
    default:
      return shape.scalar satisfies never;
  }
}

function emptyOf(shape: TypeShape, context: Context): JsonValue {
  return shape.shape === 'struct' ? decodeStruct(shape.type, {}, '', context) : zeroOf(shape);
}

function isEmpty(value: JsonValue): boolean {
  if (value === '' || value === 0 || value === false || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Scalars that Go keeps in a struct: `omitempty` never leaves them out. */
function isStructScalar(shape: TypeShape): boolean {
  return (
    shape.shape === 'scalar' &&
    (shape.scalar === 'time' ||
      shape.scalar === 'micro' ||
      shape.scalar === 'quantity' ||
      shape.scalar === 'intstr' ||
      shape.scalar === 'dur')
  );
}

function decodeField(
  field: Field,
  value: JsonValue | undefined,
  path: string,
  context: Context,
): JsonValue | undefined {
  const { shape, pointer } = field;
  if (value === undefined || value === null) {
    if (pointer) return field.alwaysWritten ? null : undefined;
    if (shape.shape === 'struct') return decodeStruct(shape.type, {}, path, context);
    if (isStructScalar(shape) || field.alwaysWritten) return zeroOf(shape);
    return undefined;
  }
  const decoded = decodeShape(shape, value, path, context);
  if (pointer || field.alwaysWritten || shape.shape === 'struct' || isStructScalar(shape)) return decoded;
  return isEmpty(decoded) ? undefined : decoded;
}

function decodeStruct(id: string, value: JsonObject, path: string, context: Context): JsonObject {
  if (++context.depth > MAX_DEPTH) throw new DecodeError('exceeded max depth');
  const type = structType(id);
  const owner = context.owner;
  context.owner = id.slice(id.indexOf('.') + 1);
  const result: JsonObject = {};
  let known = 0;
  for (const field of type.fields.values()) {
    const given = Object.hasOwn(value, field.name) ? value[field.name] : undefined;
    if (given !== undefined) known++;
    context.fields.push(field.name);
    const decoded = decodeField(field, given, path === '' ? field.name : `${path}.${field.name}`, context);
    context.fields.pop();
    if (decoded !== undefined) result[field.name] = decoded;
  }
  if (known < Object.keys(value).length && context.problems.length < MAX_PROBLEMS) {
    for (const key of Object.keys(value)) {
      if (type.fields.has(key) || (path === '' && (key === 'apiVersion' || key === 'kind'))) continue;
      context.problems.push(`unknown field "${path === '' ? key : `${path}.${key}`}"`);
    }
  }
  context.owner = owner;
  context.depth--;
  return result;
}

/**
 * What Go's typed round trip makes of an object: unknown fields and empty values are gone, fields that Go always
 * writes are there, quantities and times are in their one form. The result shares nothing that may change with the
 * input except values of kind `any`. Throws DecodeError.
 */
export function decodeTyped(typeId: string, apiVersion: string, kind: string, value: JsonObject): Decoded {
  const context: Context = { problems: [], owner: '', fields: [], depth: 0 };
  const object = decodeStruct(typeId, value, '', context);
  return { object: { kind, apiVersion, ...object }, problems: context.problems };
}
