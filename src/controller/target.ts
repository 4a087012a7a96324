import { asLandfallError, getString } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { GitMirrors } from '../git/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { createRenderCache } from '../kustomize/index.ts';
import type { RenderCache } from '../kustomize/index.ts';
import { objectKey } from '../boundaries/index.ts';
import { renderApplication } from '../boundaries/render/index.ts';
import type { RenderedSet, SourceType } from '../boundaries/render/index.ts';
import { withTracking } from '../boundaries/sync/index.ts';
import type { ApplicationSource, ApplicationSpec } from '../boundaries/sync/index.ts';
import { broughtBySet } from './order.ts';
import type { Level } from './queue.ts';
import { createRepositories } from './repositories.ts';

/** What Git asks for at one commit, ready to be compared and applied. */
export interface Target {
  readonly commit: string;
  readonly sourceType: SourceType;
  /** Placed in their namespaces and marked as the application's. */
  readonly objects: readonly KubeObject[];
  /** Objects that the manifests name twice; the last one counts. */
  readonly repeated: readonly string[];
}

/** Git or the files say that there is nothing to compare with: Argo CD's ComparisonError. */
export interface NoTarget {
  readonly commit: string | undefined;
  readonly error: string;
}

export interface TargetLoader {
  /** The commit that the source's revision names. Throws what Git says. */
  resolve(source: ApplicationSource, level: Level, signal: AbortSignal): Promise<string>;
  /** The manifests of a commit as they are. Throws what Git and the renderer say. */
  render(source: ApplicationSource, commit: string, level: Level, signal: AbortSignal): Promise<RenderedSet>;
  /** Gives the objects their namespaces and the application's mark. Throws what the API server says. */
  place(
    application: { readonly instance: string; readonly spec: ApplicationSpec },
    commit: string,
    set: RenderedSet,
    signal: AbortSignal,
  ): Promise<Target>;
}

const KEPT_SETS = 500;
/** About 200 MiB of rendered objects. */
const KEPT_OBJECTS = 20_000;

interface KeptSet {
  readonly commit: string;
  readonly set: RenderedSet;
}

export function createTargetLoader(options: {
  readonly client: KubeClient;
  readonly mirrors: GitMirrors;
  readonly clock: Clock;
  /** What was rendered, by the content of all that was read. Default: one of its own. */
  readonly renders?: RenderCache;
}): TargetLoader {
  const { client, mirrors, clock, renders = createRenderCache() } = options;
  /** The last set of each source: one that did not change need not even be looked up in Git. */
  const sets = new Map<string, KeptSet>();
  let keptObjects = 0;
  const repositories = createRepositories(mirrors, clock);

  async function renderSet(
    source: ApplicationSource,
    commit: string,
    level: Level,
    signal: AbortSignal,
  ): Promise<RenderedSet> {
    // A commit names the content of the whole tree; what else decides is in the source.
    const key = JSON.stringify([source.repoURL, source.raw]);
    const kept = level === 'hard' ? undefined : sets.get(key);
    if (kept?.commit === commit) {
      keep(key, kept);
      return kept.set;
    }
    const set = await renderApplication(mirrors.open(source.repoURL).tree(commit), source.path, {
      source,
      signal,
      // A new commit that touches other folders renders nothing here. Who refreshes hard wants it made again.
      ...(level === 'hard' ? {} : { cache: renders.within(source.repoURL) }),
    });
    keep(key, { commit, set });
    return set;
  }

  function keep(key: string, kept: KeptSet): void {
    drop(key);
    sets.set(key, kept);
    keptObjects += kept.set.objects.length;
    for (const oldest of sets.keys()) {
      if (sets.size <= KEPT_SETS && keptObjects <= KEPT_OBJECTS) break;
      drop(oldest);
    }
  }

  function drop(key: string): void {
    keptObjects -= sets.get(key)?.set.objects.length ?? 0;
    sets.delete(key);
  }

  async function placeOne(
    object: KubeObject,
    application: { readonly instance: string; readonly spec: ApplicationSpec },
    set: readonly KubeObject[],
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const { namespace: destination } = application.spec.destination;
    const namespaced = await isNamespaced(client, object, set, signal);
    const { namespace, ...metadata } = object.metadata;
    const placed: KubeObject = {
      ...object,
      metadata: namespaced ? { ...metadata, namespace: namespace || destination } : metadata,
    };
    return withTracking(placed, application.instance, destination);
  }

  return {
    resolve: (source, level, signal) =>
      repositories.resolve(source.repoURL, source.targetRevision, level, signal),
    render: renderSet,
    async place(application, commit, set, signal) {
      const raw = set.objects.map(({ object }) => object);
      const placed: KubeObject[] = [];
      for (const object of raw) placed.push(await placeOne(object, application, raw, signal));
      const byKey = new Map(placed.map((object) => [objectKey(object), object]));
      const repeated =
        byKey.size === placed.length
          ? []
          : [...byKey.keys()].filter(
              (key) => placed.filter((object) => objectKey(object) === key).length > 1,
            );
      return { commit, sourceType: set.sourceType, objects: [...byKey.values()], repeated };
    },
  };
}

/** By discovery; a kind that the set itself brings, by its definition; a kind that nobody knows counts as namespaced. */
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
    const definition = set.find((item) => broughtBySet(object, [item]));
    return getString(definition, 'spec', 'scope') !== 'Cluster';
  }
}
