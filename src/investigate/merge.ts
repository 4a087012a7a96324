import { getIn, isJsonObject } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { WorldObject } from '../verdict/index.ts';

/** Items of a list that Kubernetes knows by a key: of two lists each item is merged with its own. */
function keyOf(item: JsonValue | undefined): string | undefined {
  if (!isJsonObject(item)) return undefined;
  const key = item['type'] ?? item['name'] ?? item['containerPort'] ?? item['port'];
  return typeof key === 'string' || typeof key === 'number' ? String(key) : undefined;
}

function mergeLists(before: readonly JsonValue[], after: readonly JsonValue[]): JsonValue[] {
  const keyed = (list: readonly JsonValue[]) =>
    list.length > 0 && list.every((item) => keyOf(item) !== undefined);
  if (keyed(before) && keyed(after)) {
    const all = before.map((item) => {
      const other = after.find((each) => keyOf(each) === keyOf(item));
      return other === undefined ? item : mergeValues(item, other);
    });
    return [...all, ...after.filter((item) => !before.some((each) => keyOf(each) === keyOf(item)))];
  }
  // Rows of a table know how many containers there are, not which: those that have names keep them.
  if (before.length === after.length && (keyed(before) || keyed(after)) && before.length === 1)
    return before.map((item, index) => mergeValues(item, after[index] ?? null));
  if (keyed(before) && !keyed(after)) return [...before];
  if (before.length === after.length && before.every(isJsonObject) && after.every(isJsonObject))
    return before.map((item, index) => mergeValues(item, after[index] ?? null));
  return [...after];
}

/** A container has one state: a later one takes the place of the earlier, unless it only knows less of the same. */
function mergeState(before: JsonObject, after: JsonObject): JsonObject {
  const [kind] = Object.keys(after);
  const same = kind === undefined ? undefined : before[kind];
  if (kind === undefined) return before;
  return isJsonObject(same) && isJsonObject(after[kind]) ? { [kind]: { ...same, ...after[kind] } } : after;
}

function mergeValues(before: JsonValue, after: JsonValue): JsonValue {
  if (Array.isArray(before) && Array.isArray(after)) return mergeLists(before, after);
  if (!isJsonObject(before) || !isJsonObject(after)) return after;
  const all: JsonObject = { ...before };
  for (const [key, value] of Object.entries(after)) {
    const known = all[key];
    all[key] =
      known === undefined
        ? value
        : (key === 'state' || key === 'lastState') && isJsonObject(known) && isJsonObject(value)
          ? mergeState(known, value)
          : mergeValues(known, value);
  }
  return all;
}

/** What a whole object shows and a part of it does not is not taken away; what a whole one shows stays against parts. */
function mergeTwo(one: WorldObject, two: WorldObject): WorldObject {
  const [weak, strong] = one.whole && !two.whole ? [two, one] : [one, two];
  const value = mergeValues(weak.value, strong.value);
  return {
    apiVersion: strong.apiVersion ?? weak.apiVersion,
    kind: one.kind,
    namespace: strong.namespace ?? weak.namespace,
    name: one.name,
    value: isJsonObject(value) ? value : strong.value,
    whole: one.whole || two.whole,
    ...(strong.ageMs === undefined && weak.ageMs === undefined
      ? {}
      : { ageMs: strong.ageMs ?? weak.ageMs ?? 0 }),
    cite: (path) =>
      (getIn(strong.value, ...path) === undefined && getIn(weak.value, ...path) !== undefined
        ? weak
        : strong
      ).cite(path),
  };
}

function sameGroup(one: WorldObject, two: WorldObject): boolean {
  const group = (object: WorldObject) =>
    object.apiVersion === undefined
      ? undefined
      : object.apiVersion.includes('/')
        ? object.apiVersion.split('/')[0]
        : '';
  const [a, b] = [group(one), group(two)];
  return a === undefined || b === undefined || a === b;
}

/**
 * One object for each identity: kind, name, and namespace where both have one. Later ones win field by field over
 * earlier, whole ones over parts; every field keeps the citation of whoever showed it.
 */
export function mergeObjects(objects: readonly WorldObject[]): readonly WorldObject[] {
  const byName = new Map<string, WorldObject[]>();
  for (const object of objects) {
    const key = `${object.kind}/${object.name}`;
    const known = byName.get(key) ?? [];
    const at = known.findIndex(
      (each) =>
        (each.namespace === undefined ||
          object.namespace === undefined ||
          each.namespace === object.namespace) &&
        sameGroup(each, object),
    );
    const before = known[at];
    if (before === undefined) known.push(object);
    else known[at] = mergeTwo(before, object);
    byName.set(key, known);
  }
  return [...byName.values()].flat();
}
