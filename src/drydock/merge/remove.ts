import type { JsonArray, JsonObject, JsonValue } from '../../kernel/index.ts';
import { setOwn } from '../schema/decode.ts';
import { FieldSet } from './field-set.ts';
import { fieldsOf } from './fields-of.ts';
import { fieldElement, itemElement } from './path-element.ts';
import {
  deducedType,
  fieldTypeOf,
  formOf,
  isMap,
  type ListType,
  type MapType,
  type TypeRef,
} from './type.ts';

/** The value without the items of the set. Null when nothing is left. */
export function removeItems(type: TypeRef, value: JsonValue, items: FieldSet): JsonValue {
  return walk(type, value, items, false);
}

/** Only the items of the set. Null when there are none. */
export function extractItems(type: TypeRef, value: JsonValue, items: FieldSet): JsonValue {
  return walk(type, value, items, true);
}

/** As extractItems, with the fields that are keys of the lists on the way. */
export function extractItemsWithKeys(type: TypeRef, value: JsonValue, items: FieldSet): JsonValue {
  const all = fieldsOf(type, value);
  const keys = new FieldSet();
  for (const path of items.paths()) {
    if (!all.has(path)) continue;
    for (const [index, step] of path.entries()) {
      if (!step.startsWith('k:')) continue;
      for (const key of Object.keys(JSON.parse(step.slice(2)) as JsonObject)) {
        keys.insert([...path.slice(0, index + 1), fieldElement(key)]);
      }
    }
  }
  return extractItems(type, value, items.union(keys));
}

function walk(type: TypeRef, value: JsonValue, items: FieldSet, extract: boolean): JsonValue {
  const form = formOf(type(), value);
  if (form.map !== undefined) return walkMap(form.map, value, items, extract);
  if (form.scalar !== undefined) return value;
  return form.list === undefined ? null : walkList(form.list, value, items, extract);
}

function walkMap(type: MapType, value: JsonValue, items: FieldSet, extract: boolean): JsonValue {
  if (!isMap(value)) return null;
  if (type.relationship === 'atomic' || Object.keys(value).length === 0) return extract ? value : null;
  const kept: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) {
    const step = fieldElement(key);
    const innerType = fieldTypeOf(type, key) ?? deducedType;
    if (items.members.has(step)) {
      if (extract) setOwn(kept, key, walk(innerType, inner, items, extract));
      continue;
    }
    const below = items.children.get(step);
    if (below !== undefined && !below.isEmpty()) setOwn(kept, key, walk(innerType, inner, below, extract));
    else if (!extract) setOwn(kept, key, inner);
  }
  return Object.keys(kept).length > 0 ? kept : null;
}

function walkList(type: ListType, value: JsonValue, items: FieldSet, extract: boolean): JsonValue {
  if (!Array.isArray(value)) return null;
  if (type.relationship === 'atomic' || value.length === 0) return extract ? value : null;
  const kept: JsonArray = [];
  for (const item of value) {
    const step = itemElement(type, item);
    const exact = items.members.has(step);
    const below = items.children.get(step);
    const deeper = below !== undefined && !below.isEmpty();
    if (!extract && exact) continue;
    if (extract && !exact && !deeper) continue;
    kept.push(deeper ? walk(type.element, item, below, extract) : item);
  }
  return kept.length > 0 ? kept : null;
}
