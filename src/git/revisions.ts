import { LandfallError, nearest } from '../kernel/index.ts';
import { runGit, tryGit } from './program.ts';
import type { ObjectReader } from './objects.ts';

export interface ResolvedRevision {
  /** The full name of the commit. */
  readonly commit: string;
  /** `refs/heads/…` or `refs/tags/…`; absent where a commit was named itself. */
  readonly ref?: string;
}

/** What reading needs of a repository on this machine. */
export interface Repository {
  readonly gitDir: string;
  /** How people know it; never holds credentials. */
  readonly display: string;
  readonly reader: ObjectReader;
}

const SHOWN_REFS = 5000;

/** Refuses what cannot name a branch, a tag or a commit (git-check-ref-format(1)), among it every option. */
export function assertRevision(revision: string, display: string): string {
  const bad =
    revision === '' ||
    revision.length > 250 ||
    revision.startsWith('-') ||
    revision.startsWith('/') ||
    revision.endsWith('/') ||
    revision.endsWith('.') ||
    revision.endsWith('.lock') ||
    /\.\.|@\{|\/\/|[\s~^:?*[\\\p{Cc}]/u.test(revision);
  if (!bad) return revision;
  throw new LandfallError(`'${revision.slice(0, 100)}' cannot be a branch, tag or commit of ${display}.`, {
    kind: 'invalid-input',
    code: 'git-revision',
    object: revision.slice(0, 100),
    hint: 'Give a branch, a tag, a commit, or HEAD; expressions like main~1 and patterns are not read.',
  });
}

/**
 * The commit a revision names, looked for as branch, tag, remote branch, then full or abbreviated commit.
 * Undefined when there is none; an abbreviation that fits several commits is an error.
 */
export async function resolveRevision(
  repository: Repository,
  revision: string,
  signal?: AbortSignal,
): Promise<ResolvedRevision | undefined> {
  assertRevision(revision, repository.display);
  const named = revision === 'HEAD' ? await resolveHead(repository, signal) : undefined;
  if (named) return verified(repository, named);
  const candidates = revision.startsWith('refs/')
    ? [revision]
    : [`refs/heads/${revision}`, `refs/tags/${revision}`, `refs/remotes/${revision}`];
  const refs = await readRefs(repository, candidates, signal);
  for (const name of candidates) {
    const oid = refs.get(name);
    if (oid !== undefined)
      return verified(repository, { commit: await peel(repository, oid, name), ref: name });
  }
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(revision)) {
    const object = await repository.reader.read(revision);
    if (object === undefined) return undefined;
    return verified(repository, { commit: await peel(repository, revision, revision) });
  }
  return /^[0-9a-f]{4,63}$/i.test(revision) ? resolveAbbreviation(repository, revision, signal) : undefined;
}

/** The error for a revision that is not there, naming what is alike. */
export async function revisionNotFound(
  repository: Repository,
  revision: string,
  signal?: AbortSignal,
): Promise<LandfallError> {
  const refs = await readRefs(repository, ['refs/heads', 'refs/tags'], signal);
  if (refs.size === 0) {
    return new LandfallError(
      `'${revision}' was looked for in ${repository.display}, which has no commit yet.`,
      {
        kind: 'not-found',
        code: 'git-empty-repository',
        object: repository.display,
        hint: 'Commit and push something first.',
      },
    );
  }
  const names = [...refs.keys()].map((name) => name.replace(/^refs\/(?:heads|tags)\//, ''));
  const near = nearest(revision, names);
  const shown = near.length > 0 ? near : names.slice(0, 5);
  return new LandfallError(`${repository.display} has no branch, tag or commit '${revision}'.`, {
    kind: 'not-found',
    code: 'git-revision-not-found',
    object: revision,
    hint: `${near.length > 0 ? 'Did you mean' : 'There are'}: ${shown.join(', ')}${
      near.length === 0 && names.length > shown.length ? ', …' : ''
    }${near.length > 0 ? '?' : '.'}`,
  });
}

/** Names below `refs/tags/`, as the last fetch brought them. */
export async function tagNames(repository: Repository, signal?: AbortSignal): Promise<readonly string[]> {
  const refs = await readRefs(repository, ['refs/tags'], signal);
  return [...refs.keys()].map((name) => name.slice('refs/tags/'.length));
}

async function resolveHead(
  repository: Repository,
  signal: AbortSignal | undefined,
): Promise<ResolvedRevision | undefined> {
  // One process for both: a detached HEAD is its own full name.
  const head = await tryGit(['rev-parse', 'HEAD^{commit}', '--symbolic-full-name', 'HEAD'], {
    gitDir: repository.gitDir,
    signal,
  });
  if (head.code !== 0) return undefined;
  const [commit = '', ref = ''] = head.stdout.toString('utf8').trim().split('\n');
  return ref.startsWith('refs/') ? { commit, ref } : { commit };
}

async function readRefs(
  repository: Repository,
  patterns: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const text = await runGit(
    `Reading the references of ${repository.display}`,
    ['for-each-ref', `--count=${SHOWN_REFS}`, '--format=%(objectname) %(refname)', '--', ...patterns],
    { gitDir: repository.gitDir, signal },
  );
  const refs = new Map<string, string>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) refs.set(line.slice(space + 1), line.slice(0, space));
  }
  return refs;
}

/** Tags of tags that are followed. */
const DEEPEST_TAG = 16;

/** Follows annotated tags to their commit, in the objects themselves: no process of git's own is worth it. */
async function peel(repository: Repository, oid: string, name: string): Promise<string> {
  let at = oid;
  for (let depth = 0; depth < DEEPEST_TAG; depth += 1) {
    const object = await repository.reader.read(at);
    // What a reference names and is not there is damage, and said as that by whoever verifies it.
    if (object === undefined || object.type === 'commit') return at;
    const tagged =
      object.type === 'tag'
        ? /^object (?<oid>[0-9a-f]+)\ntype (?:commit|tag)\n/.exec(object.body.toString('latin1'))
        : undefined;
    if (tagged?.groups?.['oid'] === undefined) break;
    at = tagged.groups['oid'];
  }
  throw new LandfallError(`'${name}' in ${repository.display} names something that is not a commit.`, {
    kind: 'invalid-input',
    code: 'git-not-a-commit',
    object: name,
    hint: 'Name a branch, a commit, or a tag of a commit.',
  });
}

async function resolveAbbreviation(
  repository: Repository,
  revision: string,
  signal: AbortSignal | undefined,
): Promise<ResolvedRevision | undefined> {
  const text = await runGit(
    `Looking for the commit ${revision} in ${repository.display}`,
    ['rev-parse', `--disambiguate=${revision.toLowerCase()}`],
    { gitDir: repository.gitDir, signal },
  );
  const commits: string[] = [];
  for (const oid of text
    .split('\n')
    .filter((line) => line !== '')
    .slice(0, 64)) {
    if ((await repository.reader.read(oid))?.type === 'commit') commits.push(oid);
  }
  const [commit, another] = commits;
  if (commit === undefined) return undefined;
  if (another !== undefined) {
    throw new LandfallError(
      `'${revision}' fits ${commits.length} commits of ${repository.display}: ${commits
        .slice(0, 3)
        .map((oid) => oid.slice(0, 12))
        .join(', ')}.`,
      { kind: 'invalid-input', code: 'git-revision-ambiguous', object: revision, hint: 'Give more digits.' },
    );
  }
  return { commit };
}

/** The commit was read and hashes to its name; a reference alone proves nothing. */
async function verified(repository: Repository, resolved: ResolvedRevision): Promise<ResolvedRevision> {
  const object = await repository.reader.read(resolved.commit);
  if (object?.type === 'commit') return resolved;
  throw new LandfallError(
    `${resolved.ref ?? resolved.commit} of ${repository.display} points to ${resolved.commit}, which is not there.`,
    {
      kind: 'unavailable',
      code: 'git-object-missing',
      object: resolved.commit,
      hint: 'The clone is partial or damaged; fetch it whole.',
    },
  );
}
