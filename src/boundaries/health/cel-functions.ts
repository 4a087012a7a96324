import type { Environment } from '@marcbachmann/cel-js';

/** What stands before the point in `sets.contains(a, b)`: a value of a class of its own, which has nothing. */
function library(environment: Environment, name: string): string {
  const type = `landfall.${name}`;
  const Library = class extends Object {};
  environment.registerType(type, Library);
  environment.registerConstant(name, type, new Library());
  return type;
}

const LONGEST = 1_000_000;

function bounded(text: string): string {
  if (text.length > LONGEST) throw new Error(`the text is longer than ${LONGEST} characters`);
  return text;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** CEL's equality: numbers of any type by their value, lists and maps by what is in them. */
function equal(a: unknown, b: unknown): boolean {
  if (isNumber(a) && isNumber(b)) return a <= b && a >= b;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return Buffer.from(bytesOf(a)).equals(bytesOf(b));
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, at) => equal(item, b[at]));
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (isMap(a) && isMap(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
    );
  }
  return a === b;
}

function bytesOf(value: ArrayBufferView): Uint8Array {
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

type List = readonly unknown[];

function registerSets(environment: Environment): void {
  const type = library(environment, 'sets');
  const holds = (list: List, item: unknown) => list.some((other) => equal(other, item));
  const contains = (list: List, wanted: List) => wanted.every((item) => holds(list, item));
  environment
    .registerFunction(`${type}.contains(list, list): bool`, (_: unknown, a: List, b: List) => contains(a, b))
    .registerFunction(
      `${type}.equivalent(list, list): bool`,
      (_: unknown, a: List, b: List) => contains(a, b) && contains(b, a),
    )
    .registerFunction(`${type}.intersects(list, list): bool`, (_: unknown, a: List, b: List) =>
      a.some((item) => holds(b, item)),
    );
}

function registerEncoders(environment: Environment): void {
  const type = library(environment, 'base64');
  environment
    .registerFunction(`${type}.encode(bytes): string`, (_: unknown, bytes: Uint8Array) =>
      Buffer.from(bytesOf(bytes)).toString('base64'),
    )
    .registerFunction(`${type}.decode(string): bytes`, (_: unknown, text: string) => {
      // Padding may be left out, as in cel-go.
      if (!/^[A-Za-z\d+/]*={0,2}$/.test(text)) throw new Error('illegal base64 data');
      return new Uint8Array(Buffer.from(text, 'base64'));
    });
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (value instanceof Date) return timestampText(value);
  if (isMap(value)) {
    const entries = Object.keys(value).toSorted();
    return `{${entries.map((key) => `${key}: ${shown(value[key])}`).join(', ')}}`;
  }
  return String(value);
}

function based(value: unknown, radix: number): string {
  if (typeof value === 'boolean' && radix === 2) return value ? '1' : '0';
  if (typeof value === 'bigint') return value.toString(radix);
  if (typeof value === 'string' && radix === 16) return Buffer.from(value).toString('hex');
  throw new Error('an int is wanted');
}

function number(value: unknown): number {
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value);
  throw new Error('a number is wanted');
}

/** Source: cel-go's ext/formatting.go. */
function format(text: string, values: List): string {
  let next = 0;
  const made = text.replaceAll(
    /%(?:%|(?:\.(\d{1,2}))?(.))/gs,
    (whole, precision: string | undefined, verb: string | undefined) => {
      if (whole === '%%') return '%';
      if (next >= values.length) throw new Error(`index ${next} out of range`);
      const value = values[next];
      next += 1;
      const places = precision === undefined ? 6 : Math.min(20, Number(precision));
      switch (verb ?? '') {
        case 's':
          return shown(value);
        case 'd':
          return String(typeof value === 'bigint' ? value : number(value));
        case 'f':
          return number(value).toFixed(places);
        case 'e':
          return number(value)
            .toExponential(places)
            .replace(/e([+-])(\d)$/, 'e$10$2');
        case 'b':
          return based(value, 2);
        case 'o':
          return based(value, 8);
        case 'x':
          return based(value, 16);
        case 'X':
          return based(value, 16).toUpperCase();
        default:
          throw new Error(`unrecognized formatting clause "${verb ?? ''}"`);
      }
    },
  );
  return bounded(made);
}

function replaced(text: string, from: string, to: string, count: bigint): string {
  let left = count < 0n ? Number.POSITIVE_INFINITY : Number(count);
  return bounded(
    text.replaceAll(from, () => {
      left -= 1;
      return left < 0 ? from : to;
    }),
  );
}

function registerStrings(environment: Environment): void {
  const type = library(environment, 'strings');
  environment
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      replaced(text, from, to, -1n),
    )
    .registerFunction('string.replace(string, string, int): string', replaced)
    .registerFunction('string.charAt(int): string', (text: string, at: bigint) => {
      const points = Array.from(text);
      if (at < 0n || at > BigInt(points.length)) throw new Error(`index out of range: ${at}`);
      return points[Number(at)] ?? '';
    })
    .registerFunction('string.reverse(): string', (text: string) => Array.from(text).toReversed().join(''))
    .registerFunction('string.format(list): string', format)
    .registerFunction(`${type}.quote(string): string`, (_: unknown, text: string) => JSON.stringify(text));
}

function timestampText(time: Date): string {
  return time.toISOString().replace(/\.?0*Z$/, 'Z');
}

/** What Flux puts into CEL besides the language: strings, sets and base64. Source: fluxcd/pkg `runtime/cel`. */
export function registerExtensions(environment: Environment): void {
  registerStrings(environment);
  registerSets(environment);
  registerEncoders(environment);
  environment.registerFunction('string(google.protobuf.Timestamp): string', timestampText);
}
