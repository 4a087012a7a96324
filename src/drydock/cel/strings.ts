import type { Environment } from '@marcbachmann/cel-js';
import { celClass } from './values.ts';

const StringsNamespace = celClass();

const MAX_TEXT = 1_000_000;

function bounded(text: string): string {
  if (text.length > MAX_TEXT) throw new Error(`the text is longer than ${MAX_TEXT} characters`);
  return text;
}

/** A pattern of RE2's as JavaScript has it. Throws where it has no form here. */
export function expressionOf(pattern: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const body = flags === null ? pattern : pattern.slice(flags[0].length);
  const text = body
    .replaceAll('(?P<', '(?<')
    .replaceAll(String.raw`\z`, '$')
    .replaceAll(String.raw`\A`, '^');
  return new RegExp(text, `u${flags?.[1] ?? ''}`);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Map) {
    return `{${[...value].map(([key, inner]) => `${shown(key)}: ${shown(inner)}`).join(', ')}}`;
  }
  if (value === null) return 'null';
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

function digits(value: unknown, precision: string | undefined): string {
  const number = Number(value);
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new Error('%f wants a number');
  return number.toFixed(precision === undefined ? 6 : Math.min(20, Number(precision)));
}

function based(value: unknown, radix: number): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'bigint') return value.toString(radix);
  if (typeof value === 'string' && radix === 16) return Buffer.from(value, 'utf8').toString('hex');
  throw new Error('an integer is wanted');
}

/** Source: cel-go's ext/formatting.go. */
function format(text: string, values: readonly unknown[]): string {
  let next = 0;
  const made = text.replaceAll(
    /%(?:%|(?:\.(\d{1,2}))?([a-zA-Z]))/g,
    (whole, precision?: string, verb?: string) => {
      if (whole === '%%') return '%';
      if (next >= values.length) throw new Error(`index ${next} out of range`);
      const value = values[next++];
      switch (verb ?? '') {
        case 's':
          return shown(value);
        case 'd':
          if (typeof value !== 'bigint' && typeof value !== 'number') throw new Error('%d wants an integer');
          return String(value);
        case 'f':
          return digits(value, precision);
        case 'e':
          return Number(value).toExponential(precision === undefined ? 6 : Math.min(20, Number(precision)));
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

/** Source: cel-go's ext/strings.go (version 2), and Kubernetes' regex library. */
export function registerStrings(env: Environment): void {
  env.registerFunction('string.charAt(int): string', (text: string, index: bigint) => {
    const points = Array.from(text);
    const at = Number(index);
    if (at < 0 || at > points.length) throw new Error(`index out of range: ${at}`);
    return points[at] ?? '';
  });
  env.registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
    bounded(text.replaceAll(from, () => to)),
  );
  env.registerFunction(
    'string.replace(string, string, int): string',
    (text: string, from: string, to: string, count: bigint) => {
      let left = count < 0n ? Infinity : Number(count);
      return bounded(text.replaceAll(from, () => (left-- > 0 ? to : from)));
    },
  );
  env.registerFunction('string.reverse(): string', (text: string) => Array.from(text).toReversed().join(''));
  env.registerFunction('string.format(list<dyn>): string', format);
  env.registerFunction('string.find(string): string', (text: string, pattern: string) => {
    return expressionOf(pattern).exec(text)?.[0] ?? '';
  });
  const findAll = (text: string, pattern: string, limit: number) => {
    const { source, flags } = expressionOf(pattern);
    const found: string[] = [];
    for (const match of text.matchAll(new RegExp(source, `${flags}g`))) {
      if (found.length >= limit) break;
      found.push(match[0]);
    }
    return found;
  };
  env.registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) =>
    findAll(text, pattern, Infinity),
  );
  env.registerFunction(
    'string.findAll(string, int): list<string>',
    (text: string, pattern: string, limit: bigint) =>
      findAll(text, pattern, limit < 0n ? Infinity : Number(limit)),
  );
  env.registerType('StringsNamespace', StringsNamespace);
  env.registerConstant('strings', 'StringsNamespace', new StringsNamespace());
  env.registerFunction('StringsNamespace.quote(string): string', (_namespace: unknown, text: string) =>
    JSON.stringify(text),
  );
}
