import { asLandfallError } from '../../kernel/index.ts';
import type { Change } from '../../ledger/index.ts';
import { commitChange, commitOf } from './commit-change.ts';
import type { Trailer } from './commit-change.ts';
import type { ChangeDeps } from './deps.ts';
import { messageOf } from './message.ts';
import type { ChangePlan, Refusal } from './plan.ts';
import { heldRefusal, promotionHolds } from './prepare.ts';
import type { ChangeDetail } from './record.ts';
import type { Pair, SurveyedApplication } from './survey.ts';

/** Plans a change on a tip of the target's branch. */
export type PlanOn = (detail: ChangeDetail, parent: string) => Promise<ChangePlan>;

export interface CarryingOut {
  readonly change: Change;
  readonly detail: ChangeDetail;
  readonly target: SurveyedApplication;
  /** Of a promotion. */
  readonly pair: Pair | undefined;
  /** Plans the change on a tip of the branch. */
  readonly planOn: PlanOn;
  readonly deps: ChangeDeps;
  readonly signal: AbortSignal;
}

export type CarriedOut =
  | { readonly state: 'committed'; readonly commit: string; readonly plan: ChangePlan | undefined }
  | {
      readonly state: 'refused';
      readonly refusals: readonly Refusal[];
      readonly plan: ChangePlan | undefined;
    }
  | {
      readonly state: 'waiting';
      readonly text: string;
      readonly pullRequest: string | undefined;
      readonly plan: ChangePlan | undefined;
    };

export const TRAILERS: Readonly<Record<Change['kind'], Trailer>> = {
  promotion: 'Landfall-Promotion',
  rollback: 'Landfall-Rollback',
};

/** Writes the change into Git, once: what a process that died has left is found and taken over. */
export async function carryOut(carrying: CarryingOut): Promise<CarriedOut> {
  const { change, detail, target, pair, planOn, deps, signal } = carrying;
  const trailer = TRAILERS[change.kind];
  const mirror = target.place.sources.git.open(target.spec.repository);
  await mirror.fetch(signal);
  const tip = (await mirror.resolve(`refs/heads/${detail.branch}`, signal)).commit;
  const made = await commitOf(mirror, tip, trailer, change.id, signal);
  if (made !== undefined) return { state: 'committed', commit: made, plan: undefined };
  const held = pair === undefined ? undefined : heldRefusal(await promotionHolds(deps, target));
  if (held !== undefined) return { state: 'refused', refusals: [held], plan: undefined };
  let plan: ChangePlan;
  try {
    plan = await planOn(detail, tip);
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asLandfallError(thrown);
    if (error.kind !== 'invalid-input') throw error;
    const refusal = { code: error.code, message: error.message, lines: [], hint: error.hint ?? '' };
    return { state: 'refused', refusals: [refusal], plan: undefined };
  }
  if (plan.refusals.length > 0) return { state: 'refused', refusals: plan.refusals, plan };
  // Somebody else has asked for the same since.
  if (Object.keys(plan.files).length === 0) return { state: 'committed', commit: tip, plan };
  const committed = await commitChange({
    mirror,
    branch: detail.branch,
    plan,
    replan: (parent) => planOn(detail, parent),
    message: messageOf(change, detail, plan),
    author: deps.author,
    trailer,
    id: change.id,
    clock: deps.clock,
    signal,
  });
  return committed.commit === undefined
    ? { state: 'refused', refusals: committed.plan.refusals, plan: committed.plan }
    : { state: 'committed', commit: committed.commit, plan: committed.plan };
}
