import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isMap, MergeTypeError, type ListType } from './type.ts';

/**
 * One step of a path, in the form that managedFields has: `f:name` a field, `k:{"name":"a"}` a list item by its keys,
 * `v:"a"` a set item by its value, `i:0` by its place.
 */
export type PathElement = string;

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

function encode(value: JsonValue): string {
  return JSON.stringify(value);
}

function keyDefault(list: ListType, key: string): JsonValue | undefined {
  const { map } = list.element();
  if (map === undefined) throw new MergeTypeError('', 'associative list may not have non-map types');
  return map.fields.get(key)?.default;
}

function keyedElement(list: ListType, item: JsonValue): PathElement {
  if (item === null) throw new MergeTypeError('', 'associative list with keys may not have a null element');
  if (!isMap(item)) throw new MergeTypeError('', 'associative list with keys may not have non-map elements');
  const keys: JsonObject = {};
  for (const key of [...list.keys].sort()) {
    const value = Object.hasOwn(item, key) ? item[key] : keyDefault(list, key);
    if (value !== undefined) keys[key] = value;
  }
  if (Object.keys(keys).length === 0) {
    throw new MergeTypeError(
      '',
      `associative list with keys has an element that omits all key fields [${list.keys.map((key) => JSON.stringify(key)).join(' ')}] (and doesn't have default values for any key fields)`,
    );
  }
  return `k:${encode(keys)}`;
}

/** How an associative list tells this item from the others. Throws for items that cannot be told apart. */
export function itemElement(list: ListType, item: JsonValue): PathElement {
  if (list.keys.length > 0) return keyedElement(list, item);
  if (isMap(item))
    throw new MergeTypeError('', "associative list without keys has an element that's a map type");
  if (Array.isArray(item))
    throw new MergeTypeError('', 'not supported: associative list with lists as elements');
  if (item === null) {
    throw new MergeTypeError('', "associative list without keys has an element that's an explicit null");
  }
  return `v:${encode(item)}`;
}

/** `.spec`, `[name="web"]`, `[="a"]`, as conflicts print it. */
export function printElement(element: PathElement): string {
  const rest = element.slice(2);
  switch (element.slice(0, 1)) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const keys = JSON.parse(rest) as JsonObject;
      return `[${Object.entries(keys)
        .map(([key, value]) => `${key}=${encode(value)}`)
        .join(',')}]`;
    }
    case 'v':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}

/** Keys and values in the one form in which elements are compared. Throws for what is no path element. */
export function canonicalElement(text: string): PathElement {
  if (text.startsWith('f:') || text.startsWith('i:')) return text;
  if (text.startsWith('v:')) return `v:${encode(JSON.parse(text.slice(2)) as JsonValue)}`;
  if (!text.startsWith('k:')) throw new MergeTypeError('', `unknown path element ${text}`);
  const keys = JSON.parse(text.slice(2)) as JsonObject;
  const sorted: JsonObject = {};
  for (const key of Object.keys(keys).sort()) sorted[key] = keys[key] ?? null;
  return `k:${encode(sorted)}`;
}
