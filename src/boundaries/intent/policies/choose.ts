import { LandfallError } from '../../../kernel/index.ts';
import { chooseCommit, indexCommits, type BranchHistory, type CommitIndex } from './commits.ts';
import { parseConstraint } from './constraint.ts';
import { compileFilter } from './filter.ts';
import { compareAlphabetical, compareNumerical, inOrder, parseNumber } from './order.ts';
import {
  SHOWN,
  type Candidate,
  type PassedOver,
  type TagChoice,
  type TagFilter,
  type TagPolicy,
} from './policy.ts';
import { compareVersions, parseVersion, type Version } from './version.ts';

/** What some policies have to know beside the tags. */
export interface ChoiceFacts {
  /** When the image of a tag was built, ms since the epoch; for `newest-build`. */
  readonly builtAt?: ReadonlyMap<string, number>;
  /** For `commits`. */
  readonly history?: BranchHistory;
  readonly index?: CommitIndex;
}

/** A policy with its filter, read once and used for every list of tags. */
export interface Chooser {
  readonly policy: TagPolicy;
  /** The tags that the filter leaves, for policies that have to know more of each. */
  candidates(tags: readonly string[]): readonly Candidate[];
  choose(tags: readonly string[], facts?: ChoiceFacts): TagChoice;
  /**
   * Whether `tag` is older than `than` in the order of the policy; undefined where it cannot tell (`commits` and
   * `digest` are told by commits).
   */
  isOlder(tag: string, than: string, facts?: ChoiceFacts): boolean | undefined;
}

interface Chosen {
  readonly tag: string | undefined;
  readonly commit?: string;
  readonly passedOver: readonly PassedOver[];
  /** Why there is none. */
  readonly none: string;
}

/** Compiles a policy. Throws `invalid-input` for a range or a pattern that is none. */
export function compilePolicy(policy: TagPolicy, filter: TagFilter, where: string): Chooser {
  const filtered = compileFilter(filter, where);
  const best = ranking(policy, where);
  /** The same list and the same facts give the same answer: a registry that has nothing new costs nothing. */
  let last:
    | { readonly tags: readonly string[]; readonly facts: ChoiceFacts; readonly choice: TagChoice }
    | undefined;
  return {
    policy,
    candidates: (tags) => filtered(tags).candidates,
    choose(tags, facts = {}) {
      const known =
        last?.tags === tags && last.facts.history === facts.history && last.facts.builtAt === facts.builtAt;
      if (known && last !== undefined) return last.choice;
      const choice = decide(tags, facts);
      last = { tags, facts, choice };
      return choice;
    },
    isOlder(tag, than, facts = {}) {
      const value = (each: string) => filtered([each]).candidates[0]?.value ?? each;
      return best.isOlder?.({ tag, value: value(tag) }, { tag: than, value: value(than) }, facts);
    },
  };

  function decide(tags: readonly string[], facts: ChoiceFacts): TagChoice {
    const { candidates, passedOver } = filtered(tags);
    const chosen =
      candidates.length === 0
        ? { tag: undefined, passedOver: [], none: noneLeft(tags.length) }
        : best.choose(candidates, facts);
    return {
      tag: chosen.tag,
      ...(chosen.commit === undefined ? {} : { commit: chosen.commit }),
      why: chosen.tag === undefined ? chosen.none : best.praise(facts),
      passedOver: sample([...chosen.passedOver, ...passedOver]),
      seen: tags.length,
    };
  }
}

function noneLeft(tags: number): string {
  return tags === 0 ? 'the repository has no tags' : `none of its ${tags} tags passes the filter`;
}

interface Ranking {
  choose(candidates: readonly Candidate[], facts: ChoiceFacts): Chosen;
  praise(facts: ChoiceFacts): string;
  readonly isOlder?: (one: Candidate, than: Candidate, facts: ChoiceFacts) => boolean | undefined;
}

function ranking(policy: TagPolicy, where: string): Ranking {
  switch (policy.kind) {
    case 'semver':
      return versions(policy, where);
    case 'numerical': {
      const order = (a: Candidate, b: Candidate) =>
        inOrder(policy.order, compareNumerical(a.value, b.value)) || compareAlphabetical(a.tag, b.tag);
      return {
        choose(candidates) {
          const wrong = candidates.find(({ value }) => parseNumber(value) === undefined);
          // Flux refuses the whole list then: a filter that lets other things through is a mistake.
          if (wrong !== undefined) throw notNumerical(wrong, where);
          return highest(candidates, order);
        },
        praise: () => `the ${policy.order === 'ascending' ? 'highest' : 'lowest'} number`,
        isOlder: (one, than) =>
          [one, than].some(({ value }) => parseNumber(value) === undefined)
            ? undefined
            : inOrder(policy.order, compareNumerical(one.value, than.value)) < 0,
      };
    }
    case 'alphabetical': {
      const order = (a: Candidate, b: Candidate) =>
        inOrder(policy.order, compareAlphabetical(a.value, b.value));
      return {
        choose: (candidates) => highest(candidates, order),
        praise: () => `the ${policy.order === 'ascending' ? 'last' : 'first'} by name`,
        isOlder: (one, than) => order(one, than) < 0,
      };
    }
    case 'newest-build':
      return newestBuild();
    case 'digest':
      return {
        choose: (candidates) => ({
          tag: candidates.find(({ tag }) => tag === policy.tag)?.tag,
          passedOver: candidates
            .filter(({ tag }) => tag !== policy.tag)
            .map(({ tag }) => ({ tag, why: `the policy follows ${policy.tag}` })),
          none: `there is no tag ${policy.tag}`,
        }),
        praise: () => 'what the tag is now',
      };
    case 'commits':
      return {
        choose(candidates, { history, index }) {
          if (history === undefined) throw factsMissing(where, 'the history of the branch');
          const none = `no commit of ${policy.branch} has an image`;
          const { tag, commit, passedOver } = chooseCommit(
            candidates,
            history,
            index ?? indexCommits(history.commits),
          );
          return { tag, passedOver, none, ...(commit === undefined ? {} : { commit }) };
        },
        praise: () => `the newest commit of ${policy.branch} that has an image`,
      };
    default:
      policy satisfies never;
      throw factsMissing(where, 'a policy');
  }
}

function versions(policy: Extract<TagPolicy, { kind: 'semver' }>, where: string): Ranking {
  // Argo CD Image Updater takes no range for every release, Flux refuses it.
  const everything = policy.range === '' && !policy.strict;
  const constraint = parseConstraint(everything ? '*' : policy.range, where);
  const versionOf = ({ value }: Candidate) => parseVersion(value, policy.strict);
  return {
    choose(candidates) {
      const fitting: { readonly tag: string; readonly version: Version }[] = [];
      const passedOver: PassedOver[] = [];
      for (const candidate of candidates) {
        const version = versionOf(candidate);
        const refusal = version === undefined ? 'no version' : constraint.refusal(version);
        if (version === undefined || refusal !== undefined)
          passedOver.push({ tag: candidate.tag, why: refusal ?? 'no version' });
        else fitting.push({ tag: candidate.tag, version });
      }
      // Of two spellings of one version the one that sorts last, as Argo CD Image Updater has it.
      const ordered = fitting.toSorted(
        (a, b) => compareVersions(b.version, a.version) || compareAlphabetical(b.tag, a.tag),
      );
      const [first, ...rest] = ordered;
      return {
        tag: first?.tag,
        passedOver: [
          ...rest.map(({ tag }) => ({ tag, why: `older than ${first?.tag ?? ''}` })),
          ...passedOver,
        ],
        none: `no version fits ${policy.range === '' ? 'the policy' : policy.range}`,
      };
    },
    praise: () => `the highest version${policy.range === '' ? '' : ` of ${policy.range}`}`,
    isOlder(one, than) {
      const [a, b] = [versionOf(one), versionOf(than)];
      return a === undefined || b === undefined ? undefined : compareVersions(a, b) < 0;
    },
  };
}

function newestBuild(): Ranking {
  return {
    choose(candidates, { builtAt }) {
      if (builtAt === undefined) throw factsMissing('newest build', 'when the images were built');
      const known = candidates.filter(({ tag }) => builtAt.has(tag));
      const order = (a: Candidate, b: Candidate) =>
        (builtAt.get(a.tag) ?? 0) - (builtAt.get(b.tag) ?? 0) || compareAlphabetical(a.tag, b.tag);
      const { tag, passedOver } = highest(known, order);
      const silent = candidates
        .filter((candidate) => !builtAt.has(candidate.tag))
        .map((candidate) => ({ tag: candidate.tag, why: 'its image does not say when it was built' }));
      return {
        tag,
        passedOver: [...passedOver, ...silent],
        none: 'no image says when it was built',
      };
    },
    praise: () => 'the newest build',
    isOlder(one, than, { builtAt }) {
      const [a, b] = [builtAt?.get(one.tag), builtAt?.get(than.tag)];
      return a === undefined || b === undefined ? undefined : a < b;
    },
  };
}

function highest(candidates: readonly Candidate[], order: (a: Candidate, b: Candidate) => number): Chosen {
  const [first, ...rest] = candidates.toSorted((a, b) => order(b, a));
  return {
    tag: first?.tag,
    passedOver: rest.map(({ tag }) => ({ tag, why: `comes behind ${first?.tag ?? ''}` })),
    none: 'no tag fits',
  };
}

/** The next best, and a few of every other reason: what somebody asks after is why not the other one. */
function sample(passedOver: readonly PassedOver[]): readonly PassedOver[] {
  const counts = new Map<string, number>();
  return passedOver
    .filter(({ why }) => {
      const count = (counts.get(why) ?? 0) + 1;
      counts.set(why, count);
      return count <= 5;
    })
    .slice(0, SHOWN);
}

function notNumerical({ tag, value }: Candidate, where: string): LandfallError {
  return new LandfallError(
    `${where}: the numerical policy met '${value}'${value === tag ? '' : ` (of the tag ${tag})`}, which is no number.`,
    {
      kind: 'invalid-input',
      code: 'tag-not-numerical',
      object: where,
      hint: 'Let a filter pass only tags that are numbers, or extract the number from them.',
    },
  );
}

function factsMissing(where: string, what: string): LandfallError {
  return new LandfallError(`${where}: ${what} is not known, and the policy needs it.`, {
    kind: 'bug',
    code: 'policy-facts',
  });
}
