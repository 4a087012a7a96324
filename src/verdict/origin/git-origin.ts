import type { FileTree, GitMirror, GitMirrors } from '../../git/index.ts';
import { LandfallError, getArray, getIn, getString } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { GIT_REPOSITORY, attempt, durationMs, read, valueOf } from '../../boundaries/index.ts';
import type { Reading, TrackedRevision } from '../../boundaries/index.ts';
import { gitArtifact, includedOf } from '../../boundaries/render/index.ts';
import type { ApplicationSpec } from '../application.ts';
import { trackedRevision } from '../flux.ts';
import type { Sources } from '../question.ts';
import { renderSources } from '../render-sources.ts';
import type { Origin } from './origin.ts';

async function track(
  mirror: GitMirror,
  spec: ApplicationSpec,
  signal: AbortSignal,
): Promise<Reading<TrackedRevision>> {
  return attempt(async () => {
    await mirror.fetch(signal);
    const { commit } = await mirror.resolve(spec.revision, signal);
    const pathExists = spec.path === '.' || (await mirror.tree(commit).kind(spec.path)) === 'directory';
    return { repository: mirror.display, revision: spec.revision, commit, path: spec.path, pathExists };
  }, signal);
}

/** An application whose files are in a Git repository. */
export async function gitOrigin(
  sources: Sources,
  spec: ApplicationSpec,
  signal: AbortSignal,
): Promise<Origin> {
  const mirror = sources.git.open(spec.repository);
  const composed = spec.flux !== undefined && isComposed(spec.flux.source);
  const found = await track(mirror, spec, signal);
  // A folder that another repository brings is not in this one.
  const tracked = composed && found.state === 'read' ? read({ ...found.value, pathExists: true }) : found;
  const commit = valueOf(tracked)?.commit;
  // Since when the branch is there, not when its commit was made: until then nobody can have fetched it from there.
  const moved = await attempt(() => mirror.movedAt(spec.revision, signal), signal);
  const interval = durationMs(getString(spec.flux?.source, 'spec', 'interval'));
  return {
    display: mirror.display,
    tracked,
    expected: tracked.state === 'read' ? read(tracked.value.commit) : tracked,
    since: valueOf(moved),
    ...(interval === undefined ? {} : { pollMs: interval }),
    ...(commit === undefined ? {} : { git: { mirror, commit } }),
    files: commit === undefined ? undefined : mirror.tree(commit),
    async render() {
      const revision = commit ?? spec.revision;
      const source = spec.flux?.source;
      const tree =
        composed && source !== undefined ? await compose(sources, source, revision, signal) : undefined;
      return renderSources(sources, spec, revision, signal, tree);
    },
    ...(composed || (spec.sources?.length ?? 1) > 1
      ? {}
      : { renderAt: async (other: string) => (await renderSources(sources, spec, other, signal)).set }),
    async find(revision) {
      const own = (await mirror.resolve(revision, signal)).commit;
      return {
        commit: own,
        contained: commit !== undefined && (await mirror.isAncestor(own, commit, signal)),
      };
    },
  };
}

function isComposed(source: KubeObject): boolean {
  return (
    ['include', 'sparseCheckout'].some((field) => getArray(source, 'spec', field).length > 0) ||
    getIn(source, 'spec', 'recurseSubmodules') === true
  );
}

/**
 * What Flux makes of a commit whose GitRepository brings others with it. Throws `unavailable` where it has not taken
 * what those name now: then nobody knows what it will apply.
 */
async function compose(
  { kube, git }: Pick<Sources, 'kube' | 'git'>,
  source: KubeObject,
  commit: string,
  signal: AbortSignal,
): Promise<FileTree> {
  const places = {
    mirror: (of: KubeObject) => Promise.resolve(git.open(getString(of, 'spec', 'url') ?? '')),
    submodule: (_of: KubeObject, url: string) => submodule(git, url),
    included: ({ metadata: { namespace = 'default' } }: KubeObject, name: string) =>
      kube.get({ ...GIT_REPOSITORY, namespace, name }, signal),
  };
  for (const include of includedOf(source)) {
    const other = await places.included(source, include.name);
    if (other === undefined) continue;
    const mirror = await places.mirror(other);
    await mirror.fetch(signal);
    const now = await mirror.resolve(trackedRevision(other), signal);
    if (now.commit === include.commit) continue;
    throw new LandfallError(
      `The GitRepository ${include.name} that is included is at ${now.commit.slice(0, 8)} in Git, and was taken at ${include.commit.slice(0, 8)}.`,
      {
        kind: 'unavailable',
        code: 'include-behind',
        object: include.name,
        hint: `Flux takes it at its next look; at once with: flux reconcile source git ${include.name}`,
      },
    );
  }
  return gitArtifact(places, source, commit, signal);
}

/** Whoever writes `.gitmodules` says where that is: never a folder of this machine. */
async function submodule(git: GitMirrors, url: string): Promise<GitMirror> {
  if (/^(?:https?|ssh):\/\//.test(url)) return git.open(url);
  throw new LandfallError(`The submodule URL '${url.slice(0, 200)}' is none of http, https or ssh.`, {
    kind: 'unavailable',
    code: 'submodule-url',
    hint: 'Mend .gitmodules.',
  });
}
