import { getArray, getIn, getObject, getString, textOf } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import {
  declaredReplicas,
  isWorkload,
  podTemplate,
  selects,
  templateContainers,
} from '../boundaries/index.ts';
import type { Observed, RenderedFacts } from '../boundaries/index.ts';

export interface Component {
  /** `Deployment/notification-service`. */
  readonly name: string;
  readonly what: string;
}

export interface Dependency {
  readonly from: string;
  readonly to: string;
  /** How it is known: `env SMS_GATEWAY_URL`, `selector`, `configMapRef`. */
  readonly via: string;
}

/** A metric that the application tells of itself, with the values that its labels take. */
export interface ToldMetric {
  readonly metric: string;
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

/** What an application is made of and what it talks to, as far as its objects tell, and what it tells of itself. */
export interface SystemPicture {
  readonly tells: readonly ToldMetric[];
  readonly components: readonly Component[];
  readonly dependsOn: readonly Dependency[];
}

const ADDRESS = /\b(?:[a-z][a-z0-9+.-]*:\/\/)([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(\d+))?/gi;
const HOST_PORT = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(\d{2,5})$/i;

/** Hosts that a value names: URLs, and `host:port`. Credentials in a URL are never part of what is returned. */
function hostsIn(value: string): readonly string[] {
  const cleaned = value.replaceAll(/\/\/[^/@\s]*@/g, '//');
  const urls = [...cleaned.matchAll(ADDRESS)].map((match) =>
    match[2] === undefined ? (match[1] ?? '') : `${match[1]}:${match[2]}`,
  );
  const plain = HOST_PORT.exec(cleaned.trim());
  return urls.length > 0 ? urls : plain === null ? [] : [cleaned.trim()];
}

function short(object: KubeObject): string {
  return `${object.kind}/${object.metadata.name}`;
}

function describe(object: KubeObject): string {
  if (isWorkload(object)) {
    const replicas = declaredReplicas(object);
    const images = [
      ...new Set(
        templateContainers(object)
          .filter((container) => container.role === 'main')
          .map((container) => container.image),
      ),
    ];
    return `${replicas === undefined ? '' : `${replicas} × `}${images.join(', ')}`;
  }
  if (object.kind === 'Service') {
    const ports = getArray(object, 'spec', 'ports').map((port) => textOf(getIn(port, 'port')));
    return `port ${ports.join(', ')}`;
  }
  if (object.kind === 'ConfigMap' || object.kind === 'Secret') {
    const keys = Object.keys({ ...getObject(object, 'data'), ...getObject(object, 'stringData') });
    return keys.length === 0 ? 'empty' : `keys ${keys.join(', ')}`;
  }
  return object.apiVersion;
}

function configRefs(
  template: JsonValue | undefined,
): readonly { readonly kind: string; readonly name: string; readonly via: string }[] {
  const found: { kind: string; name: string; via: string }[] = [];
  for (const container of [
    ...getArray(template, 'spec', 'initContainers'),
    ...getArray(template, 'spec', 'containers'),
  ]) {
    for (const source of getArray(container, 'envFrom')) {
      for (const [field, kind] of [
        ['configMapRef', 'ConfigMap'],
        ['secretRef', 'Secret'],
      ] as const) {
        const name = getString(source, field, 'name');
        if (name !== undefined) found.push({ kind, name, via: 'envFrom' });
      }
    }
    for (const entry of getArray(container, 'env')) {
      for (const [field, kind] of [
        ['configMapKeyRef', 'ConfigMap'],
        ['secretKeyRef', 'Secret'],
      ] as const) {
        const name = getString(entry, 'valueFrom', field, 'name');
        if (name !== undefined) found.push({ kind, name, via: `env ${getString(entry, 'name') ?? ''}` });
      }
    }
  }
  for (const volume of getArray(template, 'spec', 'volumes')) {
    const config = getString(volume, 'configMap', 'name');
    const secret = getString(volume, 'secret', 'secretName');
    if (config !== undefined) found.push({ kind: 'ConfigMap', name: config, via: 'volume' });
    if (secret !== undefined) found.push({ kind: 'Secret', name: secret, via: 'volume' });
  }
  return found;
}

function toldMetrics(observed: readonly Observed[]): readonly ToldMetric[] {
  const metrics = new Map<string, Map<string, Set<string>>>();
  for (const sample of observed.flatMap((one) => one.samples)) {
    const labels = metrics.get(sample.name) ?? new Map<string, Set<string>>();
    for (const [name, value] of Object.entries(sample.labels))
      labels.set(name, (labels.get(name) ?? new Set()).add(value));
    metrics.set(sample.name, labels);
  }
  return [...metrics].map(([metric, labels]) => ({
    metric,
    labels: Object.fromEntries([...labels].map(([name, values]) => [name, [...values]])),
  }));
}

/** Reconstructs the system from its manifests. Secret values are never read. */
export function pictureSystem(
  rendered: readonly RenderedFacts[],
  observed: readonly Observed[],
): SystemPicture {
  const objects = rendered.map(({ object }) => object);
  const components = objects.map((object) => ({ name: short(object), what: describe(object) }));
  const dependsOn = new Map<string, Dependency>();
  const add = (dependency: Dependency) => dependsOn.set(`${dependency.from}|${dependency.to}`, dependency);
  const configs = new Map(
    objects.filter((object) => object.kind === 'ConfigMap').map((object) => [object.metadata.name, object]),
  );
  for (const object of objects) {
    if (object.kind === 'Service') {
      for (const workload of objects.filter(isWorkload)) {
        const labels = getObject(podTemplate(workload), 'metadata', 'labels') as
          | Record<string, string>
          | undefined;
        if (selects(getObject(object, 'spec', 'selector'), labels ?? {}))
          add({ from: short(object), to: short(workload), via: 'selector' });
      }
    }
    if (!isWorkload(object)) continue;
    const template = podTemplate(object);
    for (const container of getArray(template, 'spec', 'containers')) {
      for (const entry of getArray(container, 'env')) {
        for (const host of hostsIn(getString(entry, 'value') ?? ''))
          add({ from: short(object), to: host, via: `env ${getString(entry, 'name') ?? ''}` });
      }
    }
    for (const { kind, name, via } of configRefs(template)) {
      add({ from: short(object), to: `${kind}/${name}`, via });
      for (const [key, value] of kind === 'ConfigMap'
        ? Object.entries(getObject(configs.get(name), 'data') ?? {})
        : []) {
        for (const host of hostsIn(textOf(value)))
          add({ from: short(object), to: host, via: `ConfigMap/${name} ${key}` });
      }
    }
  }
  return { components, dependsOn: [...dependsOn.values()], tells: toldMetrics(observed) };
}
