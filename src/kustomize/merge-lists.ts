import { LandfallError } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import { expectKind, isNullOrMissing, newScalar, newSequence, setField } from './nodes.ts';

/** Lists that are merged by the keys of their items. Source: kyaml's walk/associative_sequence.go and fns.go. */

function isEmptyMap(node: YamlNode): boolean {
  return node.kind === 'map' && node.content.length === 0;
}

/** Finds `key` with `value` in a map, or a scalar that is `value` where there is no key. */
function matchField(node: YamlNode, key: string, value: string | undefined): YamlNode | undefined {
  if (isNullOrMissing(node)) return undefined;
  if (key === '') {
    expectKind(node, 'scalar');
    return node.value === (value ?? '') ? node : undefined;
  }
  expectKind(node, 'map');
  const field = node.get(key);
  return field !== undefined && (value === undefined || field.value === value) ? field : undefined;
}

/** Replaces, appends or (without an element) removes the item that has these values under these keys. */
export function setElement(
  list: YamlNode,
  element: YamlNode | undefined,
  keys: readonly string[],
  values: readonly string[],
): void {
  const names = keys.length === 0 ? [''] : keys;
  expectKind(list, 'seq');
  const byField = (names[0] ?? '') !== '' && (values[0] ?? '') !== '';
  const content: YamlNode[] = [];
  let matched = false;
  for (const item of list.content) {
    if (isNullOrMissing(item) || isEmptyMap(item)) continue;
    if (item.kind !== 'map' && byField) {
      content.push(item);
      continue;
    }
    let field: YamlNode | undefined;
    let found = true;
    for (const [index, key] of names.entries()) {
      const wanted = values[index];
      if (wanted !== undefined)
        field = matchField(item, key, wanted === '' && key !== '' ? undefined : wanted);
      if (field === undefined) {
        found = false;
        break;
      }
    }
    if (!found) {
      if (values.length > 0) content.push(item);
      continue;
    }
    matched = true;
    if (element !== undefined) content.push(element);
  }
  list.content = content;
  if (element === undefined || isNullOrMissing(element)) return;
  if (!matched) list.content.push(element);
}

/** The first item that has all values. */
export function findElement(
  list: YamlNode,
  keys: readonly string[],
  values: readonly string[],
): YamlNode | undefined {
  const names = keys.length === 0 ? [''] : keys;
  const wanted = values.length === 0 ? [''] : values;
  expectKind(list, 'seq');
  if ((names[0] ?? '') === '') return list.content.find((item) => item.value === wanted[0]);
  for (const item of list.content) {
    if (isNullOrMissing(item) || item.kind !== 'map') continue;
    if (names.length !== wanted.length) {
      throw new LandfallError(
        `A list item of ${list.where || 'a patch'} has ${wanted.length} of ${names.length} merge keys (${names.join(', ')}).`,
        { kind: 'invalid-input', code: 'merge-keys', object: list.where },
      );
    }
    if (names.every((key, index) => item.get(key)?.value === wanted[index])) return item;
  }
  return undefined;
}

/** The values of the keys of every item. */
export function elementValues(list: YamlNode, keys: readonly string[]): string[][] {
  return list.content.map((item) =>
    keys.map((key) => {
      const field = item.get(key);
      return field === undefined || isNullOrMissing(field) ? '' : field.value;
    }),
  );
}

/** Keys that some item has a value for; all of them when none has. */
export function validKeys(
  all: readonly (readonly string[])[],
  values: readonly string[],
  keys: readonly string[],
): { readonly keys: readonly string[]; readonly values: readonly string[] } {
  const used = new Set<string>();
  for (const row of all) {
    row.forEach((value, index) => {
      const key = keys[index];
      if (value !== '' && key !== undefined) used.add(key);
    });
  }
  if (used.size === 0) return { keys, values };
  return {
    keys: keys.filter((key) => used.has(key)),
    values: values.filter((value, index) => value !== '' || used.has(keys[index] ?? '')),
  };
}

/** Items that agree in a key and contradict each other in none are the same item. */
export function mergeKeyValues(rows: string[][]): string[][] {
  for (const i of rows.keys()) {
    for (const j of rows.keys()) {
      const merged = agree(rows[i] ?? [], rows[j] ?? []);
      if (merged === undefined) continue;
      rows[i] = merged;
      rows[j] = merged;
    }
  }
  return rows;
}

function agree(a: readonly string[], b: readonly string[]): string[] | undefined {
  if (a.length !== b.length) return undefined;
  let common = false;
  const merged: string[] = [];
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? '';
    if (left === right) common = true;
    else if (left !== '' && right !== '') return undefined;
    merged.push(left === '' ? right : left);
  }
  return common ? merged : undefined;
}

/** Puts the items of `source` behind those of `list`, or in the place of the ones with the same keys. */
export function appendElements(list: YamlNode, source: YamlNode, keys: readonly string[]): YamlNode {
  for (const item of source.content) {
    if (keys[0] === '') {
      setElement(list, item, [''], [item.value]);
      continue;
    }
    const values: string[] = [];
    for (const key of keys) {
      expectKind(item, 'map');
      const field = item.get(key);
      if (field === undefined) list.content.push(item);
      else values.push(field.value);
    }
    if (keys.length > 1) setElement(list, undefined, keys, values);
    setElement(list, item, keys, values);
  }
  return list;
}

export function emptyList(): YamlNode {
  return newSequence();
}

/** Writes a key that the merged item does not have yet. */
export function completeKey(item: YamlNode, key: string, value: string): void {
  setField(item, key, newScalar(value, '', item));
}
