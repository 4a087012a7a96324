import { asLandfallError, mapBounded } from '../../kernel/index.ts';
import type { Change, Hold } from '../../ledger/index.ts';
import { prove } from '../../verdict/index.ts';
import type { VerdictState } from '../../verdict/index.ts';
import type { ChangeDeps } from './deps.ts';
import { soakGate } from './gates.ts';
import { detailOf } from './record.ts';
import { releaseIn, releaseKey, releaseName, sameRelease } from './release.ts';
import type { FoundRelease } from './release.ts';
import { familyEnvironments, subjectOfApplication } from './survey.ts';
import type { Survey, SurveyedApplication } from './survey.ts';

/** What an application can be promoted to next. Plain JSON. */
export interface NextPromotion {
  readonly environment: string;
  readonly application: string;
  /** `same`: it is there already. `ready`: it may go. `waits`: for what the text says. `held`: somebody has to lift that. */
  readonly state: 'same' | 'ready' | 'waits' | 'held';
  readonly text: string;
}

/** One application in the graph of what is where. Plain JSON. */
export interface ReleaseRow {
  readonly family: string;
  readonly environment: string;
  readonly application: string;
  readonly namespace: string;
  readonly cluster: string;
  readonly context: string;
  readonly release: string;
  readonly version: string | null;
  readonly commit: string | null;
  readonly digest: string | null;
  /** Commit of the deployment repository that is tracked. */
  readonly revision: string | null;
  readonly state: VerdictState;
  readonly verdict: string;
  /** Since when it has been seen as landed without a break. */
  readonly since: string | null;
  readonly holds: readonly Hold[];
  /** A promotion or rollback into it that is under way. */
  readonly underWay: {
    readonly id: string;
    readonly kind: Change['kind'];
    readonly state: string;
    readonly message: string;
    readonly release: string;
  } | null;
  readonly next: readonly NextPromotion[];
  /** Why it could not be looked at. */
  readonly problem: string | null;
}

interface Looked {
  readonly application: SurveyedApplication;
  readonly release: FoundRelease | undefined;
  readonly row: Omit<ReleaseRow, 'next'>;
}

const AT_ONCE = 4;

async function look(
  application: SurveyedApplication,
  deps: ChangeDeps,
  signal: AbortSignal,
): Promise<Looked> {
  const { spec, place, family, environment } = application;
  const subject = subjectOfApplication(application);
  const [change] = await deps.ledger.changes.open(subject);
  const base = {
    family,
    environment,
    ...subject,
    context: place.context,
    holds: (await deps.ledger.holds.list(subject)).toReversed(),
    underWay:
      change === undefined
        ? null
        : {
            id: change.id,
            kind: change.kind,
            state: change.state,
            message: change.message,
            release: releaseName(detailOf(change).release),
          },
  };
  try {
    const seen = await prove(place.sources, deps.questionFor(application), signal);
    await deps.remember(application, seen);
    const release = releaseIn(seen);
    const standing = await deps.ledger.standings.get(subject);
    const { verdict } = seen.proof;
    return {
      application,
      release,
      row: {
        ...base,
        release: releaseName(release),
        version: release.version ?? null,
        commit: release.commit ?? null,
        digest: release.digest ?? null,
        revision: release.revision ?? null,
        state: verdict.state,
        verdict: verdict.summary,
        since:
          verdict.state === 'landed' && standing?.release === releaseKey(release) ? standing.since : null,
        problem: null,
      },
    };
  } catch (thrown) {
    signal.throwIfAborted();
    const { message } = asLandfallError(thrown);
    return {
      application,
      release: undefined,
      row: {
        ...base,
        release: '',
        version: null,
        commit: null,
        digest: null,
        revision: null,
        state: 'unproven',
        verdict: 'unproven',
        since: null,
        problem: `${spec.name}: ${message}`,
      },
    };
  }
}

function nextOf(from: Looked, to: Looked, soakMs: number, now: number): NextPromotion {
  const { environment, application, holds, underWay } = to.row;
  const base = { environment, application };
  if (from.release === undefined || to.release === undefined)
    return { ...base, state: 'waits', text: 'is not known' };
  if (sameRelease(from.release, to.release)) return { ...base, state: 'same', text: 'is there' };
  if (underWay !== null)
    return {
      ...base,
      state: 'waits',
      text: `${underWay.kind} ${underWay.id} of ${underWay.release}: ${underWay.message || underWay.state}`,
    };
  const hold = holds.find(({ kind }) => kind === 'promotion');
  if (hold !== undefined) return { ...base, state: 'held', text: `held: ${hold.reason}` };
  if (from.row.state !== 'landed')
    return { ...base, state: 'waits', text: `${from.row.verdict} in ${from.row.environment}` };
  const { since } = from.row;
  const standing = since === null ? undefined : { release: releaseKey(from.release), since, seen: since };
  const soak = soakGate({ soakMs, release: releaseKey(from.release), standing, now });
  return soak.state === 'open'
    ? { ...base, state: 'ready', text: 'may go' }
    : { ...base, state: 'waits', text: `soak: ${soak.text}` };
}

/** What is where, and what could go on, in the order in which a release passes through. */
export async function releasesOf(
  survey: Survey,
  members: readonly SurveyedApplication[],
  deps: ChangeDeps,
  signal: AbortSignal,
): Promise<readonly ReleaseRow[]> {
  const looked = await mapBounded(members, AT_ONCE, (member) => look(member, deps, signal));
  const rows: { readonly row: ReleaseRow; readonly rank: number }[] = [];
  for (const each of looked) {
    const { application } = each;
    const environments = familyEnvironments(survey, application);
    const rank = environments.findIndex(({ name }) => name === application.environment);
    const after = environments.filter(({ from }) => from === application.environment);
    const next = after.flatMap((environment) =>
      looked
        .filter(
          (other) =>
            other.application.family === application.family &&
            other.application.environment === environment.name,
        )
        .map((other) => nextOf(each, other, environment.policy.soak ?? 0, deps.clock.now())),
    );
    rows.push({ row: { ...each.row, next }, rank });
  }
  return rows
    .toSorted(
      (a, b) =>
        (a.row.family < b.row.family ? -1 : a.row.family > b.row.family ? 1 : 0) ||
        a.rank - b.rank ||
        (a.row.application < b.row.application ? -1 : 1),
    )
    .map(({ row }) => row);
}
