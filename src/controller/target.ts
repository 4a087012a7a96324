import { asLandfallError, getString } from '../kernel/index.ts';
import type { FileTree, GitMirror } from '../git/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { createRenderCache } from '../kustomize/index.ts';
import type { RenderCache } from '../kustomize/index.ts';
import { objectKey } from '../boundaries/index.ts';
import {
  buildEnvironment,
  helmAccess,
  kustomizeOptions,
  renderApplication,
  renderHelm,
  resolveChart,
} from '../boundaries/render/index.ts';
import type {
  HelmProgram,
  RenderedFor,
  RenderedSet,
  RepositoryCredentials,
  SourceType,
} from '../boundaries/render/index.ts';
import { withTracking } from '../boundaries/sync/index.ts';
import type { ApplicationSource, ApplicationSpec, Tracking } from '../boundaries/sync/index.ts';
import type { Cluster } from './clusters/index.ts';
import { broughtBySet } from './order.ts';
import type { Level } from './queue.ts';
import type { Repositories } from './repositories.ts';
import type { ArgoSettings } from '../boundaries/settings/index.ts';

/** What Git asks for at one commit of each source, ready to be compared and applied. */
export interface Target {
  /** The commit (or chart version) of the one source; of several, all of them in their order, joined by ", ". */
  readonly commit: string;
  /** One for each source. */
  readonly revisions: readonly string[];
  /** Of the first source that renders to something. */
  readonly sourceType: SourceType;
  readonly sourceTypes: readonly SourceType[];
  /** Placed in their namespaces and marked as the application's. */
  readonly objects: readonly KubeObject[];
  /** Objects that the manifests name twice; the last one counts. */
  readonly repeated: readonly string[];
}

/** Git or the files say that there is nothing to compare with: Argo CD's ComparisonError. */
export interface NoTarget {
  readonly commit: string | undefined;
  readonly revisions?: readonly string[];
  readonly error: string;
  /** It is the Application itself that is wrong: Argo CD's InvalidSpecError. */
  readonly invalid?: true;
}

/** For whom something is resolved and rendered. */
export interface Asker {
  /** The name that its objects are marked with. */
  readonly instance: string;
  /** How they are marked; left out: as Argo CD does it by default. */
  readonly tracking?: Tracking;
  readonly name: string;
  /** The namespace that the Application lies in, where there is one. */
  readonly home?: string;
  readonly spec: ApplicationSpec;
  readonly cluster: Pick<Cluster, 'client'>;
  /** Left out: as Argo CD has it by default. */
  readonly settings?: Pick<ArgoSettings, 'kustomize' | 'valuesFileSchemes'>;
}

export interface TargetLoader {
  /** The commit, or the version of the chart, that the source's revision names. Throws what Git or helm says. */
  resolve(source: ApplicationSource, level: Level, asker: Asker, signal: AbortSignal): Promise<string>;
  /** The manifests of one source as they are. Throws what Git and the renderer say. */
  render(
    sources: readonly ApplicationSource[],
    revisions: readonly string[],
    index: number,
    level: Level,
    asker: Asker,
    signal: AbortSignal,
  ): Promise<RenderedSet>;
  /**
   * Gives the objects their namespaces and the application's mark; a NoTarget where one has none. Throws what the API
   * server says.
   */
  place(
    asker: Asker,
    revisions: readonly string[],
    sets: readonly RenderedSet[],
    signal: AbortSignal,
  ): Promise<Target | NoTarget>;
}

/** How repositories are reached for applications of a project. */
export interface SourceAccess {
  mirror(url: string, project: string, signal?: AbortSignal): Promise<GitMirror>;
  credentials(url: string, project: string, signal?: AbortSignal): Promise<RepositoryCredentials | undefined>;
}

const KEPT_SETS = 2000;
/** About 200 MiB of rendered objects. */
const KEPT_OBJECTS = 20_000;

export function createTargetLoader(options: {
  readonly access: SourceAccess;
  readonly repositories: Repositories;
  /** The program that renders charts. Default `helm`. */
  readonly helm?: string;
  /** What was rendered, by the content of all that was read. Default: one of its own. */
  readonly renders?: RenderCache;
}): TargetLoader {
  const { access, repositories, renders = createRenderCache() } = options;
  const sets = new Map<string, RenderedSet>();
  let keptObjects = 0;

  async function program(
    source: ApplicationSource,
    asker: Asker,
    told: boolean,
    signal: AbortSignal,
  ): Promise<HelmProgram> {
    const { client } = asker.cluster;
    const credentials =
      source.chart === undefined
        ? undefined
        : await access.credentials(source.repoURL, asker.spec.project, signal);
    return {
      ...(options.helm === undefined ? {} : { command: options.helm }),
      access: helmAccess(credentials),
      ...(told
        ? {
            kubeVersion: (await client.version(signal)).gitVersion.replace(/^v/, '').replace(/[-+].*$/, ''),
            apiVersions: await client.apiVersions(signal),
          }
        : {}),
    };
  }

  function chartPlace(source: ApplicationSource, version: string) {
    return { kind: 'repository', url: source.repoURL, chart: source.chart ?? '', version } as const;
  }

  async function treeOf(
    source: ApplicationSource,
    commit: string,
    asker: Asker,
    signal: AbortSignal,
  ): Promise<FileTree> {
    return (await access.mirror(source.repoURL, asker.spec.project, signal)).tree(commit);
  }

  async function refsOf(
    sources: readonly ApplicationSource[],
    revisions: readonly string[],
    asker: Asker,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FileTree>> {
    const refs = new Map<string, FileTree>();
    for (const [index, source] of sources.entries()) {
      const name = getString(source.raw, 'ref');
      const commit = revisions[index];
      if (name === undefined || name === '' || commit === undefined || source.chart !== undefined) continue;
      refs.set(`$${name}`, await treeOf(source, commit, asker, signal));
    }
    return refs;
  }

  /** Everything that the result depends on; a commit names the content of a whole tree. */
  async function keyOf(
    sources: readonly ApplicationSource[],
    revisions: readonly string[],
    index: number,
    asker: Asker,
    helm: HelmProgram | undefined,
  ): Promise<string> {
    const source = sources[index];
    const usesRefs = source?.helm !== undefined && sources.length > 1;
    return JSON.stringify([
      source?.repoURL,
      revisions[index],
      source?.raw,
      asker.name,
      asker.home ?? '',
      asker.instance,
      asker.spec.destination.namespace,
      asker.spec.project,
      usesRefs ? sources.map((other, at) => [other.raw['ref'] ?? '', other.repoURL, revisions[at]]) : [],
      helm === undefined ? [] : [helm.command, helm.kubeVersion, helm.apiVersions],
      asker.settings?.kustomize ?? {},
      asker.settings?.valuesFileSchemes ?? [],
    ]);
  }

  async function renderSet(
    sources: readonly ApplicationSource[],
    revisions: readonly string[],
    index: number,
    level: Level,
    asker: Asker,
    signal: AbortSignal,
  ): Promise<RenderedSet> {
    const source = sources[index];
    const revision = revisions[index];
    if (source === undefined || revision === undefined) throw new Error('A source without its revision.');
    if (isOnlyReferred(source, sources.length)) return EMPTY;
    const tree = source.chart === undefined ? await treeOf(source, revision, asker, signal) : undefined;
    const isChart =
      source.chart !== undefined ||
      source.helm !== undefined ||
      (tree !== undefined && (await tree.kind(chartFile(source.path))) === 'file');
    const helm = isChart ? await program(source, asker, true, signal) : undefined;
    const key = await keyOf(sources, revisions, index, asker, helm);
    const kept = level === 'hard' ? undefined : sets.get(key);
    if (kept !== undefined) {
      keep(key, kept);
      return kept;
    }
    const application: RenderedFor = {
      name: asker.name,
      ...(asker.home === undefined ? {} : { home: asker.home }),
      instance: asker.instance,
      namespace: asker.spec.destination.namespace,
      project: asker.spec.project,
      revision,
    };
    const schemes =
      asker.settings === undefined ? {} : { valuesFileSchemes: asker.settings.valuesFileSchemes };
    const refs =
      helm === undefined ? new Map<string, FileTree>() : await refsOf(sources, revisions, asker, signal);
    const set: RenderedSet =
      tree === undefined
        ? {
            sourceType: 'Helm',
            findings: [],
            warnings: [],
            objects: await renderHelm({
              place: chartPlace(source, revision),
              source,
              application,
              environment: buildEnvironment(application, source),
              refs,
              program: helm ?? {},
              ...schemes,
              signal,
            }),
          }
        : await renderApplication(tree, source.path, {
            source,
            application,
            refs,
            signal,
            ...(helm === undefined ? {} : { helm }),
            ...schemes,
            kustomize: kustomizeOptions(asker.settings?.kustomize, options.helm, signal),
            // A new commit that touches other folders renders nothing here. Who refreshes hard wants it made again.
            ...(level === 'hard' ? {} : { cache: renders.within(source.repoURL) }),
          });
    keep(key, set);
    return set;
  }

  function keep(key: string, kept: RenderedSet): void {
    drop(key);
    sets.set(key, kept);
    keptObjects += kept.objects.length;
    for (const oldest of sets.keys()) {
      if (sets.size <= KEPT_SETS && keptObjects <= KEPT_OBJECTS) break;
      drop(oldest);
    }
  }

  function drop(key: string): void {
    keptObjects -= sets.get(key)?.objects.length ?? 0;
    sets.delete(key);
  }

  async function placeOne(
    object: KubeObject,
    asker: Asker,
    set: readonly KubeObject[],
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const { namespace: destination } = asker.spec.destination;
    const namespaced = await isNamespaced(asker.cluster.client, object, set, signal);
    const { namespace, ...metadata } = object.metadata;
    const placed: KubeObject = {
      ...object,
      metadata: namespaced ? { ...metadata, namespace: namespace || destination } : metadata,
    };
    return withTracking(placed, asker.instance, destination, asker.tracking);
  }

  return {
    async resolve(source, level, asker, signal) {
      if (source.chart === undefined) {
        return repositories.resolve(source.repoURL, source.targetRevision, level, asker.spec.project, signal);
      }
      const helm = await program(source, asker, false, signal);
      return resolveChart(chartPlace(source, source.targetRevision), helm, signal);
    },
    render: renderSet,
    async place(asker, revisions, sets, signal) {
      const raw = sets.flatMap((set) => set.objects.map(({ object }) => object));
      const placed: KubeObject[] = [];
      for (const object of raw) placed.push(await placeOne(object, asker, raw, signal));
      const nowhere = placed.find((object) => object.metadata.namespace === '');
      if (nowhere !== undefined) {
        const { group, version } = splitApiVersion(nowhere.apiVersion);
        const kind = `${group}/${version}, Kind=${nowhere.kind}`;
        const error = `Namespace for ${nowhere.metadata.name} ${kind} is missing.`;
        return { commit: revisions.join(', '), revisions, error, invalid: true };
      }
      // Hooks that are named when they run are told apart by where they stand.
      const keyOf = (object: KubeObject, index: number) =>
        (object.metadata.name as string | undefined) === undefined
          ? `${objectKey(object)}|${index}`
          : objectKey(object);
      const byKey = new Map(placed.map((object, index) => [keyOf(object, index), object]));
      const repeated =
        byKey.size === placed.length
          ? []
          : [...byKey.keys()].filter(
              (key) => placed.filter((object) => objectKey(object) === key).length > 1,
            );
      const sourceTypes = sets.map((set) => set.sourceType);
      const first = sets.find((set) => set !== EMPTY) ?? EMPTY;
      return {
        commit: revisions.join(', '),
        revisions,
        sourceType: first.sourceType,
        sourceTypes,
        objects: [...byKey.values()],
        repeated,
      };
    },
  };
}

const EMPTY: RenderedSet = { sourceType: 'Directory', objects: [], findings: [], warnings: [] };

/** A source that is there only so that value files of another one can name it. */
function isOnlyReferred(source: ApplicationSource, count: number): boolean {
  return count > 1 && source.raw['ref'] !== undefined && source.path === '' && source.chart === undefined;
}

function chartFile(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return [...parts, 'Chart.yaml'].join('/');
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
