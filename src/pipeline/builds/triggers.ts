import type { CommitInfo, GitRef } from '../../git/index.ts';
import type { SeenRefs } from '../../ledger/index.ts';
import type { BuildPlan } from './definition.ts';

/** A ref that a trigger has not seen at this commit before. */
export interface NewRef {
  readonly ref: string;
  readonly commit: string;
  /** Where a tag was before somebody moved it. */
  readonly movedFrom: string | undefined;
}

export interface TriggerDecision {
  /** What to build, oldest first. */
  readonly fresh: readonly NewRef[];
  /** What is to be remembered without being built: history that was there before the trigger. */
  readonly history: ReadonlyMap<string, string>;
  /** Why there is nothing to look at: the branch is not there. */
  readonly problem: string | undefined;
}

/** One look starts no more than these; the rest is found by the next. */
const AT_ONCE = 20;

/** `*` stands for anything; everything else for itself. */
export function matchesGlob(glob: string, text: string): boolean {
  const [first = '', ...rest] = glob.split('*');
  if (rest.length === 0) return text === glob;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** Whether a ref is one that a trigger is for. */
export function isOfTrigger(plan: Pick<BuildPlan, 'on'>, ref: string): boolean {
  const { branch, tag } = plan.on;
  if (branch !== undefined) return ref === `refs/heads/${branch}`;
  return (
    tag !== undefined && ref.startsWith('refs/tags/') && matchesGlob(tag, ref.slice('refs/tags/'.length))
  );
}

/**
 * What is new since a trigger looked last. A trigger that has never looked takes only the tip: the commit of its
 * branch, or the newest of its tags; every other tag is history. `refs` are newest first.
 */
export function decideTrigger(
  plan: Pick<BuildPlan, 'on'>,
  refs: readonly GitRef[],
  seen: SeenRefs | undefined,
): TriggerDecision {
  const mine = refs.filter(({ ref }) => isOfTrigger(plan, ref));
  if (plan.on.branch !== undefined && mine.length === 0) {
    return { fresh: [], history: new Map(), problem: `there is no branch ${plan.on.branch}` };
  }
  const first = seen === undefined;
  const changed = mine.filter(({ ref, commit }) => seen?.refs.get(ref) !== commit);
  const taken = first ? changed.slice(0, 1) : changed.slice(-AT_ONCE);
  const fresh = taken.map(({ ref, commit }) => ({
    ref,
    commit,
    movedFrom: ref.startsWith('refs/tags/') ? seen?.refs.get(ref) : undefined,
  }));
  const history = first ? changed.slice(1).map(({ ref, commit }) => [ref, commit] as const) : [];
  return { fresh: fresh.toReversed(), history: new Map(history), problem: undefined };
}

/** Commits that Landfall itself makes: nothing of what is built changed, and a build of it would go round for ever. */
const OWN = /^Landfall-(?:Update|Promotion|Promote|Rollback)[\w-]*:/m;
/** As GitHub Actions, GitLab CI and Cloud Build read it, in any case, anywhere in the message. */
const SKIP = /\[(?:skip[ -]ci|ci[ -]skip|no ci)\]/i;
const SKIP_TRAILER = /^skip-checks:\s*true$/im;

export function isOwnCommit({ subject, body }: Pick<CommitInfo, 'subject' | 'body'>): boolean {
  return OWN.test(`${subject}\n${body}`);
}

export function asksToSkip({ subject, body }: Pick<CommitInfo, 'subject' | 'body'>): boolean {
  const message = `${subject}\n${body}`;
  return SKIP.test(message) || SKIP_TRAILER.test(message);
}
