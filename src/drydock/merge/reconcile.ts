import { FieldSet } from './field-set.ts';
import type { PathElement } from './path-element.ts';
import { deducedType, fieldTypeOf, type ListType, type MapType, type TypeRef } from './type.ts';

/**
 * The set in the words of today's schema: who owned parts of what has become atomic since owns the whole of it.
 * Undefined when nothing changes.
 */
export function reconcileFields(type: TypeRef, fields: FieldSet): FieldSet | undefined {
  const becameAtomic = new FieldSet();
  visit(type, fields, false, [], becameAtomic);
  if (becameAtomic.isEmpty()) return undefined;
  return fields.recursiveDifference(becameAtomic).union(becameAtomic);
}

function visit(
  type: TypeRef,
  fields: FieldSet | undefined,
  ownedAsWhole: boolean,
  path: readonly PathElement[],
  becameAtomic: FieldSet,
): void {
  const atom = type();
  if (atom.map !== undefined) visitMap(atom.map, fields, ownedAsWhole, path, becameAtomic);
  else if (atom.scalar === undefined && atom.list !== undefined) {
    visitList(atom.list, fields, ownedAsWhole, path, becameAtomic);
  }
}

function visitMap(
  type: MapType,
  fields: FieldSet | undefined,
  ownedAsWhole: boolean,
  path: readonly PathElement[],
  becameAtomic: FieldSet,
): void {
  if (type.fields.size === 0 && type.element?.() === deducedType()) return;
  if (!ownedAsWhole && type.relationship === 'atomic') {
    if (fields !== undefined && !fields.isEmpty()) becameAtomic.insert(path);
    return;
  }
  if (fields === undefined) return;
  for (const step of stepsOf(fields)) {
    const inner = step.startsWith('f:') ? fieldTypeOf(type, step.slice(2)) : type.element;
    if (inner === undefined) continue;
    const below = fields.children.get(step);
    visit(inner, below, fields.members.has(step) && below === undefined, [...path, step], becameAtomic);
  }
}

function visitList(
  type: ListType,
  fields: FieldSet | undefined,
  ownedAsWhole: boolean,
  path: readonly PathElement[],
  becameAtomic: FieldSet,
): void {
  if (!ownedAsWhole && type.relationship === 'atomic') {
    becameAtomic.insert(path);
    return;
  }
  if (fields === undefined) return;
  for (const step of stepsOf(fields)) {
    const below = fields.children.get(step);
    visit(
      type.element,
      below,
      fields.members.has(step) && below === undefined,
      [...path, step],
      becameAtomic,
    );
  }
}

function stepsOf(fields: FieldSet): Set<PathElement> {
  return new Set([...fields.children.keys(), ...fields.members]);
}
