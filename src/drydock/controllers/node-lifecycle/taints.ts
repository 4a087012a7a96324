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

/**
 * The taints that the node should have, undefined when it has them. `evict`: whether pods may be put out now; a node
 * that is marked for that already stays marked.
 */
export function nextTaints(node: Node, evict: boolean, timeAdded: string): readonly Taint[] | undefined {
  const now = node.spec?.taints ?? [];
  const marked = now.some(({ key, effect }) => effect === 'NoExecute' && OWN.has(`${key} NoExecute`));
  const target = wanted(node, evict || marked);
  const keeps = now.filter((taint) => !OWN.has(idOf(taint)) || target.some((own) => idOf(own) === idOf(taint)));
  const adds = target.filter((own) => !now.some((taint) => idOf(taint) === idOf(own)));
  if (adds.length === 0 && keeps.length === now.length) return undefined;
  return [...keeps, ...adds.map((taint) => ({ ...taint, timeAdded }))];
}

/** Whether a node lacks the taint that puts its pods out, and is one to have it. */
export function awaitsEviction(node: Node): boolean {
  const ready = findCondition(node.status?.conditions, 'Ready')?.status;
  return ready !== undefined && ready !== 'True' && nextTaints(node, true, '')?.some(isNewEviction) === true;
}

function isNewEviction(taint: Taint & { readonly timeAdded?: string }): boolean {
  return taint.effect === 'NoExecute' && taint.timeAdded === '';
}

/**
 * Whether pods are put out of nodes at all: not where every node is away, or most of a small cluster, since then the
 * controller's own connection is the likelier cause (the original's full and partial disruption of a zone).
 */
export function evictionAllowed(nodes: readonly Node[]): boolean {
  const away = nodes.filter((node) => findCondition(node.status?.conditions, 'Ready')?.status !== 'True').length;
  if (away === nodes.length) return false;
  return !(away > 2 && away / nodes.length >= 0.55 && nodes.length <= 50);
}
