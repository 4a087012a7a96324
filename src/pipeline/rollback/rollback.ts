import { asLandfallError } from '../../kernel/index.ts';
import { treeWith } from '../../git/index.ts';
import type { Actor, Change } from '../../ledger/index.ts';
import type { RegistryClient } from '../../oci/index.ts';
import { prove } from '../../verdict/index.ts';
import type { Look } from '../../verdict/index.ts';
import {
  advanceChange,
  changeLine,
  decisionsOn,
  detailJson,
  detailOf,
  emptyPlan,
  endOf,
  releaseIn,
  releaseName,
  rendererOf,
  reportFrom,
  reportOf,
  repositoriesIn,
  sameRelease,
  subjectOfApplication,
  trackedBranch,
} from '../promotion/index.ts';
import type {
  ChangeDeps,
  ChangeDetail,
  ChangePlan,
  ChangeReport,
  FoundRelease,
  Refusal,
  Survey,
  SurveyedApplication,
} from '../promotion/index.ts';
import { askServer } from './ask-server.ts';
import { findWayBack } from './find.ts';
import type { WayBack } from './find.ts';
import { obstaclesOf } from './obstacles.ts';
import { planRollback } from './plan.ts';
import { foreignUpdaters } from './updaters.ts';

export const ROLLBACK_OVERRIDDEN = 'rollback-overridden';

export interface RollbackAsk {
  readonly target: SurveyedApplication;
  readonly actor: Actor;
  /** A delivery or a revision; undefined: the last that landed before. */
  readonly to: string | undefined;
  readonly reason: string | undefined;
  /** Why it goes on although something stands in the way that may be overcome. */
  readonly override: string | undefined;
  /** Only the images, not what else came with them. */
  readonly imagesOnly: boolean;
  readonly waitMs: number;
  readonly dryRun: boolean;
}

async function imagesThere(
  registry: RegistryClient,
  release: Pick<FoundRelease, 'images'>,
  signal: AbortSignal,
): Promise<{ readonly missing: readonly string[]; readonly unread: readonly string[] }> {
  const missing: string[] = [];
  const unread: string[] = [];
  for (const { repository, digest } of release.images) {
    const reference = `${repository}@${digest}`;
    try {
      await registry.resolve(reference, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asLandfallError(thrown);
      if (error.kind === 'not-found') missing.push(reference);
      else unread.push(`${reference}: ${error.message}`);
    }
  }
  return { missing, unread };
}

interface Prepared {
  readonly detail: ChangeDetail;
  readonly plan: ChangePlan;
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly string[];
}

async function detailFor(
  ask: RollbackAsk,
  way: WayBack,
  current: FoundRelease,
  branch: string,
): Promise<ChangeDetail> {
  return {
    family: ask.target.family,
    from: undefined,
    to: await endOf(ask.target),
    release: way.release,
    replaced: current,
    // A tag that names other bytes now: only the digest brings back what landed.
    style: ask.imagesOnly || way.moved.length > 0 ? 'overlay' : 'revert',
    branch,
    override: ask.override ?? ask.reason,
    older: true,
    auto: false,
    gates: [],
    changes: [],
    commit: undefined,
    delivery: undefined,
    pullRequest: undefined,
    holds: [],
  };
}

async function prepare(
  ask: RollbackAsk,
  look: Look,
  deps: ChangeDeps,
  signal: AbortSignal,
): Promise<Prepared> {
  const { target } = ask;
  const { spec, place } = target;
  const { sources } = place;
  const current = releaseIn(look);
  const tracked = await trackedBranch(target, signal);
  const { branch, commit: tip } = tracked;
  deps.onStep(`looking for what ${spec.name} ran before`);
  const way = await findWayBack({
    target,
    current,
    repositories: repositoriesIn(look),
    tip,
    branch,
    to: ask.to,
    ledger: deps.ledger,
    registry: sources.registry,
    signal,
  });
  const detail = await detailFor(ask, way, current, branch);
  const warnings = [
    ...way.moved.map((line) => `${line}: the digest is written, so that the bytes are those that landed.`),
    ...(await foreignUpdaters(target, signal)),
  ];
  if (!tracked.isBranch) {
    const refusal: Refusal = {
      code: 'revision-not-a-branch',
      message: `${spec.name} tracks ${spec.revision}, which is no branch: no commit of ours reaches it.`,
      lines: [`targetRevision: ${spec.revision}`],
      hint: `Let it track ${detail.release.revision?.slice(0, 12) ?? 'the older revision'} again, where it says what it tracks.`,
    };
    return { detail, plan: emptyPlan(tip), refusals: [refusal], warnings };
  }
  deps.onStep(`rendering ${target.environment} and every other environment`);
  let plan: ChangePlan;
  let refused: readonly Refusal[];
  try {
    plan = await planRollback({ target, detail, parent: tip, signal });
    refused = plan.refusals;
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asLandfallError(thrown);
    if (error.kind !== 'invalid-input') throw error;
    plan = emptyPlan(tip);
    refused = [{ code: error.code, message: error.message, lines: [], hint: error.hint ?? '' }];
  }
  const mirror = sources.git.open(spec.repository);
  const render = rendererOf({ sources, spec, branch, parent: tip, signal });
  const before = await render(mirror.tree(way.release.revision ?? tip), way.release.revision ?? tip);
  const now = await render(mirror.tree(tip));
  deps.onStep('asking the API server');
  const after = plan.rendered.length === 0 ? now : await render(treeWith(mirror.tree(tip), plan.files));
  const { refused: notTaken, unasked } = await askServer(
    sources.kube,
    spec,
    plan.rendered,
    after.objects.map(({ object }) => object),
    signal,
  );
  const there = await imagesThere(sources.registry, way.release, signal);
  const obstacles = obstaclesOf({
    changes: plan.rendered,
    now: now.objects.map(({ object }) => object),
    before: before.objects.map(({ object }) => object),
    missing: [...way.gone, ...there.missing],
    unread: [...way.unread, ...there.unread],
    refused: notTaken,
    neverLanded: way.neverLanded,
  });
  // Without a single digest there is nothing that could be written.
  const nothing = way.release.images.length === 0;
  const stands = obstacles.filter(({ certain }) => certain || nothing || ask.override === undefined);
  const overcome = obstacles.filter((obstacle) => !stands.includes(obstacle));
  return {
    detail: { ...detail, changes: plan.changes.map(changeLine) },
    plan,
    refusals: [
      ...refused,
      ...stands.map(({ code, message, lines, hint }) => ({ code, message, lines, hint })),
    ],
    warnings: [
      ...warnings,
      ...unasked,
      ...overcome.map(({ message, lines }) => `Overridden: ${message} ${lines.join('; ')}`),
    ],
  };
}

/** Keeps updates and promotions from bringing the release back. The same twice is one. */
async function putHolds(change: Change, deps: ChangeDeps): Promise<readonly string[]> {
  const { cluster, namespace, application, actor, id } = change;
  const { release, replaced, override } = detailOf(change);
  const from = replaced === undefined ? 'another release' : releaseName(replaced);
  const why = override === undefined ? '' : `: ${override}`;
  const reason = `rolled back from ${from} to ${releaseName(release)}${why} (${id})`;
  const holds: string[] = [];
  for (const kind of ['updates', 'promotion'] as const)
    holds.push(
      await deps.ledger.holds.put({ cluster, namespace, application, kind, revision: '', reason, actor }),
    );
  return holds;
}

/** Takes away what a rollback has put that came to nothing. */
async function liftOwn(change: Change, deps: ChangeDeps): Promise<void> {
  const { cluster, namespace, application, id } = change;
  for (const hold of await deps.ledger.holds.list({ cluster, namespace, application }))
    if (hold.reason.endsWith(`(${id})`)) await deps.ledger.holds.lift(hold.id);
}

async function recordOverride(change: Change, deps: ChangeDeps, ask: RollbackAsk): Promise<void> {
  if (ask.override === undefined) return;
  const { cluster, namespace, application, id } = change;
  const subject = { cluster, namespace, application };
  const before = decisionsOn(id, await deps.ledger.decisions.list(subject, 500));
  if (before.some(({ kind }) => kind === ROLLBACK_OVERRIDDEN)) return;
  await deps.ledger.decisions.record({
    ...subject,
    kind: ROLLBACK_OVERRIDDEN,
    actor: ask.actor,
    reason: ask.override,
    detail: { promotion: id },
  });
}

/** Goes on with a rollback from wherever it stands: holds first, then the commit, then its proof. */
export async function continueRollback(
  change: Change,
  target: SurveyedApplication,
  survey: Survey,
  deps: ChangeDeps,
  waitMs: number,
  signal: AbortSignal,
): Promise<ChangeReport> {
  let current = change;
  if (change.state === 'waiting' || change.state === 'committing') {
    const holds = await putHolds(change, deps);
    const detail = detailJson({ ...detailOf(change), holds });
    await deps.ledger.changes.move(change.id, change.state, { detail });
    current = (await deps.ledger.changes.get(change.id)) ?? change;
  }
  const report = await advanceChange({
    change: current,
    target,
    pair: undefined,
    planOn: (detail, parent) => planRollback({ target, detail, parent, signal }),
    survey,
    deps,
    waitMs,
    signal,
  });
  if (report.state !== 'refused') return report;
  await liftOwn(change, deps);
  return { ...report, holds: [] };
}

/** The rollback that brought what is there, while its holds stand: the same request again means that one. */
async function doneAlready(
  target: SurveyedApplication,
  current: FoundRelease,
  deps: ChangeDeps,
): Promise<Change | undefined> {
  const subject = subjectOfApplication(target);
  const last = (await deps.ledger.changes.list(subject, 50)).find(({ kind }) => kind === 'rollback');
  if (last?.state !== 'landed' || !sameRelease(detailOf(last).release, current)) return undefined;
  const holds = await deps.ledger.holds.list(subject);
  return holds.some(({ reason }) => reason.endsWith(`(${last.id})`)) ? last : undefined;
}

/** A promotion that is under way into the same place ends here: it only waits, or its commit is what is taken back. */
async function endPromotion(target: SurveyedApplication, deps: ChangeDeps): Promise<Change | undefined> {
  const [open] = await deps.ledger.changes.open(subjectOfApplication(target));
  if (open === undefined || open.kind === 'rollback' || open.state === 'committing') return open;
  await deps.ledger.changes.move(open.id, open.state, {
    state: 'superseded',
    message: 'rolled back',
  });
  return undefined;
}

/**
 * Goes back: finds what landed before, says what stands in the way before anything is done, holds updates and
 * promotions, reverts in Git, and follows the workload until it runs the old bytes.
 */
export async function rollback(
  ask: RollbackAsk,
  survey: Survey,
  deps: ChangeDeps,
  signal: AbortSignal,
): Promise<ChangeReport> {
  const { target, actor } = ask;
  const subject = subjectOfApplication(target);
  const [open] = await deps.ledger.changes.open(subject);
  if (open?.kind === 'rollback') {
    deps.onStep(`going on with ${open.id}`);
    return continueRollback(open, target, survey, deps, ask.waitMs, signal);
  }
  deps.onStep(`reading what ${target.spec.name} asks for`);
  const look = await prove(target.place.sources, deps.questionFor(target), signal);
  await deps.remember(target, look);
  const current = releaseIn(look);
  const done = ask.to === undefined ? await doneAlready(target, current, deps) : undefined;
  if (done !== undefined)
    return reportOf(done, {
      state: 'already',
      message: `${target.spec.name} was rolled back by ${done.id} already, and is held since; to go further back, say --to`,
      landed: look.proof.verdict.state === 'landed',
    });
  const { detail, plan, refusals, warnings } = await prepare(ask, look, deps, signal);
  const report = (parts: Parameters<typeof reportFrom>[3]) =>
    reportFrom('rollback', undefined, detail, { plan, warnings, ...parts });
  if (refusals.length > 0) return report({ state: 'refused', refusals, message: refusals[0]?.message ?? '' });
  if (sameRelease(detail.release, current))
    return report({
      state: 'already',
      message: `${target.spec.name} asks for ${releaseName(current)} already`,
      landed: look.proof.verdict.state === 'landed',
    });
  if (ask.dryRun) return report({ state: 'planned', message: 'nothing was written' });
  const left = await endPromotion(target, deps);
  if (left !== undefined) return { ...reportOf(left), warnings };
  const { change } = await deps.ledger.changes.begin({
    ...subject,
    kind: 'rollback',
    actor,
    message: '',
    detail: detailJson(detail),
  });
  await recordOverride(change, deps, ask);
  const ended = await continueRollback(change, target, survey, deps, ask.waitMs, signal);
  return { ...ended, warnings, unchanged: ended.unchanged.length > 0 ? ended.unchanged : plan.unchanged };
}
