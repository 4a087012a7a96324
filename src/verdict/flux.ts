import { asLandfallError, getArray, getObject, getString } from '../kernel/index.ts';
import {
  FLUX_KUSTOMIZATION,
  GIT_REPOSITORY,
  OCI_REPOSITORY,
  applicationSource,
  fluxCommit,
  fluxCondition,
  fluxVariables,
  hiding,
  ignorePatterns,
  renderFlux,
  sopsOf,
} from '../boundaries/index.ts';
import type { RenderedSet } from '../boundaries/index.ts';
import type { FileTree } from '../git/index.ts';
import { secretValue } from '../kube/index.ts';
import type { KindRef, KubeClient, KubeObject } from '../kube/index.ts';
import type { ApplicationSpec, ComesFrom } from './application.ts';
import type { EngineStatus } from './findings/index.ts';

const FETCHED = [GIT_REPOSITORY, OCI_REPOSITORY] as const;

/** Every object of a kind that can be seen; none where the cluster does not know the kind. */
export async function listKnown(
  kube: KubeClient,
  kind: KindRef,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<readonly KubeObject[]> {
  try {
    const { items } = await kube.list(kind, namespace === undefined ? {} : { namespace }, signal);
    return items;
  } catch (thrown) {
    if (asLandfallError(thrown).code === 'kind-unknown') return [];
    throw thrown;
  }
}

/** Every Flux Kustomization that can be seen; none where the cluster does not know the kind. */
export function listKustomizations(
  kube: KubeClient,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<readonly KubeObject[]> {
  return listKnown(kube, FLUX_KUSTOMIZATION, namespace, signal);
}

/** A Flux Kustomization as an application: where its source says that it comes from. */
export async function readKustomization(
  kube: KubeClient,
  object: KubeObject,
  signal?: AbortSignal,
): Promise<ApplicationSpec> {
  const { name, namespace = 'default' } = object.metadata;
  const ref = getObject(object, 'spec', 'sourceRef');
  const kind = getString(ref, 'kind') ?? '';
  const sourceName = getString(ref, 'name') ?? '';
  const sourceNamespace = getString(ref, 'namespace') || namespace;
  const known = FETCHED.find((each) => each.kind === kind);
  const source =
    known === undefined
      ? undefined
      : await kube.get({ ...known, namespace: sourceNamespace, name: sourceName }, signal);
  const path = (getString(object, 'spec', 'path') ?? '').replace(/^\.?\//, '').replace(/\/+$/, '') || '.';
  const repository = getString(source, 'spec', 'url') ?? `${kind} ${sourceNamespace}/${sourceName}`;
  const revision = source === undefined ? '' : trackedRevision(source);
  return {
    object,
    name,
    namespace,
    repository,
    path,
    revision,
    destination: getString(object, 'spec', 'targetNamespace') || 'default',
    source: applicationSource({ repoURL: repository, path, targetRevision: revision }),
    from:
      source === undefined
        ? unread(known !== undefined, `Kustomization/${namespace}/${name}`, repository)
        : source.kind === 'GitRepository'
          ? { kind: 'git' }
          : { kind: 'artifact', source },
    ...(source === undefined ? {} : { flux: { source } }),
  };
}

function unread(isKnown: boolean, where: string, source: string): ComesFrom {
  return isKnown
    ? {
        kind: 'unread',
        missing: true,
        code: 'source-missing',
        why: `${where} comes from the ${source}, which does not exist.`,
        hint: 'Create it, or mend spec.sourceRef.',
      }
    : {
        kind: 'unread',
        missing: false,
        code: 'source-unread',
        why: `${where} comes from the ${source}, which is not read here.`,
        hint: 'GitRepository and OCIRepository are read.',
      };
}

/** What a source follows; a range of versions is what it was found to be last. */
export function trackedRevision(source: KubeObject): string {
  const text = (field: string) => getString(source, 'spec', 'ref', field) || undefined;
  const found = getString(source, 'status', 'artifact', 'revision') ?? '';
  const tagged = text('semver') === undefined ? undefined : found.slice(0, found.lastIndexOf('@'));
  if (source.kind === 'OCIRepository') return text('digest') ?? text('semver') ?? text('tag') ?? 'latest';
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
    const objects = await renderFlux(request);
    const secrets = await secretsOf(kube, object, namespace, signal);
    return { ...set, objects: objects.map((facts) => hiding(facts, secrets)) };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind !== 'invalid-input') throw error;
    return { ...set, objects: [], failure: { code: error.code, message: error.message } };
  }
}

/** What variables of Secrets put into the manifests. Shorter texts stand everywhere. */
async function secretsOf(
  kube: KubeClient,
  object: KubeObject,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const from of getArray(object, 'spec', 'postBuild', 'substituteFrom')) {
    if (getString(from, 'kind') !== 'Secret') continue;
    const name = getString(from, 'name') ?? '';
    const secret = await kube.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, signal);
    for (const key of Object.keys(getObject(secret, 'data') ?? {})) {
      const text = secret === undefined ? '' : (secretValue(secret, key) ?? '').replaceAll('\n', '');
      if (text.length >= 4) found.push(text);
    }
  }
  return found;
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
