import { copyJson } from '../../kinds/json-access.ts';
import type { InProcessApi, KubeObject, ResourceName } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { templateHash } from '../deployment/template-hash.ts';
import type { PodTemplate } from '../objects.ts';
import { controllerReference, sameJson } from '../writes.ts';

export const CONTROLLER_REVISIONS: ResourceName = {
  group: 'apps',
  version: 'v1',
  resource: 'controllerrevisions',
};
export const REVISION_HASH = 'controller-revision-hash';

const MANAGER = { fieldManager: 'kube-controller-manager' };

/** One state of a pod template that a StatefulSet or DaemonSet had; the newest has the highest number. */
export interface ControllerRevision extends KubeObject {
  revision: number;
  data?: { spec?: { template?: PodTemplate } };
}

export interface Owner extends KubeObject {
  spec: { template: PodTemplate; revisionHistoryLimit?: number };
  status?: { collisionCount?: number };
}

/** Of revisions of StatefulSets; those of DaemonSets carry the label of their pods instead. */
const HASH = 'controller.kubernetes.io/hash';

/**
 * What pods of a revision carry as `controller-revision-hash`: the hash for a DaemonSet, the whole name of the revision
 * for a StatefulSet, as its `status.updateRevision` (pkg/controller/daemon/update.go, statefulset/stateful_set_utils.go).
 */
export function hashOf({ metadata: { labels, name } }: ControllerRevision): string {
  return labels?.[HASH] === undefined ? (labels?.[REVISION_HASH] ?? '') : name;
}

export function templateOf(revision: ControllerRevision): PodTemplate | undefined {
  return revision.data?.spec?.template;
}

/** The revision of the owner's template as it is now: found, made the newest again, or created. */
export async function currentRevision(
  api: InProcessApi,
  cache: Cache<ControllerRevision>,
  owner: Owner,
): Promise<ControllerRevision> {
  const known = sorted(cache.ownedBy(owner.metadata.uid ?? ''));
  const newest = known.at(-1);
  const template = { ...copyJson(owner.spec.template), $patch: 'replace' };
  const equal = known.find((revision) => sameJson(templateOf(revision), template));
  const number = (newest?.revision ?? 0) + 1;
  if (equal !== undefined) {
    if (equal === newest) return equal;
    const raised = await api.update(CONTROLLER_REVISIONS, { ...copyJson(equal), revision: number }, MANAGER);
    cache.observe(raised);
    return raised as ControllerRevision;
  }
  const hash = templateHash(owner.spec.template, owner.status?.collisionCount);
  const created = await api.create(
    CONTROLLER_REVISIONS,
    {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name: `${owner.metadata.name}-${hash}`,
        namespace: owner.metadata.namespace ?? '',
        labels: {
          ...owner.spec.template.metadata?.labels,
          [owner.kind === 'StatefulSet' ? HASH : REVISION_HASH]: hash,
        },
        // The cause of a change is read from here by `kubectl rollout history`.
        ...(owner.metadata.annotations === undefined
          ? {}
          : { annotations: { ...owner.metadata.annotations } }),
        ownerReferences: [controllerReference(owner)],
      },
      data: { spec: { template } },
      revision: number,
    },
    MANAGER,
  );
  cache.observe(created);
  return created as ControllerRevision;
}

/** Deletes revisions beyond the history limit that nothing uses any more. */
export async function trimRevisions(
  api: InProcessApi,
  cache: Cache<ControllerRevision>,
  owner: Owner,
  inUse: ReadonlySet<string>,
): Promise<void> {
  const unused = sorted(cache.ownedBy(owner.metadata.uid ?? '')).filter(
    (revision) => !inUse.has(hashOf(revision)),
  );
  const surplus = unused.length - (owner.spec.revisionHistoryLimit ?? 10);
  for (const revision of unused.slice(0, Math.max(0, surplus))) {
    await api.delete(CONTROLLER_REVISIONS, revision.metadata.namespace, revision.metadata.name);
  }
}

function sorted(revisions: readonly ControllerRevision[]): ControllerRevision[] {
  return [...revisions].sort((a, b) => a.revision - b.revision);
}
