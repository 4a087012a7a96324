import { FieldSet } from './field-set.ts';
import { fieldElement, itemElement, type PathElement } from './path-element.ts';
import {
  fieldTypeOf,
  formOf,
  isMap,
  MergeTypeError,
  type ListType,
  type Maybe,
  type TypeRef,
} from './type.ts';
import type { JsonArray } from '../../kernel/index.ts';

/** Every leaf and every list item that an object mentions. */
export function fieldsOf(type: TypeRef, value: Maybe): FieldSet {
  const set = new FieldSet();
  collect(type, value, [], set);
  return set;
}

function collect(type: TypeRef, value: Maybe, path: readonly PathElement[], set: FieldSet): void {
  const form = formOf(type(), value);
  if (form.map !== undefined) {
    if (form.map.relationship === 'atomic') {
      set.insert(path);
      return;
    }
    if (!isMap(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      const innerType = fieldTypeOf(form.map, key);
      if (innerType === undefined) throw new MergeTypeError(`.${key}`, 'field not declared in schema');
      const here = [...path, fieldElement(key)];
      collect(innerType, inner, here, set);
      const isEmptyMap = isMap(inner) && Object.keys(inner).length === 0;
      if (inner === null || isEmptyMap || !form.map.fields.has(key)) set.insert(here);
    }
  } else if (form.scalar !== undefined) {
    set.insert(path);
  } else if (form.list !== undefined) {
    if (form.list.relationship === 'atomic') set.insert(path);
    else if (Array.isArray(value)) collectItems(form.list, value, path, set);
  }
}

function collectItems(type: ListType, items: JsonArray, path: readonly PathElement[], set: FieldSet): void {
  const counts = new Map<PathElement, number>();
  const elements = items.map((item) => itemElement(type, item));
  for (const element of elements) counts.set(element, (counts.get(element) ?? 0) + 1);
  for (const [index, element] of elements.entries()) {
    const here = [...path, element];
    set.insert(here);
    if (counts.get(element) === 1) collect(type.element, items[index], here, set);
  }
}
