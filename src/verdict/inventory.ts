import { isHook, isSkipped, objectKey } from '../boundaries/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';

/**
 * The objects that are expected to stay in the cluster. Hooks run beside a sync and may be deleted once they have
 * succeeded, and what is to be skipped is never applied; of an object that a set holds twice the last is applied.
 */
export function inventoryOf(placed: readonly RenderedFacts[]): readonly RenderedFacts[] {
  const kept = new Map<string, RenderedFacts>();
  for (const facts of placed)
    if (!isHook(facts.object) && !isSkipped(facts.object)) kept.set(objectKey(facts.object), facts);
  return [...kept.values()];
}
