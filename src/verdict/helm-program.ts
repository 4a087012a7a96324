import { asLandfallError } from '../kernel/index.ts';
import { applicationSpec } from '../boundaries/index.ts';
import type { ApplicationSource } from '../boundaries/index.ts';
import { argoCredentials, helmAccess } from '../boundaries/render/index.ts';
import type { HelmAccess, HelmProgram } from '../boundaries/render/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { ApplicationSpec } from './application.ts';
import type { Sources } from './question.ts';

type HelmSources = Pick<Sources, 'kube' | 'helm'>;

const SECRET_TYPE = 'argocd.argoproj.io/secret-type';
/** Where Argo CD keeps its Secrets when its Applications are elsewhere. */
const ARGO_NAMESPACE = 'argocd';

/** Charts ask what the cluster can do. */
export async function helmFor({ kube, helm }: HelmSources, signal: AbortSignal): Promise<HelmProgram> {
  const { gitVersion } = await kube.version(signal);
  const kubeVersion = gitVersion.replace(/^v/, '').replace(/[-+].*$/, '');
  return {
    ...(helm === undefined ? {} : { command: helm }),
    kubeVersion,
    apiVersions: await kube.apiVersions(signal),
  };
}

/** helm with the credentials that Argo CD has for the chart's repository, as far as they may be read. */
export async function helmForChart(
  sources: HelmSources,
  spec: ApplicationSpec,
  source: ApplicationSource,
  signal: AbortSignal,
): Promise<HelmProgram> {
  const { project } = applicationSpec(spec.object);
  const program = await helmFor(sources, signal);
  return {
    ...program,
    access: await argoAccess(sources.kube, spec.namespace, source.repoURL, project, signal),
  };
}

async function argoAccess(
  kube: KubeClient,
  namespace: string,
  url: string,
  project: string,
  signal: AbortSignal,
): Promise<HelmAccess> {
  for (const where of new Set([namespace, ARGO_NAMESPACE])) {
    let secrets: readonly KubeObject[];
    try {
      const options = { namespace: where, labelSelector: SECRET_TYPE };
      ({ items: secrets } = await kube.list({ apiVersion: 'v1', kind: 'Secret' }, options, signal));
    } catch (thrown) {
      // Who may not read them asks as nobody: a public chart needs no more, and of another one helm says so.
      if (asLandfallError(thrown).kind === 'cancelled') throw thrown;
      continue;
    }
    const of = (type: string) => secrets.filter(({ metadata }) => metadata.labels?.[SECRET_TYPE] === type);
    const found = await argoCredentials(
      {
        repositories: () => Promise.resolve(of('repository')),
        credentials: () => Promise.resolve(of('repo-creds')),
      },
      url,
      project,
      signal,
    );
    if (found !== undefined) return helmAccess(found);
  }
  return {};
}
