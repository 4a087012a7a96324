import { getArray, getObject, getString, jsonEqual, textOf } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { applicationSpec } from '../../../boundaries/sync/index.ts';
import { comparedTo, kubeTime } from '../../status.ts';
import type { Steps } from './steps.ts';

type State = 'Waiting' | 'Pending' | 'Progressing' | 'Healthy';

/** One entry of `status.applicationStatus`. */
interface Standing {
  readonly application: string;
  readonly status: State;
  readonly message: string;
  readonly step: string;
  readonly targetRevisions: readonly string[];
  readonly lastTransitionTime: string;
}

/** Where a progressive sync stands. */
export interface Rollout {
  /** `status.applicationStatus`, in the order of names. */
  readonly statuses: readonly JsonObject[];
  /** Those that are to be synced now. */
  readonly pending: ReadonlySet<string>;
  readonly conditions: readonly RolloutCondition[];
}

export interface RolloutCondition {
  readonly type: 'RolloutProgressing' | 'InvalidRolloutConfig';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface RolloutQuestion {
  readonly steps: Steps;
  /** `status.applicationStatus` as it is stored. */
  readonly before: readonly JsonValue[];
  /** The Applications that are there. */
  readonly current: readonly KubeObject[];
  /** The set asks for another spec than the stored one. */
  readonly isChanged: (application: KubeObject) => boolean;
  readonly now: number;
}

/**
 * One look at a progressive sync: what each Application has come to, and who is next. A step begins when everything in
 * the steps before it is Healthy at its revision. Source: Argo CD applicationset/progressivesync/progressive_sync.go;
 * stricter in that what an Application says of itself counts only where it was compared with the spec that it has now.
 */
export function lookAtRollout(question: RolloutQuestion): Rollout {
  const { steps, current, before } = question;
  const byName = new Map(before.map((item) => [getString(item, 'application') ?? '', item] as const));
  const stands = current
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map((application) => standing(question, application, byName.get(application.metadata.name)));
  const promoted = promote(
    question,
    stands,
    allowed(steps, new Map(stands.map((one) => [one.application, one]))),
  );
  return {
    statuses: promoted.map((one) => ({ ...one, targetRevisions: [...one.targetRevisions] })),
    pending: new Set(
      promoted.flatMap(({ status, application }) => (status === 'Pending' ? [application] : [])),
    ),
    conditions: [configuration(steps), progress(steps, promoted)],
  };
}

function revisionsOf(application: KubeObject): readonly string[] {
  const several = getArray(application, 'status', 'sync', 'revisions').map(textOf);
  const one = getString(application, 'status', 'sync', 'revision') ?? '';
  return several.length > 0 ? several : one === '' ? [] : [one];
}

function stepText({ steps }: RolloutQuestion, name: string): string {
  const step = steps.stepOf.get(name);
  return step === undefined ? '-1' : String(step + 1);
}

function stored(item: JsonValue | undefined, application: string, step: string): Standing | undefined {
  if (item === undefined) return undefined;
  const status = (['Waiting', 'Pending', 'Progressing', 'Healthy'] as const).find(
    (state) => state === getString(item, 'status'),
  );
  return status === undefined
    ? undefined
    : {
        application,
        status,
        message: getString(item, 'message') ?? '',
        step,
        targetRevisions: getArray(item, 'targetRevisions').map(textOf),
        lastTransitionTime: getString(item, 'lastTransitionTime') ?? '',
      };
}

function standing(question: RolloutQuestion, application: KubeObject, item: JsonValue | undefined): Standing {
  const { now } = question;
  const { name } = application.metadata;
  const step = stepText(question, name);
  const revisions = revisionsOf(application);
  const moved = (one: Standing, status: State, message: string): Standing => ({
    ...one,
    status,
    message,
    lastTransitionTime: kubeTime(now),
  });
  const had = stored(item, name, step);
  let one: Standing = had ?? {
    application: name,
    status: 'Waiting',
    message: 'No Application status found, defaulting status to Waiting',
    step,
    targetRevisions: revisions,
    lastTransitionTime: kubeTime(now),
  };
  const isOther = question.isChanged(application);
  const isNewer = !jsonEqual([...one.targetRevisions], [...revisions]);
  // Nothing was known of its revision before it was compared for the first time.
  const isFirst = one.targetRevisions.length === 0;
  if (isOther || (isNewer && !isFirst)) {
    const what = isOther ? (isNewer ? ' (revision and spec differ)' : ' (spec differs)') : '';
    const message = `Application has pending changes${what}, setting status to Waiting`;
    if (one.status !== 'Waiting' || one.message !== message) one = moved(one, 'Waiting', message);
  }
  one = { ...one, targetRevisions: revisions };
  if (isOther || !isCurrent(application)) return one;
  const isSynced = getString(application, 'status', 'sync', 'status') === 'Synced';
  const isHealthy = getString(application, 'status', 'health', 'status') === 'Healthy';
  if (one.status === 'Waiting' && isSynced && !isRunning(application)) {
    return isHealthy
      ? moved(one, 'Healthy', 'Application resource has synced, updating status to Healthy')
      : moved(one, 'Progressing', 'Application resource has synced, updating status to Progressing');
  }
  if (one.status === 'Pending') {
    const message = begun(application, one.lastTransitionTime);
    if (message !== undefined) return moved(one, 'Progressing', message);
  }
  if (one.status === 'Progressing' && isSynced && isHealthy && !isRunning(application)) {
    return moved(
      one,
      'Healthy',
      'Application resource became Healthy, updating status from Progressing to Healthy',
    );
  }
  return one;
}

/** What it says of itself is about the spec that it has. */
function isCurrent(application: KubeObject): boolean {
  const said = getObject(application, 'status', 'sync', 'comparedTo');
  return said !== undefined && jsonEqual(said, comparedTo(application, applicationSpec(application)));
}

function isRunning(application: KubeObject): boolean {
  const phase = getString(application, 'status', 'operationState', 'phase');
  return getObject(application, 'operation') !== undefined || phase === 'Running' || phase === 'Terminating';
}

/** A sync began since then, or cannot: in Argo CD's words. */
function begun(application: KubeObject, since: string): string | undefined {
  if (hasBegun(application, since)) {
    const phase = getString(application, 'status', 'operationState', 'phase');
    const what =
      phase === 'Succeeded'
        ? 'completed a sync successfully'
        : phase === 'Failed' || phase === 'Error'
          ? 'completed a sync'
          : 'became Progressing';
    return `Application resource ${what}, updating status from Pending to Progressing`;
  }
  const isWrong = getArray(application, 'status', 'conditions').some((condition) =>
    ['InvalidSpecError', 'UnknownError'].includes(getString(condition, 'type') ?? ''),
  );
  return isWrong
    ? 'Application resource has error and cannot sync, updating status to Progressing'
    : undefined;
}

/** A sync began then or later. Times are kept to the second, and one may begin in the second that asks for it. */
export function hasBegun(application: KubeObject, since: string): boolean {
  const started = Date.parse(getString(application, 'status', 'operationState', 'startedAt') ?? '');
  return getObject(application, 'operation') === undefined && started >= Date.parse(since);
}

/** The Applications of every step whose earlier steps have all come to their end. */
function allowed(steps: Steps, stands: ReadonlyMap<string, Standing>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const members of steps.members) {
    for (const name of members) names.add(name);
    if (!members.every((name) => stands.get(name)?.status === 'Healthy')) break;
  }
  return names;
}

function promote(
  { steps, current, now }: RolloutQuestion,
  stands: readonly Standing[],
  mayGo: ReadonlySet<string>,
): readonly Standing[] {
  const compared = new Map(
    current
      .filter((application) => getString(application, 'status', 'sync', 'status') !== undefined)
      .map((application) => [application.metadata.name, application] as const),
  );
  const ofStep = (step: number) => stands.filter(({ application }) => steps.stepOf.get(application) === step);
  const busy = steps.members.map(
    (_, step) => ofStep(step).filter(({ status }) => status === 'Pending' || status === 'Progressing').length,
  );
  return stands.map((one) => {
    const step = steps.stepOf.get(one.application);
    if (step === undefined || one.status !== 'Waiting') return one;
    const application = compared.get(one.application);
    if (!mayGo.has(one.application) || application === undefined) return one;
    if ((busy[step] ?? 0) >= steps.limit(step, ofStep(step).length)) return one;
    busy[step] = (busy[step] ?? 0) + 1;
    return {
      ...one,
      status: 'Pending',
      message:
        'Application moved to Pending status, watching for the Application resource to start Progressing',
      lastTransitionTime: kubeTime(afterLast(application, now)),
    };
  });
}

/** Later than its last sync began, so that the next one is told from it. */
function afterLast(application: KubeObject, now: number): number {
  const last = Date.parse(getString(application, 'status', 'operationState', 'startedAt') ?? '');
  return Number.isNaN(last) ? now : Math.max(now, last + 1000);
}

function configuration({ problem }: Steps): RolloutCondition {
  const type = 'InvalidRolloutConfig';
  return problem === undefined
    ? {
        type,
        status: 'False',
        reason: 'ApplicationSetValidRolloutConfig',
        message: 'Rolling Sync Configured correctly',
      }
    : { type, status: 'True', reason: 'ApplicationSetInvalidRolloutConfig', message: problem };
}

function progress({ members }: Steps, stands: readonly Standing[]): RolloutCondition {
  const type = 'RolloutProgressing';
  const at = members.findIndex((_, step) =>
    stands.some((one) => one.step === String(step + 1) && one.status !== 'Healthy'),
  );
  return at < 0
    ? {
        type,
        status: 'False',
        reason: 'ApplicationSetRolloutComplete',
        message: 'ApplicationSet Rollout has completed',
      }
    : {
        type,
        status: 'True',
        reason: 'ApplicationSetModified',
        message: `ApplicationSet is performing rollout of step ${at + 1}`,
      };
}
