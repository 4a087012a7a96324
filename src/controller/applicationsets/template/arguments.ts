import { isList, isMap, show, templateError, typeName } from './value.ts';
import type { Value, ValueMap } from './value.ts';

/** A text, where the function takes nothing else: Go refuses other types too. */
export function text(value: Value): string {
  if (typeof value === 'string') return value;
  throw templateError(`wrong type for value; expected string; got ${typeName(value)}`);
}

export function listOf(value: Value): readonly Value[] {
  if (isList(value)) return value;
  throw templateError(`a list is wanted, not ${typeName(value)}`);
}

export function mapOf(value: Value): ValueMap {
  if (isMap(value)) return value;
  throw templateError(`wrong type for value; expected map[string]interface {}; got ${typeName(value)}`);
}

export function list(value: Value): readonly Value[] {
  return value === undefined || value === null ? [] : listOf(value);
}

/** A count that must be an int already. */
export function count(value: Value): number {
  if (typeof value === 'bigint') return Number(value);
  throw templateError(`wrong type for value; expected int; got ${typeName(value)}`);
}

/** What sprig's arithmetic makes of anything: an int, 0 where it is none. */
export function int(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') return BigInt(Math.trunc(value));
  if (typeof value === 'string' && /^[+-]?\d+$/.test(value)) {
    return BigInt(value.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1'));
  }
  return 0n;
}

export function float(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' && /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value))
    return Number(value);
  return 0;
}

/** sprig's strval. */
export function string(value: Value): string {
  return show(value);
}

/** Texts of a list, without what is nil; of anything else, itself. */
export function strings(value: Value): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!isList(value)) return [string(value)];
  return value.flatMap((item) => (item === undefined || item === null ? [] : [string(item)]));
}
