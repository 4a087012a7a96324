import { systemClock } from '../../kernel/index.ts';
import type { Logger, Timer } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { keyOf } from '../controllers/index.ts';
import type { Caches, Service } from '../controllers/index.ts';
import { startForwarder } from '../runtime/index.ts';
import type { Forwarder, HostsFile, Target } from '../runtime/index.ts';

/** Milliseconds between two writes of the names that pods resolve. */
const HOSTS_EVERY = 50;

export interface ServiceNetwork {
  /** Ready endpoints of a Service's port, by its number or name; an empty port means the only one. */
  targets(namespace: string, name: string, port: string): readonly Target[];
  /** Leads pods that connect to `from` to where that is served; undefined takes it back. */
  lead(from: Target, to: Target | undefined): void;
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
  /** Where node ports are served. */
  readonly nodeIPs: readonly string[];
}

interface Open {
  readonly ip: string;
  /** By the address and port that is listened on. */
  readonly ports: Map<string, Promise<Forwarder | undefined>>;
}

interface Listening extends Target {
  readonly servicePort: number;
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
  let hostsWritten = Number.NEGATIVE_INFINITY;
  let hostsTimer: Timer | undefined;

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
    const entry = open.get(key) ?? { ip, ports: new Map<string, Promise<Forwarder | undefined>>() };
    open.set(key, entry);
    const wanted = new Map<string, Listening>();
    for (const { port, nodePort, protocol = 'TCP' } of service.spec.ports ?? []) {
      if (protocol !== 'TCP') continue;
      wanted.set(`${ip}:${port}`, { host: ip, port, servicePort: port });
      if (nodePort === undefined) continue;
      for (const host of options.nodeIPs) {
        wanted.set(`${host}:${nodePort}`, { host, port: nodePort, servicePort: port });
      }
    }
    for (const [at, forwarder] of entry.ports) {
      if (wanted.has(at)) continue;
      entry.ports.delete(at);
      stop(at, forwarder);
    }
    for (const [at, listening] of wanted) {
      if (!entry.ports.has(at)) entry.ports.set(at, listen(service, listening));
    }
  }

  async function listen(
    service: Service,
    { host, port, servicePort }: Listening,
  ): Promise<Forwarder | undefined> {
    const { namespace = '', name } = service.metadata;
    const at = `${host}:${port}`;
    const forwarder = await startForwarder({ host, port }, () =>
      targets(namespace, name, String(servicePort)),
    );
    if (forwarder === undefined) {
      logger.warn('service address not served', { service: keyOf(service), address: at });
      return undefined;
    }
    if (closed) {
      forwarder.close();
      return undefined;
    }
    if (forwarder.port !== port) {
      moved[at] = { host, port: forwarder.port };
      logger.info('service port served elsewhere', {
        service: keyOf(service),
        wanted: at,
        served: `${host}:${forwarder.port}`,
      });
      scheduleHosts();
    }
    return forwarder;
  }

  function stop(at: string, forwarder: Promise<Forwarder | undefined>): void {
    delete moved[at];
    void forwarder.then((running) => running?.close());
  }

  function drop(key: string): void {
    const entry = open.get(key);
    if (entry === undefined) return;
    open.delete(key);
    for (const [at, forwarder] of entry.ports) stop(at, forwarder);
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
    const run = () => {
      scheduled = false;
      if (closed) return;
      writeHosts();
      hostsWritten = performance.now();
    };
    // Programs read it, so that this is real time: the first change at once, a burst of them together.
    const due = hostsWritten + HOSTS_EVERY - performance.now();
    if (due <= 0) setImmediate(run);
    else hostsTimer = systemClock.after(due, run);
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
    lead(from, to) {
      const key = `${from.host}:${from.port}`;
      if (to === undefined) delete moved[key];
      else moved[key] = to;
      scheduleHosts();
    },
    close() {
      closed = true;
      hostsTimer?.cancel();
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
