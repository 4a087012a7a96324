import { findCondition } from '../conditions.ts';
import type { Node, NodeSelectorTerm, Pod, Taint, Toleration } from '../objects.ts';
import { matchesExpression, matchesLabels } from '../selectors.ts';
import { allocatable, requestsOf } from './resources.ts';

/** A node with what runs on it already. */
export interface NodeLoad {
  readonly node: Node;
  readonly pods: number;
  readonly requested: ReadonlyMap<string, number>;
}

/** Why this pod cannot run on this node, in the scheduler's words; empty when it can. */
export function obstacles(pod: Pod, { node, pods, requested }: NodeLoad): readonly string[] {
  const unschedulable: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  if (node.spec?.unschedulable === true && !tolerates(pod.spec.tolerations, unschedulable)) {
    return ['node(s) were unschedulable'];
  }
  const taint = node.spec?.taints?.find(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(pod.spec.tolerations, taint),
  );
  if (taint !== undefined) return [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  if (findCondition(node.status?.conditions, 'Ready')?.status !== 'True') return ['node(s) were not ready'];
  if (!matchesNode(pod, node)) return ["node(s) didn't match Pod's node affinity/selector"];

  const found: string[] = [];
  if (pods + 1 > (allocatable(node, 'pods') || 110)) found.push('Too many pods');
  for (const [name, amount] of requestsOf(pod)) {
    if (amount > 0 && (requested.get(name) ?? 0) + amount > allocatable(node, name))
      found.push(`Insufficient ${name}`);
  }
  return found;
}

export function matchesNode(pod: Pod, node: Node): boolean {
  if (!matchesLabels(pod.spec.nodeSelector ?? {}, node.metadata.labels)) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every(({ key, operator, values }) =>
      matchesExpression(node.metadata.labels?.[key], operator, values ?? []),
    ) &&
    matchFields.every(({ key, operator, values }) =>
      matchesExpression(key === 'metadata.name' ? node.metadata.name : undefined, operator, values ?? []),
    )
  );
}

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some((toleration) => {
    if ((toleration.effect ?? '') !== '' && toleration.effect !== taint.effect) return false;
    if ((toleration.key ?? '') === '') return toleration.operator === 'Exists';
    if (toleration.key !== taint.key) return false;
    return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
  });
}

/** The scheduler's sentence for a pod that fits nowhere: `0/3 nodes are available: 3 Insufficient cpu. preemption: ...` */
export function unavailableMessage(reasons: readonly (readonly string[])[]): string {
  const total = reasons.length;
  if (total === 0) return 'no nodes available to schedule pods';
  const counts = new Map<string, number>();
  for (const reason of reasons.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const listed = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  const unhelpful = reasons.filter(
    (list) => !list.some((reason) => /^(Insufficient|Too many)/.test(reason)),
  ).length;
  const preemption = [
    ...(unhelpful > 0 ? [`${unhelpful} Preemption is not helpful for scheduling`] : []),
    ...(total > unhelpful ? [`${total - unhelpful} No preemption victims found for incoming pod`] : []),
  ].sort();
  return `0/${total} nodes are available: ${listed.join(', ')}. preemption: 0/${total} nodes are available: ${preemption.join(', ')}.`;
}

/** The sentence for a pod that no node may run, whatever it has: the reason counts for all of them. */
export function unhelpfulMessage(total: number, reason: string): string {
  if (total === 0) return 'no nodes available to schedule pods';
  return `0/${total} nodes are available: ${reason}. preemption: 0/${total} nodes are available: ${total} Preemption is not helpful for scheduling.`;
}
