import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { setOwn } from '../schema/decode.ts';
import type { Field, ScalarName, TypeShape } from '../schema/notation.ts';
import { structType } from '../schema/types.ts';
import { ProtobufError, readFields, type WireField } from './reader.ts';

const MAX_DEPTH = 100;

function signed64(value: bigint): number {
  return Number(BigInt.asIntN(64, value));
}

function timeOf(bytes: Buffer, micro: boolean): string | null {
  let seconds = 0;
  let nanos = 0;
  for (const field of readFields(bytes)) {
    if (field.number === 1) seconds = signed64(field.value);
    if (field.number === 2) nanos = signed64(field.value);
  }
  // Go writes its zero time as an empty message, or as the year 1.
  if (seconds <= 0 && nanos === 0) return null;
  const iso = new Date(seconds * 1000).toISOString().slice(0, 19);
  return micro ? `${iso}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : `${iso}Z`;
}

function firstString(bytes: Buffer): string {
  for (const field of readFields(bytes)) if (field.number === 1) return field.bytes.toString('utf8');
  return '';
}

function intOrString(bytes: Buffer): JsonValue {
  let type = 0;
  let number = 0;
  let text = '';
  for (const field of readFields(bytes)) {
    if (field.number === 1) type = Number(field.value);
    else if (field.number === 2) number = signed64(field.value);
    else if (field.number === 3) text = field.bytes.toString('utf8');
  }
  return type === 1 ? text : number;
}

/** RawExtension, JSON and FieldsV1 all hold their JSON as the bytes of field 1. */
function rawJson(bytes: Buffer): JsonValue {
  for (const field of readFields(bytes)) {
    if (field.number !== 1) continue;
    try {
      return JSON.parse(field.bytes.toString('utf8')) as JsonValue;
    } catch {
      throw new ProtobufError('an embedded object is not JSON');
    }
  }
  return null;
}

function duration(bytes: Buffer): string {
  for (const field of readFields(bytes)) if (field.number === 1) return `${signed64(field.value) / 1e9}s`;
  return '0s';
}

function scalarOf(scalar: ScalarName, field: WireField): JsonValue {
  switch (scalar) {
    case 'str':
      return field.bytes.toString('utf8');
    case 'bool':
      return field.value !== 0n;
    case 'i32':
    case 'i64':
      return signed64(field.value);
    case 'f64': {
      const buffer = Buffer.alloc(8);
      buffer.writeBigUInt64LE(field.value);
      return buffer.readDoubleLE();
    }
    case 'bytes':
      return field.bytes.toString('base64');
    case 'time':
      return timeOf(field.bytes, false);
    case 'micro':
      return timeOf(field.bytes, true);
    case 'quantity':
      return firstString(field.bytes);
    case 'intstr':
      return intOrString(field.bytes);
    case 'any':
      return rawJson(field.bytes);
    case 'dur':
      return duration(field.bytes);
    default:
      return scalar satisfies never;
  }
}

function valueOf(shape: TypeShape, field: WireField, depth: number): JsonValue {
  if (shape.shape === 'struct') return messageOf(shape.type, field.bytes, depth + 1);
  if (shape.shape === 'scalar') return scalarOf(shape.scalar, field);
  // A list as a value of a map, as in the extra of a user: a message with the items in field 1.
  const items: JsonValue[] = [];
  if (shape.shape === 'list') {
    for (const inner of readFields(field.bytes)) {
      if (inner.number === 1) items.push(valueOf(shape.element, inner, depth));
    }
  }
  return items;
}

function addEntry(map: JsonObject, shape: TypeShape, bytes: Buffer, depth: number): void {
  let key = '';
  let value: JsonValue | undefined;
  for (const field of readFields(bytes)) {
    if (field.number === 1) key = field.bytes.toString('utf8');
    if (field.number === 2) value = valueOf(shape, field, depth);
  }
  setOwn(map, key, value ?? (shape.shape === 'scalar' && shape.scalar === 'str' ? '' : {}));
}

function addField(result: JsonObject, field: Field, wire: WireField, depth: number): void {
  const { shape, name } = field;
  if (field.inline && shape.shape === 'struct') {
    Object.assign(result, messageOf(shape.type, wire.bytes, depth + 1));
    return;
  }
  if (shape.shape === 'map') {
    const known = result[name];
    const map = typeof known === 'object' && known !== null && !Array.isArray(known) ? known : {};
    addEntry(map, shape.element, wire.bytes, depth);
    result[name] = map;
    return;
  }
  if (shape.shape === 'list') {
    const known = result[name];
    const list = Array.isArray(known) ? known : [];
    list.push(valueOf(shape.element, wire, depth));
    result[name] = list;
    return;
  }
  const value = valueOf(shape, wire, depth);
  // Go's encoder writes zero values too; only a pointer tells zero from absent.
  if (field.pointer || !isZero(value)) result[name] = value;
}

function isZero(value: JsonValue): boolean {
  return value === '' || value === 0 || value === false || value === null;
}

/** A message of a built-in type as JSON. Unknown fields are skipped, as protobuf has it. Throws ProtobufError. */
export function messageOf(typeId: string, bytes: Buffer, depth = 0): JsonObject {
  if (depth > MAX_DEPTH) throw new ProtobufError('the protobuf message is nested too deeply');
  const byNumber = fieldsByNumber(typeId);
  const result: JsonObject = {};
  for (const wire of readFields(bytes)) {
    const field = byNumber.get(wire.number);
    if (field !== undefined) addField(result, field, wire, depth);
  }
  return result;
}

const numbered = new Map<string, ReadonlyMap<number, Field>>();

function fieldsByNumber(typeId: string): ReadonlyMap<number, Field> {
  const known = numbered.get(typeId);
  if (known !== undefined) return known;
  const made = new Map<number, Field>();
  for (const field of structType(typeId).wireFields) if (field.number > 0) made.set(field.number, field);
  numbered.set(typeId, made);
  return made;
}
