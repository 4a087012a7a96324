import { copyJson } from '../../kinds/json-access.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi, KubeObject, ResourceName } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { controllerOf, keyOf } from '../cache.ts';
import { eventRecorder } from '../events.ts';
import { currentRevision, hashOf, REVISION_HASH, trimRevisions } from '../history/controller-revisions.ts';
import type { ControllerRevision } from '../history/controller-revisions.ts';
import type { IntOrString, LabelSelector, Node, Pod, PodTemplate, Toleration } from '../objects.ts';
import { podControl, podFrom } from '../pod-control.ts';
import { isPodAvailable, isPodFinished, isPodReady } from '../pods.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import { matchesNode, tolerates } from '../scheduler/filter.ts';
import { isConflict, isNamespaceTerminating, omitEmpty, sameJson } from '../writes.ts';

export const DAEMON_SETS: ResourceName = { group: 'apps', version: 'v1', resource: 'daemonsets' };
const MANAGER = { fieldManager: 'kube-controller-manager' };
const GENERATION = 'pod-template-generation';

export interface DaemonSet extends KubeObject {
  spec: {
    selector: LabelSelector;
    template: PodTemplate;
    minReadySeconds?: number;
    revisionHistoryLimit?: number;
    updateStrategy?: { type?: string; rollingUpdate?: { maxUnavailable?: IntOrString } };
  };
  status?: { collisionCount?: number; [field: string]: unknown };
}

export interface DaemonSetControllerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly daemonSets: Cache<DaemonSet>;
  readonly revisions: Cache<ControllerRevision>;
  readonly nodes: Cache<Node>;
  readonly pods: Cache<Pod>;
}

/** What every daemon pod tolerates, so that a node in trouble or cordoned keeps its daemons. */
const TOLERATED: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

/** Keeps one pod on every node that suits it (pkg/controller/daemon, 1.32). */
export function startDaemonSetController(options: DaemonSetControllerOptions): { close(): Promise<void> } {
  const { api, logger, daemonSets, revisions, nodes, pods } = options;
  const { clock } = api;
  const recorder = eventRecorder(api, clock, { component: 'daemonset-controller' });
  const control = podControl(api, pods, recorder);
  const queue = workQueue({
    clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('daemon set not reconciled', { key, error: messageOf(error) });
    },
  });

  daemonSets.onChange((set) => queue.add(keyOf(set)));
  nodes.onChange(() => {
    for (const set of daemonSets.all()) queue.add(keyOf(set));
  });
  pods.onChange((pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind === 'DaemonSet') queue.add(`${pod.metadata.namespace ?? ''}/${owner.name}`);
  });

  async function reconcile(key: string): Promise<Again | undefined> {
    const set = daemonSets.get(key);
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return undefined;
    const update = await currentRevision(api, revisions, set);
    let failure: unknown;
    try {
      await place(set, update);
      await roll(set, update);
    } catch (error) {
      failure = error;
    }
    await writeStatus(set, update);
    const inUse = new Set([
      hashOf(update),
      ...owned(set).map((pod) => pod.metadata.labels?.[REVISION_HASH] ?? ''),
    ]);
    await trimRevisions(api, revisions, set, inUse);
    if (failure !== undefined && !isNamespaceTerminating(failure)) throw failure;
    const waits = set.spec.minReadySeconds ?? 0;
    const notYet = owned(set).some((pod) => isPodReady(pod) && !isPodAvailable(pod, waits, clock.now()));
    return waits > 0 && notYet ? { againAfterMs: waits * 1000 } : undefined;
  }

  const owned = (set: DaemonSet) => pods.ownedBy(set.metadata.uid ?? '');

  function podsByNode(set: DaemonSet): Map<string, Pod[]> {
    const found = new Map<string, Pod[]>();
    for (const pod of owned(set)) {
      const node = nodeOf(pod);
      found.set(node, [...(found.get(node) ?? []), pod]);
    }
    return found;
  }

  async function place(set: DaemonSet, update: ControllerRevision): Promise<void> {
    const byNode = podsByNode(set);
    const eligible = new Set<string>();
    for (const node of nodes.all()) {
      if (!isEligible(set, node)) continue;
      eligible.add(node.metadata.name);
      const here = byNode.get(node.metadata.name) ?? [];
      for (const pod of here) {
        if (pod.status?.phase !== 'Failed' || pod.metadata.deletionTimestamp !== undefined) continue;
        const { namespace = '', name } = pod.metadata;
        recorder.event(
          set,
          'Warning',
          'FailedDaemonPod',
          `Found failed daemon pod ${namespace}/${name} on node ${node.metadata.name}, will try to kill it`,
        );
        await control.delete(set, pod);
      }
      if (here.length === 0) await control.create(set, daemonPod(set, update, node.metadata.name));
      const running = here.filter((pod) => pod.metadata.deletionTimestamp === undefined);
      for (const surplus of running.slice(1)) await control.delete(set, surplus);
    }
    for (const [node, here] of byNode) {
      if (eligible.has(node)) continue;
      for (const pod of here)
        if (pod.metadata.deletionTimestamp === undefined) await control.delete(set, pod);
    }
  }

  /** Replaces old pods, as many at once as may be unavailable; those that are unavailable anyway go first. */
  async function roll(set: DaemonSet, update: ControllerRevision): Promise<void> {
    if (set.spec.updateStrategy?.type === 'OnDelete') return;
    const desired = [...nodes.all()].filter((node) => isEligible(set, node)).length;
    const most = maxUnavailable(set, desired);
    const waits = set.spec.minReadySeconds ?? 0;
    const alive = owned(set).filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const available = (pod: Pod) => isPodAvailable(pod, waits, clock.now());
    const old = alive.filter((pod) => pod.metadata.labels?.[REVISION_HASH] !== hashOf(update));
    let unavailable = desired - alive.filter(available).length;
    for (const pod of old.filter((pod) => !available(pod))) await control.delete(set, pod);
    for (const pod of old.filter(available)) {
      if (unavailable >= most) return;
      await control.delete(set, pod);
      unavailable += 1;
    }
  }

  async function writeStatus(set: DaemonSet, update: ControllerRevision): Promise<void> {
    const byNode = podsByNode(set);
    const waits = set.spec.minReadySeconds ?? 0;
    let desired = 0;
    let misscheduled = 0;
    const scheduled: Pod[] = [];
    for (const node of nodes.all()) {
      const [pod] = (byNode.get(node.metadata.name) ?? []).filter((candidate) => !isPodFinished(candidate));
      if (isEligible(set, node)) {
        desired += 1;
        if (pod !== undefined) scheduled.push(pod);
      } else if (pod !== undefined) {
        misscheduled += 1;
      }
    }
    const available = scheduled.filter((pod) => isPodAvailable(pod, waits, clock.now())).length;
    const status = {
      currentNumberScheduled: scheduled.length,
      desiredNumberScheduled: desired,
      numberMisscheduled: misscheduled,
      numberReady: scheduled.filter(isPodReady).length,
      ...omitEmpty({
        observedGeneration: set.metadata.generation ?? 0,
        updatedNumberScheduled: scheduled.filter(
          (pod) => pod.metadata.labels?.[REVISION_HASH] === hashOf(update),
        ).length,
        numberAvailable: available,
        numberUnavailable: desired - available,
      }),
    };
    const newest = daemonSets.get(keyOf(set));
    if (newest === undefined || sameJson(newest.status ?? {}, status)) return;
    const next = { ...copyJson(newest), status };
    daemonSets.observe(await api.update(DAEMON_SETS, next, { ...MANAGER, subresource: 'status' }));
  }

  return { close: () => queue.close() };
}

/** The node of a daemon pod: bound to it, or meant for it by its affinity. */
function nodeOf(pod: Pod): string {
  if ((pod.spec.nodeName ?? '') !== '') return pod.spec.nodeName ?? '';
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0] ?? '';
}

function isEligible(set: DaemonSet, node: Node): boolean {
  const probe = { ...podFrom(set.spec.template, set) };
  if (!matchesNode(probe, node)) return false;
  const tolerations = [...(set.spec.template.spec.tolerations ?? []), ...TOLERATED];
  return (node.spec?.taints ?? []).every(
    (taint) => taint.effect === 'PreferNoSchedule' || tolerates(tolerations, taint),
  );
}

function daemonPod(set: DaemonSet, revision: ControllerRevision, node: string): Pod {
  const pod = podFrom(set.spec.template, set);
  pod.metadata.labels = {
    ...pod.metadata.labels,
    [REVISION_HASH]: hashOf(revision),
    [GENERATION]: String(set.metadata.generation ?? 1),
  };
  pod.spec.tolerations = [
    ...(pod.spec.tolerations ?? []),
    ...TOLERATED.map((toleration) => ({ ...toleration })),
  ];
  const only = { key: 'metadata.name', operator: 'In', values: [node] };
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const terms = required?.nodeSelectorTerms ?? [{}];
  pod.spec.affinity = {
    ...pod.spec.affinity,
    nodeAffinity: {
      ...pod.spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms.map((term) => ({ ...term, matchFields: [only] })),
      },
    },
  };
  return pod;
}

function maxUnavailable(set: DaemonSet, desired: number): number {
  const value = set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  const number = typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * desired) / 100);
  return Math.max(1, number);
}
