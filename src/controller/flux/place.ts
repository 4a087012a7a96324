import { asLandfallError, getString } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { broughtBySet } from '../order.ts';

/** An object with its namespace where its kind has one, and the labels that say whose it is. */
export async function placed(
  object: KubeObject,
  owner: { readonly labels: Readonly<Record<string, string>>; readonly namespace: string },
  client: KubeClient,
  set: readonly KubeObject[],
  signal: AbortSignal,
): Promise<KubeObject> {
  const { namespace, ...metadata } = object.metadata;
  let namespaced: boolean;
  try {
    namespaced = (await client.resource(object, signal)).namespaced;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code !== 'kind-unknown') throw error;
    const definition = set.find((item) => broughtBySet(object, [item]));
    namespaced = getString(definition, 'spec', 'scope') !== 'Cluster';
  }
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(namespaced ? { namespace: namespace || owner.namespace } : {}),
      labels: { ...metadata.labels, ...owner.labels },
    },
  };
}
