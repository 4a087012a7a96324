import { getArray, getObject, getString, textOf } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { ApplicationSpec } from '../boundaries/sync/index.ts';
import type { LedgerSubject } from '../ledger/index.ts';
import type { JournalSubject } from './journals.ts';
import type { Subject } from './look.ts';
import type { SyncRequest } from './operation.ts';
import { result } from './outcome.ts';
import type { SyncOutcome } from './outcome.ts';
import { kubeTime, namespaceFields } from './status.ts';

/** What names one attempt at an operation. */
export interface Attempted {
  readonly operation: JsonObject;
  readonly startedAt: string;
  readonly retryCount: number;
  readonly commit: string;
  readonly request: SyncRequest;
}

/** One attempt at an operation. */
export interface Run {
  readonly operation: JsonObject;
  readonly startedAt: string;
  readonly retryCount: number;
  readonly commit: string;
  /** `revision` and `source`, or those of several. */
  readonly delivered: JsonObject;
  readonly request: SyncRequest;
  /** What earlier turns of this attempt wrote. */
  readonly going: JsonObject | undefined;
  /** Milliseconds since the epoch. */
  readonly begun: number;
}

/** What the state of an operation says once an attempt has ended. */
export function endMessage(outcome: SyncOutcome, retryCount: number, retryAt: number | undefined): string {
  if (retryAt !== undefined) {
    return `${outcome.message}. Retrying attempt #${retryCount + 1} at ${kubeTime(retryAt)}.`;
  }
  return retryCount > 0 && outcome.phase !== 'Succeeded'
    ? `${outcome.message} (retried ${retryCount} times).`
    : outcome.message;
}

/** What the application's project does not let it apply. */
export function refusals(
  { project, cluster }: Subject,
  objects: readonly KubeObject[],
): readonly JsonObject[] {
  return objects.flatMap((object) => {
    const refusal = project.refusal(object, cluster);
    return refusal === undefined ? [] : [result(object, 'SyncFailed', refusal)];
  });
}

/** The commits that earlier turns of the attempt worked on: a branch that moved meanwhile is for the next one. */
export function recordedRevisions(going: JsonObject | undefined): readonly string[] | undefined {
  const several = getArray(going, 'revisions').filter((item): item is string => typeof item === 'string');
  if (several.length > 0) return several;
  const one = getString(going, 'revision');
  return one === undefined || one === '' ? undefined : [one];
}

/** What the operation itself names; undefined: what its sources track. */
export function askedRevisions(request: SyncRequest): readonly string[] | undefined {
  return request.revisions ?? (request.revision === undefined ? undefined : [request.revision]);
}

/** `argocd.argoproj.io/deletion-approved`: somebody looked, after the operation had begun, and agreed. */
export function isApproved(application: KubeObject, startedAt: string): boolean {
  const text = application.metadata.annotations?.['argocd.argoproj.io/deletion-approved'];
  const at = Date.parse(text ?? '');
  return !Number.isNaN(at) && at >= Date.parse(startedAt);
}

/** The application as the ledger names it. */
export function ledgerSubject({
  application,
  cluster,
}: Pick<Subject, 'application' | 'cluster'>): LedgerSubject {
  const { name, namespace = '' } = application.metadata;
  return { cluster: cluster.client.server, namespace, application: name };
}

/** The attempt as the ledger names it. */
export function journalSubject(subject: Subject, run: Attempted): JournalSubject {
  const { request } = run;
  const isFirst = getArray(subject.application, 'status', 'history').length === 0;
  return {
    ...ledgerSubject(subject),
    attemptedAt: new Date(Date.parse(run.startedAt) + run.retryCount).toISOString(),
    operationId: `${run.startedAt} ${run.retryCount} ${run.commit.slice(0, 12)}`,
    revision: run.commit,
    user: getString(run.operation, 'initiatedBy', 'username'),
    onFailure: subject.policy.onFailure,
    // Before the first delivery there is nothing to go back to; part of one is about drift.
    watched: !isFirst && !request.dryRun && request.only.length === 0,
  };
}

/** Somebody has asked for its end. */
export function isTerminating(application: KubeObject): boolean {
  return getString(application, 'status', 'operationState', 'phase') === 'Terminating';
}

/** The commits of the last comparison, while they are about the same sources. */
export function comparedRevisions(
  application: KubeObject,
  spec: ApplicationSpec,
): readonly string[] | undefined {
  const sync = getObject(application, 'status', 'sync');
  const single = getString(sync, 'revision');
  const known = spec.multiple
    ? getArray(sync, 'revisions').filter((item): item is string => typeof item === 'string')
    : single === undefined
      ? []
      : [single];
  return known.length === spec.sources.length ? known : undefined;
}

/** `status.operationState` while the attempt goes on. */
export function runningState(application: KubeObject, run: Run, outcome: SyncOutcome): JsonObject {
  return {
    operation: run.operation,
    // Somebody who ends the operation meanwhile is not overwritten.
    phase: isTerminating(application) ? 'Terminating' : 'Running',
    ...(run.retryCount > 0 ? { retryCount: run.retryCount } : {}),
    message: outcome.message,
    syncResult: { ...run.delivered, ...namespaceFields(application), resources: [...outcome.results] },
    startedAt: run.startedAt,
  };
}

/** False for a sync to a commit that is not the tracked one (a rollback): it says nothing about the tracked one. */
export function isTracked(application: KubeObject, { request, commit }: Run): boolean {
  const compared = getArray(application, 'status', 'sync', 'revisions').map(textOf).join(', ');
  return (
    (request.revision === undefined && request.revisions === undefined) ||
    (getString(application, 'status', 'sync', 'revision') ?? compared) === commit
  );
}
