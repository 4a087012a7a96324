import type { Order } from './policy.ts';

/** A number as Flux reads a tag for its numerical policy; undefined for what is none. */
export function parseNumber(text: string): number | undefined {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Exact for whole numbers of any length, such as timestamps with nanoseconds. */
export function compareNumerical(a: string, b: string): number {
  const [one, other] = [parseNumber(a) ?? 0, parseNumber(b) ?? 0];
  if (one !== other) return one - other;
  if (!/^[+-]?\d+$/.test(a) || !/^[+-]?\d+$/.test(b)) return 0;
  const [left, right] = [BigInt(a.replace(/^\+/, '')), BigInt(b.replace(/^\+/, ''))];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** By their bytes, as Go compares strings. */
export function compareAlphabetical(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Turned around where the policy wants the lowest. */
export function inOrder(order: Order, compared: number): number {
  return order === 'descending' ? -compared : compared;
}
