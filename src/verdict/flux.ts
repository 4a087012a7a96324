import { LandfallError, asLandfallError, getObject, getString } from '../kernel/index.ts';
import {
  FLUX_KUSTOMIZATION,
  applicationSource,
  fluxCommit,
  fluxCondition,
  fluxVariables,
  ignorePatterns,
  renderFlux,
  sopsOf,
} from '../boundaries/index.ts';
import type { RenderedSet } from '../boundaries/index.ts';
import type { FileTree } from '../git/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { ApplicationSpec } from './application.ts';
import type { EngineStatus } from './findings/index.ts';

const GIT_REPOSITORY = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' } as const;

/** Every Flux Kustomization that can be seen; none where the cluster does not know the kind. */
export async function listKustomizations(
  kube: KubeClient,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<readonly KubeObject[]> {
  try {
    const { items } = await kube.list(
      FLUX_KUSTOMIZATION,
      namespace === undefined ? {} : { namespace },
      signal,
    );
    return items;
  } catch (thrown) {
    if (asLandfallError(thrown).code === 'kind-unknown') return [];
    throw thrown;
  }
}

/** A Flux Kustomization as an application: where its GitRepository says that it comes from. */
export async function readKustomization(
  kube: KubeClient,
  object: KubeObject,
  signal?: AbortSignal,
): Promise<ApplicationSpec> {
  const { name, namespace = 'default' } = object.metadata;
  const where = `Kustomization/${namespace}/${name}`;
  const ref = getObject(object, 'spec', 'sourceRef');
  const kind = getString(ref, 'kind') ?? '';
  const sourceName = getString(ref, 'name') ?? '';
  const sourceNamespace = getString(ref, 'namespace') || namespace;
  const refuse = (problem: string, hint: string) =>
    new LandfallError(`${where} ${problem}`, {
      kind: 'invalid-input',
      code: 'application-source',
      object: where,
      hint,
    });
  if (kind !== 'GitRepository') {
    throw refuse(`comes from the ${kind} ${sourceName}.`, 'What comes from a GitRepository can be proven.');
  }
  const source = await kube.get({ ...GIT_REPOSITORY, namespace: sourceNamespace, name: sourceName }, signal);
  if (source === undefined) {
    throw refuse(
      `comes from the GitRepository ${sourceNamespace}/${sourceName}, which does not exist.`,
      'Create it, or mend spec.sourceRef.',
    );
  }
  const path = (getString(object, 'spec', 'path') ?? '').replace(/^\.?\//, '').replace(/\/+$/, '') || '.';
  const repository = getString(source, 'spec', 'url') ?? '';
  const revision = trackedRevision(source);
  return {
    object,
    name,
    namespace,
    repository,
    path,
    revision,
    destination: getString(object, 'spec', 'targetNamespace') || 'default',
    source: applicationSource({ repoURL: repository, path, targetRevision: revision }),
    flux: { source },
  };
}

/** What the GitRepository follows; a range of versions is what it was found to be last. */
function trackedRevision(source: KubeObject): string {
  const text = (field: string) => getString(source, 'spec', 'ref', field) || undefined;
  const found = getString(source, 'status', 'artifact', 'revision') ?? '';
  const tagged = text('semver') === undefined ? undefined : found.slice(0, found.lastIndexOf('@'));
  return text('commit') ?? text('name') ?? (tagged || undefined) ?? text('tag') ?? text('branch') ?? 'master';
}

/** What Flux would apply of that commit, with the variables that the cluster holds now. */
export async function renderKustomization(
  kube: KubeClient,
  spec: ApplicationSpec,
  tree: FileTree,
  signal: AbortSignal,
): Promise<RenderedSet> {
  const { object, namespace } = spec;
  const set = { sourceType: 'Kustomize', findings: [], warnings: [] } as const;
  try {
    const variables = await fluxVariables(object, (kind, name) =>
      kube.get({ apiVersion: 'v1', kind, namespace, name }, signal),
    );
    const ignore = ignorePatterns(spec.flux?.source);
    const decryptor = await sopsOf(
      object,
      (name) => kube.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, signal),
      { signal },
    );
    const request = { tree, object, ignore, variables, strict: false, decryptor, signal };
    return { ...set, objects: await renderFlux(request) };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind !== 'invalid-input') throw error;
    return { ...set, objects: [], failure: { code: error.code, message: error.message } };
  }
}

/** What Flux says of it. */
export function fluxStatus(object: KubeObject): EngineStatus | undefined {
  const ready = fluxCondition(object, 'Ready');
  if (ready === undefined) return undefined;
  const applied = getString(object, 'status', 'lastAppliedRevision') ?? '';
  const status = getString(ready, 'status');
  const healthy = getString(fluxCondition(object, 'Healthy'), 'status');
  return {
    engine: 'Flux',
    sync: status === 'True' ? 'Ready' : (getString(ready, 'reason') ?? 'Unknown'),
    health: healthy === undefined ? undefined : healthy === 'True' ? 'Healthy' : 'Unhealthy',
    revision: fluxCommit(applied),
    operation: undefined,
  };
}
