import type { JsonArray, JsonValue } from '../../kernel/index.ts';
import { jsonEqual } from '../../kernel/index.ts';
import { FieldSet } from './field-set.ts';
import { fieldElement, itemElement, type PathElement } from './path-element.ts';
import {
  fieldTypeOf,
  formOf,
  isMap,
  MergeTypeError,
  type Atom,
  type ListType,
  type MapType,
  type Maybe,
  type TypeRef,
} from './type.ts';

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** What the right has more, has otherwise, and has no more. */
export function compareValues(type: TypeRef, lhs: Maybe, rhs: Maybe): Comparison {
  const result: Comparison = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() };
  compareAt(type, lhs, rhs, [], result);
  return result;
}

type Path = readonly PathElement[];

function compareAt(type: TypeRef, lhs: Maybe, rhs: Maybe, path: Path, result: Comparison): void {
  if (lhs !== undefined && lhs === rhs) return;
  const atom = type();
  const left = formOf(atom, lhs);
  const right = formOf(atom, rhs);
  let leaf: boolean;
  if (rhs === undefined) leaf = compareForm(left, lhs, rhs, path, result);
  else if (lhs === undefined || left === right) leaf = compareForm(right, lhs, rhs, path, result);
  else {
    compareForm(left, lhs, rhs, path, result);
    leaf = compareForm(right, lhs, rhs, path, result);
  }
  if (leaf) return;
  if (lhs === undefined) result.added.insert(path);
  else if (rhs === undefined) result.removed.insert(path);
}

/** True when the value counted as one leaf. */
function compareForm(form: Atom, lhs: Maybe, rhs: Maybe, path: Path, result: Comparison): boolean {
  if (form.map !== undefined) return compareMaps(form.map, lhs, rhs, path, result);
  if (form.scalar !== undefined) return compareLeaf(lhs, rhs, path, result);
  if (form.list !== undefined) return compareLists(form.list, lhs, rhs, path, result);
  throw new MergeTypeError('', 'schema error: invalid atom');
}

function compareLeaf(lhs: Maybe, rhs: Maybe, path: Path, result: Comparison): true {
  if (lhs === undefined) result.added.insert(path);
  else if (rhs === undefined) result.removed.insert(path);
  else if (!jsonEqual(lhs, rhs)) result.modified.insert(path);
  return true;
}

function compareMaps(type: MapType, lhs: Maybe, rhs: Maybe, path: Path, result: Comparison): boolean {
  const left = isMap(lhs) ? lhs : {};
  const right = isMap(rhs) ? rhs : {};
  const leftKeys = Object.keys(left);
  const rightKeys = Object.keys(right);
  if (type.relationship === 'atomic' || (leftKeys.length === 0 && rightKeys.length === 0)) {
    return compareLeaf(lhs, rhs, path, result);
  }
  const compareKey = (key: string) => {
    const inner = fieldTypeOf(type, key);
    if (inner === undefined) throw new MergeTypeError(`.${key}`, 'field not declared in schema');
    const before = Object.hasOwn(left, key) ? left[key] : undefined;
    const after = Object.hasOwn(right, key) ? right[key] : undefined;
    compareAt(inner, before, after, [...path, fieldElement(key)], result);
  };
  for (const key of leftKeys) compareKey(key);
  for (const key of rightKeys) if (!Object.hasOwn(left, key)) compareKey(key);
  return false;
}

function groupItems(type: ListType, items: JsonArray): Map<PathElement, JsonValue[]> {
  const groups = new Map<PathElement, JsonValue[]>();
  for (const item of items) {
    const element = itemElement(type, item);
    const group = groups.get(element);
    if (group === undefined) groups.set(element, [item]);
    else group.push(item);
  }
  return groups;
}

function compareLists(type: ListType, lhs: Maybe, rhs: Maybe, path: Path, result: Comparison): boolean {
  const leftItems = Array.isArray(lhs) ? lhs : [];
  const rightItems = Array.isArray(rhs) ? rhs : [];
  if (type.relationship === 'atomic' || (leftItems.length === 0 && rightItems.length === 0)) {
    return compareLeaf(lhs, rhs, path, result);
  }
  const left = groupItems(type, leftItems);
  const right = groupItems(type, rightItems);
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const before = left.get(element) ?? [];
    const after = right.get(element) ?? [];
    const here = [...path, element];
    if (before.length <= 1 && after.length <= 1) {
      compareAt(type.element, before[0], after[0], here, result);
    } else if (before.length >= 2 && after.length >= 2) {
      // Items that occur twice are owned as one.
      if (!jsonEqual(before, after)) result.modified.insert(here);
    } else if (before.length >= 2) {
      if (after.length > 0) compareAt(type.element, undefined, after[0], here, result);
      result.removed.insert(here);
    } else {
      if (before.length > 0) compareAt(type.element, before[0], undefined, here, result);
      result.added.insert(here);
    }
  }
  return false;
}
