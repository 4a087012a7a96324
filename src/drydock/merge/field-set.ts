import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { canonicalElement, printElement, type PathElement } from './path-element.ts';
import { fieldTypeOf, isMap, MergeTypeError, type TypeRef } from './type.ts';

const MAX_DEPTH = 200;

/** A set of paths. Operations make new sets; only the builder methods change one. */
export class FieldSet {
  readonly members = new Set<PathElement>();
  readonly children = new Map<PathElement, FieldSet>();

  static readonly empty: FieldSet = Object.freeze(new FieldSet());

  static of(...paths: readonly (readonly PathElement[])[]): FieldSet {
    const set = new FieldSet();
    for (const path of paths) set.insert(path);
    return set;
  }

  /** The object as a whole is never a member. */
  insert(path: readonly PathElement[]): void {
    const last = path.at(-1);
    if (last === undefined) return;
    const [first] = path;
    if (path.length === 1 || first === undefined) this.members.add(last);
    else this.childFor(first).insert(path.slice(1));
  }

  childFor(step: PathElement): FieldSet {
    let child = this.children.get(step);
    if (child === undefined) this.children.set(step, (child = new FieldSet()));
    return child;
  }

  isEmpty(): boolean {
    if (this.members.size > 0) return false;
    for (const child of this.children.values()) if (!child.isEmpty()) return false;
    return true;
  }

  has(path: readonly PathElement[]): boolean {
    const last = path.at(-1);
    if (last === undefined) return false;
    const [first] = path;
    if (path.length === 1 || first === undefined) return this.members.has(last);
    return this.children.get(first)?.has(path.slice(1)) ?? false;
  }

  union(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const member of this.members) result.members.add(member);
    for (const member of other.members) result.members.add(member);
    for (const [step, child] of this.children) {
      const twin = other.children.get(step);
      result.children.set(step, twin === undefined ? child : child.union(twin));
    }
    for (const [step, child] of other.children) {
      if (!this.children.has(step)) result.children.set(step, child);
    }
    return result;
  }

  intersection(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const member of this.members) if (other.members.has(member)) result.members.add(member);
    for (const [step, child] of this.children) {
      const twin = other.children.get(step);
      if (twin === undefined) continue;
      const common = child.intersection(twin);
      if (!common.isEmpty()) result.children.set(step, common);
    }
    return result;
  }

  /** A parent in `other` does not take its children along. */
  difference(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const member of this.members) if (!other.members.has(member)) result.members.add(member);
    for (const [step, child] of this.children) {
      const twin = other.children.get(step);
      const left = twin === undefined ? child : child.difference(twin);
      if (!left.isEmpty()) result.children.set(step, left);
    }
    return result;
  }

  /** A parent in `other` takes its children along. */
  recursiveDifference(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const member of this.members) if (!other.members.has(member)) result.members.add(member);
    for (const [step, child] of this.children) {
      if (other.members.has(step)) continue;
      const twin = other.children.get(step);
      const left = twin === undefined ? child : child.recursiveDifference(twin);
      if (!left.isEmpty()) result.children.set(step, left);
    }
    return result;
  }

  /** Only the deepest members of each branch. */
  leaves(): FieldSet {
    const result = new FieldSet();
    for (const member of this.members) {
      if (this.children.get(member)?.isEmpty() ?? true) result.members.add(member);
    }
    for (const [step, child] of this.children) result.children.set(step, child.leaves());
    return result;
  }

  equals(other: FieldSet): boolean {
    return this.difference(other).isEmpty() && other.difference(this).isEmpty();
  }

  /** Every member's path. */
  *paths(prefix: readonly PathElement[] = []): Generator<readonly PathElement[]> {
    for (const member of this.members) yield [...prefix, member];
    for (const [step, child] of this.children) yield* child.paths([...prefix, step]);
  }

  /** With the declared fields on the way to a member, which sets usually leave out. */
  withNamedFields(type: TypeRef | undefined): FieldSet {
    const { map, list } = type?.() ?? {};
    const result = new FieldSet();
    for (const member of this.members) result.members.add(member);
    for (const [step, child] of this.children) {
      const isField = step.startsWith('f:');
      if (isField && map?.fields.has(step.slice(2)) === true) result.members.add(step);
      const inner = isField && map !== undefined ? fieldTypeOf(map, step.slice(2)) : list?.element;
      result.children.set(step, child.withNamedFields(inner));
    }
    return result;
  }

  /** As metadata.managedFields holds it. */
  toFieldsV1(): JsonObject {
    const result: JsonObject = {};
    const steps = new Set([...this.members, ...this.children.keys()]);
    for (const step of [...steps].sort()) {
      const child = this.children.get(step);
      const below = child === undefined || child.isEmpty() ? {} : child.toFieldsV1();
      if (!this.members.has(step)) {
        if (Object.keys(below).length > 0) result[step] = below;
      } else {
        result[step] = Object.keys(below).length === 0 ? {} : { '.': {}, ...below };
      }
    }
    return result;
  }

  /** Throws MergeTypeError for what is no set of fields. */
  static fromFieldsV1(fields: JsonValue | undefined, depth = 0): FieldSet {
    const set = new FieldSet();
    if (!isMap(fields)) return set;
    if (depth > MAX_DEPTH) throw new MergeTypeError('', 'the set of fields is nested too deeply');
    for (const [key, value] of Object.entries(fields)) {
      if (key === '.') continue;
      let step: PathElement;
      try {
        step = canonicalElement(key);
      } catch {
        throw new MergeTypeError('', `unknown path element ${key}`);
      }
      const below = isMap(value) ? value : {};
      const keys = Object.keys(below);
      if (keys.length === 0 || Object.hasOwn(below, '.')) set.members.add(step);
      if (keys.some((name) => name !== '.')) set.children.set(step, FieldSet.fromFieldsV1(below, depth + 1));
    }
    return set;
  }
}

export function printPath(path: readonly PathElement[]): string {
  return path.map(printElement).join('');
}
