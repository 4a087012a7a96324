import { parseQuantity } from '../../../kernel/index.ts';
import type { Container, IntOrString, Node, Pod } from '../objects.ts';

/** A quantity as a number: `100m` is 0.1, `1Gi` is 1073741824. Zero for what is no quantity. */
export function quantity(value: IntOrString | undefined): number {
  return value === undefined ? 0 : (parseQuantity(value) ?? 0);
}

/** What a pod asks of a node: the sum of its containers, or its largest init container where that is more. */
export function requestsOf(pod: Pod): Map<string, number> {
  const total = new Map<string, number>();
  const add = (container: Container) => {
    for (const [name, value] of Object.entries(container.resources?.requests ?? {})) {
      total.set(name, (total.get(name) ?? 0) + quantity(value));
    }
  };
  for (const container of pod.spec.containers) add(container);
  for (const container of pod.spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      add(container);
      continue;
    }
    for (const [name, value] of Object.entries(container.resources?.requests ?? {})) {
      total.set(name, Math.max(total.get(name) ?? 0, quantity(value)));
    }
  }
  return total;
}

export function allocatable(node: Node, name: string): number {
  return quantity(node.status?.allocatable?.[name] ?? node.status?.capacity?.[name]);
}
