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
}

export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Freezes what is not frozen yet; a frozen part is frozen below, too. */
export function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Array.isArray(value) ? value : Object.values(value)) deepFreeze(inner);
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
