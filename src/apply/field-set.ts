import { isJsonObject, parseJson } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';

/**
 * A set of fields as `metadata.managedFields` writes it: `f:` for a field, `k:` for an item of a keyed list, `v:` for
 * an item of a set, `.` for the node itself. A node without anything below is owned whole.
 * Source: structured-merge-diff, fieldpath/serialize.go.
 */
export type FieldSet = JsonObject;

/** The nodes of a path, in the notation of the set. */
export type FieldSteps = readonly string[];

function below(set: JsonValue | undefined): FieldSet {
  return isJsonObject(set) ? set : {};
}

/** The node at one step; undefined where the set has none. */
export function nodeAt(set: FieldSet | undefined, step: string): FieldSet | undefined {
  if (set === undefined) return undefined;
  if (Object.hasOwn(set, step)) return below(set[step]);
  if (!step.startsWith('k:')) return undefined;
  // The same key may be written with its fields in another order.
  const found = Object.keys(set).find((key) => key.startsWith('k:') && sameKey(key, step));
  return found === undefined ? undefined : below(set[found]);
}

function sameKey(a: string, b: string): boolean {
  const keyOf = (step: string) => JSON.stringify(sorted(parseJson(step.slice(2), 'a key of managedFields')));
  return keyOf(a) === keyOf(b);
}

function sorted(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** True where the set has the field, something below it, or the whole of what it is part of. */
export function covers(set: FieldSet, steps: FieldSteps): boolean {
  let at: FieldSet | undefined = set;
  for (const [index, step] of steps.entries()) {
    if (index > 0 && isWhole(at)) return true;
    at = nodeAt(at, step);
    if (at === undefined) return false;
  }
  return true;
}

/** A node that has nothing below: the field is owned with everything in it. */
export function isWhole(set: FieldSet): boolean {
  return Object.keys(set).every((key) => key === '.');
}

export function unionOf(a: FieldSet, b: FieldSet): FieldSet {
  const all: FieldSet = { ...a };
  for (const [step, node] of Object.entries(b)) {
    const known = nodeAt(a, step);
    all[step] = known === undefined ? node : unionOf(known, below(node));
  }
  return all;
}

/** What is in the first and not in the second. */
export function difference(set: FieldSet, taken: FieldSet): FieldSet {
  const left: FieldSet = {};
  for (const [step, node] of Object.entries(set)) {
    const other = nodeAt(taken, step);
    if (other === undefined) {
      left[step] = node;
      continue;
    }
    if (step === '.' || isWhole(below(node)) || isWhole(other)) continue;
    const inner = difference(below(node), other);
    if (Object.keys(inner).length > 0) left[step] = inner;
  }
  return left;
}
