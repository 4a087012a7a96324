import { LandfallError } from '../kernel/index.ts';
import { refOf } from './commit.ts';
import { isAncestor } from './history.ts';
import { assertOid, tryGit } from './program.ts';
import { assertRevision, resolveRevision, revisionNotFound } from './revisions.ts';
import { ATTEMPTS, backOff, type RefWriter } from './writer.ts';

export interface FastForwardRequest {
  readonly branch: string;
  /** The commit to move to: all that the branch has must lead to it. */
  readonly to: string;
  /** Where the branch must be; anything else is a conflict. */
  readonly expect?: string;
  /** Makes the branch where it is not there yet. Default false. */
  readonly create?: boolean;
}

export interface MovedBranch {
  readonly from: string | undefined;
  readonly to: string;
  readonly changed: boolean;
}

/** Moves a branch to a commit that contains it, as an environment's branch follows another. Never back, never aside. */
export async function fastForward(
  writer: RefWriter,
  request: FastForwardRequest,
  signal?: AbortSignal,
): Promise<MovedBranch> {
  const { repository } = writer;
  const { branch, expect, create = false } = request;
  const to = assertOid(request.to);
  assertRevision(branch, repository.display);
  const ref = refOf(branch);
  return repeated(writer, `moving ${branch}`, ref, signal, async () => {
    const from = (await resolveRevision(repository, ref, signal))?.commit;
    if (from === undefined && !create) throw await revisionNotFound(repository, branch, signal);
    if (from === to) return { from, to, changed: false };
    if (expect !== undefined && from !== assertOid(expect)) {
      throw conflict(
        `${branch} of ${repository.display} is at ${short(from)}; ${short(expect)} was expected.`,
        'git-branch-moved',
        branch,
        'Read the branch again.',
      );
    }
    if (from !== undefined && !(await isAncestor(repository, from, to, signal))) {
      throw conflict(
        `${branch} of ${repository.display} is at ${short(from)}, which ${short(to)} does not contain: it can only be moved forward.`,
        'git-not-forward',
        branch,
        `Bring the commits of ${branch} into what it is moved to, with a merge.`,
      );
    }
    return (await writer.move({ ref, from, to }, signal)) ? { from, to, changed: true } : undefined;
  });
}

export interface BranchDeletion {
  readonly branch: string;
  /** A branch or commit that has to contain it. */
  readonly mergedInto?: string;
  /** Or the commit that it must be at still: what was merged in another way, as by squashing. */
  readonly at?: string;
}

/** Deletes a branch whose commits are not lost by it. False: there was none. */
export async function deleteBranch(
  writer: RefWriter,
  request: BranchDeletion,
  signal?: AbortSignal,
): Promise<boolean> {
  const { repository } = writer;
  const { branch, mergedInto, at } = request;
  assertRevision(branch, repository.display);
  const ref = refOf(branch);
  return repeated(writer, `deleting ${branch}`, ref, signal, async () => {
    const tip = (await resolveRevision(repository, ref, signal))?.commit;
    if (tip === undefined) return false;
    await assertNotHead(writer, ref, branch, signal);
    const into = mergedInto === undefined ? undefined : await resolveRevision(repository, mergedInto, signal);
    if (mergedInto !== undefined && into === undefined)
      throw await revisionNotFound(repository, mergedInto, signal);
    const merged = into !== undefined && (await isAncestor(repository, tip, into.commit, signal));
    if (!merged && tip !== at) {
      throw conflict(
        `${branch} of ${repository.display} is at ${short(tip)}, ${
          at === undefined
            ? `which ${mergedInto ?? 'nothing'} does not contain`
            : `and ${short(at)} was merged`
        }: its commits would be lost.`,
        'git-branch-not-merged',
        branch,
        'Merge it, or delete it by hand.',
      );
    }
    return (await writer.move({ ref, from: tip, to: undefined }, signal)) ? true : undefined;
  });
}

/** The default branch, and one that a work tree has checked out, are not deleted. */
async function assertNotHead(
  { repository }: RefWriter,
  ref: string,
  branch: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { gitDir, display } = repository;
  const head = await tryGit(['symbolic-ref', '--quiet', 'HEAD'], { gitDir, signal });
  if (head.stdout.toString('utf8').trim() !== ref) return;
  throw conflict(
    `${branch} is the branch that HEAD of ${display} names, which is not deleted.`,
    'git-branch-head',
    branch,
    'Let HEAD name another branch first.',
  );
}

/** Begins again with what is there now, as often as somebody else is faster. */
async function repeated<T>(
  writer: RefWriter,
  attempted: string,
  ref: string,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  for (let count = 0; count < ATTEMPTS; count += 1) {
    await backOff(writer.clock, count, signal);
    const done = await writer.alone(signal, async () => {
      await writer.refresh(signal);
      return attempt();
    });
    if (done !== undefined) return done;
  }
  throw conflict(
    `${ref} of ${writer.repository.display} moved on ${ATTEMPTS} times while ${attempted} was attempted.`,
    'git-branch-busy',
    ref,
    'Try again when fewer commits arrive.',
  );
}

function short(commit: string | undefined): string {
  return commit === undefined ? 'no commit' : commit.slice(0, 12);
}

function conflict(message: string, code: string, object: string, hint: string): LandfallError {
  return new LandfallError(message, { kind: 'conflict', code, object, hint });
}
