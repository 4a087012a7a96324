import { LandfallError } from '../kernel/index.ts';
import { diffFiles } from './history.ts';
import {
  assertPath,
  makeCommit,
  type CommitAuthor,
  type FileChanges,
  type FileTexts,
} from './make-commit.ts';
import { assertOid } from './program.ts';
import { assertRevision, resolveRevision, revisionNotFound } from './revisions.ts';
import type { Signing } from './signing.ts';
import { findTrailer, withTrailers, type Trailer } from './trailers.ts';
import { createCommitTree, type FileTree } from './tree.ts';
import { ATTEMPTS, backOff, type RefWriter } from './writer.ts';

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
  readonly files: FileTexts | ((tree: FileTree, parent: string) => Promise<FileTexts | FileChanges>);
  readonly message: string;
  readonly author: CommitAuthor;
  /** The commit that the branch must be at; anything else is a conflict. */
  readonly expectParent?: string;
  /** Where the branch begins when it is not there yet, as for a pull request. */
  readonly start?: BranchStart;
  /**
   * Makes the commit at most once: it gets this trailer, and one that has it already is the answer, whoever made it.
   * So the same request can be made again after a crash, or after a push whose answer was lost.
   */
  readonly once?: Trailer;
  /** More lines of the same kind. */
  readonly trailers?: readonly Trailer[];
  readonly sign?: Signing;
  /** Times that a branch may move on before this gives up. Default 12. */
  readonly attempts?: number;
}

export interface BranchStart {
  /** The branch or commit to begin at. */
  readonly from: string;
  /**
   * What becomes of a branch of that name: `continue` commits on top of it, `replace` begins anew (the old commits are
   * gone from it; only for branches that are ours alone), `refuse` is a conflict. Default `continue`.
   */
  readonly existing?: 'continue' | 'replace' | 'refuse';
}

export interface CommitResult {
  /** The new commit, or the parent when nothing changed. */
  readonly commit: string;
  readonly parent: string;
  readonly changed: boolean;
  /** Where the branch is now known to be. */
  readonly ref: string;
  /** The commit was there before: `once` found it. */
  readonly found?: true;
}

/** Makes the commit and moves the branch, beginning again when it had moved, with pauses that grow. */
export async function commitTo(
  writer: RefWriter,
  request: CommitRequest,
  signal?: AbortSignal,
): Promise<CommitResult> {
  const { repository, clock } = writer;
  assertRevision(request.branch, repository.display);
  const { attempts = ATTEMPTS } = request;
  const seen: Seen = {};
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    await backOff(clock, attempt, signal);
    const made = await writer.alone(signal, async () => {
      await writer.refresh(signal);
      return attemptCommit(writer, request, seen, signal);
    });
    if (made !== undefined) return made;
  }
  throw new LandfallError(
    `${request.branch} of ${repository.display} moved on ${attempts} times while a commit was being made.`,
    {
      kind: 'conflict',
      code: 'git-branch-busy',
      object: refOf(request.branch),
      hint: 'Try again when fewer commits arrive.',
    },
  );
}

export function refOf(branch: string): string {
  return `refs/heads/${branch.replace(/^refs\/heads\//, '')}`;
}

/** What the first attempt saw. */
interface Seen {
  basis?: string;
}

/** Undefined: the branch had moved. */
async function attemptCommit(
  writer: RefWriter,
  request: CommitRequest,
  seen: Seen,
  signal: AbortSignal | undefined,
): Promise<CommitResult | undefined> {
  const { repository, clock } = writer;
  const { message, author, once, trailers = [], sign } = request;
  const ref = refOf(request.branch);
  const place = await placeOf(writer, request, ref, signal);
  const { parent, tip } = place;
  if (once !== undefined && tip !== undefined) {
    const found = await findTrailer(repository, tip, { trailer: once }, signal);
    if (found !== undefined) {
      const { commit, parents } = found;
      return { commit, parent: parents[0] ?? commit, changed: true, ref, found: true };
    }
  }
  if (request.expectParent !== undefined && parent !== assertOid(request.expectParent)) {
    throw movedOn(writer, request.branch, request.expectParent, parent);
  }
  const tree = createCommitTree(repository.reader, parent, repository.display);
  const given = typeof request.files === 'function' ? await request.files(tree, parent) : request.files;
  const changes = changesOf(given);
  const paths = [...Object.keys(changes.texts), ...changes.deleted].map(assertPath);
  if (typeof request.files !== 'function') {
    const { basis = parent } = seen;
    const touched = basis === parent ? [] : await diffFiles(repository, basis, parent, signal);
    const both = touched.find((change) => paths.includes(change.path));
    if (both) throw movedOn(writer, request.branch, basis, parent, both.path);
    seen.basis = basis;
  }
  const whole = withTrailers(message, [...trailers, ...(once === undefined ? [] : [once])]);
  const commit = await makeCommit({
    repository,
    parent,
    changes,
    message: whole,
    author,
    sign,
    clock,
    signal,
  });
  if (commit === undefined) return { commit: parent, parent, changed: false, ref };
  if (await writer.move({ ref, from: tip, to: commit }, signal))
    return { commit, parent, changed: true, ref };
  return undefined;
}

/** The commit to build on, and where the branch is; undefined where it is not there yet. */
async function placeOf(
  writer: RefWriter,
  request: CommitRequest,
  ref: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly parent: string; readonly tip: string | undefined }> {
  const { repository } = writer;
  const { start, branch } = request;
  const tip = (await resolveRevision(repository, ref, signal))?.commit;
  if (tip !== undefined && (start?.existing ?? 'continue') === 'continue') return { parent: tip, tip };
  if (start === undefined) throw await revisionNotFound(repository, branch, signal);
  if (tip !== undefined && start.existing === 'refuse') {
    throw new LandfallError(`${repository.display} has a branch ${branch} already, at ${tip.slice(0, 12)}.`, {
      kind: 'conflict',
      code: 'git-branch-exists',
      object: ref,
      hint: 'Choose another name, or delete the branch.',
    });
  }
  assertRevision(start.from, repository.display);
  const from = await resolveRevision(repository, start.from, signal);
  if (from === undefined) throw await revisionNotFound(repository, start.from, signal);
  return { parent: from.commit, tip };
}

function changesOf(given: FileTexts | FileChanges): FileChanges {
  return isFileChanges(given) ? given : { texts: given, deleted: [] };
}

function isFileChanges(given: FileTexts | FileChanges): given is FileChanges {
  return 'deleted' in given && Array.isArray(given.deleted);
}

function movedOn(
  { repository }: RefWriter,
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
