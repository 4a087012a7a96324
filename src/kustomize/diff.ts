import { isJsonObject, jsonEqual } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import type { FieldOrigin } from './provenance.ts';
import type { RenderedObject } from './rendered-object.ts';

export interface FieldChange {
  /** List items are named by the key they are merged by where they have one: `containers`, `name=app`, `image`. */
  readonly path: readonly (string | number)[];
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
  /** The line that causes the change: what sets the new value, or what set the old one where it is gone. */
  readonly cause: FieldOrigin | undefined;
}

export interface ObjectChange {
  readonly change: 'added' | 'removed' | 'changed';
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Of an object that is added or removed: none. */
  readonly fields: readonly FieldChange[];
  /** The line that brings the object in, or brought it in. */
  readonly cause: FieldOrigin | undefined;
}

/** As much of a rendered object as is compared. */
export type ComparedObject = Pick<
  RenderedObject,
  'apiVersion' | 'kind' | 'namespace' | 'name' | 'value' | 'why'
>;

/** What can be compared: a render, or a set of objects that came from elsewhere. */
export interface Renders {
  readonly objects: readonly ComparedObject[];
}

/**
 * What differs between two renders, by object and field. Objects are the same when kind, namespace and name are;
 * generated ones also when only the hash in their name differs, since that is a change of content.
 */
export function diffRenders(before: Renders, after: Renders): ObjectChange[] {
  const old = new Map(before.objects.map((object) => [keyOf(object, before), object]));
  const now = new Map(after.objects.map((object) => [keyOf(object, after), object]));
  const changes: ObjectChange[] = [];
  for (const [key, object] of now) {
    const was = old.get(key);
    if (was === undefined) changes.push(whole('added', object));
    else {
      const fields = diffValues(was, object);
      if (fields.length > 0) {
        changes.push({ ...identity(object), change: 'changed', fields, cause: fields[0]?.cause });
      }
    }
  }
  for (const [key, object] of old) if (!now.has(key)) changes.push(whole('removed', object));
  return changes;
}

function keyOf(object: ComparedObject, render: Renders): string {
  const { apiVersion, kind, namespace } = object;
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  const hashed = object.why(['metadata', 'name']).find((origin) => origin.by === 'hash');
  const base = hashed === undefined ? object.name : object.name.replace(/-[a-z0-9]{10}$/, '');
  const alone =
    render.objects.filter((other) => other.kind === kind && other.name.startsWith(`${base}-`)).length < 2;
  return [group, kind, namespace, hashed !== undefined && alone ? `${base}-#` : object.name].join('|');
}

function identity(object: ComparedObject) {
  const { apiVersion, kind, namespace, name } = object;
  return { apiVersion, kind, namespace, name };
}

function whole(change: 'added' | 'removed', object: ComparedObject): ObjectChange {
  const [cause] = object.why(['kind']);
  return { ...identity(object), change, fields: [], cause };
}

function diffValues(before: ComparedObject, after: ComparedObject): FieldChange[] {
  const changes: FieldChange[] = [];
  const causeOf = (object: ComparedObject, path: readonly (string | number)[]) => object.why(path)[0];
  const walk = (
    old: JsonValue | undefined,
    now: JsonValue | undefined,
    oldPath: readonly (string | number)[],
    nowPath: readonly (string | number)[],
    shown: readonly (string | number)[],
  ): void => {
    if (jsonEqual(old, now)) return;
    if (isJsonObject(old) && isJsonObject(now)) {
      for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
        walk(own(old, key), own(now, key), [...oldPath, key], [...nowPath, key], [...shown, key]);
      }
      return;
    }
    if (Array.isArray(old) && Array.isArray(now)) {
      for (const pair of pairs(old, now)) {
        walk(
          pair.old < 0 ? undefined : old[pair.old],
          pair.now < 0 ? undefined : now[pair.now],
          [...oldPath, pair.old],
          [...nowPath, pair.now],
          [...shown, pair.label],
        );
      }
      return;
    }
    const cause = now === undefined ? causeOf(before, oldPath) : causeOf(after, leaf(now, nowPath));
    changes.push({ path: shown, before: old, after: now, cause });
  };
  walk(before.value, after.value, [], [], []);
  return changes;
}

/** The first scalar in a value, which has a line where a whole map may have none. */
function leaf(value: JsonValue, path: readonly (string | number)[]): readonly (string | number)[] {
  if (Array.isArray(value)) {
    const [first] = value;
    return first === undefined ? path : leaf(first, [...path, 0]);
  }
  if (!isJsonObject(value)) return path;
  const [entry] = Object.entries(value);
  return entry === undefined ? path : leaf(entry[1], [...path, entry[0]]);
}

function own(map: { readonly [key: string]: JsonValue }, key: string): JsonValue | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

interface Pair {
  readonly old: number;
  readonly now: number;
  readonly label: string | number;
}

const itemKeys = ['name', 'mountPath', 'containerPort', 'port', 'key', 'topologyKey', 'uid'] as const;

/** Items of two lists that are the same item: by a key that all have and none has twice, else by their place. */
function pairs(old: readonly JsonValue[], now: readonly JsonValue[]): Pair[] {
  for (const key of itemKeys) {
    const oldIds = idsBy(old, key);
    const nowIds = idsBy(now, key);
    if (oldIds === undefined || nowIds === undefined) continue;
    const result: Pair[] = nowIds.map((id, index) => ({
      old: oldIds.indexOf(id),
      now: index,
      label: `${key}=${id}`,
    }));
    oldIds.forEach((id, index) => {
      if (!nowIds.includes(id)) result.push({ old: index, now: -1, label: `${key}=${id}` });
    });
    return result;
  }
  const result: Pair[] = [];
  for (let i = 0; i < Math.max(old.length, now.length); i++) {
    result.push({ old: i < old.length ? i : -1, now: i < now.length ? i : -1, label: i });
  }
  return result;
}

function idsBy(list: readonly JsonValue[], key: string): string[] | undefined {
  const ids: string[] = [];
  for (const item of list) {
    const id = isJsonObject(item) ? own(item, key) : undefined;
    if (typeof id !== 'string' && typeof id !== 'number') return undefined;
    ids.push(String(id));
  }
  return new Set(ids).size === ids.length ? ids : undefined;
}
