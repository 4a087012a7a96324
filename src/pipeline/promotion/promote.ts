import { LandfallError } from '../../kernel/index.ts';
import { uidOf } from '../../kube/index.ts';
import type { Change } from '../../ledger/index.ts';
import { advanceChange } from './advance.ts';
import type { ChangeDeps } from './deps.ts';
import { decisionsOn, OVERRIDDEN } from './gates.ts';
import { lookAtGates } from './pass-gates.ts';
import type { Refusal } from './plan.ts';
import { planPromotion, preparePromotion } from './prepare.ts';
import type { PreparedPromotion, PromotionAsk } from './prepare.ts';
import { changeLine } from './plan.ts';
import { detailJson, detailOf } from './record.ts';
import type { ChangeDetail, End } from './record.ts';
import { releaseName, sameRelease } from './release.ts';
import { reportFrom } from './report.ts';
import type { ChangeReport } from './report.ts';
import { subjectOfApplication } from './survey.ts';
import type { Pair, Survey, SurveyedApplication } from './survey.ts';

export interface PromoteOptions {
  /** How long gates and the proof are waited for. */
  readonly waitMs: number;
  /** Say what would happen, and write nothing. */
  readonly dryRun: boolean;
}

export async function endOf(application: SurveyedApplication): Promise<End> {
  return {
    ...subjectOfApplication(application),
    clusterUid: await uidOf(application.place.identify),
    environment: application.environment,
  };
}

async function newDetail(ask: PromotionAsk, prepared: PreparedPromotion): Promise<ChangeDetail> {
  const { pair } = ask;
  return {
    family: pair.target.family,
    from: await endOf(pair.source),
    to: await endOf(pair.target),
    release: prepared.release,
    replaced: prepared.current,
    style: prepared.style,
    branch: prepared.branch,
    override: ask.override,
    older: ask.older,
    auto: ask.auto,
    gates: [],
    changes: prepared.plan.changes.map(changeLine),
    commit: undefined,
    delivery: undefined,
    pullRequest: undefined,
    holds: [],
  };
}

/** A reason to go on is a decision of its own: who, why, about which promotion. */
export async function recordOverride(change: Change, deps: Pick<ChangeDeps, 'ledger'>): Promise<void> {
  const { override, release } = detailOf(change);
  if (override === undefined) return;
  const { cluster, namespace, application, actor, id } = change;
  const subject = { cluster, namespace, application };
  const decided = decisionsOn(id, await deps.ledger.decisions.list(subject, 500));
  if (decided.some(({ kind }) => kind === OVERRIDDEN)) return;
  await deps.ledger.decisions.record({
    ...subject,
    kind: OVERRIDDEN,
    actor,
    reason: override,
    detail: { promotion: id, release: releaseName(release) },
  });
}

/** What is under way for the target already: the same release is joined, one that only waits makes room. */
async function makeRoom(
  open: Change | undefined,
  prepared: PreparedPromotion,
  ask: PromotionAsk,
  deps: ChangeDeps,
): Promise<Change | Refusal | undefined> {
  if (open === undefined) return undefined;
  const detail = detailOf(open);
  if (open.kind === 'promotion' && sameRelease(detail.release, prepared.release)) return open;
  const auto = ask.auto && !detail.auto;
  if (open.kind === 'promotion' && open.state === 'waiting' && !auto) {
    const message = `${releaseName(prepared.release)} is promoted instead`;
    await deps.ledger.changes.move(open.id, 'waiting', { state: 'superseded', message });
    return undefined;
  }
  return {
    code: 'promotion-under-way',
    message: `A ${open.kind} of ${releaseName(detail.release)} into ${detail.to.environment} is under way: ${open.state}.`,
    lines: [`${open.id}   ${open.state}   ${open.message}`],
    hint: `Follow it: landfall promote resume ${open.id}`,
  };
}

function withoutImages(prepared: PreparedPromotion, pair: Pair): Refusal | undefined {
  if (prepared.release.images.length > 0) return undefined;
  return {
    code: 'release-unknown',
    message: `Which bytes ${pair.source.spec.name} runs is not known, so that nothing can be promoted from it.`,
    lines: [prepared.source.proof.verdict.summary],
    hint: `landfall prove ${pair.source.spec.name} says what is missing.`,
  };
}

/**
 * Promotes: proves the source now, plans and proves the change, keeps it, and takes it as far as it goes. The same
 * request again goes on with what was begun.
 */
export async function promote(
  ask: PromotionAsk,
  survey: Survey,
  deps: ChangeDeps,
  { waitMs, dryRun }: PromoteOptions,
  signal: AbortSignal,
): Promise<ChangeReport> {
  const { pair, actor } = ask;
  const { target } = pair;
  const subject = subjectOfApplication(target);
  const prepared = await preparePromotion(ask, deps, signal);
  const detail = await newDetail(ask, prepared);
  const { plan } = prepared;
  const report = (parts: Parameters<typeof reportFrom>[3]) =>
    reportFrom('promotion', undefined, detail, { plan, ...parts });
  const [open] = await deps.ledger.changes.open(subject);
  const joined =
    open !== undefined && open.kind === 'promotion' && sameRelease(detailOf(open).release, prepared.release);
  if (prepared.already && !joined) {
    return report({
      state: 'already',
      message: `${target.environment} asks for ${releaseName(prepared.release)} already, and it has ${prepared.there.proof.verdict.state === 'landed' ? 'landed' : `not landed: ${prepared.there.proof.verdict.summary}`}`,
      landed: prepared.there.proof.verdict.state === 'landed',
    });
  }
  const unknown = withoutImages(prepared, pair);
  const refusals = [...(unknown === undefined ? [] : [unknown]), ...(joined ? [] : prepared.refusals)];
  const gateQuestion = {
    pair,
    survey,
    detail,
    change: joined ? open : undefined,
    author: actor,
    look: prepared.source,
  };
  if (refusals.length > 0 || dryRun) {
    const { gates } = await lookAtGates(gateQuestion, deps, signal);
    return report({
      refusals,
      gates,
      state: refusals.length > 0 ? 'refused' : 'planned',
      message: refusals[0]?.message ?? 'nothing was written',
    });
  }
  const room = await makeRoom(open, prepared, ask, deps);
  if (room !== undefined && 'code' in room) {
    return report({ refusals: [room], state: 'refused', message: room.message });
  }
  const begun =
    room === undefined
      ? await deps.ledger.changes.begin({
          ...subject,
          kind: 'promotion',
          actor,
          message: '',
          detail: detailJson(detail),
        })
      : { change: room, created: false };
  const { change } = begun;
  if (!sameRelease(detailOf(change).release, prepared.release)) {
    throw new LandfallError(
      `Somebody else has begun to promote ${releaseName(detailOf(change).release)} into ${target.environment}.`,
      {
        kind: 'conflict',
        code: 'promotion-under-way',
        object: change.id,
        hint: `Follow it: landfall promote resume ${change.id}`,
      },
    );
  }
  await giveReason(change, ask, deps);
  const advanced = await advanceChange({
    change,
    target,
    pair,
    planOn: (kept, parent) => planPromotion(pair, kept, parent, signal),
    survey,
    deps,
    waitMs,
    look: prepared.source,
    signal,
  });
  return { ...advanced, unchanged: advanced.unchanged.length > 0 ? advanced.unchanged : plan.unchanged };
}

/** A reason that is given for a promotion that waits counts for it from now on. */
async function giveReason(change: Change, ask: PromotionAsk, deps: ChangeDeps): Promise<void> {
  const detail = detailOf(change);
  if (ask.override !== undefined && detail.override === undefined && change.state === 'waiting')
    await deps.ledger.changes.move(change.id, 'waiting', {
      detail: detailJson({ ...detail, override: ask.override }),
    });
  const now = (await deps.ledger.changes.get(change.id)) ?? change;
  await recordOverride({ ...now, actor: ask.actor }, deps);
}
