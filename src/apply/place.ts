import { createHash } from 'node:crypto';
import { asLandfallError, getString, mapBounded } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';
import { canonical } from './field-changes.ts';
import { definitionOf } from './order.ts';

const AT_ONCE = 16;

/** The objects in their namespaces: those that name none go to `namespace`, those of the cluster to none. */
export async function placeObjects(
  client: KubeClient,
  set: readonly RenderedFacts[],
  namespace: string,
  signal: AbortSignal,
): Promise<readonly RenderedFacts[]> {
  const objects = set.map(({ object }) => object);
  return mapBounded(set, AT_ONCE, async (facts) => {
    const { namespace: own, ...metadata } = facts.object.metadata;
    const namespaced = await isNamespaced(client, facts.object, objects, signal);
    const placed: KubeObject = {
      ...facts.object,
      metadata: namespaced ? { ...metadata, namespace: own || namespace } : metadata,
    };
    return { ...facts, object: placed };
  });
}

/** By discovery; a kind that the set brings, by its definition; one that nobody knows counts as namespaced. */
async function isNamespaced(
  client: KubeClient,
  object: KubeObject,
  set: readonly KubeObject[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await client.resource(object, signal)).namespaced;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code !== 'kind-unknown') throw error;
    return getString(definitionOf(object, set), 'spec', 'scope') !== 'Cluster';
  }
}

/** Names a set by its content, for files that no commit holds. */
export function setDigest(set: readonly RenderedFacts[]): string {
  const text = canonical(set.map(({ object }) => object as JsonValue));
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
