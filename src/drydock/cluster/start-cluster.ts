import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { LandfallError, messageOf, silentLogger, systemClock } from '../../kernel/index.ts';
import type { Clock, Logger } from '../../kernel/index.ts';
import { createApi, localCertificate, serveApi } from '../api/index.ts';
import type { BundledFamily } from '../api/index.ts';
import type { InProcessApi } from '../api/contract.ts';
import { SERVICES, startCaches, startControllers } from '../controllers/index.ts';
import type { MetricsSource } from '../controllers/index.ts';
import { faultBoard } from '../faults/index.ts';
import type { Faults } from '../faults/index.ts';
import { startNode } from '../node/index.ts';
import type { ImageSource, NodeAgent } from '../node/index.ts';
import { startRegistry } from '../registry/index.ts';
import type { Registry } from '../registry/index.ts';
import { hostsFile, openWorkFolder, reserveAddresses, writePreload } from '../runtime/index.ts';
import { startCertificateSigner } from './certificate-signer.ts';
import { checkFaults, podTokens, registryFaults } from './fault-sources.ts';
import { atKeptPort, keepPlace, keptPlace } from './kept-place.ts';
import { kubeconfigText, writeKubeconfigFile } from './kubeconfig.ts';
import { podBackend, workerOf } from './pod-backend.ts';
import { serviceAddresses } from './service-addresses.ts';
import { createSystemObjects } from './system-objects.ts';
import { startTraffic } from '../traffic/index.ts';
import { startServiceNetwork } from './service-network.ts';

export interface ClusterOptions {
  /** Of the API server on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Of the registry on 127.0.0.1. Default: a free one. */
  readonly registryPort?: number;
  /** Bearer token with all rights. Default: a random one. */
  readonly token?: string;
  readonly clock?: Clock;
  /** Default 3. */
  readonly nodes?: number;
  /**
   * Registries that nodes can reach, as containerd's mirrors: host of an image reference to a URL, or to `drydock`
   * for the cluster's own registry.
   */
  readonly registryMirrors?: Readonly<Record<string, string>>;
  /** Keeps objects, the registry and the images of the nodes across restarts. In memory without it. */
  readonly dataDir?: string;
  /** Where processes of pods live; a folder of this run is made in it and removed. Default: the system's. */
  readonly workDir?: string;
  /** Images of registries that are not configured fail to pull instead of being simulated. */
  readonly strictImages?: boolean;
  /** Which images, by any of their digests, may be executed. Default: none. */
  readonly isExecutable?: (digests: readonly string[]) => boolean;
  /** Families of custom resources whose definitions are installed at start. Default: Argo CD's. */
  readonly definitions?: readonly BundledFamily[];
  /** Everybody but the holder of the token needs a role. Default false. */
  readonly rbac?: boolean;
  /** What autoscalers see of a pod: cores and bytes. Default: nothing, and they say so. */
  readonly metrics?: MetricsSource;
  readonly logger?: Logger;
}

export interface Cluster {
  readonly url: string;
  readonly token: string;
  /** PEM; what `url` is served with. */
  readonly caCertificate: string;
  readonly api: InProcessApi;
  readonly registry: Registry;
  /** What goes wrong on purpose: requests, pulls, nodes, containers. */
  readonly faults: Faults;
  /** Host of an image reference to the URL under which this machine reaches it, the cluster's own included. */
  readonly registryMirrors: Readonly<Record<string, string>>;
  kubeconfig(): string;
  /** Complete the moment it exists; mode 0600. */
  writeKubeconfig(file: string): Promise<void>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

/** Starts an embedded Kubernetes: API server, controllers, nodes, registry. Ready when the promise resolves. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { clock = systemClock, logger = silentLogger, isExecutable = () => false } = options;
  const kept = keptPlace(options.dataDir);
  const token = options.token ?? kept.token ?? randomBytes(24).toString('base64url');
  const faults = faultBoard(clock);
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (let next = closers.pop(); next !== undefined; next = closers.pop()) await next();
  };
  const opened = <T>(value: T, closer: (value: T) => Promise<void> | void): T => {
    closers.push(() => closer(value));
    return value;
  };

  try {
    const addresses = opened(await reserveAddresses(kept.octet, options.dataDir !== undefined), (pool) =>
      pool.close(),
    );
    const work = opened(openWorkFolder(options.workDir), (folder) => folder.remove());
    const registry = opened(
      await atKeptPort(options.registryPort, kept.registryPort, (port) =>
        startRegistry({
          clock,
          logger,
          temporaryDir: work.path,
          faultSource: registryFaults(faults),
          ...(port === undefined ? {} : { port }),
          ...(options.dataDir === undefined ? {} : { dataDir: path.join(options.dataDir, 'registry') }),
        }),
      ),
      (running) => running.close(),
    );
    if (!addresses.separate) {
      logger.warn(
        'pods share 127.0.0.1: this system has no other loopback addresses, so one pod per port can run',
      );
    }

    const certificate = kept.certificate ?? localCertificate(HOST);
    const api = opened(
      await createApi({
        clock,
        rootCertificate: certificate.certificate,
        ...(options.dataDir === undefined ? {} : { dataDir: path.join(options.dataDir, 'api') }),
        bundled: options.definitions ?? ['argocd'],
        onError: (error) => logger.warn('background work failed', { error: messageOf(error) }),
      }),
      (server) => server.close(),
    );
    api.engine.admission.push(serviceAddresses(addresses, api.list(SERVICES).items));
    const caches = opened(startCaches(api), (all) => all.close());

    const served = opened(
      await atKeptPort(options.port, kept.port, (port) =>
        serveApi(api, {
          host: HOST,
          token,
          tls: certificate,
          rbac: options.rbac ?? false,
          faults,
          ...(port === undefined ? {} : { port }),
        }),
      ),
      (server) => server.close(),
    );
    if (options.dataDir !== undefined) {
      const registryPort = Number(new URL(registry.url).port);
      keepPlace(options.dataDir, {
        octet: addresses.octet,
        port: served.port,
        registryPort,
        token,
        certificate,
      });
    }
    const mirrors = ownMirrors(options.registryMirrors ?? {}, registry);
    const apiServer = { host: HOST, port: served.port };
    const hosts = hostsFile(work.path);
    const nodes: NodeAgent[] = [];
    const count = Math.max(1, options.nodes ?? 3);
    const network = opened(
      startServiceNetwork({
        caches,
        hosts,
        logger,
        apiServer,
        nodeIPs: [...new Set(Array.from({ length: count }, (_, index) => addresses.node(index + 1)))],
        locate: (uid, target) => workerOf(nodes, uid)?.locate(target.port) ?? target,
      }),
      (running) => running.close(),
    );
    let turn = 0;
    opened(
      startTraffic({
        api,
        addresses,
        logger,
        lead: (from, to) => network.lead(from, to),
        targets(namespace, service, port) {
          const all = network.targets(namespace, service, port);
          const first = all.length === 0 ? 0 : turn++ % all.length;
          return [...all.slice(first), ...all.slice(0, first)];
        },
      }),
      (running) => running.close(),
    );
    const preload = writePreload(work.path);
    closers.push(async () => {
      await Promise.all(nodes.map((node) => node.close()));
    });
    nodes.push(
      ...(await Promise.all(
        Array.from({ length: count }, (_, index) =>
          startNode({
            api,
            logger,
            caches,
            name: `node-${index + 1}`,
            hostIP: addresses.node(index + 1),
            addresses,
            work,
            preload,
            hostsFile: hosts.path,
            apiServer,
            sourceOf: (host) => sourceOf(host, mirrors),
            strictImages: options.strictImages ?? false,
            isExecutable,
            faults,
            tokens: podTokens(api),
            ...(options.dataDir === undefined
              ? {}
              : { imagesFolder: path.join(options.dataDir, 'nodes', `node-${index + 1}`) }),
          }),
        ),
      )),
    );
    const { metrics } = options;
    opened(
      startControllers({ api, logger, caches, ...(metrics === undefined ? {} : { metrics }) }),
      (running) => running.close(),
    );

    checkFaults(faults, nodes);
    served.setBackend(podBackend(caches, nodes, network, clock));
    closers.push(startCertificateSigner(api, certificate, logger));
    closers.push(await createSystemObjects(api, apiServer, logger));

    const { url } = served;
    const caCertificate = certificate.certificate;
    const kubeconfig = () => kubeconfigText({ url, caCertificate, token, registryMirrors: mirrors });
    return {
      url,
      token,
      caCertificate,
      api,
      registry,
      faults,
      registryMirrors: mirrors,
      kubeconfig,
      writeKubeconfig: (file) => writeKubeconfigFile(file, kubeconfig()),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function ownMirrors(
  asked: Readonly<Record<string, string>>,
  registry: Registry,
): Readonly<Record<string, string>> {
  const mirrors: Record<string, string> = { [registry.host]: registry.url };
  for (const [host, target] of Object.entries(asked)) {
    if (target === 'drydock') {
      mirrors[host] = registry.url;
      continue;
    }
    if (!URL.canParse(target)) {
      throw new LandfallError(`The mirror of the registry ${host} is "${target}", which is no URL.`, {
        kind: 'invalid-input',
        code: 'registry-mirror',
        object: host,
        hint: 'Give the URL of a registry, like http://127.0.0.1:5000, or "drydock" for the one of the cluster.',
      });
    }
    mirrors[host] = target.replace(/\/+$/, '');
  }
  return mirrors;
}

function sourceOf(host: string, mirrors: Readonly<Record<string, string>>): ImageSource {
  const url = Object.hasOwn(mirrors, host) ? mirrors[host] : undefined;
  return url === undefined ? { kind: 'unknown' } : { kind: 'registry', url };
}
