import type { JsonValue } from '../json.ts';
import { compareKeys } from './key-order.ts';
import { isBreak, isPrintable, styleOf } from './scalar-style.ts';
import type { ExactValue } from './to-json.ts';

const bestWidth = 80;
const longestKey = 128;
const maxUint64 = 18446744073709551615n;
const minInt64 = -(2n ** 63n);

/**
 * A value as YAML, byte for byte as `kubectl get -o yaml` and kustomize print it: keys in their order, lists not
 * indented, words that YAML 1.1 reads as something else quoted, long lines folded at 80 columns.
 * Source: emitterc.go and encode.go of goyaml.v2 as sigs.k8s.io/yaml uses them.
 */
export function stringifyYaml(value: JsonValue | ExactValue): string {
  const writer = new Writer();
  writer.root(value);
  return writer.text();
}

class Writer {
  private readonly parts: string[] = [];
  private column = 0;

  text(): string {
    return this.parts.join('');
  }

  root(value: ExactValue): void {
    if (Array.isArray(value) && value.length > 0) this.sequence(value, 0, true);
    else if (isMap(value) && Object.keys(value).length > 0) this.mapping(value, 0, true);
    else {
      this.leaf(value, 2, true);
      this.newline();
    }
  }

  private put(text: string): void {
    this.parts.push(text);
    this.column += text.length;
  }

  private newline(): void {
    this.parts.push('\n');
    this.column = 0;
  }

  private indent(columns: number): void {
    if (columns > 0) this.put(spaces(columns));
  }

  /** `inline`: the first line continues the one that is open (after a dash, or at the start). */
  private mapping(map: { [key: string]: ExactValue }, indent: number, inline: boolean): void {
    const keys = Object.keys(map);
    if (keys.length > 1) keys.sort(compareKeys);
    let open = inline;
    for (const key of keys) {
      if (!open) this.indent(indent);
      open = false;
      this.entry(key, map[key] ?? null, indent);
    }
  }

  private entry(key: string, value: ExactValue, indent: number): void {
    const simple = Buffer.byteLength(key) <= longestKey && !hasBreak(key);
    if (simple) {
      this.scalar(key, indent + 2, true);
      this.put(':');
    } else {
      this.put('? ');
      this.scalar(key, indent + 2, false);
      if (this.column > 0) this.newline();
      this.indent(indent);
      this.put(':');
    }
    if (Array.isArray(value) && value.length > 0) {
      if (simple) {
        this.newline();
        this.sequence(value, indent, false);
      } else {
        this.put(' ');
        this.sequence(value, indent + 2, true);
      }
    } else if (isMap(value) && Object.keys(value).length > 0) {
      if (simple) this.newline();
      else this.put(' ');
      this.mapping(value, indent + 2, !simple);
    } else {
      this.put(' ');
      this.leaf(value, indent + 2, false);
      if (this.column > 0) this.newline();
    }
  }

  private sequence(list: readonly ExactValue[], indent: number, inline: boolean): void {
    let open = inline;
    for (const item of list) {
      if (!open) this.indent(indent);
      open = false;
      this.put('- ');
      if (Array.isArray(item) && item.length > 0) this.sequence(item, indent + 2, true);
      else if (isMap(item) && Object.keys(item).length > 0) this.mapping(item, indent + 2, true);
      else {
        this.leaf(item, indent + 2, false);
        if (this.column > 0) this.newline();
      }
    }
  }

  private leaf(value: ExactValue, indent: number, root: boolean): void {
    if (value === null) this.put('null');
    else if (typeof value === 'string') this.scalar(value, indent, false, root);
    else if (typeof value === 'boolean') this.put(value ? 'true' : 'false');
    else if (typeof value === 'number' || typeof value === 'bigint') this.put(numberText(value));
    else this.put(Array.isArray(value) ? '[]' : '{}');
  }

  private scalar(text: string, indent: number, isKey: boolean, root = false): void {
    const style = styleOf(text, isKey);
    const fold = !isKey;
    if (style === 'plain' || style === 'single') {
      const quote = style === 'single' ? "'" : '';
      if (!hasBreak(text) && (!fold || this.column + text.length <= bestWidth)) {
        this.put(quote + (quote === '' ? text : text.replaceAll("'", "''")) + quote);
        return;
      }
      this.put(quote);
      this.folded(text, indent, fold, quote !== '');
      this.put(quote);
    } else if (style === 'double') this.double(text, indent, fold);
    else this.literal(text, root ? 2 : indent);
  }

  private folded(text: string, indent: number, fold: boolean, quoted: boolean): void {
    let [wasSpace, wasBreak] = [false, false];
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit === 32) {
        const inner = !quoted || (i > 0 && i < text.length - 1);
        const nextSpace = text.charCodeAt(i + 1) === 32;
        if (fold && !wasSpace && this.column > bestWidth && inner && !nextSpace) this.breakTo(indent);
        else this.put(' ');
        wasSpace = true;
      } else if (isBreak(unit)) {
        if (!wasBreak && unit === 10) this.newline();
        this.lineBreak(text.charAt(i));
        wasBreak = true;
      } else {
        if (wasBreak) this.breakToIndent(indent);
        this.put(quoted && unit === 39 ? "''" : text.charAt(i));
        wasSpace = false;
        wasBreak = false;
      }
    }
  }

  private breakTo(indent: number): void {
    this.newline();
    this.indent(indent);
  }

  /** After a break the line is already new: only the indentation is missing. */
  private breakToIndent(indent: number): void {
    this.indent(indent - this.column);
  }

  private lineBreak(character: string): void {
    if (character === '\n') this.newline();
    else {
      this.parts.push(character);
      this.column = 0;
    }
  }

  private double(text: string, indent: number, fold: boolean): void {
    this.put('"');
    let wasSpace = false;
    const characters = Array.from(text);
    // The original looks for a mark of byte order at the start of the text, whichever character it is at.
    const marked = text.startsWith('\uFEFF');
    for (let i = 0; i < characters.length; i++) {
      const character = characters[i] ?? '';
      const point = character.codePointAt(0) ?? 0;
      if (marked || point > 0xffff || !isPrintable(point) || isBreak(point) || point === 34 || point === 92) {
        this.put(escape(point));
        wasSpace = false;
      } else if (point === 32) {
        if (fold && !wasSpace && this.column > bestWidth && i > 0 && i < characters.length - 1) {
          this.breakTo(indent);
          if (characters[i + 1] === ' ') this.put('\\');
        } else this.put(' ');
        wasSpace = true;
      } else {
        this.put(character);
        wasSpace = false;
      }
    }
    this.put('"');
  }

  private literal(text: string, indent: number): void {
    const first = text.charCodeAt(0);
    const last = text.charCodeAt(text.length - 1);
    let header = '|';
    if (first === 32 || isBreak(first)) header += '2';
    if (!isBreak(last)) header += '-';
    else if (text.length === 1 || isBreak(text.charCodeAt(text.length - 2))) header += '+';
    this.put(header);
    this.newline();
    let fresh = true;
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (isBreak(unit)) {
        if (i > from) this.put(text.slice(from, i));
        this.lineBreak(text.charAt(i));
        from = i + 1;
        fresh = true;
      } else if (fresh) {
        this.indent(indent);
        fresh = false;
      }
    }
    if (from < text.length) this.put(text.slice(from));
  }
}

const escapes = new Map<number, string>([
  [0, '0'],
  [7, 'a'],
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [11, 'v'],
  [12, 'f'],
  [13, 'r'],
  [27, 'e'],
  [34, '"'],
  [92, '\\'],
  [0x85, 'N'],
  [0xa0, '_'],
  [0x2028, 'L'],
  [0x2029, 'P'],
]);

function escape(point: number): string {
  const short = escapes.get(point);
  if (short !== undefined) return `\\${short}`;
  const hex = point.toString(16).toUpperCase();
  if (point <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  if (point <= 0xffff) return `\\u${hex.padStart(4, '0')}`;
  return `\\U${hex.padStart(8, '0')}`;
}

/** Numbers go through JSON as the original's do: whole ones are printed whole, others as Go's %g. */
function numberText(value: number | bigint): string {
  if (typeof value === 'bigint') {
    if (value >= minInt64 && value <= maxUint64) return value.toString();
    return goFloat(Number(value));
  }
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value < 0 ? '-.inf' : '.inf';
  if (Number.isSafeInteger(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e21) {
    const whole = BigInt(String(value));
    if (whole >= minInt64 && whole <= maxUint64) return whole.toString();
  }
  return goFloat(value);
}

/** Go's strconv.FormatFloat(value, 'g', -1, 64): an exponent below 10^-4 and, for the shortest form, from 10^6 on. */
function goFloat(value: number): string {
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 6) {
    const sign = exponent < 0 ? '-' : '+';
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return String(value);
}

function isMap(value: ExactValue): value is { [key: string]: ExactValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasBreak(text: string): boolean {
  return /[\n\r\u0085\u2028\u2029]/.test(text);
}

const blanks: string[] = [];
function spaces(count: number): string {
  return (blanks[count] ??= ' '.repeat(count));
}
