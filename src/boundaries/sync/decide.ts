import { getString } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { BoundaryReport, BoundaryState } from '../boundary.ts';
import { shortDigest } from '../names.ts';
import type { Reading } from '../reading.ts';
import { applicationSpec, applicationStatus, comparedToAnother, isSyncing } from './application.ts';
import type { ApplicationStatus, OperationFacts, ResourceState } from './application.ts';
import { syncCounts, syncCountsText } from './counts.ts';
import { claimsOf, resultName } from './claims.ts';
import { decideFluxSync, isFlux } from './flux.ts';
import { decideReleaseSync, isRelease } from './release.ts';

export interface SyncSubject {
  /** The Application as the cluster holds it. */
  readonly application: Reading<KubeObject>;
  /** The same right before the live objects were read: where an operation ended since, these may be of before it. */
  readonly before?: KubeObject;
  /** What the tracked revision names now: a commit, the digest of an artifact, the version of a chart. */
  readonly expected: Reading<string>;
  /** The commits of further sources, each of which the controller has to have. */
  readonly also?: readonly string[];
  /** When that commit was first seen at the tracked revision, in ms: a comparison after it must know the commit. */
  readonly expectedSince?: number;
  /** Where Flux fetches it from, as the cluster holds it. */
  readonly source?: KubeObject;
  /** Of the values of a HelmRelease as they are now, as Landfall's controller writes it. */
  readonly configDigest?: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How often the controller compares, in ms. Default 180,000, as Argo CD. */
  readonly pollMs?: number;
  /** How long one operation may take, in ms. Default 600,000. */
  readonly operationMs?: number;
}

const POLL = 180_000;
const OPERATION = 600_000;
/** What clocks of different machines may be apart, and a controller may add to its interval. */
const TOLERANCE = 60_000;
/** Argo CD keeps times to the second. */
const SKEW = 5000;

const BLOCKING = new Set(['ComparisonError', 'InvalidSpecError', 'UnknownError']);

interface Answer {
  readonly state: BoundaryState;
  readonly reason: string;
  readonly headline: string;
  readonly detail: string;
  readonly deadline?: number;
  /** What to do, where that is known. */
  readonly hint?: string;
}

/**
 * Boundary 4: did the controller fetch that revision and apply all of it? Reads the Application's status, whoever
 * wrote it. Synced alone proves nothing: it has to be about the commit that Git has now.
 */
export function decideSync(subject: SyncSubject): BoundaryReport {
  const { application } = subject;
  if (application.state !== 'read') {
    const absent = application.state === 'absent';
    return {
      boundary: 'sync',
      state: absent ? 'broken' : 'unknown',
      reason: absent ? 'application-missing' : 'application-unreadable',
      headline: absent ? 'no Application' : 'not readable',
      detail: application.why,
      claims: [],
    };
  }
  const object = application.value;
  if (isFlux(object)) return decideFluxSync(subject, object);
  if (isRelease(object)) return decideReleaseSync(subject, object);
  const status = applicationStatus(object);
  const { deadline, ...answer } = sinceThen(subject, status, judge(subject, object, status));
  const namespace = object.metadata.namespace;
  return {
    boundary: 'sync',
    ...answer,
    where: `Application ${namespace === undefined ? '' : `${namespace}/`}${object.metadata.name}`,
    claims: claimsOf(object, status, subject.now),
    ...(deadline === undefined ? {} : { deadline: new Date(deadline).toISOString() }),
  };
}

function judge(subject: SyncSubject, object: KubeObject, status: ApplicationStatus): Answer {
  if (object.metadata.deletionTimestamp !== undefined) {
    const detail = 'the Application is being deleted';
    return { state: 'broken', reason: 'application-deleting', headline: 'deleting', detail };
  }
  if (isSyncing(status)) return judgeRunning(subject, status);
  const blocking = status.conditions.find((condition) => BLOCKING.has(condition.type));
  if (blocking !== undefined) {
    return {
      state: 'broken',
      reason: 'comparison-failed',
      headline: blocking.type,
      detail: blocking.message,
    };
  }
  if (status.refresh !== undefined) {
    return waiting(subject, object, status, 'refresh-requested', 'asked to compare again, and has not yet');
  }
  const another = comparedToAnother(object);
  if (status.sync !== '' && another !== undefined) {
    const detail = `${status.sync} is about another spec.${another} than the Application has now`;
    return waiting(subject, object, status, 'compared-to-another', detail);
  }
  if (status.sync === '') {
    const created = Date.parse(object.metadata.creationTimestamp ?? '');
    const until = created + (subject.pollMs ?? POLL) + TOLERANCE;
    const detail = 'no controller has compared this Application with Git yet';
    return Number.isNaN(until) || subject.now > until
      ? { state: 'unknown', reason: 'never-compared', headline: 'never compared', detail }
      : { state: 'moving', reason: 'never-compared', headline: 'not compared yet', detail, deadline: until };
  }
  if (subject.expected.state !== 'read') {
    const detail = `${status.sync} at ${shortOf(status)}; what Git has now is not known: ${subject.expected.why}`;
    return { state: 'unknown', reason: 'revision-unknown', headline: status.sync, detail };
  }
  const expected = subject.expected.value;
  const missing = [expected, ...(subject.also ?? [])].find((commit) => !status.revisions.includes(commit));
  if (missing !== undefined) return judgeBehind(subject, object, status, missing);
  return judgeCompared(subject, object, status, expected);
}

/** What was synced while the cluster was read is looked at again: what was read of it may be older. */
function sinceThen({ before, now }: SyncSubject, status: ApplicationStatus, answer: Answer): Answer {
  if (before === undefined || answer.state !== 'proven') return answer;
  const work = ({ operation }: ApplicationStatus) =>
    [operation?.phase, operation?.revision, operation?.startedAt, operation?.finishedAt].join(' ');
  if (work(applicationStatus(before)) === work(status)) return answer;
  const detail = 'an operation ended while the cluster was read';
  return {
    state: 'moving',
    reason: 'synced-meanwhile',
    headline: answer.headline,
    detail,
    deadline: now + SKEW,
  };
}

function judgeRunning(subject: SyncSubject, status: ApplicationStatus): Answer {
  const { operation } = status;
  // The state may still be of the operation before the one that was asked for.
  const running =
    operation?.phase === 'Running' || operation?.phase === 'Terminating' ? operation : undefined;
  const deadline = (running?.startedAt ?? subject.now) + (subject.operationMs ?? OPERATION);
  const text = running === undefined ? 'an operation was asked for' : running.message || 'the operation runs';
  const retry = running !== undefined && running.retryCount > 0 ? ` (attempt ${running.retryCount + 1})` : '';
  const base = { headline: 'syncing', detail: `${text}${retry}` };
  return subject.now > deadline
    ? { ...base, state: 'broken', reason: 'operation-stuck' }
    : { ...base, state: 'moving', reason: 'syncing', deadline };
}

const SKIP = 'argocd.argoproj.io/skip-reconcile';

/** The controller still has another commit: it has not looked since, or it looked and did not see. */
function judgeBehind(
  subject: SyncSubject,
  object: KubeObject,
  status: ApplicationStatus,
  expected: string,
): Answer {
  const asks = isCommit(expected) ? 'Git has' : 'it asks for';
  const behind = `the controller has ${shortOf(status)}, ${asks} ${shortDigest(expected)}`;
  if (object.metadata.annotations?.[SKIP] === 'true') {
    const detail = `${behind}, and the annotation ${SKIP} keeps it so`;
    return { state: 'broken', reason: 'reconcile-skipped', headline: shortOf(status), detail };
  }
  const looked = status.reconciledAt;
  if (
    looked !== undefined &&
    subject.expectedSince !== undefined &&
    looked > subject.expectedSince + SKEW + TOLERANCE
  ) {
    return {
      state: 'broken',
      reason: 'revision-not-fetched',
      headline: shortOf(status),
      detail: `${behind}, and compared after that ${isCommit(expected) ? 'commit' : 'version'} was there`,
    };
  }
  return waiting(subject, object, status, 'revision-behind', behind);
}

function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(revision);
}

/** Landfall's own controller writes nothing when nothing changed, so an old time says nothing about it. */
const SILENT = 'landfall-controller';

/** Moving while the controller may still be on its way; unknown once it should long have looked. */
function waiting(
  subject: SyncSubject,
  object: KubeObject,
  status: ApplicationStatus,
  reason: string,
  why: string,
): Answer {
  const silent = (object.metadata.managedFields ?? []).some(
    (entry) => getString(entry, 'manager') === SILENT,
  );
  const seen = subject.expectedSince ?? (silent ? subject.now : 0);
  const until = Math.max(status.reconciledAt ?? 0, seen) + (subject.pollMs ?? POLL) + TOLERANCE;
  if (subject.now <= until) {
    return { state: 'moving', reason, headline: shortOf(status), detail: why, deadline: until };
  }
  const last =
    status.reconciledAt === undefined
      ? 'it has never compared'
      : `it last compared at ${new Date(status.reconciledAt).toISOString()}`;
  return {
    state: 'unknown',
    reason: 'stale',
    headline: shortOf(status),
    detail: `${why}; ${last}, so no controller seems to be at work`,
  };
}

function judgeCompared(
  subject: SyncSubject,
  object: KubeObject,
  status: ApplicationStatus,
  expected: string,
): Answer {
  const { operation } = status;
  const ours = operation?.revisions.includes(expected) === true ? operation : undefined;
  const at = shortDigest(expected);
  if (ours !== undefined && (ours.phase === 'Failed' || ours.phase === 'Error' || refusedOf(ours)))
    return failedAnswer(ours, at);
  const syncError = status.conditions.find((condition) => condition.type === 'SyncError');
  if (status.sync !== 'Synced' && syncError !== undefined) {
    return { state: 'broken', reason: 'sync-failed', headline: status.sync, detail: syncError.message };
  }
  if (status.sync === 'Synced') {
    return {
      state: 'proven',
      reason: 'synced',
      headline: at,
      detail: ours === undefined ? 'compared, nothing to do' : syncCountsText(syncCounts(ours.results)),
    };
  }
  if (status.sync !== 'OutOfSync') {
    const detail = `the controller could not compare the cluster with ${at}`;
    return { state: 'unknown', reason: 'comparison-unknown', headline: status.sync, detail };
  }
  return judgeOutOfSync(subject, object, status, ours, expected);
}

function judgeOutOfSync(
  subject: SyncSubject,
  object: KubeObject,
  status: ApplicationStatus,
  ours: OperationFacts | undefined,
  expected: string,
): Answer {
  const at = shortDigest(expected);
  const kept = new Set(
    (ours?.results ?? []).filter((result) => result.message === 'ignored (no prune)').map(resultName),
  );
  const prunable = status.resources.filter((item) => item.requiresPruning && !kept.has(resultName(item)));
  const different = status.resources.filter((item) => item.status === 'OutOfSync' && !item.requiresPruning);
  const { policy } = applicationSpec(object);
  if (ours?.phase === 'Succeeded') {
    if (prunable[0] !== undefined) return judgePrunable(subject, object, status, ours, prunable);
    const applied = new Set(ours.results.map(resultName));
    const left = different.filter((item) => !applied.has(resultName(item)));
    // Self-heal syncs what drifted after the whole had been applied; the history tells it from a selective sync.
    if (ours.partial && left[0] !== undefined && !status.history.includes(expected)) {
      const what = `the last sync was asked to apply some objects only: ${named(left)} not as ${at} asks`;
      return policy.automated && policy.selfHeal
        ? waiting(subject, object, status, 'out-of-sync', what)
        : { state: 'broken', reason: 'partly-synced', headline: 'OutOfSync', detail: what };
    }
    const counts = syncCountsText(syncCounts(ours.results));
    return {
      state: 'proven',
      reason: 'applied',
      headline: 'applied',
      detail: `${at}, ${counts}; ${named(different)} changed since`,
    };
  }
  const what = `${named(different.length > 0 ? different : prunable)} not as ${at} asks`;
  if (policy.automated && (prunable.length === 0 || different.length > 0 || policy.prune)) {
    return keptBack(subject, object, status, what);
  }
  return {
    state: 'broken',
    reason: 'not-synced',
    headline: 'OutOfSync',
    detail: `${what}; ${policy.automated ? 'pruning is not automated' : 'sync is not automated'}, and nobody has synced it`,
    hint: `Ask for a sync: landfall sync ${object.metadata.name} -n ${object.metadata.namespace ?? 'default'}`,
  };
}

/** Automated sync begins with the comparison that finds a difference; what compares and does not begin is kept from it. */
function keptBack(subject: SyncSubject, object: KubeObject, status: ApplicationStatus, what: string): Answer {
  const begun = `${what}; automated sync has not begun`;
  const { expectedSince: since, now } = subject;
  const looked = status.reconciledAt;
  const due = (since ?? Number.POSITIVE_INFINITY) + (subject.pollMs ?? POLL) + TOLERANCE;
  if (looked === undefined || looked <= due || now <= due)
    return waiting(subject, object, status, 'out-of-sync', begun);
  const { project } = applicationSpec(object);
  return {
    state: 'broken',
    reason: 'not-synced',
    headline: 'OutOfSync',
    detail: `${begun}, and it was compared again at ${new Date(looked).toISOString()}: a sync window of the project ${project} keeps it, or somebody has to sync it`,
  };
}

/** Objects that Git no longer asks for, that the controller wants gone and that are still there. */
function judgePrunable(
  subject: SyncSubject,
  object: KubeObject,
  status: ApplicationStatus,
  ours: OperationFacts,
  prunable: readonly ResourceState[],
): Answer {
  const { policy } = applicationSpec(object);
  const what = `${named(prunable)} no longer in Git and not deleted`;
  const names = new Set(prunable.map(resultName));
  const skipped = ours.results.some(
    (result) => result.status === 'PruneSkipped' && names.has(resultName(result)),
  );
  // It came up after the sync, which would have said of it that it was skipped: the next one takes it.
  if (!skipped && policy.automated && policy.prune)
    return waiting(subject, object, status, 'out-of-sync', `${what}; automated sync has not begun`);
  const why = skipped ? ', because pruning was not asked for' : ', and nobody has pruned it';
  return { state: 'broken', reason: 'prune-pending', headline: 'OutOfSync', detail: `${what}${why}` };
}

/** An object that was refused is refused, whatever the operation is called. */
function refusedOf(operation: OperationFacts): boolean {
  return operation.phase === 'Succeeded' && operation.results.some(({ status }) => status === 'SyncFailed');
}

function failedAnswer(operation: OperationFacts, at: string): Answer {
  const failed = operation.results.find(
    (result) => result.status === 'SyncFailed' || result.hookPhase === 'Failed',
  );
  const detail =
    failed === undefined
      ? operation.message
      : `${resultName(failed)}: ${failed.message || operation.message}`;
  return { state: 'broken', reason: 'sync-failed', headline: `${operation.phase} at ${at}`, detail };
}

function named(
  items: readonly { readonly kind: string; readonly namespace: string; readonly name: string }[],
): string {
  const [first] = items;
  if (first === undefined) return 'something is';
  return items.length === 1
    ? `${resultName(first)} is`
    : `${resultName(first)} and ${items.length - 1} more are`;
}

function shortOf(status: ApplicationStatus): string {
  return status.revisions.length === 0 ? 'no revision' : status.revisions.map(shortDigest).join(', ');
}
