import { copyJson } from '../../kinds/json-access.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { NODES } from '../objects.ts';
import type { Node, Taint } from '../objects.ts';
import { workQueue } from '../queue.ts';
import { timestamp } from '../time.ts';
import { isConflict } from '../writes.ts';

const CORDONED = 'node.kubernetes.io/unschedulable';

/** Shows a cordon as the taint that it is to the scheduler (the node lifecycle controller, 1.32). */
export function startCordonTaint(options: {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly nodes: Cache<Node>;
}): { close(): Promise<void> } {
  const { api, logger, nodes } = options;
  const queue = workQueue({
    clock: api.clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('node not tainted', { key, error: messageOf(error) });
    },
  });
  nodes.onChange((node, _old, gone) => {
    if (!gone) queue.add(node.metadata.name);
  });

  async function reconcile(name: string): Promise<undefined> {
    const node = nodes.get(name);
    if (node === undefined) return;
    const taints = node.spec?.taints ?? [];
    const cordoned = node.spec?.unschedulable === true;
    if (cordoned === taints.some(({ key }) => key === CORDONED)) return;
    const taint: Taint & { timeAdded: string } = {
      key: CORDONED,
      effect: 'NoSchedule',
      timeAdded: timestamp(api.clock.now()),
    };
    const next = copyJson(node);
    const others = taints.filter(({ key }) => key !== CORDONED);
    next.spec = { ...next.spec, taints: cordoned ? [...others, taint] : others };
    if (next.spec.taints?.length === 0) delete next.spec.taints;
    nodes.observe(await api.update(NODES, next, { fieldManager: 'kube-controller-manager' }));
  }

  return { close: () => queue.close() };
}
