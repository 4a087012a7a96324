import { findCondition } from '../conditions.ts';
import type { Node, Taint } from '../objects.ts';

const PREFIX = 'node.kubernetes.io/';

/** The taints that this controller sets and takes away; all others are somebody else's. */
const OWN: ReadonlySet<string> = new Set([
  `${PREFIX}not-ready NoSchedule`,
  `${PREFIX}unreachable NoSchedule`,
  `${PREFIX}memory-pressure NoSchedule`,
  `${PREFIX}disk-pressure NoSchedule`,
  `${PREFIX}pid-pressure NoSchedule`,
  `${PREFIX}unschedulable NoSchedule`,
  `${PREFIX}not-ready NoExecute`,
  `${PREFIX}unreachable NoExecute`,
]);

const idOf = ({ key, effect }: Taint) => `${key} ${effect}`;

/** What keeps pods away from a node, by its conditions and its cordon (pkg/controller/nodelifecycle, 1.32). */
function wanted(node: Node, evict: boolean): readonly Taint[] {
  const status = (type: string) => findCondition(node.status?.conditions, type)?.status;
  const ready = status('Ready');
  const away = ready === 'Unknown' ? 'unreachable' : ready === 'False' ? 'not-ready' : undefined;
  const keys = [
    ...(away === undefined ? [] : [away]),
    ...(status('MemoryPressure') === 'True' ? ['memory-pressure'] : []),
    ...(status('DiskPressure') === 'True' ? ['disk-pressure'] : []),
    ...(status('PIDPressure') === 'True' ? ['pid-pressure'] : []),
    ...(node.spec?.unschedulable === true ? ['unschedulable'] : []),
  ];
  return [
    ...keys.map((key) => ({ key: `${PREFIX}${key}`, effect: 'NoSchedule' })),
    ...(away === undefined || !evict ? [] : [{ key: `${PREFIX}${away}`, effect: 'NoExecute' }]),
  ];
}

/** Whether the pods of a node are put out: from now on, as before, or not (any more). */
export type Eviction = 'start' | 'keep' | 'stop';

/** The taints that the node should have, undefined when it has them. */
export function nextTaints(node: Node, eviction: Eviction, timeAdded: string): readonly Taint[] | undefined {
  const now = node.spec?.taints ?? [];
  const marked = now.some(({ key, effect }) => effect === 'NoExecute' && OWN.has(`${key} NoExecute`));
  const target = wanted(node, eviction === 'start' || (eviction === 'keep' && marked));
  const keeps = now.filter((taint) => !OWN.has(idOf(taint)) || target.some((own) => idOf(own) === idOf(taint)));
  const adds = target.filter((own) => !now.some((taint) => idOf(taint) === idOf(own)));
  if (adds.length === 0 && keeps.length === now.length) return undefined;
  return [...keeps, ...adds.map((taint) => ({ ...taint, timeAdded }))];
}

/** Whether a node is one to put the pods out of, and does not do so yet. */
export function awaitsEviction(node: Node): boolean {
  const ready = findCondition(node.status?.conditions, 'Ready')?.status;
  const key = ready === 'Unknown' ? 'unreachable' : ready === 'False' ? 'not-ready' : undefined;
  if (key === undefined) return false;
  return !(node.spec?.taints ?? []).some((taint) => idOf(taint) === `${PREFIX}${key} NoExecute`);
}

/**
 * What disruption of a whole cluster allows. Where every node is away the controller's own connection is the likelier
 * cause, and nobody is put out; where most of a small cluster is, nobody more (the original's states of a zone).
 */
export function allowedEviction(nodes: readonly Node[]): Eviction {
  const away = nodes.filter((node) => findCondition(node.status?.conditions, 'Ready')?.status !== 'True').length;
  if (away === nodes.length) return 'stop';
  return away > 2 && away / nodes.length >= 0.55 && nodes.length <= 50 ? 'keep' : 'start';
}
