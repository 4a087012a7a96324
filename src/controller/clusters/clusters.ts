import { asLandfallError } from '../../kernel/index.ts';
import type { Clock, Logger } from '../../kernel/index.ts';
import { IN_CLUSTER, clusterServer, connectClusterSecret, secretValue } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { ApplicationDestination } from '../../boundaries/sync/index.ts';
import type { LiveObjects } from '../live.ts';
import type { ArgoSecrets } from './secrets.ts';

/** Where objects go: one client and one set of watches, shared by every application that goes there. */
export interface Cluster {
  readonly name: string;
  readonly server: string;
  /** The project that its Secret limits it to; empty for none. */
  readonly project: string;
  /** The only ones that its Secret leaves to the controller; empty for all. */
  readonly namespaces: readonly string[];
  /** What is in no namespace may be looked after as well; says something where `namespaces` do. */
  readonly clusterResources: boolean;
  readonly client: KubeClient;
  readonly live: LiveObjects;
}

export interface Clusters {
  /**
   * The cluster of a destination, or in Argo CD's words why there is none. Throws where its Secrets cannot be read
   * and one of them would be needed.
   */
  of(
    destination: ApplicationDestination,
    signal?: AbortSignal,
  ): Promise<Cluster | { readonly problem: string }>;
  /** The cluster that the controller itself is connected to. */
  readonly home: Cluster;
  close(): Promise<void>;
}

interface Connected {
  readonly resourceVersion: string;
  readonly cluster: Cluster;
}

/** Clusters as Argo CD's Secrets describe them. One that is gone or changed is closed, and what it watched with it. */
export function createClusters(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly secrets: ArgoSecrets;
  readonly openLive: (client: KubeClient) => LiveObjects;
}): Clusters {
  const { client, clock, logger, secrets, openLive } = options;
  const home: Cluster = {
    name: 'in-cluster',
    server: IN_CLUSTER,
    project: '',
    namespaces: [],
    clusterResources: true,
    client,
    live: openLive(client),
  };
  const connected = new Map<string, Connected>();

  async function disconnect(key: string): Promise<void> {
    const known = connected.get(key);
    connected.delete(key);
    if (known === undefined) return;
    await known.cluster.live.close();
    known.cluster.client.close();
  }

  function keyOf(secret: KubeObject): string {
    return secret.metadata.name;
  }

  function connect(secret: KubeObject): Cluster {
    const key = keyOf(secret);
    const resourceVersion = `${secret.metadata.uid ?? ''}/${secret.metadata.resourceVersion ?? ''}`;
    const known = connected.get(key);
    if (known?.resourceVersion === resourceVersion) return known.cluster;
    if (known !== undefined) void disconnect(key).catch((thrown: unknown) => warn(key, thrown));
    const remote = connectClusterSecret(secret, { clock, userAgent: 'landfall-controller' });
    const cluster: Cluster = {
      name: secretValue(secret, 'name') ?? '',
      server: clusterServer(secret),
      project: secretValue(secret, 'project') ?? '',
      namespaces: listOf(secretValue(secret, 'namespaces') ?? ''),
      clusterResources: secretValue(secret, 'clusterResources') === 'true',
      client: remote,
      live: openLive(remote),
    };
    connected.set(key, { resourceVersion, cluster });
    return cluster;
  }

  function warn(key: string, thrown: unknown): void {
    logger.warn('A cluster could not be left in order', {
      cluster: key,
      error: asLandfallError(thrown).message,
    });
  }

  async function known(signal?: AbortSignal): Promise<readonly KubeObject[]> {
    const found = await secrets.clusters(signal);
    const names = new Set(found.map(keyOf));
    for (const key of connected.keys()) {
      if (!names.has(key)) void disconnect(key).catch((thrown: unknown) => warn(key, thrown));
    }
    return found;
  }

  return {
    home,
    async of(destination, signal) {
      const { server, name } = destination;
      if (server !== undefined && name !== undefined) {
        return {
          problem: `application destination can't have both name and server defined: ${name} ${server}`,
        };
      }
      if (server === undefined && name === undefined) {
        return { problem: 'Destination server missing from app spec' };
      }
      const wanted = server?.replace(/\/+$/, '');
      if (wanted === IN_CLUSTER || wanted === client.server) return home;
      if (name === home.name) {
        const named = (await optional(known(signal))).filter(
          (secret) => secretValue(secret, 'name') === name,
        );
        const [only] = named;
        if (only === undefined) return home;
        if (clusterServer(only) === IN_CLUSTER) return home;
      }
      const all = await known(signal);
      const found = all.filter((secret) =>
        wanted === undefined ? secretValue(secret, 'name') === name : clusterServer(secret) === wanted,
      );
      const [first] = found;
      if (first === undefined) {
        return {
          problem:
            wanted === undefined
              ? `there are no clusters with this name: ${name ?? ''}`
              : `error getting cluster by server "${server ?? ''}": cluster "${wanted}" not found`,
        };
      }
      if (wanted === undefined && found.length > 1) {
        return {
          problem: `there are ${found.length} clusters with the same name: [${found.map(clusterServer).join(' ')}]`,
        };
      }
      try {
        return connect(first);
      } catch (thrown) {
        const error = asLandfallError(thrown);
        if (error.kind !== 'invalid-input') throw error;
        return { problem: error.message };
      }
    },
    async close() {
      await Promise.all([...connected.keys()].map(disconnect));
      await home.live.close();
    },
  };
}

/** What only adds to what is known anyway may be missing. */
async function optional(reading: Promise<readonly KubeObject[]>): Promise<readonly KubeObject[]> {
  try {
    return await reading;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
    return [];
  }
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
