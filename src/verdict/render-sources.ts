import { LandfallError, getString } from '../kernel/index.ts';
import { applicationSpec, renderApplication } from '../boundaries/index.ts';
import type { ApplicationSource, RenderedSet } from '../boundaries/index.ts';
import type { FileTree, GitMirror, GitMirrors } from '../git/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { ApplicationSpec } from './application.ts';
import { renderKustomization } from './flux.ts';

export interface Rendering {
  readonly set: RenderedSet;
  /** The commits of the other sources, which the controller has to have as well. */
  readonly also: readonly string[];
}

/** Where sources are read. */
export interface SourcePlaces {
  readonly kube: KubeClient;
  readonly git: GitMirrors;
  /** A repository with the credentials that it needs. Default: as this user reaches it. */
  readonly mirror?: (url: string, signal: AbortSignal) => Promise<GitMirror>;
}

/**
 * What a controller would render of an application at that commit of its first source; `tree` stands in for the files
 * of that commit, where somebody asks what a change would do. Throws what cannot be read.
 */
export async function renderSources(
  { kube, git, mirror: open = (url) => Promise.resolve(git.open(url)) }: SourcePlaces,
  spec: ApplicationSpec,
  commit: string,
  signal: AbortSignal,
  tree: FileTree = git.open(spec.repository).tree(commit),
): Promise<Rendering> {
  if (spec.flux !== undefined) return { set: await renderKustomization(kube, spec, tree, signal), also: [] };
  const all = spec.sources ?? [spec.source];
  const trees = new Map<ApplicationSource, { readonly commit: string; readonly tree: FileTree }>();
  for (const source of all) {
    if (source.chart !== undefined) {
      throw new LandfallError(
        `The chart ${source.chart} comes from a Helm repository, which is read by the controller only.`,
        { kind: 'unavailable', code: 'chart-not-rendered', object: source.repoURL },
      );
    }
    if (source === spec.source) {
      trees.set(source, { commit, tree });
      continue;
    }
    const mirror = await open(source.repoURL, signal);
    await mirror.fetch(signal);
    const resolved = (await mirror.resolve(source.targetRevision, signal)).commit;
    trees.set(source, { commit: resolved, tree: mirror.tree(resolved) });
  }
  const refs = new Map<string, FileTree>();
  for (const [source, found] of trees) {
    const name = getString(source.raw, 'ref');
    if (name !== undefined && name !== '') refs.set(`$${name}`, found.tree);
  }
  const sets: RenderedSet[] = [];
  for (const [source, found] of trees) {
    if (all.length > 1 && source.path === '') continue;
    sets.push(
      await renderApplication(found.tree, source.path || '.', {
        source,
        application: renderedFor(spec, found.commit),
        refs,
        helm: () => helmFor(kube, signal),
        signal,
      }),
    );
  }
  const also = [...trees].filter(([source]) => source !== spec.source).map(([, found]) => found.commit);
  return { set: joined(sets), also };
}

function joined(sets: readonly RenderedSet[]): RenderedSet {
  const [first, ...rest] = sets;
  if (first === undefined || rest.length === 0) {
    return first ?? { sourceType: 'Directory', objects: [], findings: [], warnings: [] };
  }
  const failure = sets.find((set) => set.failure !== undefined)?.failure;
  return {
    sourceType: first.sourceType,
    // Never half of a set.
    objects: failure === undefined ? sets.flatMap((set) => set.objects) : [],
    findings: sets.flatMap((set) => set.findings),
    warnings: sets.flatMap((set) => set.warnings),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Whose it is, as the controller tells the renderer. */
function renderedFor(spec: ApplicationSpec, revision: string) {
  const { project, destination } = applicationSpec(spec.object);
  return { name: spec.name, home: spec.namespace, namespace: destination.namespace, project, revision };
}

/** Charts ask what the cluster can do. */
async function helmFor(kube: KubeClient, signal: AbortSignal) {
  const { gitVersion } = await kube.version(signal);
  const kubeVersion = gitVersion.replace(/^v/, '').replace(/[-+].*$/, '');
  return { kubeVersion, apiVersions: await kube.apiVersions(signal) };
}
