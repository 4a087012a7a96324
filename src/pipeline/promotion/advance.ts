import { LandfallError, sleep } from '../../kernel/index.ts';
import type { Change, ChangeState } from '../../ledger/index.ts';
import { carryOut } from './carry-out.ts';
import type { PlanOn } from './carry-out.ts';
import type { ChangeDeps } from './deps.ts';
import { followChange } from './follow.ts';
import type { Gate } from './gates.ts';
import { lookAtGates } from './pass-gates.ts';
import type { ChangePlan, Refusal } from './plan.ts';
import { detailJson, detailOf } from './record.ts';
import type { ChangeDetail } from './record.ts';
import { reportOf } from './report.ts';
import type { ChangeReport } from './report.ts';
import { subjectOfApplication } from './survey.ts';
import type { Pair, Survey, SurveyedApplication } from './survey.ts';
import type { Look } from '../../verdict/index.ts';

const LOOK_EVERY_MS = 5000;

/** One change on its way, and everything that it may need. */
export interface Advancing {
  readonly change: Change;
  readonly target: SurveyedApplication;
  /** Of a promotion. */
  readonly pair: Pair | undefined;
  readonly planOn: PlanOn;
  readonly survey: Survey;
  readonly deps: ChangeDeps;
  /** How long gates and proof are waited for. */
  readonly waitMs: number;
  /** A look at the source that was made just now. */
  readonly look?: Look | undefined;
  readonly signal: AbortSignal;
}

/** What one step has made of a change. */
interface Stepped {
  /** Undefined: somebody has to wait, or it is at an end. */
  readonly again: boolean;
  readonly plan?: ChangePlan | undefined;
  readonly refusals?: readonly Refusal[];
}

function waitingText(gates: readonly Gate[]): string {
  const left = gates.filter(({ state }) => state === 'waiting');
  return `waits for ${left.map(({ gate, text }) => `${gate} (${text})`).join('; ')}`;
}

async function moveOn(
  { change, deps }: Advancing,
  to: { readonly state?: ChangeState; readonly message?: string; readonly detail?: ChangeDetail },
): Promise<boolean> {
  const { detail, ...rest } = to;
  return deps.ledger.changes.move(change.id, change.state, {
    ...rest,
    ...(detail === undefined ? {} : { detail: detailJson(detail) }),
  });
}

async function passGates(advancing: Advancing): Promise<Stepped> {
  const { change, pair, survey, deps, look, signal } = advancing;
  const detail = detailOf(change);
  if (pair === undefined) {
    await moveOn(advancing, { state: 'committing', detail });
    return { again: true };
  }
  const { gates, gone } = await lookAtGates(
    { pair, survey, detail, change, author: change.actor, look },
    deps,
    signal,
  );
  if (gone !== undefined) {
    await moveOn(advancing, { state: 'superseded', message: gone });
    return { again: true };
  }
  const closed = gates.find(({ state }) => state === 'closed');
  if (closed !== undefined) {
    await moveOn(advancing, {
      state: 'refused',
      message: `${closed.gate}: ${closed.text}`,
      detail: { ...detail, gates },
    });
    return { again: true };
  }
  if (gates.some(({ state }) => state === 'waiting')) {
    await moveOn(advancing, { message: waitingText(gates), detail: { ...detail, gates } });
    return { again: false };
  }
  await moveOn(advancing, { state: 'committing', message: '', detail: { ...detail, gates } });
  return { again: true };
}

async function commit(advancing: Advancing): Promise<Stepped> {
  const { change, target, pair, planOn, deps, signal } = advancing;
  const detail = detailOf(change);
  deps.onStep(`committing to ${detail.branch}`);
  const carried = await carryOut({ change, detail, target, pair, planOn, deps, signal });
  const { plan } = carried;
  if (carried.state === 'refused') {
    const [first] = carried.refusals;
    await moveOn(advancing, { state: 'refused', message: first?.message ?? 'refused' });
    return { again: true, plan, refusals: carried.refusals };
  }
  if (carried.state === 'waiting') {
    await moveOn(advancing, {
      message: carried.text,
      detail: { ...detail, pullRequest: carried.pullRequest },
    });
    return { again: false, plan };
  }
  await moveOn(advancing, {
    state: 'following',
    message: `committed as ${carried.commit.slice(0, 8)}`,
    detail: { ...detail, commit: carried.commit },
  });
  return { again: true, plan };
}

/** The delivery of this commit: the one that an earlier process began, or a new one. */
async function deliveryOf({ change, target, deps }: Advancing, detail: ChangeDetail): Promise<string> {
  if (detail.delivery !== undefined) return detail.delivery;
  const subject = subjectOfApplication(target);
  const revision = detail.commit ?? '';
  const known = await deps.ledger.deliveries.list(subject, 50);
  const before = known.find((each) => each.trigger === change.kind && each.revision === revision);
  if (before !== undefined) return before.id;
  return deps.ledger.deliveries.start({
    ...subject,
    environment: detail.to.environment,
    revision,
    trigger: change.kind,
    actor: change.actor,
    startedAt: new Date(deps.clock.now()).toISOString(),
  });
}

/** What has not been proven for so long is nobody's way any more: the next one may come. */
const LONGEST_MS = 2 * 60 * 60 * 1000;

async function follow(advancing: Advancing, left: number): Promise<Stepped> {
  const { target, deps, signal } = advancing;
  const detail = detailOf(advancing.change);
  const delivery = await deliveryOf(advancing, detail);
  const kept = { ...detail, delivery };
  await moveOn(advancing, { detail: kept });
  await deps.nudge(target, signal);
  const followed = await followChange({
    application: target,
    question: deps.questionFor(target),
    commit: detail.commit ?? '',
    release: detail.release,
    waitMs: left,
    clock: deps.clock,
    onStep: deps.onStep,
    signal,
  });
  await deps.remember(target, followed.look);
  const begun = (await deps.ledger.deliveries.get(delivery))?.startedAt;
  const over = begun !== undefined && deps.clock.now() - Date.parse(begun) > LONGEST_MS;
  if (followed.state === 'unproven' && !over) {
    await moveOn(advancing, { message: followed.text, detail: kept });
    return { again: false };
  }
  const finishedAt = new Date(deps.clock.now()).toISOString();
  const proof = JSON.parse(JSON.stringify(followed.look.proof)) as Record<string, never>;
  await deps.ledger.deliveries.update(delivery, {
    state: followed.state,
    message: followed.text,
    finishedAt,
    proof,
  });
  await moveOn(advancing, { state: followed.state, message: followed.text, detail: kept });
  return { again: true };
}

const ENDED: readonly ChangeState[] = ['landed', 'stopped', 'unproven', 'refused', 'cancelled', 'superseded'];

/**
 * Takes a change as far as it goes: through its gates, into Git, to its proof. Every step is kept before the next one
 * begins, and each finds what a process that died in it has left; so whoever comes later goes on from there.
 */
export async function advanceChange(advancing: Advancing): Promise<ChangeReport> {
  const { deps, waitMs, signal } = advancing;
  const { ledger, clock } = deps;
  const deadline = clock.now() + waitMs;
  let plan: ChangePlan | undefined;
  let refusals: readonly Refusal[] = [];
  let look = advancing.look;
  for (;;) {
    signal.throwIfAborted();
    const change = await ledger.changes.get(advancing.change.id);
    if (change === undefined) {
      throw new LandfallError(`The ledger does not hold ${advancing.change.id} any more.`, {
        kind: 'conflict',
        code: 'change-gone',
        object: advancing.change.id,
      });
    }
    if (ENDED.includes(change.state)) return reportOf(change, { plan, refusals });
    const now = { ...advancing, change, look };
    look = undefined;
    const left = deadline - clock.now();
    const stepped: Stepped =
      change.state === 'waiting'
        ? await passGates(now)
        : change.state === 'committing'
          ? await commit(now)
          : await follow(now, Math.max(0, left));
    plan = stepped.plan ?? plan;
    refusals = stepped.refusals ?? refusals;
    if (stepped.again) continue;
    const after = (await ledger.changes.get(change.id)) ?? change;
    const remaining = deadline - clock.now();
    if (remaining <= 0 || after.state === 'following') return reportOf(after, { plan, refusals });
    deps.onStep(after.message);
    await sleep(clock, Math.min(LOOK_EVERY_MS, remaining), signal);
  }
}
