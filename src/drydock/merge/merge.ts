import type { JsonArray, JsonObject, JsonValue } from '../../kernel/index.ts';
import { setOwn } from '../schema/decode.ts';
import { itemElement, printElement, type PathElement } from './path-element.ts';
import {
  fieldTypeOf,
  formOf,
  isMap,
  MergeTypeError,
  type ListType,
  type MapType,
  type Maybe,
  type TypeRef,
} from './type.ts';

/** Nothing can be removed by merging: leaves of `rhs` win, the rest of `lhs` stays. */
export function mergeValues(type: TypeRef, lhs: Maybe, rhs: Maybe): Maybe {
  const atom = type();
  const form = rhs === undefined ? formOf(atom, lhs) : formOf(atom, rhs);
  if (form.map !== undefined) return mergeMaps(form.map, lhs, rhs);
  if (form.scalar !== undefined) return rhs === undefined ? lhs : rhs;
  if (form.list !== undefined) return mergeLists(form.list, lhs, rhs);
  throw new MergeTypeError('', 'schema error: invalid atom');
}

function mergeMaps(type: MapType, lhs: Maybe, rhs: Maybe): Maybe {
  const left = isMap(lhs) ? lhs : undefined;
  const right = isMap(rhs) ? rhs : undefined;
  const nothing = Object.keys(left ?? {}).length === 0 && Object.keys(right ?? {}).length === 0;
  if (type.relationship === 'atomic' || nothing) return rhs === undefined ? lhs : rhs;
  const out: JsonObject = {};
  const merge = (key: string, before: Maybe, after: Maybe) => {
    const inner = fieldTypeOf(type, key);
    if (inner === undefined) throw new MergeTypeError(`.${key}`, 'field not declared in schema');
    const value = mergeValues(inner, before, after);
    if (value !== undefined) setOwn(out, key, value);
  };
  for (const [key, value] of Object.entries(left ?? {})) {
    merge(key, value, right !== undefined && Object.hasOwn(right, key) ? right[key] : undefined);
  }
  for (const [key, value] of Object.entries(right ?? {})) {
    if (left === undefined || !Object.hasOwn(left, key)) merge(key, undefined, value);
  }
  return Object.keys(out).length > 0 ? out : undefined;
}

interface Indexed {
  readonly elements: readonly PathElement[];
  /** An element that occurs twice has no one value: null. */
  readonly values: ReadonlyMap<PathElement, JsonValue>;
}

function indexItems(type: ListType, items: JsonArray, allowDuplicates: boolean): Indexed {
  const elements: PathElement[] = [];
  const values = new Map<PathElement, JsonValue>();
  for (const item of items) {
    const element = itemElement(type, item);
    const known = values.has(element);
    if (known && !allowDuplicates) {
      throw new MergeTypeError('', `duplicate entries for key ${printElement(element)}`);
    }
    values.set(element, known ? null : item);
    elements.push(element);
  }
  return { elements, values };
}

/**
 * Items that only the left has keep their place among those that both have; items of the right come in its order.
 */
function mergeLists(type: ListType, lhs: Maybe, rhs: Maybe): Maybe {
  const leftItems = Array.isArray(lhs) ? lhs : [];
  const rightItems = Array.isArray(rhs) ? rhs : [];
  const nothing = leftItems.length === 0 && rightItems.length === 0;
  if (type.relationship === 'atomic' || nothing) return rhs === undefined ? lhs : rhs;
  const right = indexItems(type, rightItems, false);
  const left = indexItems(type, leftItems, true);
  const out: JsonArray = [];
  const take = (before: Maybe, after: Maybe) => {
    const value = mergeValues(type.element, before, after);
    if (value !== undefined) out.push(value);
  };
  const shared = right.elements.filter((element) => left.values.has(element));
  let nextShared = shared.shift();
  const merged = new Set<PathElement>();
  let l = 0;
  let r = 0;
  while (l < left.elements.length || r < right.elements.length) {
    const leftElement = left.elements[l];
    const rightElement = right.elements[r];
    if (leftElement !== undefined && rightElement !== undefined) {
      if (leftElement === rightElement) {
        merged.add(leftElement);
        take(left.values.get(leftElement), right.values.get(rightElement));
        l++;
        r++;
        nextShared = shared.shift();
        continue;
      }
      if (right.values.has(leftElement) && nextShared !== undefined && nextShared !== leftElement) {
        l++;
        continue;
      }
    }
    if (leftElement !== undefined) {
      if (!right.values.has(leftElement)) {
        take(leftItems[l], undefined);
        l++;
        continue;
      }
      if (merged.has(leftElement)) l++;
    }
    if (rightElement !== undefined) {
      merged.add(rightElement);
      take(left.values.get(rightElement), right.values.get(rightElement));
      r++;
      if (nextShared === rightElement) nextShared = shared.shift();
    }
  }
  return out.length > 0 ? out : undefined;
}
