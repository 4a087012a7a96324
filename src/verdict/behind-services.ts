import {
  declaredReplicas,
  leadingImage,
  podTemplate,
  releaseOf,
  selects,
  valueOf,
} from '../boundaries/index.ts';
import type { Release, RolloutSubject, ServiceFacts, TrafficFacts } from '../boundaries/index.ts';
import { getObject, getString } from '../kernel/index.ts';
import type { Material } from './judge.ts';

function workloadsBehind(
  service: ServiceFacts,
  rollouts: readonly RolloutSubject[],
): readonly RolloutSubject[] {
  const selector = getObject(valueOf(service.live) ?? service.object, 'spec', 'selector');
  return rollouts.filter(({ object }) => {
    if (object.metadata.namespace !== service.object.metadata.namespace) return false;
    const labels = Object.entries(getObject(podTemplate(object), 'metadata', 'labels') ?? {});
    return selects(selector, Object.fromEntries(labels.map(([key]) => [key, getLabel(object, key)])));
  });
}

function getLabel(object: RolloutSubject['object'], key: string): string {
  return getString(podTemplate(object), 'metadata', 'labels', key) ?? '';
}

const UNNAMED: Release = { version: undefined, commit: undefined, digest: undefined, pushedAt: undefined };

/**
 * What stands behind each Service by its selector: an application may run several images, and its metrics speak of
 * the one that runs there. Build information that nobody declared is held against images that we build only.
 */
export function behindServices(material: Material): Pick<TrafficFacts, 'releases' | 'idle'> {
  const releases = new Map<string, Release>();
  const idle = new Set<string>();
  for (const service of material.services) {
    const { name, namespace = '' } = service.object.metadata;
    const workloads = workloadsBehind(service, material.rollouts);
    if (workloads.length === 0) continue;
    if (workloads.every(({ object, atRest }) => declaredReplicas(object) === 0 || atRest !== undefined))
      idle.add(`${namespace}/${name}`);
    const objects = new Set(
      workloads.map(({ object }) => `${object.kind}/${namespace}/${object.metadata.name}`),
    );
    const image = leadingImage(
      material.images.filter((candidate) =>
        candidate.uses.some((use) => use.role === 'main' && objects.has(use.object)),
      ),
    );
    if (image === undefined) continue;
    const discovered = material.observed.some(
      ({ observation }) => observation.service === name && observation.discovered === true,
    );
    releases.set(name, image.ours || !discovered ? releaseOf(image) : UNNAMED);
  }
  return { releases, idle };
}
