import type { KubeObject } from '../api/contract.ts';
import { apiVersionOf, type ResourceKind } from '../kinds/kind.ts';
import { jsonBytes } from '../store/entry.ts';

const OPEN = Buffer.from('{');

/**
 * An object as an item of a list, as one or two chunks: items of built-in kinds do not repeat what the list says of
 * their kind. The bytes are those that were made once for the object.
 */
export function itemBytes(kind: ResourceKind, object: KubeObject): readonly Buffer[] {
  const bytes = jsonBytes(object);
  if (kind.typeId === undefined) return [bytes];
  const prefix = prefixOf(kind);
  return bytes.subarray(0, prefix.length).equals(prefix) ? [OPEN, bytes.subarray(prefix.length)] : [bytes];
}

const prefixes = new WeakMap<ResourceKind, Buffer>();

function prefixOf(kind: ResourceKind): Buffer {
  const known = prefixes.get(kind);
  if (known !== undefined) return known;
  const made = Buffer.from(
    `{"kind":${JSON.stringify(kind.kind)},"apiVersion":${JSON.stringify(apiVersionOf(kind))},`,
  );
  prefixes.set(kind, made);
  return made;
}

const events = new WeakMap<KubeObject, Map<string, Buffer>>();

/** `{"type":...,"object":...}\n`, made once for all watchers of a change. */
export function eventBytes(type: string, object: KubeObject): Buffer {
  let byType = events.get(object);
  if (byType === undefined) {
    byType = new Map();
    events.set(object, byType);
  }
  const known = byType.get(type);
  if (known !== undefined) return known;
  const made = Buffer.concat([
    Buffer.from(`{"type":"${type}","object":`),
    jsonBytes(object),
    Buffer.from('}\n'),
  ]);
  byType.set(type, made);
  return made;
}
