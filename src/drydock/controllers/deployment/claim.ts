import { copyJson } from '../../kinds/json-access.ts';
import type { Cache } from '../cache.ts';
import type { Deployment, ReplicaSet } from '../objects.ts';
import { matchesSelector } from '../selectors.ts';
import { controllerReference } from '../writes.ts';

/** The ReplicaSets of a Deployment: orphans that match are adopted, owned ones that no longer match are let go. */
export async function claimReplicaSets(
  deployment: Deployment,
  replicaSets: Cache<ReplicaSet>,
  update: (replicaSet: ReplicaSet) => Promise<ReplicaSet>,
): Promise<ReplicaSet[]> {
  const { uid = '', namespace = '', deletionTimestamp } = deployment.metadata;
  const ending = deletionTimestamp !== undefined;
  const matches = (replicaSet: ReplicaSet) =>
    matchesSelector(deployment.spec.selector, replicaSet.metadata.labels);
  const claimed: ReplicaSet[] = [];
  for (const replicaSet of replicaSets.ownedBy(uid)) {
    if (ending || matches(replicaSet)) claimed.push(replicaSet);
    else await update(owned(replicaSet, (owners) => owners.filter((owner) => owner.uid !== uid)));
  }
  if (ending) return claimed;
  for (const replicaSet of replicaSets.orphansIn(namespace)) {
    if (replicaSet.metadata.deletionTimestamp !== undefined || !matches(replicaSet)) continue;
    claimed.push(await update(owned(replicaSet, (owners) => [...owners, controllerReference(deployment)])));
  }
  return claimed;
}

type Owners = NonNullable<ReplicaSet['metadata']['ownerReferences']>;

function owned(replicaSet: ReplicaSet, change: (owners: Owners) => Owners): ReplicaSet {
  const next = copyJson(replicaSet);
  next.metadata.ownerReferences = change(next.metadata.ownerReferences ?? []);
  return next;
}
