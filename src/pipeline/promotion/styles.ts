import { getString, LandfallError } from '../../kernel/index.ts';
import type { Change } from '../../ledger/index.ts';
import { createForge } from '../forge/index.ts';
import { TRAILERS } from './commit-change.ts';
import type { ChangeDeps } from './deps.ts';
import { messageOf } from './message.ts';
import type { ChangePlan, Refusal } from './plan.ts';
import type { ChangeDetail } from './record.ts';
import { releaseName } from './release.ts';
import type { Pair, SurveyedApplication } from './survey.ts';

/** What writing into Git has come to. */
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

export interface Styling {
  readonly change: Change;
  readonly detail: ChangeDetail;
  readonly target: SurveyedApplication;
  readonly pair: Pair;
  readonly deps: ChangeDeps;
  readonly plan: ChangePlan;
  readonly signal: AbortSignal;
}

function refusedBy(thrown: unknown, plan: ChangePlan): CarriedOut {
  if (!(thrown instanceof LandfallError) || thrown.kind !== 'conflict') throw thrown;
  const { code, message, hint = '' } = thrown;
  return { state: 'refused', refusals: [{ code, message, lines: [], hint }], plan };
}

/** Moves the environment's branch forward to the commit that was proven in the source. Never back, never aside. */
export async function moveBranch({ detail, target, plan, signal }: Styling): Promise<CarriedOut> {
  const mirror = target.place.sources.git.open(target.spec.repository);
  const to = detail.release.revision ?? plan.parent;
  try {
    await mirror.fastForward({ branch: detail.branch, to }, signal);
    return { state: 'committed', commit: to, plan };
  } catch (thrown) {
    return refusedBy(thrown, plan);
  }
}

/** Why a new tag does not reach the target; undefined where it follows a range of versions. */
export function tagRefusal({ spec }: SurveyedApplication): Refusal | undefined {
  if (getString(spec.flux?.source, 'spec', 'ref', 'semver') !== undefined) return undefined;
  return {
    code: 'promotion-tag-fixed',
    message: `${spec.name} tracks ${spec.revision} itself: a tag does not move, and a new one does not reach it.`,
    lines: [`it tracks ${spec.revision}`],
    hint: 'Let it follow a range of versions (spec.ref.semver of its GitRepository), or a branch (style branch).',
  };
}

/** The tag that a release gets in the deployment repository: `v{tag}` by default. */
export function tagOf(
  { environment }: Pair,
  detail: Pick<ChangeDetail, 'release' | 'family' | 'to'>,
): string {
  const template = environment.policy.tag ?? 'v{tag}';
  const values: Readonly<Record<string, string>> = {
    tag: releaseName(detail.release).replace(/^v(?=\d)/, ''),
    application: detail.family,
    environment: detail.to.environment,
  };
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** Tags the commit that was proven in the source. The same again is the same tag. */
export async function tagRelease(styling: Styling): Promise<CarriedOut> {
  const { change, detail, target, pair, deps, plan, signal } = styling;
  const fixed = tagRefusal(target);
  if (fixed !== undefined) return { state: 'refused', refusals: [fixed], plan };
  const mirror = target.place.sources.git.open(target.spec.repository);
  const commit = detail.release.revision ?? plan.parent;
  try {
    await mirror.createTag(
      { name: tagOf(pair, detail), commit, message: messageOf(change, detail, plan), tagger: deps.author },
      signal,
    );
    return { state: 'committed', commit, plan };
  } catch (thrown) {
    return refusedBy(thrown, plan);
  }
}

/** The branch that a pull request comes from: one of each change. */
export function requestBranch({ family, to }: ChangeDetail, id: string): string {
  return `landfall/promote-${family}-${to.environment}-${id}`.replaceAll(/[^\w./-]/g, '-');
}

/** Proposes the change, and waits until somebody merges it. What a dead process proposed is found again. */
export async function proposeChange(styling: Styling): Promise<CarriedOut> {
  const { change, detail, target, deps, plan, signal } = styling;
  const { repository } = target.spec;
  const mirror = target.place.sources.git.open(repository);
  const forge =
    deps.forgeFor?.(repository) ??
    createForge({ repository, clock: deps.clock, declared: target.file?.forges ?? [] });
  const head = requestBranch(detail, change.id);
  const known = await forge.find(head, detail.branch, signal);
  const message = messageOf(change, detail, plan);
  const [title = '', ...body] = message.split('\n');
  if (known === undefined) {
    await mirror.commit(
      {
        branch: head,
        start: { from: detail.branch, existing: 'continue' },
        once: { key: TRAILERS[change.kind], value: change.id },
        files: plan.files,
        message,
        author: deps.author,
      },
      signal,
    );
  }
  const found =
    known ?? (await forge.open({ head, base: detail.branch, title, body: body.join('\n').trim() }, signal));
  if (found.state === 'merged') {
    await mirror.fetch(signal);
    const tip = (await mirror.resolve(`refs/heads/${detail.branch}`, signal)).commit;
    return { state: 'committed', commit: found.mergeCommit ?? tip, plan };
  }
  if (found.state === 'closed') {
    const refusal: Refusal = {
      code: 'pull-request-closed',
      message: `The pull request was closed without being merged.`,
      lines: [found.url],
      hint: 'Promote again for a new one.',
    };
    return { state: 'refused', refusals: [refusal], plan };
  }
  return {
    state: 'waiting',
    text: `waits for the pull request ${found.url} to be merged`,
    pullRequest: found.url,
    plan,
  };
}
