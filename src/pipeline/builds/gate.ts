import type { Build, BuildReview, CommitPeople } from '../../ledger/index.ts';
import { DEFAULTS, planOf } from './definition.ts';
import type { BuildPlan } from './definition.ts';

/** Who somebody is, as the cluster says. */
export interface Reviewer {
  readonly name: string;
  readonly groups: readonly string[];
  readonly attestedBy: 'cluster' | 'server' | 'nobody';
  /** The API server allows them to `approve` `builds.landfall.dev`. */
  readonly permitted: boolean;
}

/** An approval that does not count, and why. */
export interface LeftOut {
  readonly review: BuildReview;
  readonly why: string;
}

export interface BuildGate {
  readonly state: 'open' | 'waiting' | 'rejected';
  readonly counted: readonly BuildReview[];
  readonly leftOut: readonly LeftOut[];
  readonly wanted: number;
  /** One sentence. */
  readonly message: string;
}

/** Letters and digits only, so that `Ada Lovelace`, `ada.lovelace` and `ada-lovelace` are one. */
function plain(text: string): string {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** A user without what an identity provider puts before it: `oidc:ada@corp.io`, `https://issuer#ada`, `CORP\\ada`. */
function bare(name: string): string {
  return name.replace(/^.*[#\\]/, '').replace(/^[\w.-]+:(?!\/\/)/, '');
}

/** `123+ada@users.noreply.github.com` is ada, too. */
function localPart(email: string): string {
  return (email.split('@')[0] ?? '').replace(/^\d+\+/, '');
}

/**
 * Whether somebody wrote or committed a commit. What a user's addresses are is declared under `people`, or the user is
 * an address. Without either they cannot be told apart from the author, and are not: `unknown`. A name that reads like
 * the author's is the author's, whatever is declared.
 */
export function authorship(
  name: string,
  people: BuildPlan['people'],
  commit: CommitPeople | undefined,
): 'author' | 'other' | 'unknown' {
  if (commit === undefined) return 'unknown';
  const user = bare(name);
  const declared = people !== undefined && Object.hasOwn(people, name) ? (people[name] ?? []) : [];
  const addresses = [...declared, ...(user.includes('@') ? [user] : [])].map((each) => each.toLowerCase());
  const signs = new Set([plain(user), ...(user.includes('@') ? [plain(localPart(user))] : [])]);
  for (const person of [commit.author, commit.committer]) {
    const email = person.email.toLowerCase();
    if (addresses.includes(email)) return 'author';
    if ([person.name, email, localPart(email)].some((each) => signs.has(plain(each)))) return 'author';
  }
  return addresses.length === 0 ? 'unknown' : 'other';
}

/** Why somebody may not decide about a build; undefined: they may. */
export function whyNotReviewer(
  build: Build,
  reviewer: Reviewer,
  kind: 'approve' | 'reject',
): string | undefined {
  const plan = planOf(build);
  const { approval } = plan;
  if (approval === undefined) return `${build.trigger} needs no approval`;
  const { name, groups, attestedBy, permitted } = reviewer;
  if (attestedBy === 'nobody') return `nobody attests who ${name} is`;
  if (approval.by === undefined) {
    if (!permitted) return `${name} may not approve builds.landfall.dev '${build.trigger}' in the cluster`;
  } else {
    const named = approval.by.some((each) =>
      each.startsWith('group:') ? groups.includes(each.slice('group:'.length)) : each === name,
    );
    if (!named) return `${name} is not one of ${approval.by.join(', ')}`;
  }
  if (kind === 'reject' || approval.notAuthor !== true) return undefined;
  const who = authorship(name, plan.people, build.people);
  if (who === 'author')
    return `${name} wrote or committed ${build.commit.slice(0, 8)}, and notAuthor asks for somebody else`;
  if (who === 'unknown')
    return `which commits are ${name}'s is not declared, so that they cannot be told apart from the author`;
  return undefined;
}

function whyNotCounted(build: Build, review: BuildReview, now: number): string | undefined {
  const { actor, groups, permitted } = review;
  if (review.commit !== build.commit) return `it is for ${review.commit.slice(0, 8)}`;
  if (review.definitionDigest !== build.definitionDigest)
    return 'what is built, or who decides, was changed since';
  const expires = planOf(build).approval?.expires ?? DEFAULTS.approvalExpiresMs;
  if (review.kind === 'approve' && now - Date.parse(review.at) > expires)
    return `it expired, since it is from ${review.at}`;
  return whyNotReviewer(
    build,
    { ...actor, groups, permitted },
    review.kind === 'reject' ? 'reject' : 'approve',
  );
}

/** Whether a build may begin: enough different people approved exactly this commit and definition. Pure. */
export function decideGate(build: Build, reviews: readonly BuildReview[], now: number): BuildGate {
  const wanted = planOf(build).approval?.count ?? 1;
  const leftOut: LeftOut[] = [];
  const counted = new Map<string, BuildReview>();
  for (const review of reviews.filter(({ kind }) => kind !== 'cancel')) {
    const why = whyNotCounted(build, review, now);
    if (why !== undefined) leftOut.push({ review, why });
    else if (review.kind === 'reject') {
      const comment = review.comment === '' ? '' : `: ${review.comment}`;
      return {
        state: 'rejected',
        counted: [review],
        leftOut,
        wanted,
        message: `${review.actor.name} rejected it${comment}`,
      };
    } else counted.set(review.actor.name, review);
  }
  const approvals = [...counted.values()];
  const names = approvals.map(({ actor }) => actor.name).join(', ');
  const enough = approvals.length >= wanted;
  const by = names === '' ? '' : ` (${names})`;
  const voided = leftOut.length === 0 ? '' : `; ${leftOut.length} not counted: ${leftOut[0]?.why ?? ''}`;
  return {
    state: enough ? 'open' : 'waiting',
    counted: approvals,
    leftOut,
    wanted,
    message: enough
      ? `approved by ${names}`
      : `waits for approval: ${approvals.length} of ${wanted}${by}${voided}`,
  };
}
