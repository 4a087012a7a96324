import { asLandfallError } from '../../kernel/index.ts';
import type { WriteTarget } from '../edits/index.ts';
import type { PromotionPolicy } from '../landfall-yaml/index.ts';
import type { Actor, Hold } from '../../ledger/index.ts';
import { ownerOf, prove } from '../../verdict/index.ts';
import type { Look } from '../../verdict/index.ts';
import { forwardOnly } from './backwards.ts';
import { IMAGES } from './allowed.ts';
import type { ChangeDeps } from './deps.ts';
import type { Comparison } from './direction.ts';
import { emptyPlan, planEdits, planMove, registryRefusal, rendererOf } from './plan.ts';
import type { ChangePlan, ChangeTarget, Refusal } from './plan.ts';
import type { Style } from './record.ts';
import { releaseIn, sameRelease } from './release.ts';
import type { FoundRelease } from './release.ts';
import { subjectOfApplication } from './survey.ts';
import type { Pair, SurveyedApplication } from './survey.ts';
import { tagRefusal } from './styles.ts';
import { writeImages } from './write-images.ts';

/** What somebody asks for. */
export interface PromotionAsk {
  readonly pair: Pair;
  readonly actor: Actor;
  readonly override: string | undefined;
  /** An older release than the target runs is meant. */
  readonly older: boolean;
  /** Nobody asked: a policy promotes. */
  readonly auto: boolean;
}

/** Everything that was read for one promotion, before anything is written. */
export interface PreparedPromotion {
  readonly source: Look;
  /** The target as it stands now. */
  readonly there: Look;
  readonly release: FoundRelease;
  /** What Git asks for in the target now. */
  readonly current: FoundRelease;
  readonly style: Style;
  readonly branch: string;
  readonly comparison: Comparison;
  /** The target's Git asks for the release already. */
  readonly already: boolean;
  readonly plan: ChangePlan;
  readonly refusals: readonly Refusal[];
}

interface TrackedBranch {
  readonly branch: string;
  readonly commit: string;
  readonly isBranch: boolean;
}

/** What the target tracks: only a branch can be committed to. */
export async function trackedBranch(
  { spec, place }: SurveyedApplication,
  signal: AbortSignal,
): Promise<TrackedBranch> {
  const mirror = place.sources.git.open(spec.repository);
  await mirror.fetch(signal);
  const { commit, ref } = await mirror.resolve(spec.revision, signal);
  const branch = /^refs\/heads\/(.+)$/.exec(ref ?? '')?.[1];
  return { branch: branch ?? spec.revision, commit, isBranch: branch !== undefined };
}

function styleOf({ source, target, environment }: Pair, isBranch: boolean): Style {
  const { style } = environment.policy;
  if (style !== undefined) return style;
  const [a, b] = [source.spec, target.spec];
  // The same folder on another branch: the branch is the environment.
  const same = a.repository === b.repository && a.path === b.path && a.revision !== b.revision;
  if (same) return isBranch ? 'branch' : 'tag';
  return 'overlay';
}

function notABranch({ spec }: SurveyedApplication): Refusal {
  return {
    code: 'revision-not-a-branch',
    message: `${spec.name} tracks ${spec.revision}, which is no branch: a commit does not reach it.`,
    lines: [`targetRevision: ${spec.revision}`],
    hint: 'Move what it tracks (style tag), or let it track a branch.',
  };
}

export function heldRefusal(holds: readonly Hold[]): Refusal | undefined {
  const [hold] = holds;
  if (hold === undefined) return undefined;
  return {
    code: 'promotion-held',
    message: `Promotions into ${hold.application} are held since ${hold.since} by ${hold.actor.name}: ${hold.reason}`,
    lines: holds.map(({ id, reason }) => `${id}   ${reason}`),
    hint: `Lift it when the reason is gone: landfall holds lift ${hold.id}`,
  };
}

/** Holds that keep promotions out of an application. */
export async function promotionHolds(
  deps: Pick<ChangeDeps, 'ledger'>,
  application: SurveyedApplication,
): Promise<readonly Hold[]> {
  const holds = await deps.ledger.holds.list(subjectOfApplication(application));
  return holds.filter(({ kind }) => kind === 'promotion');
}

/** The file outside of the environment's folder that its policy means, too. */
export function versionFileOf({ style, file }: PromotionPolicy): string | undefined {
  return style === 'file' ? file?.path : undefined;
}

/** Where the images of an environment are written: in its version file, else where each comes from. */
export function writeTargetOf({ style, file }: PromotionPolicy): WriteTarget {
  if (style !== 'file' || file === undefined) return { kind: 'auto' };
  const { path, ...places } = file;
  const named = Object.keys(places).length > 0 ? places : { tag: 'image.tag', digest: 'image.digest' };
  return { kind: 'helm-values', file: path, ...named };
}

/** Plans the change of the target on a tip of its branch. */
export function planPromotion(
  pair: Pair,
  found: { readonly release: FoundRelease; readonly style: Style; readonly branch: string },
  parent: string,
  signal: AbortSignal,
): Promise<ChangePlan> {
  const { target, environment } = pair;
  const { spec, place } = target;
  const { release, style, branch } = found;
  const change: ChangeTarget = { sources: place.sources, spec, branch, parent, signal };
  const { policy } = environment;
  const fields = policy.fields ?? [IMAGES];
  if (style === 'branch' || style === 'tag')
    return planMove({ ...change, to: release.revision ?? parent, fields });
  return planEdits({
    ...change,
    fields,
    versionFile: versionFileOf(policy),
    write: (tree, render) =>
      writeImages({
        tree,
        folder: spec.path,
        application: ownerOf(spec),
        images: release.images,
        target: writeTargetOf(policy),
        render,
        signal,
      }),
  });
}

async function planned(
  pair: Pair,
  found: Parameters<typeof planPromotion>[1],
  parent: string,
  signal: AbortSignal,
): Promise<ChangePlan> {
  try {
    return await planPromotion(pair, found, parent, signal);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind !== 'invalid-input') throw error;
    const refusal: Refusal = {
      code: error.code,
      message: error.message,
      lines: [],
      hint: error.hint ?? 'Make the change by hand.',
    };
    return { ...emptyPlan(parent), refusals: [refusal] };
  }
}

/** Reads source and target, and plans. Nothing is written. */
export async function preparePromotion(
  ask: PromotionAsk,
  deps: ChangeDeps,
  signal: AbortSignal,
): Promise<PreparedPromotion> {
  const { pair } = ask;
  const { source, target } = pair;
  deps.onStep(`proving ${source.spec.name} in ${source.environment}`);
  const look = await prove(source.place.sources, deps.questionFor(source), signal);
  await deps.remember(source, look);
  deps.onStep(`reading what ${target.spec.name} asks for`);
  const there = await prove(target.place.sources, deps.questionFor(target), signal);
  await deps.remember(target, there);
  const release = releaseIn(look);
  const current = releaseIn(there);
  const tracked = await trackedBranch(target, signal);
  const style = styleOf(pair, tracked.isBranch);
  const already = sameRelease(release, current);
  const comparison = await forwardOnly(pair, release, current, signal);
  const found = { release, style, branch: tracked.branch };
  deps.onStep(`rendering ${target.environment} and every other environment`);
  const render = rendererOf({
    sources: target.place.sources,
    spec: target.spec,
    branch: tracked.branch,
    parent: tracked.commit,
    signal,
  });
  const set = await render(target.place.sources.git.open(target.spec.repository).tree(tracked.commit));
  const registry = style === 'branch' || style === 'tag' ? undefined : registryRefusal(release, set);
  const plan =
    already || registry !== undefined
      ? emptyPlan(tracked.commit)
      : await planned(pair, found, tracked.commit, signal);
  const older = !already && comparison.direction === 'older' && !ask.older;
  const unsure = !already && ask.auto && comparison.direction !== 'newer';
  const refusals: readonly (Refusal | undefined)[] = [
    heldRefusal(await promotionHolds(deps, target)),
    style === 'tag' ? tagRefusal(target) : tracked.isBranch ? undefined : notABranch(target),
    registry,
    older || unsure
      ? {
          code: 'promotion-backwards',
          message: older
            ? `${target.environment} runs a newer release than ${source.environment}: nothing goes backwards by itself.`
            : `It is not known whether this release is newer than what ${target.environment} runs, and nothing goes backwards by itself.`,
          lines: [comparison.by],
          hint: ask.auto
            ? `A person may: landfall promote ${source.family} --from ${source.environment} --to ${target.environment}`
            : `To go back, landfall rollback ${target.spec.name}; if this release is meant, --older.`,
        }
      : undefined,
    ...plan.refusals,
  ];
  return {
    source: look,
    there,
    release,
    current,
    style,
    branch: tracked.branch,
    comparison,
    already,
    plan,
    refusals: refusals.filter((each) => each !== undefined),
  };
}
