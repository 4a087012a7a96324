import { isJsonObject } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';

/** Pairs of how many there should be and how many are ready, wherever a status keeps them. */
export function countsBehind(
  value: JsonValue | undefined,
  wantedBySpec: number | undefined,
  depth = 0,
): boolean {
  if (depth > 3 || !isJsonObject(value)) return false;
  const numbers = new Map(
    Object.entries(value).flatMap(([key, part]) =>
      typeof part === 'number' ? [[key.toLowerCase(), part] as const] : [],
    ),
  );
  for (const [key, part] of Object.entries(value)) {
    const of = typeof part === 'string' ? /^(\d{1,6})\/(\d{1,6})$/.exec(part) : null;
    if (of !== null && Number(of[1]) < Number(of[2])) return true;
    if (isJsonObject(part) && countsBehind(part, undefined, depth + 1)) return true;
    const ready =
      /^(?:updatedready|updatedavailable|ready|available|updated)(replicas|members|nodes|instances)$/i.exec(
        key,
      );
    const unit = ready?.[1]?.toLowerCase();
    if (
      key === 'numberReady' &&
      typeof part === 'number' &&
      part < (numbers.get('desirednumberscheduled') ?? 0)
    )
      return true;
    if (unit === undefined || typeof part !== 'number') continue;
    const wanted = wantedBySpec ?? numbers.get(`desired${unit}`) ?? numbers.get(unit);
    if (wanted !== undefined && part < wanted) return true;
  }
  return false;
}
