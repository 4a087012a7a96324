import path from 'node:path';
import { createGitMirrors } from '../git/index.ts';
import { LandfallError } from '../kernel/index.ts';
import { loadKubeClient } from '../kube/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { createRegistryClient, dockerCredentials } from '../oci/index.ts';
import type { Mirror, RegistryClientOptions } from '../oci/index.ts';
import type { Sources } from '../verdict/index.ts';
import { cacheFolder } from './folders.ts';
import type { CliIo } from './io.ts';
import { mirrorsFromEnv } from './options.ts';
import type { ClusterOptions } from './options.ts';
import { version } from './version.ts';

export interface OpenSources extends Sources {
  /** What `registry` was made with, for others that use other credentials. */
  readonly registryOptions: RegistryClientOptions;
  close(): void;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** A mirror on this machine stands in for its registry; one elsewhere is asked first, then the registry. */
export function registryMirrors(urls: Readonly<Record<string, string>>): Readonly<Record<string, Mirror>> {
  return Object.fromEntries(
    Object.entries(urls).map(([host, url]) => [host, { url, standIn: LOOPBACK.has(new URL(url).hostname) }]),
  );
}

/** Mirrors of the current kubeconfig; none where there is no cluster to speak of. */
export async function kubeconfigMirrors(
  options: ClusterOptions,
  io: CliIo,
): Promise<Readonly<Record<string, string>>> {
  try {
    const kube = await openKube(options, io);
    kube.close();
    return kube.registryMirrors;
  } catch (thrown) {
    // Pushing an image needs no cluster; a kubeconfig that was named has to be right.
    if (
      options.kubeconfig !== undefined ||
      !(thrown instanceof LandfallError) ||
      thrown.code !== 'no-kubeconfig'
    )
      throw thrown;
    return {};
  }
}

export function openKube(options: ClusterOptions, io: CliIo): Promise<KubeClient> {
  return loadKubeClient({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
    env: io.env,
    clock: io.clock,
    userAgent: `landfall/${version()}`,
  });
}

/** How registries are reached: over mirrors of the cluster, the environment and the options, with docker's credentials. */
export function registryOptions(
  { registryMirror }: Pick<ClusterOptions, 'registryMirror'>,
  io: CliIo,
  ofCluster: Readonly<Record<string, string>> = {},
): RegistryClientOptions {
  return {
    mirrors: registryMirrors({ ...ofCluster, ...mirrorsFromEnv(io.env), ...registryMirror }),
    credentials: dockerCredentials({ env: io.env }),
    clock: io.clock,
  };
}

/** The cluster, Git and registries, as the options and this environment name them. Nothing is asked yet. */
export async function openSources(options: ClusterOptions, io: CliIo): Promise<OpenSources> {
  const kube = await openKube(options, io);
  const git = createGitMirrors({ folder: path.join(cacheFolder(io.env), 'git'), clock: io.clock });
  const reached = registryOptions(options, io, kube.registryMirrors);
  const registry = createRegistryClient(reached);
  return {
    registryOptions: reached,
    kube,
    git,
    registry,
    clock: io.clock,
    close() {
      git.close();
      registry.close();
      kube.close();
    },
  };
}
