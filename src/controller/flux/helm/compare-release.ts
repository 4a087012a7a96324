import { getIn } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import { objectName, refOf } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { objectKey } from '../../../boundaries/index.ts';
import {
  HELM_NAMESPACE_LABEL,
  HELM_NAME_LABEL,
  releaseName,
  releaseSpec,
} from '../../../boundaries/render/index.ts';
import type { RenderedRelease } from '../../../boundaries/render/index.ts';
import { isHook } from '../../../boundaries/sync/index.ts';
import type { ApplicationSpec } from '../../../boundaries/sync/index.ts';
import { compareWith } from '../../comparison.ts';
import type { Comparison } from '../../comparison.ts';
import type { FluxTarget } from '../failure.ts';
import { inventoryEntry, inventoryId, inventoryOf } from '../inventory.ts';

/** A release held against the cluster. */
export interface ComparedRelease {
  readonly spec: ApplicationSpec;
  readonly comparison: Comparison;
  /** One line for each object that is not as the chart wants it. */
  readonly differences: readonly string[];
}

/** What is live of a release, without its hooks and what its chart keeps; `crds/` counts only while it is missing. */
export async function compareRelease(
  release: KubeObject,
  { objects, definitions }: RenderedRelease,
  target: FluxTarget,
  signal: AbortSignal,
  how: 'watched' | 'fresh' = 'watched',
): Promise<ComparedRelease> {
  const ordinary = objects.filter((object) => !isHook(object));
  const refs = new Map(
    [...ordinary.map(refOf), ...inventoryOf(release)].map((ref) => [inventoryId(ref), ref] as const),
  );
  const found = await target.live.read([...refs.values()], how, signal);
  const stored = found.filter((object): object is KubeObject => object !== undefined);
  const there = new Set(stored.map(objectKey));
  const isMade = (object: KubeObject) => definitions.has(objectKey(object)) && there.has(objectKey(object));
  const desired = objects.filter((object) => !isMade(object));
  const wanted = new Set(objects.map(objectKey));
  const live = stored.filter(
    (object) =>
      (wanted.has(objectKey(object)) && !isMade(object)) ||
      (!wanted.has(objectKey(object)) && isReleased(object, release)),
  );
  const spec = releaseSpec(release, objects);
  const comparison = compareWith({ objects: desired }, live, spec);
  const differences = comparison.pairs.flatMap((pair) => {
    const object = pair.desired ?? pair.live;
    if (object === undefined || pair.status === 'Synced' || isUnwatched(object)) return [];
    const what =
      pair.live === undefined ? 'removed' : pair.desired === undefined ? 'no part of the chart' : 'changed';
    return [`${objectName(object)} ${what}`];
  });
  return { spec, comparison, differences };
}

/** Its own by its labels, and not to be kept when it leaves the chart. */
export function isReleased(object: KubeObject, release: KubeObject): boolean {
  const { labels, annotations } = object.metadata;
  return (
    labels?.[HELM_NAME_LABEL] === release.metadata.name &&
    labels[HELM_NAMESPACE_LABEL] === (release.metadata.namespace ?? 'default') &&
    annotations?.['helm.sh/resource-policy'] !== 'keep' &&
    annotations?.['helm.toolkit.fluxcd.io/prune'] !== 'disabled'
  );
}

/** `driftDetection: disabled` on an object, as label or annotation. */
function isUnwatched({ metadata }: KubeObject): boolean {
  const mark = 'helm.toolkit.fluxcd.io/driftDetection';
  return metadata.labels?.[mark] === 'disabled' || metadata.annotations?.[mark] === 'disabled';
}

/** What is there already and is not marked as a part of the release, where it may not be taken over. */
export function foreignObjects(
  { object, compared }: { readonly object: KubeObject; readonly compared: ComparedRelease },
  action: 'install' | 'upgrade',
): readonly KubeObject[] {
  if (getIn(object, 'spec', action, 'disableTakeOwnership') !== true) return [];
  const { name, namespace } = releaseName(object);
  return compared.comparison.pairs.flatMap(({ desired, live }) => {
    if (desired === undefined || live === undefined) return [];
    const { annotations } = live.metadata;
    const isOwn =
      annotations?.['meta.helm.sh/release-name'] === name &&
      annotations?.['meta.helm.sh/release-namespace'] === namespace;
    return isOwn ? [] : [live];
  });
}

/** The inventory around a set: of what was and what will be there, or of what is. */
export function inventoryStatus(
  release: KubeObject,
  { objects, definitions }: RenderedRelease,
  when: 'before' | 'after' | 'failed',
): JsonObject {
  const desired = objects.filter((object) => !isHook(object) && !definitions.has(objectKey(object)));
  const refs = [...(when === 'after' ? [] : inventoryOf(release)), ...desired.map(refOf)];
  return { entries: [...new Map(refs.map((ref) => [inventoryId(ref), inventoryEntry(ref)])).values()] };
}
