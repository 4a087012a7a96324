import path from 'node:path';
import { withLock } from './lock.ts';
import { LandfallError, type Clock } from '../kernel/index.ts';
import { gitFailure } from './failures.ts';
import { fetchRefs, locked, type MirrorOnDisk } from './fetch.ts';
import { diffFiles } from './history.ts';
import { assertPath, makeCommit, type CommitAuthor, type FileTexts } from './make-commit.ts';
import { assertOid, tryGit } from './program.ts';
import { assertRevision, resolveRevision, revisionNotFound, type Repository } from './revisions.ts';
import { createCommitTree, type FileTree } from './tree.ts';
import { updateWorkTree } from './work-tree.ts';

/**
 * One commit on top of a branch.
 *
 * The branch moves by compare-and-swap: what somebody else committed meanwhile is never lost. When that happens,
 * `files` given as a function is asked again with the new state; given as texts they are committed on top only if
 * nobody else touched the same paths, else the answer is `conflict`. The function may read the tree that it is given,
 * and must not fetch: the mirror is locked while it runs.
 */
export interface CommitRequest {
  readonly branch: string;
  readonly files: FileTexts | ((tree: FileTree, parent: string) => Promise<FileTexts>);
  readonly message: string;
  readonly author: CommitAuthor;
  /** The commit that the branch must be at; anything else is a conflict. */
  readonly expectParent?: string;
}

export interface CommitResult {
  /** The new commit, or the parent when nothing changed. */
  readonly commit: string;
  readonly parent: string;
  readonly changed: boolean;
  /** Where the branch is now known to be. */
  readonly ref: string;
}

const ATTEMPTS = 5;

/** Commits to a repository on this machine: bare, or with the branch checked out and its files unchanged. */
export async function commitToFolder(
  repository: Repository,
  request: CommitRequest,
  clock: Clock,
  signal?: AbortSignal,
): Promise<CommitResult> {
  // The index of a work tree is one: two of us at once would find each other's half-written files in it.
  return withLock(path.join(repository.gitDir, 'landfall.lock'), { clock, signal }, () =>
    attempts(
      repository,
      request,
      signal,
      async (made, ref) => {
        const swap = () => updateRef(repository, ref, made.commit, made.parent, signal);
        return updateWorkTree({ repository, ref, ...made, signal }, swap);
      },
      clock,
    ),
  );
}

/** Commits to the mirror of a remote repository and pushes; the remote decides whether the branch moves. */
export async function commitToRemote(
  mirror: MirrorOnDisk,
  repository: Repository,
  request: CommitRequest,
  signal?: AbortSignal,
): Promise<CommitResult> {
  return locked(mirror, signal, async () => {
    await refresh();
    return attempts(
      repository,
      request,
      signal,
      async (made, ref) => {
        const pushed = await push(made, ref);
        await refresh();
        return pushed;
      },
      mirror.clock,
    );
  });

  async function refresh(): Promise<void> {
    const result = await fetchRefs(mirror, signal);
    if (result.code !== 0) throw gitFailure(`Fetching ${repository.display}`, result.stderr);
  }

  async function push(made: Made, ref: string): Promise<boolean> {
    const result = await tryGit(
      [
        'push',
        '--quiet',
        '--no-verify',
        '--no-signed',
        '--no-follow-tags',
        '--recurse-submodules=no',
        `--force-with-lease=${ref}:${made.parent}`,
        '--',
        mirror.remote.url,
        `${made.commit}:${ref}`,
      ],
      { gitDir: repository.gitDir, remote: mirror.remote, signal, timeoutMs: 300_000 },
    );
    if (result.code === 0) return true;
    if (
      /stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|reference already/.test(
        result.stderr,
      )
    ) {
      return false;
    }
    if (/remote rejected|pre-receive hook declined|protected branch/.test(result.stderr)) {
      throw new LandfallError(
        `Pushing to ${request.branch} of ${repository.display} was refused: ${refusal(result.stderr)}`,
        {
          kind: 'denied',
          code: 'git-push-refused',
          object: ref,
          hint: 'The branch may be protected: allow this account to push, or push to another branch.',
        },
      );
    }
    throw gitFailure(`Pushing to ${request.branch} of ${repository.display}`, result.stderr);
  }
}

interface Made {
  readonly commit: string;
  readonly parent: string;
  readonly paths: readonly string[];
}

/** Makes the commit and lets `publish` move the branch; false means that it had moved, and begins again. */
async function attempts(
  repository: Repository,
  request: CommitRequest,
  signal: AbortSignal | undefined,
  publish: (made: Made, ref: string) => Promise<boolean>,
  clock: Clock,
): Promise<CommitResult> {
  const { message, author } = request;
  assertRevision(request.branch, repository.display);
  const ref = `refs/heads/${request.branch.replace(/^refs\/heads\//, '')}`;
  let basis: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const tip = await resolveRevision(repository, ref, signal);
    if (tip === undefined) throw await revisionNotFound(repository, request.branch, signal);
    const parent = tip.commit;
    if (request.expectParent !== undefined && parent !== assertOid(request.expectParent)) {
      throw movedOn(repository, request.branch, request.expectParent, parent);
    }
    const tree = createCommitTree(repository.reader, parent, repository.display);
    const files = typeof request.files === 'function' ? await request.files(tree, parent) : request.files;
    const paths = Object.keys(files).map(assertPath).sort();
    if (typeof request.files !== 'function') {
      const touched = basis === undefined ? [] : await diffFiles(repository, basis, parent, signal);
      const both = touched.find((change) => paths.includes(change.path));
      if (both) throw movedOn(repository, request.branch, basis ?? parent, parent, both.path);
      basis ??= parent;
    }
    const commit = await makeCommit({ repository, parent, files, message, author, clock, signal });
    if (commit === undefined) return { commit: parent, parent, changed: false, ref };
    if (await publish({ commit, parent, paths }, ref)) return { commit, parent, changed: true, ref };
  }
  throw new LandfallError(
    `${request.branch} of ${repository.display} moved on ${ATTEMPTS} times while a commit was being made.`,
    { kind: 'conflict', code: 'git-branch-busy', object: ref, hint: 'Try again when fewer commits arrive.' },
  );
}

async function updateRef(
  repository: Repository,
  ref: string,
  commit: string,
  parent: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const result = await tryGit(['update-ref', '-m', 'landfall: commit', ref, commit, parent], {
    gitDir: repository.gitDir,
    signal,
  });
  if (result.code === 0) return true;
  if (/but expected|cannot lock ref/.test(result.stderr)) return false;
  throw gitFailure(`Moving ${ref} of ${repository.display}`, result.stderr);
}

function movedOn(
  repository: Repository,
  branch: string,
  wanted: string,
  found: string,
  file?: string,
): LandfallError {
  return new LandfallError(
    `${branch} of ${repository.display} is at ${found.slice(0, 12)}; ${wanted.slice(0, 12)} was expected${
      file === undefined ? '' : `, and ${file} has changed between them`
    }.`,
    {
      kind: 'conflict',
      code: 'git-branch-moved',
      object: branch,
      hint: 'Read the branch again and make the change on top of it.',
    },
  );
}

function refusal(stderr: string): string {
  const line = stderr.split('\n').find((text) => text.includes('remote rejected')) ?? '';
  return (/\((?<why>[^)]*)\)\s*$/.exec(line)?.groups?.['why'] ?? 'no reason was given').slice(0, 200);
}
