import type { KubeObject } from '../api/contract.ts';

/** One revision of one object. The object is frozen, so that readers share it; its JSON is made once. */
export interface Entry {
  /** `namespace/name`, or the name alone. Lists are in the order of keys. */
  readonly key: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly revision: number;
  readonly object: KubeObject;
}

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** For DELETED the last state, at the revision of the deletion. */
  readonly entry: Entry;
  readonly previous: Entry | undefined;
  /** About how many bytes came with it that no earlier revision holds. */
  readonly size: number;
}

export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

const MAP_BYTES = 64;
const FIELD_BYTES = 16;

/** Freezes what is not frozen yet; a frozen part is frozen below, too. Gives about the bytes of what was not. */
export function deepFreeze(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return 0;
  Object.freeze(value);
  let size = MAP_BYTES;
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    size += FIELD_BYTES + deepFreeze(inner);
  }
  return size;
}

const bytes = new WeakMap<KubeObject, Buffer>();

/** The JSON of a stored object, made at the first call and shared by every list and watch after it. */
export function jsonBytes(object: KubeObject): Buffer {
  const known = bytes.get(object);
  if (known !== undefined) return known;
  const made = Buffer.from(JSON.stringify(object));
  bytes.set(object, made);
  return made;
}
