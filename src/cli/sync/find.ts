import { LandfallError, asLandfallError, nearest } from '../../kernel/index.ts';
import type { KindRef, KubeClient, KubeObject } from '../../kube/index.ts';

/** Kinds whose controllers can be asked for a sync, Argo CD's first. */
export const SYNCED_KINDS: readonly KindRef[] = [
  { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application' },
  { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' },
  { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease' },
];

async function listKind(
  kube: KubeClient,
  kind: KindRef,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  try {
    return (await kube.list(kind, namespace === undefined ? {} : { namespace }, signal)).items;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    // A cluster without Flux, or without Argo CD, has none of its objects.
    if (error.code === 'kind-unknown') return [];
    throw error;
  }
}

/** What is synced under that name. `not-found` names the nearest; a name that stands twice asks which is meant. */
export async function findSynced(
  kube: KubeClient,
  name: string,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<KubeObject> {
  const known: KubeObject[] = [];
  for (const kind of SYNCED_KINDS) known.push(...(await listKind(kube, kind, namespace, signal)));
  const found = known.filter((object) => object.metadata.name === name);
  const [first, second] = found;
  if (first === undefined) {
    const near = nearest(
      name,
      known.map((object) => object.metadata.name),
    );
    throw new LandfallError(
      `There is no Application, Kustomization or HelmRelease '${name}' in ${kube.server}${namespace === undefined ? '' : `, namespace ${namespace}`}.`,
      {
        kind: 'not-found',
        code: 'application-missing',
        object: name,
        hint: near.length === 0 ? 'landfall status lists what there is.' : `Did you mean ${near.join(', ')}?`,
      },
    );
  }
  if (second !== undefined) {
    const places = found.map((object) => `${object.kind} ${object.metadata.namespace ?? ''}/${name}`);
    throw new LandfallError(`'${name}' stands ${found.length} times: ${places.join(', ')}.`, {
      kind: 'invalid-input',
      code: 'application-ambiguous',
      object: name,
      hint: 'Say which with --namespace.',
    });
  }
  return first;
}
