import { indexCommits } from '../../boundaries/intent/index.ts';
import type { BranchHistory, CommitIndex, CommitRelation } from '../../boundaries/intent/index.ts';
import type { GitMirror } from '../../git/index.ts';
import { asLandfallError } from '../../kernel/index.ts';

/** What the source repositories say of the order of commits, each branch read once for each of its tips. */
export interface Ancestry {
  history(
    source: string,
    branch: string,
    signal: AbortSignal,
  ): Promise<{ readonly history: BranchHistory; readonly index: CommitIndex }>;
  /** How `chosen` lies to `current`; either may be shortened. */
  relation(
    source: string,
    branch: string | undefined,
    current: string,
    chosen: string,
    signal: AbortSignal,
  ): Promise<CommitRelation>;
}

const DEEPEST = 20_000;
const KEPT = 200;

export function createAncestry(open: (url: string, signal: AbortSignal) => Promise<GitMirror>): Ancestry {
  const histories = new Map<
    string,
    { readonly tip: string; readonly history: BranchHistory; readonly index: CommitIndex }
  >();
  return {
    async history(source, branch, signal) {
      const mirror = await open(source, signal);
      const { commit: tip } = await mirror.resolve(branch, signal);
      const key = `${source} ${branch}`;
      const known = histories.get(key);
      if (known?.tip === tip) return known;
      const commits = await mirror.firstParents(tip, DEEPEST, signal);
      const history = { branch, commits, complete: commits.length < DEEPEST };
      const read = { tip, history, index: indexCommits(commits) };
      if (histories.size >= KEPT) histories.clear();
      histories.set(key, read);
      return read;
    },
    async relation(source, branch, current, chosen, signal) {
      const mirror = await open(source, signal);
      let from: string;
      try {
        from = (await mirror.resolve(current, signal)).commit;
      } catch (thrown) {
        signal.throwIfAborted();
        return { relation: 'unknown', why: asLandfallError(thrown).message };
      }
      const to = (await mirror.resolve(chosen, signal)).commit;
      if (from === to) return { relation: 'same' };
      if (await mirror.isAncestor(from, to, signal)) return { relation: 'newer' };
      if (await mirror.isAncestor(to, from, signal)) return { relation: 'older' };
      const tip = branch === undefined ? undefined : (await mirror.resolve(branch, signal)).commit;
      const [now, then] = [await mirror.commitInfo(from, signal), await mirror.commitInfo(to, signal)];
      return {
        relation: 'apart',
        currentOnBranch: tip !== undefined && (await mirror.isAncestor(from, tip, signal)),
        current: Date.parse(now.time),
        chosen: Date.parse(then.time),
      };
    },
  };
}
