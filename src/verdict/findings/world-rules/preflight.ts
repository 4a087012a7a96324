import type { World } from '../../world/index.ts';
import type { Finding } from '../finding.ts';
import { removedVersions } from './api-life.ts';
import { findingsOf } from './index.ts';
import { images, probes } from './preflight-containers.ts';
import { quotas, scaledWithoutRequests } from './preflight-resources.ts';
import { dangling } from './references.ts';
import { finding, quote } from './rule.ts';
import { viewOf } from './view.ts';

/** Messages of a server-side dry run and of access reviews are told by the same tables as those of an apply. */
export interface PreflightOptions {
  /** Minor version of Kubernetes 1.x that the manifests go to. */
  readonly kubernetesMinor: number;
}

/**
 * Every finding that can be known before a deploy: what the catalogue recognises in manifests alone, and habits that
 * become incidents. `world.desired` is what Git asks for; `world.live`, where a cluster was asked, what it has.
 */
export function preflightOf(world: World, options: PreflightOptions): readonly Finding[] {
  const view = viewOf(world);
  const own = [images, probes, dangling, scaledWithoutRequests, quotas]
    .flatMap((rule) => rule(view))
    .concat(removedVersions(view, options.kubernetesMinor))
    .map(finding);
  // What a cluster does now is no matter of these manifests: only rules over what is asked for, and refusals.
  const catalogue = findingsOf({
    ...world,
    live: world.live.filter(({ kind }) => kind === 'IngressClass' || kind === 'Secret'),
  });
  const seen = new Set<string>();
  return [...catalogue, ...own]
    .filter((item) => {
      const key = `${item.id}|${quote(item.title)}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    })
    .toSorted((a, b) => (a.kind === b.kind ? b.confidence - a.confidence : a.kind === 'cause' ? -1 : 1));
}
