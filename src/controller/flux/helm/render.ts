import { createHash } from 'node:crypto';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import { releaseName, renderRelease } from '../../../boundaries/render/index.ts';
import type { ReleaseRequest, RenderedRelease } from '../../../boundaries/render/index.ts';
import { placed } from '../place.ts';

export interface RenderRequest extends Omit<ReleaseRequest, 'about' | 'cluster'> {
  /** Where it goes: what the cluster serves is told to the chart. */
  readonly client: KubeClient;
}

const KEPT = 200;

/** Renders releases and places their objects; what was rendered is kept by all of its inputs. */
export function createReleaseRenderer(): (request: RenderRequest) => Promise<RenderedRelease> {
  const kept = new Map<string, RenderedRelease>();
  return async (request) => {
    const { release, chart, values, action, client, signal } = request;
    const { gitVersion } = await client.version(signal);
    const apiVersions = await client.apiVersions(signal);
    const key = createHash('sha256')
      .update(
        JSON.stringify([
          client.server,
          release.metadata.namespace,
          release.metadata.name,
          action,
          chart.identity,
          values.values,
          release['spec'],
          gitVersion,
          apiVersions,
        ]),
      )
      .digest('hex');
    const known = kept.get(key);
    if (known !== undefined) return known;
    const all = await renderRelease({ ...request, about: { gitVersion, apiVersions }, cluster: client });
    const owner = { labels: {}, namespace: releaseName(release).namespace };
    const inPlace = async (list: readonly KubeObject[]) => {
      const result: KubeObject[] = [];
      for (const object of list) result.push(await placed(object, owner, client, all.objects, signal));
      return result;
    };
    const rendered = {
      objects: await inPlace(all.objects),
      definitions: all.definitions,
      later: await inPlace(all.later),
      lenientTests: await inPlace(all.lenientTests),
      seeds: all.seeds,
    };
    kept.set(key, rendered);
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT) break;
      kept.delete(oldest);
    }
    return rendered;
  };
}
