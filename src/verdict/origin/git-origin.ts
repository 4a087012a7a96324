import type { GitMirror } from '../../git/index.ts';
import { LandfallError, getArray, getString } from '../../kernel/index.ts';
import { attempt, durationMs, read, valueOf } from '../../boundaries/index.ts';
import type { Reading, TrackedRevision } from '../../boundaries/index.ts';
import type { ApplicationSpec } from '../application.ts';
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
  const included = getArray(spec.flux?.source, 'spec', 'include').length;
  const found = await track(mirror, spec, signal);
  // A folder that another repository brings is not in this one.
  const tracked = included > 0 && found.state === 'read' ? read({ ...found.value, pathExists: true }) : found;
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
      if (included > 0) throw notWhole(spec);
      return renderSources(sources, spec, commit ?? spec.revision, signal);
    },
    async find(revision) {
      const own = (await mirror.resolve(revision, signal)).commit;
      return {
        commit: own,
        contained: commit !== undefined && (await mirror.isAncestor(own, commit, signal)),
      };
    },
  };
}

/** What a GitRepository includes of others is not put together here. */
function notWhole(spec: ApplicationSpec): LandfallError {
  return new LandfallError(
    `The GitRepository that ${spec.name} comes from includes others (spec.include), which are not read here.`,
    {
      kind: 'unavailable',
      code: 'source-includes',
      object: spec.name,
      hint: 'Prove what it delivers by a GitRepository of its own.',
    },
  );
}
