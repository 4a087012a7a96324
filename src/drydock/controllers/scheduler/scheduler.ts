import { copyJson } from '../../kinds/json-access.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { keyOf } from '../cache.ts';
import { schedulerEvent } from '../events.ts';
import { EVENTS, PODS } from '../objects.ts';
import type { Condition, Node, Pod } from '../objects.ts';
import { isPodFinished } from '../pods.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import { timestamp } from '../time.ts';
import { isConflict, isNotFound } from '../writes.ts';
import { claimsOf, isFullyBound, type Claim, type StorageClass } from '../storage/index.ts';
import { obstacles, unavailableMessage, unhelpfulMessage } from './filter.ts';
import type { NodeLoad } from './filter.ts';
import { requestsOf } from './resources.ts';

const MANAGER = { fieldManager: 'kube-scheduler' };
const LOOK_AGAIN_MS = 300_000;

export interface SchedulerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly nodes: Cache<Node>;
  readonly pods: Cache<Pod>;
  readonly claims: Cache<Claim>;
  readonly storageClasses: Cache<StorageClass>;
}

interface Load {
  pods: number;
  requested: Map<string, number>;
}

/** Gives every pod without a node the least loaded node that suits it, or says why there is none. */
export function startScheduler(options: SchedulerOptions): { close(): Promise<void> } {
  const { api, logger, nodes, pods, claims, storageClasses } = options;
  const { clock } = api;
  const waiting = new Set<string>();
  const loads = new Map<string, Load>();
  const placed = new Map<string, { node: string; requests: Map<string, number> }>();
  const queue = workQueue({
    clock,
    reconcile,
    // One at a time: every placement counts for the next.
    concurrency: 1,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('pod not scheduled', { key, error: messageOf(error) });
    },
  });

  pods.onChange((pod, _old, gone) => {
    account(pod, gone);
    if (gone || isPodFinished(pod)) {
      waiting.delete(keyOf(pod));
      retryWaiting();
      return;
    }
    if (needsNode(pod)) queue.add(keyOf(pod));
  });
  nodes.onChange(() => retryWaiting());
  claims.onChange(() => retryWaiting());

  function retryWaiting(): void {
    for (const key of waiting) queue.add(key);
  }

  /** Counts what runs on each node, so that a placement costs no walk over all pods. */
  function account(pod: Pod, gone: boolean): void {
    const uid = pod.metadata.uid ?? '';
    const before = placed.get(uid);
    const node = pod.spec.nodeName ?? '';
    const counts = !gone && node !== '' && !isPodFinished(pod);
    if (before !== undefined && counts) return;
    if (before !== undefined) {
      add(before.node, before.requests, -1);
      placed.delete(uid);
    }
    if (counts) {
      const requests = requestsOf(pod);
      placed.set(uid, { node, requests });
      add(node, requests, 1);
    }
  }

  function add(node: string, requests: ReadonlyMap<string, number>, sign: 1 | -1): void {
    const load = loads.get(node) ?? { pods: 0, requested: new Map() };
    load.pods += sign;
    for (const [name, amount] of requests) {
      load.requested.set(name, (load.requested.get(name) ?? 0) + sign * amount);
    }
    loads.set(node, load);
  }

  function needsNode(pod: Pod): boolean {
    return (
      (pod.spec.nodeName ?? '') === '' &&
      (pod.spec.schedulerName ?? 'default-scheduler') === 'default-scheduler' &&
      (pod.spec.schedulingGates ?? []).length === 0 &&
      pod.metadata.deletionTimestamp === undefined
    );
  }

  async function reconcile(key: string): Promise<Again | undefined> {
    const pod = pods.get(key);
    if (pod === undefined || !needsNode(pod)) {
      waiting.delete(key);
      return undefined;
    }
    const claimProblem = missingClaim(pod);
    if (claimProblem !== undefined) {
      waiting.add(key);
      // What is made for its first consumer is under way.
      if (claimProblem !== '') await refuse(pod, unhelpfulMessage([...nodes.all()].length, claimProblem));
      return { againAfterMs: LOOK_AGAIN_MS };
    }
    const candidates: NodeLoad[] = [];
    const refused: (readonly string[])[] = [];
    for (const node of nodes.all()) {
      const load = loads.get(node.metadata.name) ?? { pods: 0, requested: new Map<string, number>() };
      const candidate = { node, pods: load.pods, requested: load.requested };
      const reasons = obstacles(pod, candidate);
      if (reasons.length === 0) candidates.push(candidate);
      else refused.push(reasons);
    }
    const best = candidates.sort(
      (a, b) => a.pods - b.pods || (a.node.metadata.name < b.node.metadata.name ? -1 : 1),
    )[0];
    if (best === undefined) {
      waiting.add(key);
      await refuse(pod, unavailableMessage(refused));
      return { againAfterMs: LOOK_AGAIN_MS };
    }
    waiting.delete(key);
    await bind(pod, best.node.metadata.name);
    return undefined;
  }

  /**
   * Why no node may run the pod before a claim is there and bound; empty when its volume is being made. Source: the
   * plugin VolumeBinding.
   */
  function missingClaim(pod: Pod): string | undefined {
    let delayed = false;
    let unbound = false;
    for (const name of claimsOf(pod)) {
      const claim = claims.get(`${pod.metadata.namespace ?? ''}/${name}`);
      if (claim === undefined) return `persistentvolumeclaim "${name}" not found`;
      if (claim.metadata.deletionTimestamp !== undefined) {
        return `persistentvolumeclaim "${name}" is being deleted`;
      }
      if (claim.status?.phase === 'Lost') {
        return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`;
      }
      if (isFullyBound(claim)) continue;
      const binding = storageClasses.get(claim.spec.storageClassName ?? '')?.volumeBindingMode;
      if (binding === 'WaitForFirstConsumer') delayed = true;
      else unbound = true;
    }
    if (unbound) return 'pod has unbound immediate PersistentVolumeClaims';
    return delayed ? '' : undefined;
  }

  async function bind(pod: Pod, node: string): Promise<void> {
    const { namespace = '', name } = pod.metadata;
    try {
      const next = copyJson(pod);
      next.spec.nodeName = node;
      pods.observe(await api.update(PODS, next, MANAGER));
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    await report(
      pod,
      'Normal',
      'Scheduled',
      'Binding',
      `Successfully assigned ${namespace}/${name} to ${node}`,
    );
  }

  async function refuse(pod: Pod, message: string): Promise<void> {
    const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (before?.status === 'False' && before.message === message) return;
    const condition: Condition = {
      type: 'PodScheduled',
      status: 'False',
      lastProbeTime: null,
      lastTransitionTime:
        before?.status === 'False' ? (before.lastTransitionTime ?? null) : timestamp(clock.now()),
      reason: 'Unschedulable',
      message,
    };
    const next = copyJson(pod);
    const others = (next.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    next.status = { ...next.status, conditions: [...others, condition] };
    pods.observe(await api.update(PODS, next, { ...MANAGER, subresource: 'status' }));
    await report(pod, 'Warning', 'FailedScheduling', 'Scheduling', message);
  }

  async function report(
    pod: Pod,
    type: 'Normal' | 'Warning',
    reason: string,
    action: string,
    note: string,
  ): Promise<void> {
    const event = schedulerEvent(pod, clock.now(), type, reason, action, note);
    // An event that cannot be written is lost, as in Kubernetes; the placement stands.
    await api.create(EVENTS, event, MANAGER).catch(() => {});
  }

  return { close: () => queue.close() };
}
