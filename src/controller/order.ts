import { getString } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { definitionOf } from '../apply/index.ts';

/** `group/Kind` that a CustomResourceDefinition brings; undefined for other objects. */
export function definedKind(object: KubeObject): string | undefined {
  if (object.kind !== 'CustomResourceDefinition') return undefined;
  return `${getString(object, 'spec', 'group') ?? ''}/${getString(object, 'spec', 'names', 'kind') ?? ''}`;
}

/** True when a CustomResourceDefinition of the set brings the object's kind. */
export function broughtBySet(object: KubeObject, set: readonly KubeObject[]): boolean {
  return definitionOf(object, set) !== undefined;
}
