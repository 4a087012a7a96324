import type { JsonValue } from '../../kernel/index.ts';

/** A class of its own, by which values of one declared type are known from those of another. */
export function celClass(): new () => object {
  return class extends Object {};
}

/** JSON as an expression sees it where no schema says more: whole numbers are ints. */
export function celValue(value: JsonValue): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value !== 'object' || value === null) return value;
  const made: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    // Not a name that an object has by itself.
    if (key === '__proto__') continue;
    made[key] = celValue(inner);
  }
  return made;
}

/** Whether two values of expressions are the same; numbers by their value. */
export function celEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    return (
      (typeof a === 'bigint' || typeof a === 'number') &&
      (typeof b === 'bigint' || typeof b === 'number') &&
      Number(a) === Number(b)
    );
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && a.getTime() === b.getTime();
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => celEqual(item, b[index]))
    );
  }
  const left = entriesOf(a);
  const right = new Map(entriesOf(b));
  return (
    left.length === right.size &&
    left.every(([key, value]) => right.has(key) && celEqual(value, right.get(key)))
  );
}

function entriesOf(value: object): (readonly [unknown, unknown])[] {
  return value instanceof Map ? [...value] : Object.entries(value);
}

/** How much there is to walk over: the longest list or map in a value, and the longest text. */
export function extentOf(value: JsonValue): { readonly items: number; readonly text: number } {
  let items = 1;
  let text = 1;
  const waiting: JsonValue[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string') text = Math.max(text, next.length);
    if (typeof next !== 'object' || next === null) continue;
    const inner = Object.values(next);
    items = Math.max(items, inner.length);
    for (const child of inner) if (child !== undefined) waiting.push(child);
  }
  return { items, text };
}
