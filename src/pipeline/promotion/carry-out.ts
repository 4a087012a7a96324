import { asLandfallError } from '../../kernel/index.ts';
import type { Change } from '../../ledger/index.ts';
import { commitChange, commitOf, TRAILERS } from './commit-change.ts';
import type { ChangeDeps } from './deps.ts';
import { messageOf } from './message.ts';
import type { ChangePlan } from './plan.ts';
import { heldRefusal, promotionHolds } from './prepare.ts';
import type { ChangeDetail } from './record.ts';
import { moveBranch, proposeChange, tagRelease } from './styles.ts';
import type { CarriedOut } from './styles.ts';
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

/** Writes the change into Git, once: what a process that died has left is found and taken over. */
export async function carryOut(carrying: CarryingOut): Promise<CarriedOut> {
  const { change, detail, target, pair, planOn, deps, signal } = carrying;
  const { style } = detail;
  const trailer = TRAILERS[change.kind];
  const mirror = target.place.sources.git.open(target.spec.repository);
  await mirror.fetch(signal);
  const name = style === 'tag' ? detail.branch : `refs/heads/${detail.branch}`;
  const tip = (await mirror.resolve(name, signal)).commit;
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
  if (pair !== undefined) {
    const styling = { change, detail, target, pair, deps, plan, signal };
    if (style === 'branch') return moveBranch(styling);
    if (style === 'tag') return tagRelease(styling);
    if (style === 'pull-request' && Object.keys(plan.files).length > 0) return proposeChange(styling);
  }
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
