import { LandfallError, asLandfallError, getObject, getString } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import {
  IN_CLUSTER,
  clusterServer,
  connectClusterSecret,
  connectKubeconfigSecret,
  secretValue,
} from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { applicationSpec, isFlux } from '../boundaries/index.ts';

const CLUSTER_SECRETS = 'argocd.argoproj.io/secret-type=cluster';
const HOME = 'in-cluster';

interface Connected {
  readonly resourceVersion: string | undefined;
  readonly client: KubeClient;
}

/** Connections to other clusters, by the client of the one that names them: a look reads much, and looks come often. */
const connections = new WeakMap<KubeClient, Map<string, Connected>>();

/** Every question is answered by the same reason: so nothing of that cluster is known, and nothing of it is absent. */
function unreachable(kube: KubeClient, problem: LandfallError): KubeClient {
  const refuse = () => Promise.reject(problem);
  const { server, context, namespace, registryMirrors } = kube;
  const fail = { get: refuse, list: refuse, proxyGet: refuse, podLogs: refuse, resource: refuse };
  return { ...kube, server, context, namespace, registryMirrors, ...fail };
}

function elsewhere(object: KubeObject, where: string, why: string): LandfallError {
  return new LandfallError(
    `${object.kind} ${object.metadata.name} delivers to another cluster, ${where}, which cannot be looked at from here: ${why}`,
    {
      kind: 'unavailable',
      code: 'other-cluster',
      object: where,
      hint: 'Ask with an account that may read the Secret of that cluster, or from where it can be reached.',
    },
  );
}

function connect(
  kube: KubeClient,
  secret: KubeObject,
  of: string,
  made: (secret: KubeObject) => KubeClient,
): KubeClient {
  const known = connections.get(kube) ?? new Map<string, Connected>();
  connections.set(kube, known);
  const { name, namespace = '', resourceVersion } = secret.metadata;
  const key = `${namespace}/${name}/${of}`;
  const before = known.get(key);
  if (before !== undefined && before.resourceVersion === resourceVersion) return before.client;
  before?.client.close();
  const client = made(secret);
  known.set(key, { resourceVersion, client });
  return client;
}

/** By the name of the cluster that holds the application. */
function calledAs(kube: KubeClient, client: KubeClient): KubeClient {
  const { server, context, registryMirrors } = kube;
  return { ...client, server, context, registryMirrors };
}

/** The cluster of `spec.kubeConfig`, by the Secret that it names, as kustomize-controller reads it. */
async function remoteOf(
  kube: KubeClient,
  application: KubeObject,
  clock: Clock,
  signal: AbortSignal,
): Promise<KubeClient> {
  const where = 'of spec.kubeConfig';
  const { namespace = 'default' } = application.metadata;
  const name = getString(application, 'spec', 'kubeConfig', 'secretRef', 'name') ?? '';
  const key = getString(application, 'spec', 'kubeConfig', 'secretRef', 'key') || undefined;
  if (name === '')
    return unreachable(
      kube,
      elsewhere(application, where, 'it names no Secret, and no other way in is known'),
    );
  try {
    const secret = await kube.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, signal);
    if (secret === undefined)
      return unreachable(kube, elsewhere(application, where, `Secret ${namespace}/${name} does not exist`));
    const made = (found: KubeObject) => connectKubeconfigSecret(found, key, { clock });
    return calledAs(kube, connect(kube, secret, key ?? '', made));
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
    return unreachable(kube, elsewhere(application, where, error.message));
  }
}

/**
 * The cluster that an Application or a Kustomization delivers to, as the one that holds it describes it. That is the
 * same cluster most of the time; for any other, what this one holds says nothing, whatever it is called. Where it
 * cannot be reached every reading fails with the reason. It goes by the name of `kube`, since the application does.
 */
export async function destinationOf(
  kube: KubeClient,
  application: KubeObject,
  clock: Clock,
  signal: AbortSignal,
): Promise<KubeClient> {
  if (isFlux(application) || application.kind === 'HelmRelease') {
    return getObject(application, 'spec', 'kubeConfig') === undefined
      ? kube
      : remoteOf(kube, application, clock, signal);
  }
  const { server, name } = applicationSpec(application).destination;
  const wanted = server?.replace(/\/+$/, '');
  if (wanted === undefined ? name === undefined || name === HOME : wanted === IN_CLUSTER) return kube;
  if (wanted === kube.server) return kube;
  const where = wanted ?? name ?? '';
  try {
    const namespace = application.metadata.namespace ?? 'argocd';
    const { items } = await kube.list(
      { apiVersion: 'v1', kind: 'Secret' },
      { namespace, labelSelector: CLUSTER_SECRETS },
      signal,
    );
    const found = items.filter((secret) =>
      wanted === undefined ? secretValue(secret, 'name') === name : clusterServer(secret) === wanted,
    );
    const [secret] = found;
    if (secret === undefined || found.length > 1) {
      const count = found.length === 0 ? 'no cluster Secret' : `${found.length} cluster Secrets`;
      throw elsewhere(application, where, `${count} in ${namespace} for it`);
    }
    if (clusterServer(secret) === IN_CLUSTER) return kube;
    return calledAs(
      kube,
      connect(kube, secret, '', (found) => connectClusterSecret(found, { clock })),
    );
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
    return unreachable(
      kube,
      error.code === 'other-cluster' ? error : elsewhere(application, where, error.message),
    );
  }
}
