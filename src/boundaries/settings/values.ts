import { isJsonObject, parseYaml } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { durationMs } from '../sync/index.ts';

/** Schemes of URLs that value files may have where nothing is said. */
export const DEFAULT_SCHEMES: readonly string[] = ['https', 'http'];

/** As Go's ParseBool reads what is on. */
export function isOn(text: string | undefined): boolean {
  return ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text ?? '');
}

/** Throws where the text is no list. */
export function listIn(text: string | undefined, name: string): readonly JsonValue[] {
  const value = parsed(text, name);
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new Error('a list was wanted');
}

/** Throws where the text is no map. */
export function mapIn(text: string | undefined, name: string): JsonObject {
  const value = parsed(text, name);
  if (value === undefined) return {};
  if (isJsonObject(value)) return value;
  throw new Error('a map was wanted');
}

function parsed(text: string | undefined, name: string): JsonValue | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const [value] = parseYaml(text, name);
  return value ?? undefined;
}

/** Undefined where nothing is said; an empty text allows none. */
export function schemesIn(text: string | undefined): readonly string[] | undefined {
  return text
    ?.split(',')
    .map((scheme) => scheme.trim())
    .filter((scheme) => scheme !== '');
}

/** Ms of a duration of Go, with days as Argo CD takes them; undefined for anything else. */
export function durationIn(text: string): number | undefined {
  if (text === '0') return 0;
  const [, days, rest = ''] = /^(?:(\d+)d)?(.*)$/.exec(text) ?? [];
  const time = rest === '' ? 0 : /^\d+$/.test(rest) ? undefined : durationMs(rest);
  if (time === undefined || (days === undefined && rest === '')) return undefined;
  return Number(days ?? 0) * DAY + time;
}

const DAY = 86_400_000;
