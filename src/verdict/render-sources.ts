import { asLandfallError, getString, LandfallError } from '../kernel/index.ts';
import { applicationSpec, renderApplication } from '../boundaries/index.ts';
import type { ApplicationSource, RenderedSet } from '../boundaries/index.ts';
import { buildEnvironment, kustomizeOptions, renderHelm, resolveChart } from '../boundaries/render/index.ts';
import type { FileTree, GitMirror } from '../git/index.ts';
import type { ApplicationSpec } from './application.ts';
import { renderKustomization } from './flux.ts';
import { helmFor, helmForChart } from './helm-program.ts';
import type { Rendering } from './origin/index.ts';
import type { Sources } from './question.ts';

/** One source at one revision; of a chart there are no files but those of helm. */
interface Resolved {
  readonly revision: string;
  readonly tree: FileTree | undefined;
}

/** Where sources are read. */
export interface SourcePlaces extends Pick<Sources, 'kube' | 'git' | 'helm'> {
  /** A repository with the credentials that it needs. Default: as this user reaches it. */
  readonly mirror?: (url: string, signal: AbortSignal) => Promise<GitMirror>;
}

/**
 * What a controller would render of an application at that revision of its first source: a commit, or the version of
 * its chart; `tree` stands in for the files of that commit, where somebody asks what a change would do. Throws what
 * cannot be read.
 */
export async function renderSources(
  sources: SourcePlaces,
  spec: ApplicationSpec,
  revision: string,
  signal: AbortSignal,
  tree?: FileTree,
): Promise<Rendering> {
  if (spec.from.kind !== 'git' && spec.from.kind !== 'chart') {
    throw new LandfallError(`${spec.name} is not rendered from the files of a commit.`, {
      kind: 'unavailable',
      code: 'not-from-git',
      object: spec.name,
    });
  }
  const [problem] = spec.argo?.settings.problems ?? [];
  if (problem !== undefined) {
    throw new LandfallError(`What Argo CD's settings ask for is not known: ${problem}`, {
      kind: 'unavailable',
      code: 'settings-unread',
      object: spec.name,
      hint: 'Mend that setting of argocd-cm.',
    });
  }
  const { kube, git, mirror: open = (url: string) => Promise.resolve(git.open(url)) } = sources;
  const own = () => tree ?? git.open(spec.repository).tree(revision);
  if (spec.flux !== undefined) return { set: await renderKustomization(kube, spec, own(), signal), also: [] };
  const all = spec.sources ?? [spec.source];
  const resolved = new Map<ApplicationSource, Resolved>();
  for (const source of all) {
    const isOwn = source === spec.source;
    if (source.chart !== undefined) {
      const version = isOwn ? revision : await chartVersion(sources, spec, source, signal);
      resolved.set(source, { revision: version, tree: undefined });
      continue;
    }
    if (isOwn) {
      resolved.set(source, { revision, tree: own() });
      continue;
    }
    const mirror = await open(source.repoURL, signal);
    await mirror.fetch(signal);
    const { commit } = await mirror.resolve(source.targetRevision, signal);
    resolved.set(source, { revision: commit, tree: mirror.tree(commit) });
  }
  const refs = new Map<string, FileTree>();
  for (const [source, found] of resolved) {
    const name = getString(source.raw, 'ref');
    if (name !== undefined && name !== '' && found.tree !== undefined) refs.set(`$${name}`, found.tree);
  }
  const sets: RenderedSet[] = [];
  for (const [source, found] of resolved) {
    if (found.tree === undefined)
      sets.push(await chartSet(sources, spec, source, found.revision, refs, signal));
    else if (all.length === 1 || source.path !== '')
      sets.push(
        await renderApplication(found.tree, source.path || '.', {
          source,
          application: renderedFor(spec, found.revision),
          refs,
          helm: () => helmFor(sources, signal),
          kustomize: kustomizeOptions(spec.argo?.settings.kustomize, sources.helm, signal),
          ...valuesSchemes(spec),
          signal,
        }),
      );
  }
  const also = [...resolved].filter(([source]) => source !== spec.source).map(([, found]) => found.revision);
  return { set: joined(sets), also };
}

/** The version that a source of a chart names now. Throws `not-found` for a chart or version that is not there. */
export async function chartVersion(
  sources: Pick<Sources, 'kube' | 'helm'>,
  spec: ApplicationSpec,
  source: ApplicationSource,
  signal: AbortSignal,
): Promise<string> {
  const program = await helmForChart(sources, spec, source, signal);
  return resolveChart(placeOf(source, source.targetRevision), program, signal);
}

function placeOf(source: ApplicationSource, version: string) {
  return { kind: 'repository', url: source.repoURL, chart: source.chart ?? '', version } as const;
}

async function chartSet(
  sources: Pick<Sources, 'kube' | 'helm'>,
  spec: ApplicationSpec,
  source: ApplicationSource,
  version: string,
  refs: ReadonlyMap<string, FileTree>,
  signal: AbortSignal,
): Promise<RenderedSet> {
  const set = { sourceType: 'Helm', findings: [], warnings: [] } as const;
  const application = renderedFor(spec, version);
  try {
    const objects = await renderHelm({
      place: placeOf(source, version),
      source,
      application,
      environment: buildEnvironment(application, source),
      refs,
      program: await helmForChart(sources, spec, source, signal),
      ...valuesSchemes(spec),
      signal,
    });
    return { ...set, objects };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind !== 'invalid-input') throw error;
    return { ...set, objects: [], failure: { code: error.code, message: error.message } };
  }
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
  return {
    name: spec.name,
    home: spec.namespace,
    ...(spec.argo === undefined ? {} : { instance: spec.argo.instance }),
    namespace: destination.namespace,
    project,
    revision,
  };
}

function valuesSchemes({ argo }: ApplicationSpec) {
  return argo === undefined ? {} : { valuesFileSchemes: argo.settings.valuesFileSchemes };
}
