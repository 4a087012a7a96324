import { tags } from './node.ts';

/**
 * What an unquoted scalar means. `yaml-1.2` is how kustomize reads manifests (`yes` is a word); `yaml-1.1` is how
 * kubectl and the API server's clients do (`yes`, `on` and `y` are true).
 * Source: resolve.go of goyaml.v3 and goyaml.v2 in sigs.k8s.io/yaml.
 */
export type YamlWords = 'yaml-1.1' | 'yaml-1.2';

const words12 = new Map<string, string>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, tags.null] as const),
  ...['true', 'True', 'TRUE', 'false', 'False', 'FALSE'].map((word) => [word, tags.bool] as const),
  ...['.nan', '.NaN', '.NAN', '.inf', '.Inf', '.INF'].map((word) => [word, tags.float] as const),
  ...['+.inf', '+.Inf', '+.INF', '-.inf', '-.Inf', '-.INF'].map((word) => [word, tags.float] as const),
]);

const words11 = new Map<string, string>([
  ...words12,
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON'].map((word) => [word, tags.bool] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF'].map((word) => [word, tags.bool] as const),
]);

const floatForm = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const integerForm = /^[-+]?(?:0|[1-9][0-9]*|0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+)$/;
const timestampForm =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]|[ ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?(Z|[-+]\d{2}:\d{2})?)?$/;
const maxUint64 = 2n ** 64n - 1n;
const minInt64 = -(2n ** 63n);

/** The short tag of an unquoted scalar. */
export function resolveTag(text: string, words: YamlWords = 'yaml-1.2'): string {
  if (text === '') return tags.null;
  const first = text.charCodeAt(0);
  // Digits and signs.
  if ((first >= 48 && first <= 57) || first === 43 || first === 45) {
    if (words12.has(text)) return tags.float;
    if (parseTimestamp(text) !== undefined) return tags.timestamp;
    const plain = text.includes('_') ? text.replaceAll('_', '') : text;
    if (parseInteger(plain) !== undefined) return tags.int;
    return floatForm.test(plain) && Number.isFinite(Number(plain)) ? tags.float : tags.str;
  }
  if (first === 46) {
    return words12.get(text) ?? (floatForm.test(text) && text.length > 1 ? tags.float : tags.str);
  }
  if (text.length > 5) return tags.str;
  return (words === 'yaml-1.1' ? words11 : words12).get(text) ?? tags.str;
}

/** An integer in any of Go's notations that fits 64 bits; `plain` has no underscores. */
export function parseInteger(plain: string): number | bigint | undefined {
  if (!integerForm.test(plain)) return undefined;
  const negative = plain.startsWith('-');
  const digits = /^[-+]/.test(plain) ? plain.slice(1) : plain;
  const spelled = /^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const quick = Number(spelled);
  if (Number.isSafeInteger(quick)) return negative ? (quick === 0 ? 0 : -quick) : quick;
  const exact = negative ? -BigInt(spelled) : BigInt(spelled);
  return exact < minInt64 || exact > maxUint64 ? undefined : exact;
}

/** A time in YAML's notation, as RFC 3339 in the zone it was written in; undefined when it is none. */
export function parseTimestamp(text: string): string | undefined {
  // Cheap refusal first: four digits and a dash.
  if (text.length < 8 || text.charCodeAt(4) !== 45) return undefined;
  const found = timestampForm.exec(text);
  if (found === null) return undefined;
  const [, year = '', month = '', day = '', hour = '0', minute = '0', second = '0', fraction = '', zone] =
    found;
  // Only the form with T carries a zone, and it must.
  if (found[4] !== undefined && (text.includes(' ') ? zone !== undefined : zone === undefined))
    return undefined;
  const [m, d] = [Number(month), Number(day)];
  if (m < 1 || m > 12 || d < 1 || d > new Date(Date.UTC(Number(year), m, 0)).getUTCDate()) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const two = (digits: string) => digits.padStart(2, '0');
  const nanos = fraction.replace(/0+$/, '');
  const offset = zone === undefined || /^[-+]00:00$/.test(zone) ? 'Z' : zone;
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${nanos === '' ? '' : `.${nanos}`}${offset}`;
}

/** The number of a scalar tagged `!!float`. */
export function parseFloatText(text: string): number {
  const plain = text.replaceAll('_', '');
  if (/^[-+]?\.inf$/i.test(plain)) return plain.startsWith('-') ? -Infinity : Infinity;
  if (/^\.nan$/i.test(plain)) return Number.NaN;
  return Number(plain);
}

export function isTrueWord(text: string): boolean {
  return /^(?:true|y|yes|on)$/i.test(text);
}
