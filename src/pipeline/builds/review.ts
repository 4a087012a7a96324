import type { Clock } from '../../kernel/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import type { Build, BuildReview, Builds } from '../../ledger/index.ts';
import { planOf } from './definition.ts';
import { decideGate, whyNotReviewer } from './gate.ts';
import type { BuildGate, Reviewer } from './gate.ts';

export interface ReviewRequest {
  readonly kind: BuildReview['kind'];
  readonly reviewer: Reviewer;
  /** API server that says who they are; empty where none does. */
  readonly cluster: string;
  readonly comment: string;
  readonly url: string | undefined;
}

export interface Reviewed {
  /** As it stands after that. */
  readonly build: Build;
  readonly review: BuildReview;
  /** What its gate makes of all reviews. */
  readonly gate: BuildGate;
}

function refused(build: Build, kind: string, why: string): LandfallError {
  const { approval } = planOf(build);
  const ask =
    approval?.by?.join(' or ') ??
    'somebody who may: kubectl create clusterrole build-approver --verb=approve --resource=builds.landfall.dev';
  return new LandfallError(`The build ${build.id} was not ${DONE[kind] ?? kind}: ${why}.`, {
    kind: 'denied',
    code: 'build-review-denied',
    object: build.id,
    hint:
      approval?.notAuthor === true && why.includes('not declared')
        ? `Add the addresses under 'people' in landfall.yaml of ${build.declaredIn}: people: { USER: [you@example.org] }.`
        : `Ask ${ask}.`,
  });
}

const DONE: Readonly<Record<string, string>> = {
  approve: 'approved',
  reject: 'rejected',
  cancel: 'cancelled',
};

/**
 * Keeps what somebody decided about a build, when they may; what it means for the build is decided by whoever serves the
 * ledger, but for an end, which is at once where nothing runs. Throws `denied` with the reason, `conflict` where the
 * build does not wait.
 */
export async function reviewBuild(
  builds: Builds,
  build: Build,
  request: ReviewRequest,
  clock: Clock,
): Promise<Reviewed> {
  const { kind, reviewer, cluster, comment, url } = request;
  if (kind !== 'cancel') {
    if (build.state !== 'PENDING') {
      throw new LandfallError(
        `The build ${build.id} does not wait to be ${DONE[kind]}: it is ${build.state}, ${build.message}.`,
        {
          kind: 'conflict',
          code: 'build-not-pending',
          object: build.id,
          hint: `landfall builds show ${build.id} says how it stands.`,
        },
      );
    }
    const why = whyNotReviewer(build, reviewer, kind);
    if (why !== undefined) throw refused(build, kind, why);
  }
  const review = await builds.review({
    build: build.id,
    kind,
    actor: { name: reviewer.name, attestedBy: reviewer.attestedBy },
    groups: reviewer.groups,
    permitted: reviewer.permitted,
    cluster,
    comment,
    url,
    commit: build.commit,
    definitionDigest: build.definitionDigest,
  });
  const words = comment === '' ? '' : `: ${comment}`;
  if (kind === 'cancel') await builds.cancel(build.id, `${reviewer.name} cancelled it${words}`);
  const now = (await builds.get(build.id)) ?? build;
  return { build: now, review, gate: decideGate(now, await builds.reviews(build.id), clock.now()) };
}

/** One line for who decided. */
export function reviewedText({ build, review, gate }: Reviewed): string {
  const state = {
    approve: gate.state === 'open' ? 'it begins as soon as landfall serve looks' : gate.message,
    reject: 'it ends as soon as landfall serve looks',
    cancel: build.state === 'WORKING' ? 'its processes are being ended' : build.message,
  }[review.kind];
  const { name, attestedBy } = review.actor;
  const known = attestedBy === 'nobody' ? `${name}, whom nobody attests` : name;
  return `build ${build.id} ${DONE[review.kind] ?? review.kind} by ${known}: commit ${review.commit.slice(0, 12)}; ${state}`;
}
