import type { Change } from '../../ledger/index.ts';
import { prove } from '../../verdict/index.ts';
import type { Look } from '../../verdict/index.ts';
import { checkGates } from './checks.ts';
import type { ChangeDeps } from './deps.ts';
import { approvalsGate, decisionsOn, overriding, soakGate, windowGate } from './gates.ts';
import type { Gate } from './gates.ts';
import { detailOf } from './record.ts';
import type { ChangeDetail } from './record.ts';
import { releaseIn, releaseKey, sameRelease } from './release.ts';
import { subjectOfApplication } from './survey.ts';
import type { Pair, Survey, SurveyedApplication } from './survey.ts';

export interface GateQuestion {
  readonly pair: Pair;
  readonly survey: Survey;
  readonly detail: ChangeDetail;
  /** The change in the ledger; undefined where it is only asked how gates would stand. */
  readonly change: Change | undefined;
  readonly author: Change['actor'];
  /** A look at the source that was made just now. */
  readonly look?: Look | undefined;
}

/** How the gates stand, each looked at now. */
export interface GateAnswer {
  readonly gates: readonly Gate[];
  /** The source runs another release now and nothing proves this one any more. */
  readonly gone: string | undefined;
}

function wasOpen(detail: ChangeDetail, gate: Gate['gate']): Gate | undefined {
  return detail.gates.find((each) => each.gate === gate && each.state === 'open');
}

/** Whether somebody has gone back from the release in the source: what was proven of it counts no more. */
async function wentBack(
  deps: ChangeDeps,
  source: SurveyedApplication,
  { release }: ChangeDetail,
): Promise<boolean> {
  const changes = await deps.ledger.changes.list(subjectOfApplication(source), 50);
  return changes.some((change) => {
    const { replaced } = detailOf(change);
    const meant = change.state !== 'refused' && change.state !== 'cancelled';
    return change.kind === 'rollback' && meant && replaced !== undefined && sameRelease(replaced, release);
  });
}

async function sourceGates(
  { pair, detail, look: given }: GateQuestion,
  deps: ChangeDeps,
  signal: AbortSignal,
): Promise<GateAnswer> {
  const { source, environment } = pair;
  const look = given ?? (await prove(source.place.sources, deps.questionFor(source), signal));
  if (given === undefined) await deps.remember(source, look);
  const { verdict, at } = look.proof;
  const runs = releaseIn(look);
  if (!sameRelease(detail.release, runs)) {
    if (await wentBack(deps, source, detail))
      return { gates: [], gone: `${source.environment} was rolled back from this release` };
    // It was proven there while it stood there; what came after it takes that back no more than a newer build does.
    const [landed, soak] = [wasOpen(detail, 'landed'), wasOpen(detail, 'soak')];
    if (landed !== undefined && soak !== undefined) return { gates: [landed, soak], gone: undefined };
    return { gates: [], gone: `${source.environment} runs another release now` };
  }
  const where = `${source.spec.name} in ${source.environment}`;
  const landed: Gate =
    verdict.state === 'landed'
      ? { gate: 'landed', state: 'open', text: `landed: ${where}, proven ${at}` }
      : { gate: 'landed', state: 'waiting', text: `${verdict.summary}: ${where}` };
  const standing = await deps.ledger.standings.get(subjectOfApplication(source));
  const soak = soakGate({
    soakMs: environment.policy.soak ?? 0,
    release: releaseKey(runs),
    standing,
    now: deps.clock.now(),
  });
  return { gates: [landed, soak], gone: undefined };
}

/** Looks at every gate of a promotion: freshly, and never by what somebody said of it before. */
export async function lookAtGates(
  question: GateQuestion,
  deps: ChangeDeps,
  signal: AbortSignal,
): Promise<GateAnswer> {
  const { pair, survey, change, author, detail } = question;
  const { policy } = pair.environment;
  const own = await sourceGates(question, deps, signal);
  if (own.gone !== undefined) return own;
  const decisions =
    change === undefined ? [] : await deps.ledger.decisions.list(subjectOfApplication(pair.target), 500);
  const first = [
    ...own.gates,
    approvalsGate({
      policy: policy.approvals,
      author,
      decisions: change === undefined ? [] : decisionsOn(change.id, decisions),
    }),
    windowGate(policy, deps.clock.now()),
  ];
  // Checks may cost something: they are asked when nothing else is missing.
  const ready = overriding(first, detail.override).every(
    ({ state }) => state === 'open' || state === 'overridden',
  );
  const checks =
    ready && detail.override === undefined
      ? await checkGates(policy.checks, {
          cwd: deps.cwd,
          signal,
          environment: {
            LANDFALL_APPLICATION: pair.target.spec.name,
            LANDFALL_FROM: detail.from?.environment ?? '',
            LANDFALL_TO: detail.to.environment,
            LANDFALL_DIGEST: detail.release.digest ?? '',
            LANDFALL_TAG: detail.release.tag ?? '',
          },
          async landedNow(name) {
            const other = survey.applications.find(({ spec }) => spec.name === name);
            if (other === undefined) return { landed: false, text: 'is no application here' };
            const { proof } = await prove(other.place.sources, deps.questionFor(other), signal);
            return { landed: proof.verdict.state === 'landed', text: proof.verdict.summary };
          },
        })
      : (policy.checks ?? []).map(({ name }): Gate => ({
          gate: 'check',
          state: 'waiting',
          text: `${name}: not asked yet`,
        }));
  return { gates: overriding([...first, ...checks], detail.override), gone: undefined };
}
