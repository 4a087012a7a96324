import { applicationSpec, isHook, isLeftByFlux, isSkipped, objectKey } from '../boundaries/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';
import { isExcluded } from '../boundaries/settings/index.ts';
import { IN_CLUSTER } from '../kube/index.ts';
import type { ApplicationSpec } from './application.ts';

/** What its engine applies of what is rendered: Flux leaves what is marked so, Argo CD kinds that its settings leave out. */
export function appliedBy(
  { object: application, argo, flux }: ApplicationSpec,
  rendered: readonly RenderedFacts[],
): readonly RenderedFacts[] {
  if (flux !== undefined) return rendered.filter(({ object }) => !isLeftByFlux(object));
  if (argo === undefined) return rendered;
  const { server = IN_CLUSTER } = applicationSpec(application).destination;
  return rendered.filter(({ object }) => !isExcluded(object, argo.settings, server));
}

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
