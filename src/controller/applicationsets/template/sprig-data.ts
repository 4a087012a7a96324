import semver from 'semver';
import { isJsonObject, parseYaml, stringifyYaml } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import { count, list, listOf, mapOf, text } from './arguments.ts';
import type { TemplateFunction } from './execute.ts';
import { copyOf, isList, isMap, isTrue, sameValue, show, templateError, typeName } from './value.ts';
import type { Value, ValueMap } from './value.ts';

/** A value of JSON as templates see it. */
export function fromJson(value: JsonValue | undefined): Value {
  return value;
}

/** Ints and floats are numbers of JSON; what is not there is null. */
export function toJson(value: Value): JsonValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return Number(value);
  if (isList(value)) return value.map(toJson);
  if (isMap(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
  return value;
}

function ordered(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, ordered(value[key] ?? null)]),
  );
}

/** encoding/json: keys in order, and `<`, `>` and `&` escaped. */
function jsonText(value: Value, spaces: number, escape: boolean): string {
  const plain = JSON.stringify(ordered(toJson(value)), undefined, spaces === 0 ? undefined : spaces);
  if (!escape) return plain;
  return plain.replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => String.raw`\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function parsedJson(value: Value): Value {
  try {
    return fromJson(JSON.parse(text(value)) as JsonValue);
  } catch {
    throw templateError('the text is no JSON');
  }
}

function parsedYaml(value: Value): Value {
  const [document] = parseYaml(text(value), 'a template');
  return fromJson(document ?? null);
}

/** sprig mutates the maps it is given; so do `set`, `unset` and the merges here. */
function mutable(value: Value): Record<string, Value> {
  return mapOf(value);
}

/** mergo: what the target has (and is not empty) stays, unless it is overwritten. */
function merge(target: Record<string, Value>, source: ValueMap, overwrite: boolean): void {
  for (const [key, value] of Object.entries(source)) {
    const had = target[key];
    if (isMap(had) && isMap(value)) merge(had, value, overwrite);
    else if (overwrite ? isTrue(value) || had === undefined : !isTrue(had)) target[key] = value;
  }
}

function pairs(args: readonly Value[]): Value {
  const made: Record<string, Value> = {};
  for (let at = 0; at < args.length; at += 2) {
    const key = args[at];
    made[typeof key === 'string' ? key : show(key)] = at + 1 < args.length ? args[at + 1] : '';
  }
  return made;
}

function dig(args: readonly Value[]): Value {
  const keys = args.slice(0, -2).map(text);
  const fallback = args.at(-2);
  let at: Value = mapOf(args.at(-1));
  for (const key of keys) {
    if (!isMap(at) || !Object.hasOwn(at, key)) return fallback;
    at = at[key];
  }
  return at;
}

function unique(items: readonly Value[]): readonly Value[] {
  const found: Value[] = [];
  for (const item of items) if (!found.some((other) => sameValue(other, item))) found.push(item);
  return found;
}

function kind(value: Value): string {
  if (value === undefined || value === null) return 'invalid';
  if (isList(value)) return 'slice';
  return isMap(value) ? 'map' : typeName(value);
}

function version(value: Value): semver.SemVer {
  const found = semver.coerce(text(value), { includePrerelease: true });
  if (found === null) throw templateError('Invalid Semantic Version');
  return found;
}

function slice(value: Value, ...bounds: readonly Value[]): Value {
  const items = listOf(value);
  const start = bounds.length > 0 ? count(bounds[0]) : 0;
  const end = bounds.length > 1 ? count(bounds[1]) : items.length;
  if (start < 0 || start > end || end > items.length) throw templateError('slice bounds out of range');
  return items.slice(start, end);
}

/** SanitizeName of Argo CD. */
export function normalize(value: string): string {
  return value
    .toLowerCase()
    .replaceAll(/[^-a-z0-9.]/g, '-')
    .slice(0, 253)
    .replace(/^[-.]+/, '')
    .replace(/[-.]+$/, '');
}

/** SlugifyName of Argo CD: `slugify [SIZE [SMART]] NAME`. */
function slugify(args: readonly Value[]): string {
  const size = args.length > 1 ? count(args[0]) : 50;
  const smart = args.length > 2 ? args[1] === true : true;
  let slug = normalize(text(args.at(-1)));
  if (!smart && slug.length >= size) slug = slug.slice(0, size);
  slug = slug
    .replaceAll(/[^a-z0-9_-]/g, '-')
    .replaceAll(/-+/g, '-')
    .replace(/^[-_]+/, '')
    .replace(/[-_]+$/, '');
  if (!smart || slug.length <= size) return slug;
  const cut = slug.lastIndexOf('-', size);
  return cut >= 0 ? slug.slice(0, cut) : slug.slice(0, size);
}

export const dataFunctions: Readonly<Record<string, TemplateFunction>> = {
  default: (fallback, ...given) => (given.length === 0 || !isTrue(given[0]) ? fallback : given[0]),
  empty: (value) => !isTrue(value),
  coalesce: (...args) => args.find(isTrue) ?? null,
  all: (...args) => args.every(isTrue),
  any: (...args) => args.some(isTrue),
  ternary: (yes, no, condition) => {
    if (typeof condition !== 'boolean') throw templateError('wrong type for value; expected bool');
    return condition ? yes : no;
  },
  toJson: (value) => jsonText(value, 0, true),
  toPrettyJson: (value) => jsonText(value, 2, true),
  toRawJson: (value) => jsonText(value, 0, false),
  fromJson: parsedJson,
  toYaml: (value) => stringifyYaml(toJson(value)).replace(/\n$/, ''),
  fromYaml: (value) => mapOf(parsedYaml(value) ?? {}),
  fromYamlArray: (value) => listOf(parsedYaml(value) ?? []),
  dict: (...args) => pairs(args),
  get: (map, key) => mapOf(map)[text(key)] ?? '',
  set(map, key, value) {
    mutable(map)[text(key)] = value;
    return map;
  },
  unset(map, key) {
    delete mutable(map)[text(key)];
    return map;
  },
  hasKey: (map, key) => Object.hasOwn(mapOf(map), text(key)),
  pluck: (key, ...maps) =>
    maps.map(mapOf).flatMap((map) => (Object.hasOwn(map, text(key)) ? [map[text(key)]] : [])),
  // Go gives them in any order; people sort them, and who does not gets the same every time.
  keys: (...maps) => maps.flatMap((map) => Object.keys(mapOf(map)).toSorted()),
  values: (map) =>
    Object.keys(mapOf(map))
      .toSorted()
      .map((key) => mapOf(map)[key]),
  pick: (map, ...keys) =>
    Object.fromEntries(
      keys.map(text).flatMap((key) => (Object.hasOwn(mapOf(map), key) ? [[key, mapOf(map)[key]]] : [])),
    ),
  omit: (map, ...keys) =>
    Object.fromEntries(Object.entries(mapOf(map)).filter(([key]) => !keys.map(text).includes(key))),
  merge(target, ...sources) {
    for (const source of sources) merge(mutable(target), mapOf(copyOf(source)), false);
    return target;
  },
  mergeOverwrite(target, ...sources) {
    for (const source of sources) merge(mutable(target), mapOf(copyOf(source)), true);
    return target;
  },
  deepCopy: copyOf,
  dig: (...args) => dig(args),
  list: (...args) => args,
  tuple: (...args) => args,
  first: (value) => listOf(value)[0] ?? null,
  last: (value) => listOf(value).at(-1) ?? null,
  rest: (value) => listOf(value).slice(1),
  initial: (value) => listOf(value).slice(0, -1),
  append: (value, item) => [...list(value), item],
  push: (value, item) => [...list(value), item],
  prepend: (value, item) => [item, ...list(value)],
  concat: (...args) => args.flatMap((value) => [...list(value)]),
  reverse: (value) => listOf(value).toReversed(),
  uniq: (value) => unique(listOf(value)),
  without: (value, ...gone) => listOf(value).filter((item) => !gone.some((other) => sameValue(other, item))),
  has: (item, value) => list(value).some((other) => sameValue(other, item)),
  compact: (value) => listOf(value).filter(isTrue),
  slice,
  chunk(size, value) {
    const wide = Math.max(1, count(size));
    const items = listOf(value);
    return Array.from({ length: Math.ceil(items.length / wide) }, (_, at) =>
      items.slice(at * wide, (at + 1) * wide),
    );
  },
  kindOf: kind,
  kindIs: (name, value) => kind(value) === name,
  typeOf: (value) => (value === undefined || value === null ? '<nil>' : typeName(value)),
  typeIs: (name, value) => typeName(value) === name,
  typeIsLike: (name, value) => typeName(value) === text(name).replace(/^\*/, ''),
  deepEqual: (a, b) => sameValue(a, b),
  semverCompare(constraint, value) {
    const wanted = text(constraint).replaceAll(/\s*,\s*/g, ' ');
    if (semver.validRange(wanted) === null) throw templateError(`improper constraint: ${text(constraint)}`);
    return semver.satisfies(version(value), wanted);
  },
  normalize: (value) => normalize(text(value)),
  slugify: (...args) => slugify(args),
};
