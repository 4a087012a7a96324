import type { Deployment, IntOrString, ReplicaSet } from '../objects.ts';

export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** How many pods a rolling update may add to, and take from, the wanted number. */
export interface Bounds {
  readonly surge: number;
  readonly unavailable: number;
}

export function wantedReplicas(deployment: Deployment): number {
  return deployment.spec.replicas ?? 1;
}

export function replicasOf(replicaSet: ReplicaSet): number {
  return replicaSet.spec.replicas ?? 1;
}

export function isRollingUpdate(deployment: Deployment): boolean {
  return (deployment.spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** Surge rounds up, unavailable rounds down; both zero make unavailable 1, or nothing could ever move. */
export function boundsOf(deployment: Deployment): Bounds {
  if (!isRollingUpdate(deployment)) return { surge: 0, unavailable: 0 };
  const wanted = wantedReplicas(deployment);
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const surge = scaled(rolling?.maxSurge ?? '25%', wanted, Math.ceil);
  const unavailable = scaled(rolling?.maxUnavailable ?? '25%', wanted, Math.floor);
  if (wanted === 0) return { surge, unavailable: 0 };
  if (surge === 0 && unavailable === 0) return { surge: 0, unavailable: 1 };
  return { surge, unavailable: Math.min(unavailable, wanted) };
}

function scaled(value: IntOrString, of: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined) return Number.parseInt(value, 10) || 0;
  return round((Number(percent) * of) / 100);
}

export function totalReplicas(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, replicaSet) => sum + replicasOf(replicaSet), 0);
}

export function totalStatus(
  replicaSets: readonly (ReplicaSet | undefined)[],
  field: 'replicas' | 'readyReplicas' | 'availableReplicas',
): number {
  return replicaSets.reduce((sum, replicaSet) => sum + (replicaSet?.status?.[field] ?? 0), 0);
}

/** The size that the new ReplicaSet may have now. */
export function newReplicaSetSize(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newSetReplicas: number,
): number {
  const wanted = wantedReplicas(deployment);
  if (!isRollingUpdate(deployment)) return wanted;
  const most = wanted + boundsOf(deployment).surge;
  const current = totalReplicas(all);
  if (current >= most) return newSetReplicas;
  return newSetReplicas + Math.min(most - current, wanted - newSetReplicas);
}

export interface Resize {
  readonly replicaSet: ReplicaSet;
  readonly to: number;
}

/**
 * Which old ReplicaSets shrink in this pass of a rolling update, and to what: unhealthy pods first, then what the
 * availability bound leaves. Empty when nothing may go.
 */
export function shrinkOldReplicaSets(
  deployment: Deployment,
  newSet: ReplicaSet,
  oldSets: readonly ReplicaSet[],
): readonly Resize[] {
  const old = oldSets.filter((replicaSet) => replicasOf(replicaSet) > 0);
  if (old.length === 0) return [];
  const atLeast = wantedReplicas(deployment) - boundsOf(deployment).unavailable;
  const newUnavailable = replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);
  const mayGo = totalReplicas([...old, newSet]) - atLeast - newUnavailable;
  if (mayGo <= 0) return [];

  const oldestFirst = [...old].sort(byCreation);
  const sizes = new Map(oldestFirst.map((replicaSet) => [replicaSet, replicasOf(replicaSet)]));
  let cleaned = 0;
  for (const replicaSet of oldestFirst) {
    const size = replicasOf(replicaSet);
    const unhealthy = Math.min(mayGo - cleaned, size - (replicaSet.status?.availableReplicas ?? 0));
    if (unhealthy <= 0) continue;
    sizes.set(replicaSet, size - unhealthy);
    cleaned += unhealthy;
  }

  let spare = totalStatus([...oldSets, newSet], 'availableReplicas') - atLeast;
  for (const replicaSet of oldestFirst) {
    if (spare <= 0) break;
    const size = sizes.get(replicaSet) ?? 0;
    const less = Math.min(size, spare);
    sizes.set(replicaSet, size - less);
    spare -= less;
  }
  return oldestFirst.flatMap((replicaSet) => {
    const to = sizes.get(replicaSet) ?? 0;
    return to === replicasOf(replicaSet) ? [] : [{ replicaSet, to }];
  });
}

/** All pods of the wanted number are of the new ReplicaSet and available. */
export function isSaturated(deployment: Deployment, replicaSet: ReplicaSet | undefined): boolean {
  if (replicaSet === undefined) return false;
  const wanted = wantedReplicas(deployment);
  return (
    annotatedNumber(replicaSet, DESIRED_REPLICAS) === wanted &&
    replicasOf(replicaSet) === wanted &&
    (replicaSet.status?.availableReplicas ?? 0) === wanted
  );
}

/** What a scaling of the Deployment, apart from a rollout, does to its ReplicaSets. */
export function scaleReplicaSets(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): readonly Resize[] {
  const wanted = wantedReplicas(deployment);
  const single = activeOrLatest(newSet, oldSets);
  if (single !== undefined) {
    return replicasOf(single) === wanted ? [] : [{ replicaSet: single, to: wanted }];
  }
  if (isSaturated(deployment, newSet)) {
    return oldSets.filter(isActive).map((replicaSet) => ({ replicaSet, to: 0 }));
  }
  if (!isRollingUpdate(deployment)) return [];
  return scaleProportionally(
    deployment,
    [...oldSets, ...(newSet === undefined ? [] : [newSet])].filter(isActive),
  );
}

/** Spreads the difference over all active ReplicaSets by their share; what rounding leaves goes to the largest. */
function scaleProportionally(deployment: Deployment, active: readonly ReplicaSet[]): readonly Resize[] {
  const wanted = wantedReplicas(deployment);
  const allowed = wanted > 0 ? wanted + boundsOf(deployment).surge : 0;
  const toAdd = allowed - totalReplicas(active);
  const ordered = [...active].sort(
    (a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byCreation(b, a) : byCreation(a, b)),
  );
  let added = 0;
  const sizes = ordered.map((replicaSet) => {
    if (toAdd === 0) return replicasOf(replicaSet);
    const share = proportion(deployment, replicaSet, toAdd, added);
    added += share;
    return replicasOf(replicaSet) + share;
  });
  if (sizes[0] !== undefined) sizes[0] = Math.max(0, sizes[0] + (toAdd - added));
  return ordered.map((replicaSet, index) => ({ replicaSet, to: sizes[index] ?? 0 }));
}

function proportion(deployment: Deployment, replicaSet: ReplicaSet, toAdd: number, added: number): number {
  const size = replicasOf(replicaSet);
  if (size === 0 || toAdd === added) return 0;
  const wanted = wantedReplicas(deployment);
  const left = toAdd - added;
  if (wanted === 0) return Math.max(-size, left);
  const before = annotatedNumber(replicaSet, MAX_REPLICAS) ?? deployment.status?.replicas ?? 0;
  if (before === 0) return 0;
  const exact = (size * (wanted + boundsOf(deployment).surge)) / before;
  const fraction = Math.floor(exact + 0.5) - size;
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

/** The only active ReplicaSet, or with none active the newest; undefined when several are active. */
function activeOrLatest(
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): ReplicaSet | undefined {
  const active = [...oldSets, ...(newSet === undefined ? [] : [newSet])].filter(isActive);
  if (active.length === 1) return active[0];
  if (active.length > 1) return undefined;
  return newSet ?? [...oldSets].sort((a, b) => byCreation(b, a))[0];
}

export function isActive(replicaSet: ReplicaSet): boolean {
  return replicasOf(replicaSet) > 0;
}

/** The Deployment's replicas changed since its ReplicaSets were last sized. */
export function isScalingEvent(deployment: Deployment, all: readonly ReplicaSet[]): boolean {
  return all.filter(isActive).some((replicaSet) => {
    const annotated = annotatedNumber(replicaSet, DESIRED_REPLICAS);
    return annotated !== undefined && annotated !== wantedReplicas(deployment);
  });
}

export function annotatedNumber(object: ReplicaSet | Deployment, annotation: string): number | undefined {
  const value = object.metadata.annotations?.[annotation];
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

/** Oldest first, by name within one second. */
export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const [first, second] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (first !== second) return first < second ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
