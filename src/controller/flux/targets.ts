import { LandfallError, getArray, getObject, getString, parseYaml } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { connectKubeClient, secretValue } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { LiveObjects } from '../live.ts';
import type { FluxTarget } from './failure.ts';

export interface TargetOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** The cluster that the controller itself is in. */
  readonly home: FluxTarget;
  readonly openLive: (client: KubeClient) => LiveObjects;
}

/** Where objects of Flux say that theirs go (`spec.kubeConfig`), and as whom (`spec.serviceAccountName`). */
export interface Targets {
  readonly of: (object: KubeObject, signal: AbortSignal) => Promise<FluxTarget>;
  close(): Promise<void>;
}

export function createTargets({ client, clock, home, openLive }: TargetOptions): Targets {
  const remotes = new Map<string, { readonly version: string; readonly target: FluxTarget }>();

  async function remoteOf(object: KubeObject, signal: AbortSignal): Promise<FluxTarget> {
    const { namespace = 'default' } = object.metadata;
    const name = getString(object, 'spec', 'kubeConfig', 'secretRef', 'name') ?? '';
    const field = getString(object, 'spec', 'kubeConfig', 'secretRef', 'key') || undefined;
    const secret =
      name === ''
        ? undefined
        : await client.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, signal);
    if (secret === undefined) {
      throw new LandfallError(`unable to read KubeConfig secret '${namespace}/${name}': it does not exist`, {
        kind: 'not-found',
        code: 'kubeconfig-secret',
        object: `${namespace}/${name}`,
        hint: 'Create the Secret with a kubeconfig in the key value.',
      });
    }
    // One Secret may hold the ways into several clusters.
    const key = JSON.stringify([namespace, name, field ?? '']);
    const version = `${secret.metadata.uid ?? ''}/${secret.metadata.resourceVersion ?? ''}`;
    const known = remotes.get(key);
    if (known?.version === version) return known.target;
    const remote = clientOf(secret, field, clock);
    const target = { client: remote, live: openLive(remote) };
    remotes.set(key, { version, target });
    if (known !== undefined) await leave(known.target);
    return target;
  }

  return {
    async of(object, signal) {
      const { namespace = 'default' } = object.metadata;
      const account = getString(object, 'spec', 'serviceAccountName') ?? '';
      const cluster =
        getObject(object, 'spec', 'kubeConfig') === undefined ? home : await remoteOf(object, signal);
      if (account === '') return cluster;
      const user = `system:serviceaccount:${namespace}:${account}`;
      return { live: cluster.live, client: cluster.client.as(user) };
    },
    async close() {
      await Promise.all([...remotes.values()].map(({ target }) => leave(target)));
    },
  };
}

async function leave(target: FluxTarget): Promise<void> {
  await target.live.close();
  target.client.close();
}

/** The kubeconfig of a Secret. Plugins that run programs are refused, as Flux refuses them. */
function clientOf(secret: KubeObject, key: string | undefined, clock: Clock): KubeClient {
  const where = `Secret ${secret.metadata.namespace ?? ''}/${secret.metadata.name}`;
  const text =
    key === undefined || key === ''
      ? (secretValue(secret, 'value') ?? secretValue(secret, 'value.yaml'))
      : secretValue(secret, key);
  const refuse = (what: string) =>
    new LandfallError(`${where} ${what}.`, {
      kind: 'invalid-input',
      code: 'kubeconfig-secret',
      object: where,
      hint: 'Put a kubeconfig with a token or a client certificate into the key value.',
    });
  if (text === undefined) throw refuse('holds no kubeconfig');
  let config;
  try {
    [config] = parseYaml(text, where);
  } catch {
    throw refuse('holds a kubeconfig that is no YAML');
  }
  const named = (list: string, name: string) =>
    getArray(config, list).find((item) => getString(item, 'name') === name);
  const context = getObject(named('contexts', getString(config, 'current-context') ?? ''), 'context');
  const cluster = getObject(named('clusters', getString(context, 'cluster') ?? ''), 'cluster');
  const user = getObject(named('users', getString(context, 'user') ?? ''), 'user');
  if (cluster === undefined) throw refuse('holds a kubeconfig without its current context');
  if (getObject(user, 'exec') !== undefined || getObject(user, 'auth-provider') !== undefined) {
    throw refuse('holds a kubeconfig that runs a program for its credentials, which is refused');
  }
  const data = (holder: typeof cluster | undefined, field: string) => {
    const value = getString(holder, `${field}-data`);
    return value === undefined || value === '' ? undefined : Buffer.from(value, 'base64').toString('utf8');
  };
  const [ca, cert, privateKey] = [
    data(cluster, 'certificate-authority'),
    data(user, 'client-certificate'),
    data(user, 'client-key'),
  ];
  const token = getString(user, 'token') || undefined;
  const username = getString(user, 'username') || undefined;
  const password = getString(user, 'password') || undefined;
  return connectKubeClient(
    {
      server: getString(cluster, 'server') ?? '',
      name: where,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(privateKey === undefined ? {} : { key: privateKey }),
      ...(token === undefined ? {} : { token }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(cluster['insecure-skip-tls-verify'] === true ? { insecure: true } : {}),
    },
    { clock, userAgent: 'landfall-controller' },
  );
}
