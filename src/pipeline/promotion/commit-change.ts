import type { CommitAuthor, CommitInfo, GitMirror } from '../../git/index.ts';
import { LandfallError, sleep } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { Change } from '../../ledger/index.ts';
import { mattersTo } from './plan.ts';
import type { ChangePlan } from './plan.ts';

/** Line of a commit message that says which change it carries out. */
export type Trailer = 'Landfall-Promotion' | 'Landfall-Rollback';

export const TRAILERS: Readonly<Record<Change['kind'], Trailer>> = {
  promotion: 'Landfall-Promotion',
  rollback: 'Landfall-Rollback',
};

export interface CommitChange {
  readonly mirror: GitMirror;
  readonly branch: string;
  readonly plan: ChangePlan;
  /** Plans it again on another tip. */
  readonly replan: (parent: string) => Promise<ChangePlan>;
  readonly message: string;
  readonly author: CommitAuthor;
  readonly trailer: Trailer;
  /** Of the change in the ledger. */
  readonly id: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface CommittedChange {
  /** Undefined where the plan was refused on the tip that it met. */
  readonly commit: string | undefined;
  /** The plan that was carried out, or that is refused. */
  readonly plan: ChangePlan;
}

/** Commits that a search for a trailer goes back through. */
const LOOKED_THROUGH = 500;
/** Times that somebody else's commit may come first. */
const ATTEMPTS = 12;
const PAUSE_MS = 200;

class MovedOn extends Error {
  readonly tip: string;
  constructor(tip: string) {
    super('the branch has moved');
    this.tip = tip;
  }
}

function isOf(commit: CommitInfo, trailer: Trailer, id: string): boolean {
  return commit.body.split('\n').some((line) => line.trim() === `${trailer}: ${id}`);
}

/** The commit that carried a change out, if there is one: what a process that died may have left. */
export async function commitOf(
  mirror: GitMirror,
  from: string,
  trailer: Trailer,
  id: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const log = await mirror.log({ from, limit: LOOKED_THROUGH }, signal);
  return log.find((commit) => isOf(commit, trailer, id))?.commit;
}

/**
 * Makes the one commit of a change. Whoever repeats it after a crash finds the commit by its trailer; when others
 * commit in between, the plan stands unless they touched what it rests on, and is made and proven again if they did.
 */
export async function commitChange(change: CommitChange): Promise<CommittedChange> {
  const { mirror, branch, replan, author, message, trailer, id, clock, signal } = change;
  let { plan } = change;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    await mirror.fetch(signal);
    const tip = (await mirror.resolve(`refs/heads/${branch}`, signal)).commit;
    const made = await commitOf(mirror, tip, trailer, id, signal);
    if (made !== undefined) return { commit: made, plan };
    const planned = plan;
    try {
      const { commit } = await mirror.commit(
        {
          branch,
          author,
          message: `${message.trimEnd()}\n\n${trailer}: ${id}\n`,
          async files(_tree, parent) {
            // Another process may have carried it out since.
            if ((await commitOf(mirror, parent, trailer, id, signal)) !== undefined) return {};
            if (parent === planned.parent) return planned.files;
            const between = await mirror.diffFiles(planned.parent, parent, signal);
            const touched = between.some(
              ({ path }) => mattersTo(planned, path) || planned.files[path] !== undefined,
            );
            if (touched) throw new MovedOn(parent);
            return planned.files;
          },
        },
        signal,
      );
      return { commit: (await commitOf(mirror, commit, trailer, id, signal)) ?? commit, plan };
    } catch (thrown) {
      signal.throwIfAborted();
      const busy = thrown instanceof LandfallError && /^git-branch-(?:busy|moved)$/.test(thrown.code);
      if (!busy && !(thrown instanceof MovedOn)) throw thrown;
      await sleep(clock, PAUSE_MS, signal);
      const parent = thrown instanceof MovedOn ? thrown.tip : await tipOf(mirror, branch, signal);
      plan = await replan(parent);
      if (plan.refusals.length > 0) return { commit: undefined, plan };
    }
  }
  throw new LandfallError(
    `${branch} of ${mirror.display} moved on ${ATTEMPTS} times while ${id} was being committed.`,
    {
      kind: 'conflict',
      code: 'git-branch-busy',
      object: branch,
      hint: 'Run the same command again: it goes on where it was.',
    },
  );
}

async function tipOf(mirror: GitMirror, branch: string, signal: AbortSignal): Promise<string> {
  await mirror.fetch(signal);
  return (await mirror.resolve(`refs/heads/${branch}`, signal)).commit;
}
