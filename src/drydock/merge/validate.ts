import type { JsonArray } from '../../kernel/index.ts';
import { itemElement, printElement } from './path-element.ts';
import {
  fieldTypeOf,
  formOf,
  isMap,
  MergeTypeError,
  type Atom,
  type ListType,
  type Maybe,
  type TypeRef,
} from './type.ts';

/** Throws MergeTypeError where the value does not fit: wrong types, undeclared fields, items that occur twice. */
export function validateValue(type: TypeRef, value: Maybe, allowDuplicates: boolean): void {
  validateAt(type, value, '', allowDuplicates);
}

function validateAt(type: TypeRef, value: Maybe, path: string, allowDuplicates: boolean): void {
  const form = formOf(type(), value);
  if (value === null || value === undefined) return;
  if (form.map !== undefined) {
    if (!isMap(value)) throw new MergeTypeError(path, `expected map, got ${JSON.stringify(value)}`);
    for (const [key, inner] of Object.entries(value)) {
      const innerType = fieldTypeOf(form.map, key);
      if (innerType === undefined) throw new MergeTypeError(`${path}.${key}`, 'field not declared in schema');
      validateAt(innerType, inner, `${path}.${key}`, allowDuplicates);
    }
  } else if (form.scalar !== undefined) {
    validateScalar(form, value, path);
  } else if (form.list !== undefined) {
    if (!Array.isArray(value)) throw new MergeTypeError(path, `expected list, got ${JSON.stringify(value)}`);
    validateItems(form.list, value, path, allowDuplicates);
  }
}

function validateScalar(form: Atom, value: Maybe, path: string): void {
  const isScalar = typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
  const shown = JSON.stringify(value);
  if (form.scalar === 'numeric' && typeof value !== 'number') {
    throw new MergeTypeError(path, `expected numeric (int or float), got ${typeof value}`);
  }
  if (form.scalar === 'string' && typeof value !== 'string') {
    throw new MergeTypeError(path, `expected string, got ${shown}`);
  }
  if (form.scalar === 'boolean' && typeof value !== 'boolean') {
    throw new MergeTypeError(path, `expected boolean, got ${shown}`);
  }
  if (!isScalar) throw new MergeTypeError(path, `expected any scalar, got ${shown}`);
}

function validateItems(type: ListType, items: JsonArray, path: string, allowDuplicates: boolean): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    let step = `[${index}]`;
    if (type.relationship === 'associative') {
      let element: string;
      try {
        element = itemElement(type, item);
      } catch (error) {
        throw new MergeTypeError(
          path,
          `element ${index}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
      step = printElement(element);
      if (seen.has(element) && !allowDuplicates) {
        throw new MergeTypeError(path, `duplicate entries for key ${step}`);
      }
      seen.add(element);
    }
    validateAt(type.element, item, `${path}${step}`, allowDuplicates);
  }
}
