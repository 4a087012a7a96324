import path from 'node:path';
import { LandfallError, asLandfallError } from '../kernel/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { APPLICATION_KIND } from '../boundaries/sync/index.ts';

export interface RootOptions {
  /** A URL, or a folder of this machine. */
  readonly repository: string;
  /** `platform/clusters/staging`. */
  readonly path: string;
  /** Default HEAD. */
  readonly revision?: string;
  /** Where Applications are. Default `argocd`. */
  readonly namespace?: string;
}

/**
 * Puts the Application that stands for a folder of Git into the cluster: what the folder holds (Applications,
 * ApplicationSets, Flux objects, anything else) is delivered like any other application, with its status, inventory
 * and prune rules. See docs/decisions/0006. Gives its name. Throws where the cluster has no Applications.
 */
export async function bringRoot(
  client: KubeClient,
  options: RootOptions,
  signal?: AbortSignal,
): Promise<string> {
  const { namespace = 'argocd', revision = 'HEAD' } = options;
  const folder =
    options.path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/') || '.';
  const isUrl =
    /^[a-z][a-z0-9+.-]*:\/\//i.test(options.repository) || /^[^/]+@[^/]+:/.test(options.repository);
  const repoURL = isUrl ? options.repository : path.resolve(options.repository);
  if (isUrl && /\/\/[^/@]*:[^/@]*@/.test(repoURL)) {
    throw new LandfallError(
      'The repository URL of --from holds a password, which everybody could read in the cluster.',
      {
        kind: 'invalid-input',
        code: 'root-credentials',
        hint: 'Put it into a repository Secret (argocd.argoproj.io/secret-type: repository).',
      },
    );
  }
  const name = nameOf(folder);
  try {
    await client.resource(APPLICATION_KIND, signal);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code !== 'kind-unknown') throw error;
    throw new LandfallError(`${client.server} does not know the kind Application, which --from needs.`, {
      kind: 'not-found',
      code: 'applications-missing',
      object: client.server,
      hint: 'Install the CustomResourceDefinitions of Argo CD (kubectl apply -k https://github.com/argoproj/argo-cd/manifests/crds).',
      cause: error,
    });
  }
  const home = await client.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace }, signal);
  if (home === undefined) {
    await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, {}, signal);
  }
  await client.apply(
    {
      ...APPLICATION_KIND,
      metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'landfall' } },
      spec: {
        project: 'default',
        source: { repoURL, path: folder, targetRevision: revision },
        destination: { server: 'https://kubernetes.default.svc', namespace },
        syncPolicy: { automated: { prune: true, selfHeal: true } },
      },
    },
    { fieldManager: 'landfall-serve', force: true },
    signal,
  );
  return name;
}

/** `landfall-platform-clusters-staging`. */
function nameOf(folder: string): string {
  const slug = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return `landfall-${slug || 'root'}`.slice(0, 63).replace(/-+$/, '');
}
