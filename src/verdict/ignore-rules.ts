import { applicationSpec, isFlux, isRelease, isSeedOfFlux } from '../boundaries/index.ts';
import { releaseSpec } from '../boundaries/render/index.ts';
import { fluxIgnoreRules } from '../boundaries/sync/index.ts';
import type { IgnoreRule, RenderedFacts } from '../boundaries/index.ts';
import { ignoreRules } from '../boundaries/settings/index.ts';
import type { ArgoSettings } from '../boundaries/settings/index.ts';
import { getArray } from '../kernel/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';

/** What is left to others in these objects: as the application says, Argo CD's settings, or they themselves. */
export function ignoreRulesOf(
  application: KubeObject,
  rendered: readonly RenderedFacts[],
  settings: ArgoSettings | undefined,
): readonly IgnoreRule[] {
  const objects = rendered.map(({ object }) => object);
  if (isRelease(application)) {
    const seeds = rendered.filter(({ seed }) => seed === true).map(({ object }) => wholly(object));
    return [...releaseSpec(application, objects).ignoreDifferences, ...seeds];
  }
  if (!isFlux(application)) {
    const own = applicationSpec(application).ignoreDifferences;
    return settings === undefined ? own : ignoreRules(own, settings, objects);
  }
  return [
    ...fluxIgnoreRules(getArray(application, 'spec', 'ignore'), objects),
    ...objects.filter(isSeedOfFlux).map(wholly),
  ];
}

/** Every field of one object. */
function wholly(object: KubeObject): IgnoreRule {
  const { name, namespace = '' } = object.metadata;
  return {
    group: splitApiVersion(object.apiVersion).group,
    kind: object.kind,
    name,
    namespace,
    jsonPointers: Object.keys(object).map((key) => `/${key}`),
    managers: [],
    jqPathExpressions: [],
  };
}
