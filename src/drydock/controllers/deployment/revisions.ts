import type { Deployment, ReplicaSet } from '../objects.ts';
import {
  annotatedNumber,
  boundsOf,
  byCreation,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  replicasOf,
  wantedReplicas,
} from './arithmetic.ts';
import { sameTemplate } from './template-hash.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
const HISTORY_LENGTH = 2000;

const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);

export function findNewReplicaSet(
  deployment: Deployment,
  all: readonly ReplicaSet[],
): ReplicaSet | undefined {
  return [...all]
    .sort(byCreation)
    .find((replicaSet) => sameTemplate(replicaSet.spec.template, deployment.spec.template));
}

export function highestRevision(replicaSets: readonly ReplicaSet[]): number {
  return Math.max(0, ...replicaSets.map((replicaSet) => annotatedNumber(replicaSet, REVISION) ?? 0));
}

/**
 * The annotations that the newest ReplicaSet should have: those of the Deployment, the revision (never lowered), and
 * when it served before under another one, that in its history.
 */
export function newReplicaSetAnnotations(
  deployment: Deployment,
  existing: Readonly<Record<string, string>> | undefined,
  revision: number,
): Record<string, string> {
  const annotations: Record<string, string> = { ...existing };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!NOT_COPIED.has(key)) annotations[key] = value;
  }
  const before = existing?.[REVISION];
  if (before !== undefined && Number(before) >= revision) return annotations;
  annotations[REVISION] = String(revision);
  if (before !== undefined) {
    const history = (existing?.[REVISION_HISTORY] ?? '').split(',').filter((entry) => entry !== '');
    history.push(before);
    while (history.join(',').length > HISTORY_LENGTH) history.shift();
    annotations[REVISION_HISTORY] = history.join(',');
  }
  return annotations;
}

/** The two annotations by which proportional scaling knows the size that a ReplicaSet was made for. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const wanted = wantedReplicas(deployment);
  return {
    [DESIRED_REPLICAS]: String(wanted),
    [MAX_REPLICAS]: String(wanted + boundsOf(deployment).surge),
  };
}

/** Old, empty ReplicaSets beyond `revisionHistoryLimit`, lowest revision first. */
export function outlivedReplicaSets(
  deployment: Deployment,
  oldSets: readonly ReplicaSet[],
): readonly ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit;
  if (limit === undefined) return [];
  const alive = oldSets.filter((replicaSet) => replicaSet.metadata.deletionTimestamp === undefined);
  const surplus = alive.length - limit;
  if (surplus <= 0) return [];
  return [...alive]
    .sort(
      (a, b) => (annotatedNumber(a, REVISION) ?? 0) - (annotatedNumber(b, REVISION) ?? 0) || byCreation(a, b),
    )
    .slice(0, surplus)
    .filter(
      (replicaSet) =>
        (replicaSet.status?.replicas ?? 0) === 0 &&
        replicasOf(replicaSet) === 0 &&
        (replicaSet.metadata.generation ?? 0) <= (replicaSet.status?.observedGeneration ?? 0),
    );
}
