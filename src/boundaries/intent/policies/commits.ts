import type { Candidate, PassedOver } from './policy.ts';

/** The commits that a branch has been at, newest first: its first parents, as merges into it leave them. */
export interface BranchHistory {
  readonly branch: string;
  readonly commits: readonly string[];
  /** False where there are older commits than these. */
  readonly complete: boolean;
}

export interface CommitChoice {
  readonly tag: string | undefined;
  readonly commit: string | undefined;
  readonly passedOver: readonly PassedOver[];
}

const SHORTEST = 7;
const HEX = /^[0-9a-f]{7,64}$/;
/** `sha-<commit>`, `main-<commit>-1700000000`, `<commit>`: the first run of hex digits that can be a commit. */
const IN_TAG = /(?:^|[._-])([0-9a-f]{7,64})(?=$|[._-])/;

/** The commit that a tag spells, whole or shortened; undefined where it spells none. */
export function commitOf(value: string): string | undefined {
  if (HEX.test(value)) return value;
  return IN_TAG.exec(value)?.[1];
}

/** Finds commits by what they begin with. */
export interface CommitIndex {
  /** `several` where what is asked for is too short to tell. */
  find(beginning: string): { readonly commit: string; readonly at: number } | 'none' | 'several';
}

export function indexCommits(commits: readonly string[]): CommitIndex {
  const places = new Map(commits.map((commit, at) => [commit, at]));
  let beginnings: Map<string, number[]> | undefined;
  return {
    find(beginning) {
      const whole = places.get(beginning);
      if (whole !== undefined) return { commit: beginning, at: whole };
      if (beginning.length < SHORTEST) return 'none';
      beginnings ??= byBeginning(commits);
      const fits = (beginnings.get(beginning.slice(0, SHORTEST)) ?? []).filter((at) =>
        commits[at]?.startsWith(beginning),
      );
      const [at] = fits;
      if (at === undefined) return 'none';
      return fits.length > 1 ? 'several' : { commit: commits[at] ?? '', at };
    },
  };
}

function byBeginning(commits: readonly string[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const [at, commit] of commits.entries()) {
    const key = commit.slice(0, SHORTEST);
    const list = found.get(key);
    if (list === undefined) found.set(key, [at]);
    else list.push(at);
  }
  return found;
}

/**
 * The newest commit of the branch that has an image. Build times and names say nothing of the order of commits; the
 * repository does. Of two tags of one commit the longer is taken: it can never become ambiguous.
 */
export function chooseCommit(
  candidates: readonly Candidate[],
  { branch, commits, complete }: BranchHistory,
  index: CommitIndex = indexCommits(commits),
): CommitChoice {
  const passedOver: PassedOver[] = [];
  const found: { readonly tag: string; readonly commit: string; readonly at: number }[] = [];
  for (const { tag, value } of candidates) {
    const spelt = commitOf(value);
    if (spelt === undefined) {
      passedOver.push({ tag, why: 'names no commit' });
      continue;
    }
    const place = index.find(spelt);
    if (place === 'several') passedOver.push({ tag, why: `several commits of ${branch} begin so` });
    else if (place === 'none') {
      const why = complete
        ? `its commit is not on ${branch}`
        : `its commit is not among the last ${commits.length} of ${branch}`;
      passedOver.push({ tag, why });
    } else found.push({ tag, ...place });
  }
  const ordered = found.toSorted(
    (a, b) => a.at - b.at || b.tag.length - a.tag.length || (a.tag < b.tag ? -1 : 1),
  );
  const [first, ...rest] = ordered;
  const older = rest.map(({ tag, commit, at }) => ({
    tag,
    why:
      commit === first?.commit
        ? `the same commit as ${first.tag}`
        : `${at - (first?.at ?? 0)} ${at - (first?.at ?? 0) === 1 ? 'commit' : 'commits'} before ${first?.tag ?? ''}`,
  }));
  return { tag: first?.tag, commit: first?.commit, passedOver: [...older, ...passedOver] };
}

/** How a chosen commit lies to the one that Git asks for now. */
export type CommitRelation =
  | { readonly relation: 'same' | 'newer' | 'older' }
  /** Neither is before the other. */
  | {
      readonly relation: 'apart';
      /** Whether the current commit is still part of the branch. */
      readonly currentOnBranch: boolean;
      /** Times of the commits, in ms since the epoch. */
      readonly current: number;
      readonly chosen: number;
    }
  /** The source repository does not know the current commit. */
  | { readonly relation: 'unknown'; readonly why: string };

/**
 * Why the chosen commit must not replace the current one by itself; undefined where it may. Going back is a decision
 * that somebody takes, not an updater. A current commit that was rebased away may be left for one that was committed
 * later.
 */
export function refusesCommit(relation: CommitRelation, branch: string): string | undefined {
  switch (relation.relation) {
    case 'same':
    case 'newer':
      return undefined;
    case 'older':
      return 'its commit is before the one that Git asks for now; an updater never goes back by itself';
    case 'apart':
      if (relation.currentOnBranch)
        return `its commit does not contain the one that Git asks for now, which is on ${branch}, too`;
      return relation.chosen >= relation.current
        ? undefined
        : `the commit that Git asks for now was rebased away from ${branch}, and is later than the chosen one`;
    case 'unknown':
      return `whether its commit is newer than the one that Git asks for now is not known: ${relation.why}`;
    default:
      relation satisfies never;
      return undefined;
  }
}
