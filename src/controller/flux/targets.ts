import { LandfallError, getObject, getString } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { connectKubeconfigSecret } from '../../kube/index.ts';
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
    const remote = connectKubeconfigSecret(secret, field, { clock, userAgent: 'landfall-controller' });
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
