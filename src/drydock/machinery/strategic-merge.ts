import type { JsonArray, JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject, jsonEqual } from '../../kernel/index.ts';
import { setOwn } from '../schema/decode.ts';
import { PatchError } from './json-patch.ts';

/** How a field of a type is merged. */
export interface PatchField {
  /** `default`: maps merge, lists are replaced. */
  readonly strategy: 'merge' | 'replace' | 'default';
  readonly mergeKey: string | undefined;
  /** Of the value, or of the elements of a list. */
  readonly schema: PatchSchema;
}

/** What strategic merge has to know of a type. */
export interface PatchSchema {
  readonly name: string;
  /** Undefined for a field that the type does not have. */
  field(name: string): PatchField | undefined;
}

/** For values without a type: maps merge, lists are replaced. */
export const UNTYPED: PatchSchema = {
  name: 'untyped',
  field: () => ({ strategy: 'default', mergeKey: undefined, schema: UNTYPED }),
};

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_FROM_LIST = '$deleteFromPrimitiveList/';
const ELEMENT_ORDER = '$setElementOrder/';

function fieldOf(schema: PatchSchema, name: string): PatchField {
  const field = schema.field(name);
  if (field === undefined) {
    throw new PatchError(
      `unable to find api field in struct ${schema.name} for the json field ${JSON.stringify(name)}`,
      false,
    );
  }
  return field;
}

/** A value that becomes new in the object: without nulls and without anything that only directs. */
function asNewValue(value: JsonValue): JsonValue | undefined {
  if (Array.isArray(value)) {
    return value.map(asNewValue).filter((item): item is JsonValue => item !== undefined);
  }
  if (!isJsonObject(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  const result: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) {
    if (inner === null) continue;
    const kept = asNewValue(inner);
    if (kept !== undefined) setOwn(result, key, kept);
  }
  return result;
}

function mergeMaps(original: JsonObject, patch: JsonObject, schema: PatchSchema): JsonObject {
  if (Object.hasOwn(patch, DIRECTIVE)) {
    const directive = patch[DIRECTIVE];
    if (directive === 'delete') return {};
    if (directive !== 'replace') {
      throw new PatchError(`unknown patch type: ${JSON.stringify(directive)}`, false);
    }
    const { [DIRECTIVE]: _directive, ...rest } = patch;
    return rest;
  }
  const result: JsonObject = { ...original };
  retainKeys(result, patch);
  const done = new Set<string>([RETAIN_KEYS]);
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(ELEMENT_ORDER)) continue;
    done.add(key);
    const name = key.slice(ELEMENT_ORDER.length);
    done.add(name);
    mergeOrdered(result, patch, name, order, fieldOf(schema, name));
  }
  for (const [key, value] of Object.entries(patch)) {
    if (done.has(key)) continue;
    if (key.startsWith(DELETE_FROM_LIST)) {
      deleteFromList(result, key.slice(DELETE_FROM_LIST.length), value);
    } else if (value === null) {
      delete result[key];
    } else {
      const present = Object.hasOwn(result, key) ? result[key] : undefined;
      const merged = mergeValue(present, value, schema, key);
      if (merged === undefined) delete result[key];
      else setOwn(result, key, merged);
    }
  }
  return result;
}

function mergeValue(
  present: JsonValue | undefined,
  value: JsonValue,
  schema: PatchSchema,
  key: string,
): JsonValue | undefined {
  if (isJsonObject(present) && isJsonObject(value)) {
    const field = fieldOf(schema, key);
    return field.strategy === 'replace' ? value : mergeMaps(present, value, field.schema);
  }
  if (Array.isArray(present) && Array.isArray(value)) {
    const field = fieldOf(schema, key);
    return field.strategy === 'merge' ? mergeLists(present, value, field) : value;
  }
  return asNewValue(value);
}

function retainKeys(result: JsonObject, patch: JsonObject): void {
  const kept = patch[RETAIN_KEYS];
  if (kept === undefined) return;
  if (!Array.isArray(kept)) throw new PatchError('invalid patch format of retainKeys', false);
  const names = new Set(kept);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key === RETAIN_KEYS) continue;
    if (key.startsWith(DELETE_FROM_LIST) || key.startsWith(ELEMENT_ORDER)) continue;
    if (!names.has(key)) throw new PatchError('invalid patch format of retainKeys', false);
  }
  for (const key of Object.keys(result)) if (!names.has(key)) delete result[key];
}

function deleteFromList(result: JsonObject, name: string, values: JsonValue): void {
  const present = Object.hasOwn(result, name) ? result[name] : undefined;
  if (!Array.isArray(present)) return;
  if (!Array.isArray(values)) throw new PatchError('invalid patch format of primitive list', false);
  setOwn(
    result,
    name,
    present.filter((item) => !values.some((value) => jsonEqual(item, value))),
  );
}

function keyValue(item: JsonValue, mergeKey: string): JsonValue {
  const value = isJsonObject(item) && Object.hasOwn(item, mergeKey) ? item[mergeKey] : undefined;
  if (value === undefined) {
    throw new PatchError(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
  }
  return value;
}

function sameItem(a: JsonValue, b: JsonValue, mergeKey: string | undefined): boolean {
  return mergeKey === undefined ? jsonEqual(a, b) : jsonEqual(keyValue(a, mergeKey), keyValue(b, mergeKey));
}

function mergeLists(original: JsonArray, patch: JsonArray, field: PatchField): JsonArray {
  if (original.length === 0 && patch.length === 0) return original;
  const { mergeKey, schema } = field;
  const first = original[0] ?? patch[0];
  if ([...original, ...patch].some((item) => isJsonObject(item) !== isJsonObject(first))) {
    throw new PatchError('list element types are not identical', false);
  }
  if (!isJsonObject(first)) {
    const both: JsonArray = [];
    for (const item of [...original, ...patch]) {
      if (!both.some((known) => jsonEqual(known, item))) both.push(item);
    }
    return both;
  }
  if (mergeKey === undefined) {
    throw new PatchError(`cannot merge lists without merge key for ${schema.name}`, false);
  }
  let merged = [...original];
  const additions: JsonObject[] = [];
  let replaced = false;
  for (const item of patch) {
    if (!isJsonObject(item)) continue;
    const directive = item[DIRECTIVE];
    if (directive === undefined) {
      additions.push(item);
    } else if (directive === 'delete') {
      const doomed = keyValue(item, mergeKey);
      merged = merged.filter((known) => !jsonEqual(keyValue(known, mergeKey), doomed));
    } else if (directive === 'replace') {
      replaced = true;
    } else if (directive === 'merge') {
      throw new PatchError('merging lists cannot yet be specified in the patch', false);
    } else {
      throw new PatchError(`unknown patch type: ${JSON.stringify(directive)}`, false);
    }
  }
  if (replaced) return additions;
  for (const item of additions) {
    const wanted = keyValue(item, mergeKey);
    const at = merged.findIndex((known) => jsonEqual(keyValue(known, mergeKey), wanted));
    const known = merged[at];
    if (isJsonObject(known)) {
      merged[at] = mergeMaps(known, item, schema);
    } else {
      const fresh = asNewValue(item);
      if (fresh !== undefined) merged.push(fresh);
    }
  }
  return merged;
}

/** A list whose order the patch sets: items of the patch in that order, the others where they were among them. */
function mergeOrdered(
  result: JsonObject,
  patch: JsonObject,
  name: string,
  order: JsonValue,
  field: PatchField,
): void {
  if (!Array.isArray(order)) throw new PatchError('invalid patch format of setElementOrder list', false);
  const original = Object.hasOwn(result, name) ? result[name] : undefined;
  const given = Object.hasOwn(patch, name) ? patch[name] : undefined;
  if (given === null) {
    delete result[name];
    return;
  }
  if (original !== undefined && !Array.isArray(original))
    throw new PatchError(`expected a list at ${name}`, false);
  if (given !== undefined && !Array.isArray(given)) throw new PatchError(`expected a list at ${name}`, false);
  const { mergeKey } = field;
  checkOrder(given ?? [], order, mergeKey);
  let merged: JsonArray;
  if (original !== undefined && given !== undefined) {
    merged = field.strategy === 'merge' ? mergeLists(original, given, field) : given;
  } else if (given !== undefined) {
    merged = given.map(asNewValue).filter((item): item is JsonValue => item !== undefined);
  } else if (original !== undefined) {
    merged = original;
  } else {
    return;
  }
  const place = (list: JsonArray, item: JsonValue) =>
    list.findIndex((other) => sameItem(other, item, mergeKey));
  const inPatch: JsonValue[] = [];
  const others: JsonValue[] = [];
  for (const item of merged) (place(order, item) >= 0 ? inPatch : others).push(item);
  inPatch.sort((a, b) => place(order, a) - place(order, b));
  const before = original ?? [];
  others.sort((a, b) => place(before, a) - place(before, b));
  const sorted: JsonArray = [];
  while (inPatch.length > 0 || others.length > 0) {
    const [mine] = inPatch;
    const [other] = others;
    let takeOther = mine === undefined;
    if (mine !== undefined && other !== undefined) {
      const otherAt = place(before, other);
      const mineAt = place(before, mine);
      takeOther = otherAt >= 0 && mineAt >= 0 && otherAt < mineAt;
    }
    const next = takeOther ? others.shift() : inPatch.shift();
    if (next !== undefined) sorted.push(next);
  }
  setOwn(result, name, sorted);
}

function checkOrder(list: JsonArray, order: JsonArray, mergeKey: string | undefined): void {
  const kept = list.filter((item) => !(isJsonObject(item) && Object.hasOwn(item, DIRECTIVE)));
  if (order.length === 0 || kept.length === 0) return;
  let at = 0;
  for (const place of order) {
    const item = kept[at];
    if (item === undefined) break;
    if (sameItem(item, place, mergeKey)) at++;
  }
  if (at < kept.length) {
    throw new PatchError(
      `The order in patch list:\n${JSON.stringify(list)}\n doesn't match $setElementOrder list:\n${JSON.stringify(order)}\n`,
      false,
    );
  }
}

/** Applies a strategic merge patch to an object of that type; the arguments stay as they are. Throws PatchError. */
export function applyStrategicMerge(original: JsonObject, patch: JsonValue, schema: PatchSchema): JsonObject {
  if (!isJsonObject(patch)) {
    const found = patch === null || Array.isArray(patch) ? 'array' : typeof patch;
    const kind = found === 'boolean' ? 'bool' : found;
    throw new PatchError(
      `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`,
      false,
    );
  }
  return mergeMaps(original, patch, schema);
}
