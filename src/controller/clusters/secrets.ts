import type { Clock } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { RepositorySecrets } from '../../boundaries/render/index.ts';
import { follow } from '../followed.ts';

const TYPE = 'argocd.argoproj.io/secret-type';

/** Argo CD's Secrets by what they are for. */
export interface ArgoSecrets extends RepositorySecrets {
  clusters(signal?: AbortSignal): Promise<readonly KubeObject[]>;
  close(): Promise<void>;
}

/** Follows the labelled Secrets of Argo CD's namespace, and no others. */
export function followArgoSecrets(
  client: KubeClient,
  namespace: string,
  clock: Clock,
  onChange: (kind: 'cluster' | 'repository') => void,
): ArgoSecrets {
  const followed = follow(
    client,
    { apiVersion: 'v1', kind: 'Secret' },
    {
      clock,
      namespace,
      labelSelector: TYPE,
      onChange: (secret) => onChange(secret.metadata.labels?.[TYPE] === 'cluster' ? 'cluster' : 'repository'),
    },
  );
  const of = async (type: string, signal?: AbortSignal) =>
    (await followed.list(signal))
      .filter((secret) => secret.metadata.labels?.[TYPE] === type)
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return {
    clusters: (signal) => of('cluster', signal),
    repositories: (signal) => of('repository', signal),
    credentials: (signal) => of('repo-creds', signal),
    close: () => followed.close(),
  };
}
