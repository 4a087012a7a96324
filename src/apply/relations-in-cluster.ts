import { mapBounded } from '../kernel/index.ts';
import { objectName } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';
import { readObject } from './live-read.ts';
import { keysOf, mayBeMadeBy } from './relations.ts';
import type { Reference, Relation } from './relations.ts';

const AT_ONCE = 24;

/** A Service may mean pods that are in the cluster already. */
export async function stillUnfit(
  client: KubeClient,
  relations: readonly Relation[],
  signal: AbortSignal,
): Promise<readonly Relation[]> {
  const kept = await mapBounded(relations, AT_ONCE, async (relation) => {
    const { unlessPods, facts } = relation;
    const { namespace } = facts.object.metadata;
    if (unlessPods === undefined || namespace === undefined) return relation;
    const labelSelector = Object.entries(unlessPods)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const found = await client
      .list({ apiVersion: 'v1', kind: 'Pod' }, { namespace, labelSelector }, signal)
      .then(
        ({ items }) => items.length > 0,
        () => false,
      );
    return found ? undefined : relation;
  });
  return kept.filter((relation) => relation !== undefined);
}

/** References that neither the set nor the cluster answers. What could not be read is told, and not held against it. */
export async function missingReferences(
  client: KubeClient,
  references: readonly Reference[],
  set: readonly RenderedFacts[],
  signal: AbortSignal,
) {
  const found = new Map<string, Promise<KubeObject | undefined | 'unknown'>>();
  const find = (reference: Reference) => {
    const { apiVersion, kind, namespace, name } = reference;
    const key = `${apiVersion} ${kind} ${namespace} ${name}`;
    const known =
      found.get(key) ??
      readObject(client, { apiVersion, kind, namespace, name }, signal).catch(() => 'unknown' as const);
    found.set(key, known);
    return known;
  };
  const problems: { facts: RenderedFacts; path: readonly (string | number)[]; message: string }[] = [];
  const warnings: string[] = [];
  await mapBounded(references, AT_ONCE, async (reference) => {
    const { from, path, kind, name, key } = reference;
    const live = await find(reference);
    const named = `${kind}/${name}`;
    if (live === 'unknown') {
      warnings.push(`${objectName(from.object)} needs ${named}, which could not be read`);
    } else if (live === undefined) {
      const maker = mayBeMadeBy(reference, set);
      if (maker !== undefined) {
        warnings.push(
          `${named} is not there yet; ${maker.kind}/${maker.metadata.name} of this set may make it`,
        );
        return;
      }
      problems.push({
        facts: from,
        path,
        message: `it needs ${named}, which neither this set nor the cluster has`,
      });
    } else if (key !== undefined && !keysOf(live).has(key)) {
      problems.push({ facts: from, path, message: `${named} in the cluster has no key ${key}` });
    }
  });
  return { problems, warnings };
}
