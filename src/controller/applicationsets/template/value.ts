import { LandfallError } from '../../../kernel/index.ts';

/**
 * What a Go template works on: numbers are Go's float64 (all numbers of JSON and YAML are), bigints its ints (literals
 * and what counts). `undefined` is a value that is not there, `null` one that is nil.
 */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly Value[]
  | { readonly [key: string]: Value };

export type ValueMap = { readonly [key: string]: Value };

export function isMap(value: Value): value is ValueMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** A template that does not parse or cannot be executed, in the words of Go where they are known. */
export function templateError(message: string): LandfallError {
  return new LandfallError(message, {
    kind: 'invalid-input',
    code: 'template',
    hint: 'Mend the template in the ApplicationSet.',
  });
}

/** Go's name for the type of a value, as its errors say it. */
export function typeName(value: Value): string {
  if (value === undefined || value === null) return 'interface {}';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'bigint') return 'int';
  return isList(value) ? '[]interface {}' : 'map[string]interface {}';
}

/** What `if`, `and`, `or` and `with` take for true. */
export function isTrue(value: Value): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'string') return value !== '';
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'bigint') return value !== 0n;
  return isList(value) ? value.length > 0 : Object.keys(value).length > 0;
}

/** `%v` of Go's fmt. */
export function show(value: Value): string {
  if (value === undefined || value === null) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return showFloat(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map(show).join(' ')}]`;
  const entries = Object.keys(value)
    .toSorted()
    .map((key) => `${key}:${show(value[key])}`);
  return `map[${entries.join(' ')}]`;
}

/** The shortest text of a float64, with an exponent below -4 and from 6 on, as `%v` has it. */
export function showFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  if (value === 0) return '0';
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return plainDecimal(mantissa, power);
  const digits = String(Math.abs(power)).padStart(2, '0');
  return `${mantissa}e${power < 0 ? '-' : '+'}${digits}`;
}

function plainDecimal(mantissa: string, power: number): string {
  const negative = mantissa.startsWith('-');
  const digits = mantissa.replace(/[-.]/g, '');
  const text =
    power < 0
      ? `0.${'0'.repeat(-power - 1)}${digits}`
      : digits.length <= power + 1
        ? digits.padEnd(power + 1, '0')
        : `${digits.slice(0, power + 1)}.${digits.slice(power + 1)}`;
  return negative ? `-${text}` : text;
}

export function copyOf(value: Value): Value {
  if (isList(value)) return value.map(copyOf);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)]));
}

export function sameValue(a: Value, b: Value): boolean {
  if (isList(a) && isList(b)) return a.length === b.length && a.every((item, at) => sameValue(item, b[at]));
  if (isMap(a) && isMap(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length && keys.every((key) => key in b && sameValue(a[key], b[key]))
    );
  }
  return a === b || ((a === null || a === undefined) && (b === null || b === undefined));
}
