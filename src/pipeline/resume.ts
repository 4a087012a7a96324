import { LandfallError } from '../kernel/index.ts';
import { uidOf } from '../kube/index.ts';
import type { Change } from '../ledger/index.ts';
import { advanceChange, detailOf, findPair, planPromotion } from './promotion/index.ts';
import type { ChangeDeps, ChangeReport, End, Pair, Survey, SurveyedApplication } from './promotion/index.ts';
import { continueRollback } from './rollback/index.ts';

/** The application that one end of a change names, by which cluster it is in where both say so. Throws `not-found` where its cluster is not looked at. */
export async function applicationAt(survey: Survey, end: End): Promise<SurveyedApplication> {
  for (const each of survey.applications) {
    const { spec, place } = each;
    if (spec.name !== end.application || spec.namespace !== end.namespace) continue;
    const uid = end.clusterUid === undefined ? undefined : await uidOf(place.identify);
    if (uid === undefined ? place.sources.kube.server === end.cluster : uid === end.clusterUid) return each;
  }
  throw new LandfallError(
    `${end.namespace}/${end.application} of ${end.cluster} is not among the applications that are looked at.`,
    {
      kind: 'not-found',
      code: 'application-not-found',
      object: end.application,
      hint: 'Name the context of its cluster: --context, or --contexts for several.',
    },
  );
}

/** The two applications that a promotion is between; undefined for a rollback. */
export async function pairOf(survey: Survey, change: Change): Promise<Pair | undefined> {
  const { from, to } = detailOf(change);
  if (from === undefined) return undefined;
  const target = await applicationAt(survey, to);
  const source = await applicationAt(survey, from);
  const { environment } = findPair(survey, {
    app: target.family,
    from: source.spec.name,
    to: target.spec.name,
  });
  return { source, target, environment };
}

/** Goes on with a promotion or a rollback, whoever began it. */
export async function resumeChange(
  change: Change,
  survey: Survey,
  deps: ChangeDeps,
  waitMs: number,
  signal: AbortSignal,
): Promise<ChangeReport> {
  const pair = await pairOf(survey, change);
  if (pair === undefined) {
    const target = await applicationAt(survey, detailOf(change).to);
    return continueRollback(change, target, survey, deps, waitMs, signal);
  }
  return advanceChange({
    change,
    target: pair.target,
    pair,
    planOn: (detail, parent) => planPromotion(pair, detail, parent, signal),
    survey,
    deps,
    waitMs,
    signal,
  });
}
