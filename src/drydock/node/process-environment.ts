import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Container, Pod } from '../controllers/index.ts';
import { CONFIG_MAPS, SECRETS } from '../controllers/index.ts';
import { LIFELINE_FD, nodeOptions, PRELOAD_VARIABLES } from '../runtime/index.ts';
import type { PodAddress, Target } from '../runtime/index.ts';
import type { NodeContext } from './context.ts';
import { containerEnvironment } from './environment.ts';
import type { StoredImage } from './image-store.ts';

/** Where the programs of a pod note what they listen on. */
export function portsFolder(podFolder: string): string {
  return path.join(podFolder, 'ports');
}

/**
 * The whole environment of a container's process: the image's variables, the pod's over them, and what makes a process
 * of this machine behave as if it had the pod's network. Throws what is shown as CreateContainerConfigError.
 */
export function processEnvironment(
  context: NodeContext,
  pod: Pod,
  container: Container,
  image: StoredImage,
  address: PodAddress,
  folder: string,
): Record<string, string> {
  const namespace = pod.metadata.namespace ?? '';
  const { api, caches, hostIP } = context;
  const own = caches.services.inNamespace(namespace);
  const master = namespace === 'default' ? undefined : caches.services.get('default/kubernetes');
  const declared = containerEnvironment(container, {
    pod,
    node: caches.nodes.get(context.nodeName),
    podIP: address.ip,
    hostIP,
    services: master === undefined ? own : [master, ...own],
    configMap: (name) => api.get(CONFIG_MAPS, namespace, name),
    secret: (name) => api.get(SECRETS, namespace, name),
  });
  const fromImage = Object.fromEntries(
    image.config.env.map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
  const env: Record<string, string> = {
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
    ...fromImage,
    ...declared,
  };
  if (image.root === undefined) return env;

  const ports = portsFolder(folder);
  const temporary = path.join(folder, 'tmp');
  mkdirSync(ports, { recursive: true });
  mkdirSync(temporary, { recursive: true });
  return {
    TMPDIR: temporary,
    POD_IP: address.ip,
    ...env,
    ...reachableApi(env, context.apiServer),
    PATH: env['PATH'] ?? process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    NODE_OPTIONS: nodeOptions(context.preload, env['NODE_OPTIONS']),
    [PRELOAD_VARIABLES.ip]: address.ip,
    [PRELOAD_VARIABLES.localhost]: address.localhost,
    [PRELOAD_VARIABLES.namespace]: namespace,
    [PRELOAD_VARIABLES.ports]: ports,
    [PRELOAD_VARIABLES.hosts]: context.hostsFile,
    [PRELOAD_VARIABLES.lifeline]: String(LIFELINE_FD),
  };
}

/**
 * The address of the Service `kubernetes` belongs to no interface of this machine, and only programs of Node.js are led
 * from it: every program gets the one that answers.
 */
function reachableApi(env: Readonly<Record<string, string>>, apiServer: Target): Record<string, string> {
  if (env['KUBERNETES_SERVICE_HOST'] === undefined) return {};
  const port = String(apiServer.port);
  return {
    KUBERNETES_SERVICE_HOST: apiServer.host,
    KUBERNETES_SERVICE_PORT: port,
    KUBERNETES_SERVICE_PORT_HTTPS: port,
  };
}
