import { asLandfallError, getObject, getString } from '../kernel/index.ts';
import {
  GIT_REPOSITORY,
  HELM_RELEASE,
  HELM_REPOSITORY,
  OCI_REPOSITORY,
  applicationSource,
  fluxCondition,
  releasesOf,
} from '../boundaries/index.ts';
import { releaseName } from '../boundaries/render/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { ApplicationSpec } from './application.ts';
import type { EngineStatus } from './findings/index.ts';
import { listKnown, trackedRevision } from './flux.ts';

/** Every HelmRelease that can be seen; none where the cluster does not know the kind. */
export function listReleases(
  kube: KubeClient,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<readonly KubeObject[]> {
  return listKnown(kube, HELM_RELEASE, namespace, signal);
}

/** A HelmRelease as an application: the chart that it names, and the namespace that it goes to. */
export async function readRelease(
  kube: KubeClient,
  object: KubeObject,
  signal?: AbortSignal,
): Promise<ApplicationSpec> {
  const { name, namespace = 'default' } = object.metadata;
  const template = getObject(object, 'spec', 'chart', 'spec');
  const reference = getObject(object, 'spec', 'chartRef') ?? getObject(template, 'sourceRef');
  const kind = getString(reference, 'kind') ?? 'chart';
  const sourceName = getString(reference, 'name') ?? '';
  const sourceNamespace = getString(reference, 'namespace') || namespace;
  const source = await sourceObject(kube, kind, sourceNamespace, sourceName, signal);
  const repository = getString(source, 'spec', 'url') || `${kind} ${sourceNamespace}/${sourceName}`;
  const chart = getString(template, 'chart') ?? '';
  const ofFiles = kind === 'GitRepository' || kind === 'OCIRepository';
  const revision =
    source !== undefined && ofFiles
      ? trackedRevision(source)
      : getString(template, 'version') || (chart === '' ? 'latest' : '*');
  return {
    object,
    name,
    namespace,
    repository,
    path: chart.replace(/^\.\//, '').replace(/\/+$/, '') || name,
    revision,
    destination: releaseName(object).namespace,
    source: applicationSource({
      repoURL: repository,
      targetRevision: revision,
      ...(ofFiles || chart === '' ? { path: chart } : { chart }),
    }),
    from: { kind: 'release' },
  };
}

/** Undefined where it is not there or not ours to read: whoever resolves the chart says so. */
async function sourceObject(
  kube: KubeClient,
  kind: string,
  namespace: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<KubeObject | undefined> {
  const known = [GIT_REPOSITORY, OCI_REPOSITORY, HELM_REPOSITORY].find((each) => each.kind === kind);
  if (known === undefined || name === '') return undefined;
  try {
    return await kube.get({ ...known, namespace, name }, signal);
  } catch (thrown) {
    if (asLandfallError(thrown).kind === 'cancelled') throw thrown;
    return undefined;
  }
}

/** What helm-controller says of it. */
export function releaseStatus(object: KubeObject): EngineStatus | undefined {
  const ready = fluxCondition(object, 'Ready');
  if (ready === undefined) return undefined;
  const isReady = getString(ready, 'status') === 'True';
  const deployed = releasesOf(object).find(({ status }) => status === 'deployed');
  return {
    engine: 'Flux',
    sync: isReady ? 'Ready' : (getString(ready, 'reason') ?? 'Unknown'),
    // What helm waited for was ready when it ended; nothing is said of the time since.
    health: undefined,
    revision: deployed?.chart ?? getString(object, 'status', 'lastAttemptedRevision'),
    operation: undefined,
  };
}
