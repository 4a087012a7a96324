import { LandfallError } from '../kernel/index.ts';
import type { Change } from '../ledger/index.ts';
import { advanceChange, detailOf, findPair, planPromotion } from './promotion/index.ts';
import type { ChangeDeps, ChangeReport, Pair, Survey, SurveyedApplication } from './promotion/index.ts';
import { continueRollback } from './rollback/index.ts';

/** The application that one end of a change names. Throws `not-found` where its cluster is not looked at. */
export function applicationAt(
  survey: Survey,
  end: { readonly application: string; readonly namespace: string; readonly cluster: string },
): SurveyedApplication {
  const found = survey.applications.find(
    ({ spec, place }) =>
      spec.name === end.application &&
      spec.namespace === end.namespace &&
      place.sources.kube.server === end.cluster,
  );
  if (found !== undefined) return found;
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
export function pairOf(survey: Survey, change: Change): Pair | undefined {
  const { from, to } = detailOf(change);
  if (from === undefined) return undefined;
  const target = applicationAt(survey, to);
  const source = applicationAt(survey, from);
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
  const pair = pairOf(survey, change);
  if (pair === undefined) {
    const target = applicationAt(survey, detailOf(change).to);
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
