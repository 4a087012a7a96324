import type { Logger } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { keyOf } from '../controllers/index.ts';
import type { Caches, Service } from '../controllers/index.ts';
import { startForwarder } from '../runtime/index.ts';
import type { Forwarder, HostsFile, Target } from '../runtime/index.ts';

export interface ServiceNetwork {
  /** Ready endpoints of a Service's port, by its number or name; an empty port means the only one. */
  targets(namespace: string, name: string, port: string): readonly Target[];
  close(): void;
}

export interface ServiceNetworkOptions {
  readonly caches: Caches;
  readonly hosts: HostsFile;
  readonly logger: Logger;
  /** Where a pod, by its uid, really listens for what is meant for this target. */
  readonly locate: (uid: string, target: Target) => Target;
  /** Where the Service `kubernetes` leads: the API server itself. */
  readonly apiServer: Target;
}

interface Open {
  readonly ip: string;
  readonly ports: Map<number, Promise<Forwarder | undefined>>;
}

/** The address that clients in a cluster know; pods are led from it to the real one. */
export const API_SERVICE_IP = '10.96.0.1';
export const API_SERVICE_PORT = 443;

const SERVICE_NAME = 'kubernetes.io/service-name';

/** Makes Services reachable on this machine: forwarders on their addresses, and the names that pods resolve. */
export function startServiceNetwork(options: ServiceNetworkOptions): ServiceNetwork {
  const { caches, hosts, logger } = options;
  const open = new Map<string, Open>();
  const moved: Record<string, Target> = { [`${API_SERVICE_IP}:${API_SERVICE_PORT}`]: options.apiServer };
  let scheduled = false;
  let closed = false;

  caches.services.onChange((service, _old, gone) => {
    if (closed) return;
    if (gone) drop(keyOf(service));
    else sync(service);
    scheduleHosts();
  });
  caches.slices.onChange(scheduleHosts);

  function sync(service: Service): void {
    const key = keyOf(service);
    const ip = service.spec.clusterIP ?? '';
    // Only addresses of this machine can be listened on; a fixed one from another range is stored and not served.
    if (!ip.startsWith('127.')) {
      drop(key);
      return;
    }
    if (open.get(key)?.ip !== ip) drop(key);
    const entry = open.get(key) ?? { ip, ports: new Map<number, Promise<Forwarder | undefined>>() };
    open.set(key, entry);
    const wanted = new Set(
      (service.spec.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP').map(({ port }) => port),
    );
    for (const [port, forwarder] of entry.ports) {
      if (wanted.has(port)) continue;
      entry.ports.delete(port);
      stop(ip, port, forwarder);
    }
    for (const port of wanted) if (!entry.ports.has(port)) entry.ports.set(port, listen(service, ip, port));
  }

  async function listen(service: Service, ip: string, port: number): Promise<Forwarder | undefined> {
    const { namespace = '', name } = service.metadata;
    const forwarder = await startForwarder({ host: ip, port }, () => targets(namespace, name, String(port)));
    if (forwarder === undefined) {
      logger.warn('service address not served', { service: keyOf(service), address: `${ip}:${port}` });
      return undefined;
    }
    if (closed) {
      forwarder.close();
      return undefined;
    }
    if (forwarder.port !== port) {
      moved[`${ip}:${port}`] = { host: ip, port: forwarder.port };
      logger.info('service port served elsewhere', {
        service: keyOf(service),
        wanted: `${ip}:${port}`,
        served: `${ip}:${forwarder.port}`,
      });
      scheduleHosts();
    }
    return forwarder;
  }

  function stop(ip: string, port: number, forwarder: Promise<Forwarder | undefined>): void {
    delete moved[`${ip}:${port}`];
    void forwarder.then((running) => running?.close());
  }

  function drop(key: string): void {
    const entry = open.get(key);
    if (entry === undefined) return;
    open.delete(key);
    for (const [port, forwarder] of entry.ports) stop(entry.ip, port, forwarder);
  }

  function slicesOf(namespace: string, name: string): readonly KubeObject[] {
    return caches.slices
      .inNamespace(namespace)
      .filter((slice) => slice.metadata.labels?.[SERVICE_NAME] === name);
  }

  function targets(namespace: string, name: string, port: string): readonly Target[] {
    const service = caches.services.get(`${namespace}/${name}`);
    if (service === undefined) return [];
    if (namespace === 'default' && name === 'kubernetes') {
      return [options.apiServer];
    }
    const ports = service.spec.ports ?? [];
    const wanted =
      port === '' && ports.length === 1
        ? ports[0]
        : ports.find((candidate) => String(candidate.port) === port || candidate.name === port);
    if (wanted === undefined) return [];
    const found: Target[] = [];
    for (const slice of slicesOf(namespace, name)) {
      const slicePorts = (slice['ports'] ?? []) as readonly { name?: string; port?: number }[];
      const number = slicePorts.find((candidate) => (candidate.name ?? '') === (wanted.name ?? ''))?.port;
      if (number === undefined) continue;
      for (const endpoint of readyEndpoints(slice)) {
        // The slice is written a moment after the pod was deleted; the pod itself is the newer witness.
        const pod = caches.pods.get(`${namespace}/${endpoint.targetRef?.name ?? ''}`);
        if (pod?.metadata.deletionTimestamp !== undefined) continue;
        for (const host of endpoint.addresses ?? []) {
          found.push(options.locate(pod?.metadata.uid ?? '', { host, port: number }));
        }
      }
    }
    return found;
  }

  function scheduleHosts(): void {
    if (scheduled || closed) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (!closed) writeHosts();
    });
  }

  function writeHosts(): void {
    const names: Record<string, readonly string[]> = {};
    for (const service of caches.services.all()) {
      const { namespace = '', name } = service.metadata;
      const ip = service.spec.clusterIP ?? '';
      if (ip !== '' && ip !== 'None') {
        names[`${name}.${namespace}`] = [ip];
        continue;
      }
      const ready = slicesOf(namespace, name).flatMap(readyEndpoints);
      names[`${name}.${namespace}`] = ready.flatMap((endpoint) => endpoint.addresses ?? []);
      for (const endpoint of ready) {
        const hostname = endpoint.hostname ?? '';
        if (hostname !== '') names[`${hostname}.${name}.${namespace}`] = endpoint.addresses ?? [];
      }
    }
    hosts.write({ names, moved });
  }

  return {
    targets,
    close() {
      closed = true;
      for (const key of open.keys()) drop(key);
    },
  };
}

interface EndpointView {
  readonly addresses?: readonly string[];
  readonly conditions?: { readonly ready?: boolean };
  readonly hostname?: string;
  readonly targetRef?: { readonly name?: string };
}

function readyEndpoints(slice: KubeObject): readonly EndpointView[] {
  const endpoints = (slice['endpoints'] ?? []) as readonly EndpointView[];
  return endpoints.filter(({ conditions }) => conditions?.ready !== false);
}
