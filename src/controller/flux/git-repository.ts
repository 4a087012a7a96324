import { getObject, getString } from '../../kernel/index.ts';
import type { GitMirror } from '../../git/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { checkSparse, highestTag } from '../../boundaries/render/index.ts';
import type { Level, Turn } from '../queue.ts';
import { mirrorOf } from './git-access.ts';
import type { GitAccessOptions } from './git-access.ts';
import { artifactOf, contentDigest, includedArtifacts, observed } from './git-content.ts';
import type { createVerifier } from './git-verify.ts';
import { requested } from './kinds.ts';
import { reconcileSource } from './source-status.ts';
import type { Found, SourceOptions } from './source-status.ts';

export interface GitSourceOptions extends SourceOptions, GitAccessOptions {
  /** Fetches are shared with everybody who reads the same repository with the same credentials. */
  readonly resolve: (
    mirror: GitMirror,
    revision: string,
    level: Level,
    signal: AbortSignal,
  ) => Promise<string>;
  readonly verify: ReturnType<typeof createVerifier>;
}

interface Wanted {
  /** For the mirror. */
  readonly revision: string;
  /** In front of `@sha1:` in the revision of the artifact; empty for a bare commit. */
  readonly name: string;
}

/** commit, name, semver, tag, branch: in that order, as Flux takes them; without any, the branch master. */
async function wantedOf(source: KubeObject, mirror: GitMirror, turn: Turn): Promise<Wanted> {
  const ref = getObject(source, 'spec', 'ref');
  const text = (field: string) => getString(ref, field) || undefined;
  const branch = text('branch');
  const commit = text('commit');
  if (commit !== undefined) return { revision: commit, name: branch ?? '' };
  const name = text('name');
  if (name !== undefined) return { revision: name, name };
  const range = text('semver');
  if (range !== undefined) {
    const tags = await turn.outside(async () => {
      await mirror.fetch(turn.signal);
      return mirror.tags(turn.signal);
    });
    const best = highestTag(tags, range, 'git-semver');
    return { revision: `refs/tags/${best}`, name: best };
  }
  const tag = text('tag');
  if (tag !== undefined) return { revision: `refs/tags/${tag}`, name: tag };
  return { revision: `refs/heads/${branch ?? 'master'}`, name: branch ?? 'master' };
}

/** `main@sha1:0123…`, as Flux writes revisions since 0.41. */
export function artifactRevision(name: string, commit: string): string {
  const hashed = `sha${commit.length === 64 ? '256' : '1'}:${commit}`;
  return name === '' ? hashed : `${name}@${hashed}`;
}

/** One look at a repository, and what follows from it for the status. */
export async function reconcileGitRepository(
  options: GitSourceOptions,
  source: KubeObject,
  turn: Turn,
): Promise<{ readonly again?: number } | undefined> {
  return reconcileSource(options, source, turn, {
    find: () => find(options, source, turn),
    failed: 'GitOperationFailed',
    prefix: 'failed to checkout and determine revision: ',
  });
}

async function find(options: GitSourceOptions, source: KubeObject, turn: Turn): Promise<Found> {
  const { signal } = turn;
  const mirror = await mirrorOf(options, source, signal);
  const included = await includedArtifacts(options, source, signal);
  const wanted = await wantedOf(source, mirror, turn);
  const known = getString(source, 'status', 'artifact', 'digest');
  const level = requested(source) === undefined && known !== undefined ? turn.level : 'asked';
  const commit = await turn.outside(() =>
    options.resolve(mirror, wanted.revision, level === 'live' ? 'git' : level, signal),
  );
  const status = observed(source, included);
  const digest = contentDigest(source, commit, included);
  if (digest !== known) {
    // Everything of it has to be there: nobody learns of it from the first who needs it.
    const noted = { ...source, status: { ...getObject(source, 'status'), ...status } };
    await turn.outside(async () => {
      await checkSparse(source, mirror.tree(commit));
      await artifactOf(options, noted, commit, signal);
    });
  }
  const verified = await turn.outside(() =>
    options.verify(source, mirror, { ref: wanted.revision, commit }, signal),
  );
  const revision = artifactRevision(wanted.name, commit);
  return {
    revision,
    digest,
    file: `${commit}.tar.gz`,
    url: mirror.display,
    reason: 'Succeeded',
    message: `stored artifact for revision '${revision}'`,
    conditions: verified.conditions,
    status: { sourceVerificationMode: undefined, ...status, ...verified.status },
  };
}
