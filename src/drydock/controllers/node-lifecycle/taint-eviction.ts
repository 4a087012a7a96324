import { messageOf } from '../../../kernel/index.ts';
import type { Logger, Timer } from '../../../kernel/index.ts';
import type { InProcessApi, KubeObject } from '../../api/contract.ts';
import { keyOf } from '../cache.ts';
import type { Cache } from '../cache.ts';
import { eventRecorder } from '../events.ts';
import { PODS } from '../objects.ts';
import type { Condition, Node, Pod, Taint } from '../objects.ts';
import { tolerates } from '../scheduler/filter.ts';
import { timestamp } from '../time.ts';
import { isConflict, isNotFound } from '../writes.ts';

const MANAGER = { fieldManager: 'kube-controller-manager' };
const RETRY_MS = 1_000;

/** Puts pods out of nodes whose NoExecute taints they do not tolerate (any more) (pkg/controller/tainteviction, 1.32). */
export function startTaintEviction(options: {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly nodes: Cache<Node>;
  readonly pods: Cache<Pod>;
}): { close(): Promise<void> } {
  const { api, logger, nodes, pods } = options;
  const { clock } = api;
  const recorder = eventRecorder(api, clock, { component: 'taint-eviction-controller' });
  const due = new Map<string, { readonly at: number; readonly timer: Timer }>();
  const running = new Set<Promise<void>>();
  let closed = false;

  nodes.onChange((node, old, gone) => {
    if (gone || JSON.stringify(noExecute(old)) === JSON.stringify(noExecute(node))) return;
    for (const pod of pods.all()) if (pod.spec.nodeName === node.metadata.name) look(pod);
  });
  pods.onChange((pod, old, gone) => {
    if (gone) {
      due.get(keyOf(pod))?.timer.cancel();
      due.delete(keyOf(pod));
    } else if (
      old?.spec.nodeName !== pod.spec.nodeName ||
      JSON.stringify(old?.spec.tolerations) !== JSON.stringify(pod.spec.tolerations)
    ) {
      look(pod);
    }
  });

  function look(pod: Pod): void {
    if (closed || pod.spec.nodeName === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const key = keyOf(pod);
    const stays = staysFor(pod, noExecute(nodes.get(pod.spec.nodeName)));
    if (stays === Number.POSITIVE_INFINITY) {
      if (cancel(key)) {
        recorder.event(referenceTo(pod), 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
      }
      return;
    }
    const at = clock.now() + stays;
    const scheduled = due.get(key);
    // What waits already keeps its time, unless it has to go sooner.
    if (scheduled !== undefined && scheduled.at <= at) return;
    cancel(key);
    if (stays === 0) start(key, pod);
    else due.set(key, { at, timer: clock.after(stays, () => start(key, pod)) });
  }

  function cancel(key: string): boolean {
    due.get(key)?.timer.cancel();
    return due.delete(key);
  }

  function start(key: string, pod: Pod): void {
    const work = evict(key, pod)
      .catch((error: unknown) => {
        logger.debug('pod not evicted', { pod: key, error: messageOf(error) });
        if (!closed) due.set(key, { at: clock.now(), timer: clock.after(RETRY_MS, () => start(key, pod)) });
      })
      .finally(() => running.delete(work));
    running.add(work);
  }

  async function evict(key: string, { metadata }: Pod): Promise<void> {
    due.delete(key);
    const { namespace, name, uid } = metadata;
    const pod = api.get(PODS, namespace, name) as Pod | undefined;
    if (closed || pod === undefined || pod.metadata.uid !== uid) return;
    recorder.event(referenceTo(pod), 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    const disrupted: Condition = {
      type: 'DisruptionTarget',
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: timestamp(clock.now()),
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    };
    const next = structuredClone(pod);
    const others = (next.status?.conditions ?? []).filter(({ type }) => type !== disrupted.type);
    next.status = { ...next.status, conditions: [...others, disrupted] };
    try {
      await api.update(PODS, next, { ...MANAGER, subresource: 'status' });
      await api.delete(PODS, namespace, name, uid === undefined ? {} : { preconditions: { uid } });
    } catch (error) {
      if (isNotFound(error)) return;
      if (isConflict(error)) throw new Error('the pod changed meanwhile', { cause: error });
      throw error;
    }
  }

  return {
    async close() {
      closed = true;
      for (const { timer } of due.values()) timer.cancel();
      due.clear();
      await Promise.all(running);
    },
  };
}

function noExecute(node: Node | undefined): readonly Taint[] {
  return (node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
}

/** How long a pod may stay with these taints, in milliseconds: 0 for not at all, infinity for good. */
function staysFor(pod: Pod, taints: readonly Taint[]): number {
  if (taints.length === 0) return Number.POSITIVE_INFINITY;
  const used = taints.map((taint) => pod.spec.tolerations?.find((one) => tolerates([one], taint)));
  if (used.includes(undefined)) return 0;
  const seconds = used.flatMap((toleration) => toleration?.tolerationSeconds ?? []);
  return seconds.length === 0 ? Number.POSITIVE_INFINITY : Math.max(0, Math.min(...seconds)) * 1000;
}

/** As the original names it: without uid and version. */
function referenceTo({ metadata }: Pod): KubeObject {
  const { name, namespace } = metadata;
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}
