import type { KubeObject } from '../../kube/index.ts';

const PREFIX = 'kustomize.toolkit.fluxcd.io';

/** How Flux writes one object, by what stands on it and on the stored one. */
export interface FluxManner {
  /** False: it is left as it is, and counts as skipped. */
  readonly apply: boolean;
  /** What the server will not change is deleted and made again. */
  readonly force: boolean;
  /** Fields that kubectl wrote are taken over, so that others than Git's do not stay. */
  readonly takeOver: boolean;
}

/** True where a label or an annotation of Flux has that value, in whatever case. */
function isMarked(object: KubeObject | undefined, mark: string, value: string): boolean {
  const { labels, annotations } = object?.metadata ?? {};
  return [labels, annotations].some(
    (texts) => texts?.[`${PREFIX}/${mark}`]?.toLowerCase() === value.toLowerCase(),
  );
}

/**
 * The marks `reconcile: disabled`, `ssa: Ignore | IfNotPresent | Merge | Override` and `force: enabled`; `force` is
 * that of the Kustomization. Source: kustomize-controller's apply, and `ssa/manager_apply.go` of fluxcd/pkg.
 */
export function fluxManner(desired: KubeObject, live: KubeObject | undefined, force: boolean): FluxManner {
  const either = (mark: string, value: string) =>
    isMarked(desired, mark, value) || isMarked(live, mark, value);
  const left = either('reconcile', 'disabled') || either('ssa', 'Ignore');
  const there = live !== undefined && isMarked(desired, 'ssa', 'IfNotPresent');
  return {
    apply: !left && !there,
    force: force || either('force', 'enabled'),
    takeOver: !either('ssa', 'Merge'),
  };
}

/** Whether Flux leaves an object alone, so that nothing of it is to be expected in the cluster. */
export function isLeftByFlux(desired: KubeObject): boolean {
  return isMarked(desired, 'reconcile', 'disabled') || isMarked(desired, 'ssa', 'Ignore');
}

/** Whether Flux only makes an object where there is none: what becomes of it then is for others to say. */
export function isSeedOfFlux(desired: KubeObject): boolean {
  return isMarked(desired, 'ssa', 'IfNotPresent');
}

/** Whether Flux deletes a stored object that left Git: not where it is marked to be kept. */
export function fluxPrunes(live: KubeObject): boolean {
  return !(
    isMarked(live, 'prune', 'disabled') ||
    isMarked(live, 'reconcile', 'disabled') ||
    isMarked(live, 'ssa', 'Ignore')
  );
}
