import type { JsonObject } from '../../kernel/index.ts';
import type { PodMetrics, MetricsSource, NodeMetrics } from '../api/metrics.ts';
import type { Engine } from '../machinery/engine.ts';
import { timestamp } from '../machinery/object-meta.ts';
import { labelMatcher, parseLabelSelector } from '../machinery/selectors.ts';
import { notFound } from '../machinery/status-errors.ts';
import { writeObject, type Exchange } from './exchange.ts';

export const METRICS_GROUP = 'metrics.k8s.io';
export const METRICS_VERSION = 'v1beta1';
const API_VERSION = `${METRICS_GROUP}/${METRICS_VERSION}`;
const WINDOW = '30s';

const usage = (measured: { readonly cpu: string; readonly memory: string }): JsonObject => ({
  cpu: measured.cpu,
  memory: measured.memory,
});

/** Answers the resource metrics API from what a test or an agent measured; false for any other path. */
export function serveMetrics(exchange: Exchange, engine: Engine, source: MetricsSource | undefined): boolean {
  const prefix = `/apis/${API_VERSION}`;
  if (source === undefined || !exchange.pathname.startsWith(prefix)) return false;
  const parts = exchange.pathname
    .slice(prefix.length)
    .split('/')
    .filter((part) => part !== '');
  if (parts.length === 0) {
    writeObject(exchange, 200, {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: API_VERSION,
      resources: [
        { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
        { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
      ],
    });
    return true;
  }
  const matches = labelMatcher(parseLabelSelector(exchange.query.get('labelSelector') ?? ''));
  const now = timestamp(engine.clock.now());
  const podItem = (pod: PodMetrics): JsonObject => ({
    kind: 'PodMetrics',
    apiVersion: API_VERSION,
    metadata: { name: pod.name, namespace: pod.namespace, creationTimestamp: now },
    timestamp: now,
    window: WINDOW,
    containers: pod.containers.map((container) => ({ name: container.name, usage: usage(container) })),
  });
  const nodeItem = (node: NodeMetrics): JsonObject => ({
    kind: 'NodeMetrics',
    apiVersion: API_VERSION,
    metadata: { name: node.name, creationTimestamp: now },
    timestamp: now,
    window: WINDOW,
    usage: usage(node),
  });
  const labelsOf = (table: string, namespace: string | undefined, name: string) =>
    engine.store.get(table, namespace, name)?.object.metadata.labels;
  const list = (kind: string, items: JsonObject[]) =>
    writeObject(exchange, 200, { kind: `${kind}List`, apiVersion: API_VERSION, metadata: {}, items });

  if (parts[0] === 'nodes') {
    const nodes = source.nodes().filter((node) => matches(labelsOf('/nodes', undefined, node.name)));
    if (parts[1] === undefined) {
      list('NodeMetrics', nodes.map(nodeItem));
      return true;
    }
    const found = nodes.find((node) => node.name === parts[1]);
    if (found === undefined) throw notFound({ group: METRICS_GROUP, resource: 'nodes' }, parts[1]);
    writeObject(exchange, 200, nodeItem(found));
    return true;
  }
  const namespace = parts[0] === 'namespaces' ? parts[1] : undefined;
  const [resource, name] = parts[0] === 'namespaces' ? parts.slice(2) : parts;
  if (resource !== 'pods') return false;
  const pods = source
    .pods()
    .filter((pod) => namespace === undefined || pod.namespace === namespace)
    .filter((pod) => matches(labelsOf('/pods', pod.namespace, pod.name)));
  if (name === undefined) {
    list('PodMetrics', pods.map(podItem));
    return true;
  }
  const found = pods.find((pod) => pod.name === name);
  if (found === undefined) throw notFound({ group: METRICS_GROUP, resource: 'pods' }, name);
  writeObject(exchange, 200, podItem(found));
  return true;
}
