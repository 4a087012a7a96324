import { jsonEqual } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import type { PodTemplate } from '../objects.ts';

export const TEMPLATE_HASH = 'pod-template-hash';

/** The alphabet of Kubernetes' generated names: no vowels, nothing that looks like another letter. */
export const SAFE_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A stable hash of a pod template in the shape of the original: an FNV-32a in decimal, each digit taken into the safe
 * alphabet. The original hashes a dump of a Go struct, so that the same template has another hash there.
 */
export function templateHash(template: PodTemplate, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5;
  const text = canonical(withoutHash(template)) + (collisionCount === undefined ? '' : `#${collisionCount}`);
  for (const byte of Buffer.from(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return safeEncode(String(hash));
}

export function safeEncode(text: string): string {
  return Array.from(Buffer.from(text), (byte) => SAFE_ALPHABET[byte % SAFE_ALPHABET.length] ?? 'b').join('');
}

/** Same template but for the hash label that ReplicaSets add. */
export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return jsonEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplate): JsonValue {
  const { labels = {}, ...metadata } = template.metadata ?? {};
  const { [TEMPLATE_HASH]: _, ...kept } = labels;
  return pruned({ ...template, metadata: { ...metadata, labels: kept } }) ?? {};
}

/** Drops nulls and empty maps, which defaulting adds at one place and not at another. */
function pruned(value: unknown): JsonValue | undefined {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return value.map((item) => pruned(item) ?? null);
  if (typeof value !== 'object') return value as JsonValue;
  const entries = Object.entries(value)
    .map(([key, field]) => [key, pruned(field)] as const)
    .filter(([, field]) => field !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as JsonValue);
}

function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}
