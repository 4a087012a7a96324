import { getIn, getNumber, getObject, getString, jsonEqual } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { Reading } from './reading.ts';
import { podTemplate } from './workload.ts';
import type { PodFacts } from './workload.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const ROLLOUT_HASH = 'rollouts-pod-template-hash';

/** Which pods a workload has, and which of them were made from the template that is stored now. */
export interface WorkloadPods {
  /** Made from the template that is stored now; terminating ones included. */
  readonly current: readonly PodFacts[];
  /** Made from an earlier template and not gone yet. */
  readonly old: readonly PodFacts[];
  /** Hash of the current template as pods carry it. */
  readonly currentHash: string | undefined;
  /** The ReplicaSet of the current template, for a Deployment. */
  readonly replicaSet: KubeObject | undefined;
}

function owns(owner: KubeObject, child: KubeObject): boolean {
  return child.metadata.ownerReferences?.some((ref) => ref.uid === owner.metadata.uid) ?? false;
}

function withoutHash(template: JsonObject | undefined): JsonObject | undefined {
  const labels = getObject(template, 'metadata', 'labels');
  if (template === undefined || labels === undefined) return template;
  const { 'pod-template-hash': _hash, ...rest } = labels;
  return { ...template, metadata: { ...getObject(template, 'metadata'), labels: rest } };
}

/**
 * The ReplicaSet that the Deployment controller made for the stored template: the one whose template is equal to it.
 * The revision annotation alone is not enough: it is written after the template was, so that for a moment the newest
 * ReplicaSet is the one before.
 */
export function currentReplicaSet(
  deployment: KubeObject,
  replicaSets: readonly KubeObject[],
): KubeObject | undefined {
  const owned = replicaSets.filter((set) => owns(deployment, set));
  const template = withoutHash(podTemplate(deployment));
  const equal = owned.filter((set) => jsonEqual(withoutHash(podTemplate(set)), template));
  if (equal.length > 0) {
    return equal.toSorted((a, b) =>
      (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''),
    )[0];
  }
  // While a Deployment is paused its controller makes no ReplicaSet: the revision is that of the template before.
  if (getIn(deployment, 'spec', 'paused') === true) return undefined;
  // Defaults that a newer API server adds to one of the two leave only the revision to go by.
  const observed = getNumber(deployment, 'status', 'observedGeneration') ?? 0;
  if (observed < (deployment.metadata.generation ?? 0)) return undefined;
  const revision = deployment.metadata.annotations?.[REVISION];
  return revision === undefined
    ? undefined
    : owned.find((set) => set.metadata.annotations?.[REVISION] === revision);
}

/** Pods that have ended and that their controller has replaced: an evicted pod stays until somebody deletes it. */
function isLeftOver(pod: PodFacts): boolean {
  return pod.phase === 'Failed' || pod.phase === 'Succeeded';
}

/**
 * The revision of the pods that were made from the stored template. A DaemonSet does not name it: it is that of its
 * newest pod, unless more pods carry it than the controller counts as updated. Then no pod was replaced yet.
 */
function daemonSetRevision(daemonSet: KubeObject, pods: readonly PodFacts[]): string | undefined {
  const newest = pods.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))[0]?.controllerRevision;
  const carrying = pods.filter((pod) => pod.controllerRevision === newest && !pod.terminating).length;
  const updated = getNumber(daemonSet, 'status', 'updatedNumberScheduled') ?? 0;
  return carrying > updated ? undefined : newest;
}

/** Pairs a live workload with its pods. `unreadable` when pods or ReplicaSets could not be listed. */
export function workloadPods(
  workload: KubeObject,
  pods: Reading<readonly PodFacts[]> | undefined,
  replicaSets: Reading<readonly KubeObject[]> | undefined,
): Reading<WorkloadPods> {
  if (pods === undefined || replicaSets === undefined) {
    return { state: 'unreadable', why: 'Pods were not read.', code: 'not-read' };
  }
  if (pods.state !== 'read') return pods;
  const uid = workload.metadata.uid ?? '';
  const ended = workload.kind === 'Job' || workload.kind === 'Pod' || workload.kind === 'CronJob';
  const standing = ended ? pods.value : pods.value.filter((pod) => !isLeftOver(pod));
  if (workload.kind === 'Deployment' || workload.kind === 'Rollout') {
    if (replicaSets.state !== 'read') return replicaSets;
    const sets = replicaSets.value.filter((set) => owns(workload, set));
    const hash = getString(workload, 'status', 'currentPodHash');
    const current =
      workload.kind === 'Deployment'
        ? currentReplicaSet(workload, sets)
        : sets.find((set) => hash !== undefined && set.metadata.labels?.[ROLLOUT_HASH] === hash);
    const setIds = new Set(sets.map((set) => set.metadata.uid));
    const mine = standing.filter((pod) => pod.owner !== undefined && setIds.has(pod.owner.uid));
    return {
      state: 'read',
      value: {
        current: mine.filter((pod) => pod.owner?.uid === current?.metadata.uid),
        old: mine.filter((pod) => pod.owner?.uid !== current?.metadata.uid),
        currentHash:
          current?.metadata.labels?.['pod-template-hash'] ?? current?.metadata.labels?.[ROLLOUT_HASH],
        replicaSet: current,
      },
    };
  }
  const mine = standing.filter((pod) => pod.owner?.uid === uid);
  if (workload.kind === 'StatefulSet') {
    const hash = getString(workload, 'status', 'updateRevision');
    return {
      state: 'read',
      value: {
        current: mine.filter((pod) => pod.controllerRevision === hash),
        old: mine.filter((pod) => pod.controllerRevision !== hash),
        currentHash: hash,
        replicaSet: undefined,
      },
    };
  }
  if (workload.kind === 'DaemonSet') {
    const revision = daemonSetRevision(workload, mine);
    const isCurrent = (pod: PodFacts) => revision !== undefined && pod.controllerRevision === revision;
    return {
      state: 'read',
      value: {
        current: mine.filter(isCurrent),
        old: mine.filter((pod) => !isCurrent(pod)),
        currentHash: revision,
        replicaSet: undefined,
      },
    };
  }
  const self = workload.kind === 'Pod' ? pods.value.filter((pod) => pod.uid === uid) : mine;
  return { state: 'read', value: { current: self, old: [], currentHash: undefined, replicaSet: undefined } };
}
