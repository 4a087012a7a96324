import type { Container, IntOrString, Node, Pod } from '../objects.ts';

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A quantity as a number: `100m` is 0.1, `1Gi` is 1073741824. Zero for what is no quantity. */
export function quantity(value: IntOrString | undefined): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  const match = /^([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(value);
  if (match === null) return 0;
  return Number(match[1]) * (SUFFIXES[match[2] ?? ''] ?? 0);
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
