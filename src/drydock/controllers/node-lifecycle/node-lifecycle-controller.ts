import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { findCondition } from '../conditions.ts';
import { eventRecorder } from '../events.ts';
import { LEASES, NODES, PODS } from '../objects.ts';
import type { Node, Pod } from '../objects.ts';
import { workQueue } from '../queue.ts';
import { timestamp } from '../time.ts';
import { isConflict, isNotFound } from '../writes.ts';
import { allowedEviction, awaitsEviction, nextTaints } from './taints.ts';

const MANAGER = { fieldManager: 'kube-controller-manager' };
const LOOK_EVERY_MS = 5_000;
/** --node-monitor-grace-period, 50 s since 1.32. */
const GRACE_MS = 50_000;
/** --node-eviction-rate: the pods of one node in 10 s. */
const EVICT_EVERY_MS = 10_000;
const REPORTED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** What was last heard of a node, by this controller's own looking: a clock that jumps makes nobody late. */
interface Heard {
  readonly renewTime: string;
  since: number;
  lookedAt: number;
}

/**
 * Notices nodes whose kubelet is silent, and says so: conditions Unknown, their pods not ready, and the taints that
 * keep pods away and put them out (pkg/controller/nodelifecycle, 1.32). Nodes that never had a lease are left alone.
 */
export function startNodeLifecycle(options: {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly nodes: Cache<Node>;
  readonly pods: Cache<Pod>;
}): { close(): Promise<void> } {
  const { api, logger, nodes, pods } = options;
  const { clock } = api;
  const recorder = eventRecorder(api, clock, { component: 'node-controller' });
  const heard = new Map<string, Heard>();
  let evictedAt = Number.NEGATIVE_INFINITY;
  const queue = workQueue({
    clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('node not looked after', { key, error: messageOf(error) });
    },
  });
  nodes.onChange((node, _old, gone) => {
    if (gone) heard.delete(node.metadata.name);
    else queue.add(node.metadata.name);
  });

  async function reconcile(name: string): Promise<{ againAfterMs: number } | undefined> {
    const found = nodes.get(name);
    if (found === undefined) return undefined;
    const node = isSilent(name) ? await markUnknown(found) : found;
    await taint(node);
    return { againAfterMs: LOOK_EVERY_MS };
  }

  function isSilent(name: string): boolean {
    const lease = api.get(LEASES, 'kube-node-lease', name)?.['spec'] as { renewTime?: string } | undefined;
    if (lease?.renewTime === undefined) return false;
    const now = clock.now();
    const last = heard.get(name);
    if (last?.renewTime !== lease.renewTime) {
      heard.set(name, { renewTime: lease.renewTime, since: now, lookedAt: now });
      return false;
    }
    if (now - last.lookedAt > 2 * LOOK_EVERY_MS) last.since = now;
    last.lookedAt = now;
    return now - last.since >= GRACE_MS;
  }

  async function markUnknown(node: Node): Promise<Node> {
    const conditions = node.status?.conditions ?? [];
    const known = REPORTED.filter((type) => findCondition(conditions, type)?.status !== 'Unknown');
    if (known.length === 0) return node;
    const wasReady = findCondition(conditions, 'Ready')?.status === 'True';
    const next = structuredClone(node);
    const lastTransitionTime = timestamp(clock.now());
    next.status = {
      ...next.status,
      conditions: conditions.map((condition) =>
        known.includes(condition.type)
          ? {
              ...condition,
              status: 'Unknown',
              lastTransitionTime,
              reason: 'NodeStatusUnknown',
              message: 'Kubelet stopped posting node status.',
            }
          : condition,
      ),
    };
    const written = (await api.update(NODES, next, { ...MANAGER, subresource: 'status' })) as Node;
    nodes.observe(written);
    if (wasReady) {
      const { name } = node.metadata;
      recorder.event(written, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
      await markPodsNotReady(name);
    }
    return written;
  }

  async function markPodsNotReady(node: string): Promise<void> {
    for (const pod of pods.all()) {
      if (pod.spec.nodeName !== node) continue;
      if (findCondition(pod.status?.conditions, 'Ready')?.status !== 'True') continue;
      const next = structuredClone(pod);
      const lastTransitionTime = timestamp(clock.now());
      next.status = {
        ...next.status,
        conditions: (next.status?.conditions ?? []).map((condition) =>
          condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime } : condition,
        ),
      };
      try {
        pods.observe(await api.update(PODS, next, { ...MANAGER, subresource: 'status' }));
      } catch (error) {
        // Who is gone or changes now is not this one's to mark.
        if (!isNotFound(error) && !isConflict(error)) throw error;
        continue;
      }
      recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    }
  }

  async function taint(node: Node): Promise<void> {
    const now = clock.now();
    const allowed = allowedEviction([...nodes.all()]);
    const starts = allowed === 'start' && awaitsEviction(node) && now - evictedAt >= EVICT_EVERY_MS;
    const taints = nextTaints(node, starts ? 'start' : allowed === 'stop' ? 'stop' : 'keep', timestamp(now));
    if (taints === undefined) return;
    if (starts) evictedAt = now;
    const next = structuredClone(node);
    next.spec = { ...next.spec, taints: [...taints] };
    if (taints.length === 0) delete next.spec.taints;
    nodes.observe(await api.update(NODES, next, MANAGER));
  }

  return { close: () => queue.close() };
}
