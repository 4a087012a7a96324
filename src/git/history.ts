import { LandfallError } from '../kernel/index.ts';
import { gitFailure } from './failures.ts';
import { assertOid, runGit, tryGit } from './program.ts';
import type { Repository } from './revisions.ts';

export interface CommitInfo {
  readonly commit: string;
  readonly parents: readonly string[];
  readonly author: { readonly name: string; readonly email: string };
  readonly committer: { readonly name: string; readonly email: string };
  /** When it was committed (not authored), ISO 8601 in UTC. */
  readonly time: string;
  readonly subject: string;
  readonly body: string;
}

export interface FileChange {
  readonly path: string;
  readonly change: 'added' | 'deleted' | 'modified';
}

export interface LogOptions {
  /** The commit to start from. */
  readonly from: string;
  /** Only commits that changed this file or folder. */
  readonly path?: string;
  /** Only commits that this one does not lead to. */
  readonly without?: string;
  readonly limit: number;
}

const FORMAT = '--format=tformat:%H%n%P%n%an%n%ae%n%cn%n%ce%n%ct%n%s%n%b';

/** Commits from `from` backwards, newest first, at most `limit` (and never more than 10,000). */
export async function readLog(
  repository: Repository,
  options: LogOptions,
  signal?: AbortSignal,
): Promise<readonly CommitInfo[]> {
  const limit = Math.max(1, Math.min(10_000, Math.floor(options.limit)));
  const text = await runGit(
    `Reading the history of ${repository.display}`,
    [
      'log',
      '-z',
      '--encoding=UTF-8',
      '--no-show-signature',
      '--no-color',
      FORMAT,
      `--max-count=${limit}`,
      assertOid(options.from),
      ...(options.without === undefined ? [] : [`^${assertOid(options.without)}`]),
      '--',
      ...(options.path === undefined ? [] : [options.path]),
    ],
    { gitDir: repository.gitDir, signal },
  );
  return text
    .split('\0')
    .filter((record) => record !== '')
    .map(parseCommit);
}

/**
 * The commits that a branch has been at, newest first, at most `limit`: its first parents, as merges into it leave
 * them. What a merge brought in was never the state of the branch.
 */
export async function firstParents(
  repository: Repository,
  from: string,
  limit: number,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const text = await runGit(
    `Reading the history of ${repository.display}`,
    ['rev-list', '--first-parent', `--max-count=${Math.max(1, Math.floor(limit))}`, assertOid(from), '--'],
    { gitDir: repository.gitDir, signal },
  );
  return text.split('\n').filter((line) => line !== '');
}

export async function readCommit(
  repository: Repository,
  commit: string,
  signal?: AbortSignal,
): Promise<CommitInfo> {
  assertOid(commit);
  if ((await repository.reader.read(commit))?.type !== 'commit') throw commitNotFound(repository, commit);
  const [info] = await readLog(repository, { from: commit, limit: 1 }, signal);
  if (info === undefined) throw commitNotFound(repository, commit);
  return info;
}

/** Whether `ancestor` is `descendant` or lies before it. */
export async function isAncestor(
  repository: Repository,
  ancestor: string,
  descendant: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const result = await tryGit(['merge-base', '--is-ancestor', assertOid(ancestor), assertOid(descendant)], {
    gitDir: repository.gitDir,
    signal,
  });
  if (result.code === 0) return true;
  if (result.code === 1) return false;
  for (const commit of [ancestor, descendant]) {
    if ((await repository.reader.read(commit))?.type !== 'commit') throw commitNotFound(repository, commit);
  }
  throw gitFailure(`Comparing ${ancestor} and ${descendant} of ${repository.display}`, result.stderr);
}

/** The files that differ between two commits, sorted by path; a rename is a deletion and an addition. */
export async function diffFiles(
  repository: Repository,
  before: string,
  after: string,
  signal?: AbortSignal,
): Promise<readonly FileChange[]> {
  for (const commit of [before, after]) {
    if ((await repository.reader.read(assertOid(commit)))?.type !== 'commit') {
      throw commitNotFound(repository, commit);
    }
  }
  const text = await runGit(
    `Comparing ${before} and ${after} of ${repository.display}`,
    ['diff-tree', '-r', '-z', '--no-renames', '--no-ext-diff', '--name-status', before, after],
    { gitDir: repository.gitDir, signal },
  );
  const fields = text.split('\0');
  const changes: FileChange[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [status = '', path = ''] = [fields[index], fields[index + 1]];
    changes.push({ path, change: status === 'A' ? 'added' : status === 'D' ? 'deleted' : 'modified' });
  }
  return changes;
}

function parseCommit(record: string): CommitInfo {
  const [commit = '', parents = '', name = '', email = '', ...rest] = record.split('\n');
  const [committer = '', address = '', time = '', subject = '', ...body] = rest;
  return {
    commit,
    parents: parents === '' ? [] : parents.split(' '),
    author: { name, email },
    committer: { name: committer, email: address },
    time: new Date(Number(time) * 1000).toISOString(),
    subject,
    body: body.join('\n').trim(),
  };
}

function commitNotFound(repository: Repository, commit: string): LandfallError {
  return new LandfallError(`${repository.display} has no commit ${commit}.`, {
    kind: 'not-found',
    code: 'git-commit-not-found',
    object: commit,
    hint: 'Fetch first, or name a commit that was pushed.',
  });
}
