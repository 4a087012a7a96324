import { indexCommits } from '../../boundaries/intent/index.ts';
import type { BranchHistory, CommitIndex, CommitRelation } from '../../boundaries/intent/index.ts';
import type { GitMirror } from '../../git/index.ts';
import { asLandfallError } from '../../kernel/index.ts';

/** What the source repositories say of the order of commits, each branch read once for each of its tips. */
export interface Ancestry {
  /** What repositories said before is not taken any more: a round begins. */
  forget(): void;
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

interface KnownHistory {
  readonly tip: string;
  readonly history: BranchHistory;
  readonly index: CommitIndex;
}

const DEEPEST = 20_000;
const KEPT = 200;

/** `open` brings what the remote has now; it is asked once for each repository in a round. */
export function createAncestry(open: (url: string, signal: AbortSignal) => Promise<GitMirror>): Ancestry {
  const histories = new Map<string, KnownHistory>();
  let mirrors = new Map<string, Promise<GitMirror>>();
  let tips = new Map<string, Promise<KnownHistory>>();

  /** Asked once for everybody; a failure is nobody else's answer. */
  function shared<T>(among: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
    const known = among.get(key);
    if (known !== undefined) return known;
    const asked = ask();
    if (among.size >= KEPT) among.clear();
    among.set(key, asked);
    asked.catch(() => {
      if (among.get(key) === asked) among.delete(key);
    });
    return asked;
  }

  const mirrorOf = (source: string, signal: AbortSignal) =>
    shared(mirrors, source, () => open(source, signal));

  async function read(source: string, branch: string, signal: AbortSignal): Promise<KnownHistory> {
    const mirror = await mirrorOf(source, signal);
    const { commit: tip } = await mirror.resolve(branch, signal);
    const key = `${source} ${branch}`;
    const known = histories.get(key);
    if (known?.tip === tip) return known;
    const commits = await mirror.firstParents(tip, DEEPEST, signal);
    const history = { branch, commits, complete: commits.length < DEEPEST };
    const found = { tip, history, index: indexCommits(commits) };
    if (histories.size >= KEPT) histories.clear();
    histories.set(key, found);
    return found;
  }

  return {
    forget() {
      mirrors = new Map();
      tips = new Map();
    },
    history: (source, branch, signal) =>
      shared(tips, `${source} ${branch}`, () => read(source, branch, signal)),
    async relation(source, branch, current, chosen, signal) {
      const mirror = await mirrorOf(source, signal);
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
