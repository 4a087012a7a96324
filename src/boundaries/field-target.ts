import { LandfallError, nearest } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { parseFieldPath, parseQuestion, resolveItems } from '../kustomize/index.ts';

export interface FieldTarget<T> {
  readonly item: T;
  readonly path: readonly (string | number)[];
}

/**
 * What `deploy/payment-api:spec.replicas` names among objects; without an object, the field of all of them. Throws
 * `invalid-input` with the nearest names when no object is meant.
 */
export function fieldTargets<T>(
  items: readonly T[],
  text: string,
  objectOf: (item: T) => KubeObject,
): readonly FieldTarget<T>[] {
  if (!text.includes(':')) {
    const path = parseFieldPath(text);
    if (path.length === 0) {
      throw new LandfallError(`'${text}' names no field.`, {
        kind: 'invalid-input',
        code: 'field-question',
        object: text,
        hint: 'Write a field as spec.replicas, or of one object as deploy/payment-api:spec.replicas.',
      });
    }
    return items.map((item) => ({ item, path: resolveItems(objectOf(item), path) }));
  }
  const { kind, namespace, name, path } = parseQuestion(text);
  const found = items.filter((item) => {
    const { metadata, kind: own } = objectOf(item);
    return (
      own.toLowerCase() === kind &&
      metadata.name === name &&
      (namespace === undefined || metadata.namespace === namespace)
    );
  });
  if (found.length > 0) return found.map((item) => ({ item, path: resolveItems(objectOf(item), path) }));
  const wanted = `${kind}/${name}`;
  const names = items.map((item) => `${objectOf(item).kind.toLowerCase()}/${objectOf(item).metadata.name}`);
  const near = nearest(wanted, names);
  throw new LandfallError(`No rendered object is ${wanted}.`, {
    kind: 'invalid-input',
    code: 'object-not-rendered',
    object: wanted,
    hint: `Rendered are ${(near.length > 0 ? near : names).slice(0, 8).join(', ') || 'no objects at all'}.`,
  });
}
