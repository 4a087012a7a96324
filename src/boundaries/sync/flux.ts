import { getArray, getIn, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { BoundaryReport, BoundaryState, Claim } from '../boundary.ts';
import { shortDigest } from '../names.ts';
import { objectSource } from '../source.ts';
import { durationMs } from './application.ts';
import type { SyncSubject } from './decide.ts';

export function isFlux(object: KubeObject): boolean {
  return object.kind === 'Kustomization' && object.apiVersion.startsWith('kustomize.toolkit.fluxcd.io/');
}

/** The commit in a revision of an artifact (`main@sha1:…`, and its older form `main/…`); of an OCI artifact the hex of its digest. */
export function fluxCommit(revision: string): string | undefined {
  return /(?:^|[@/:])(?:sha(?:1|256):)?([0-9a-f]{64}|[0-9a-f]{40})$/.exec(revision)?.[1];
}

/** When somebody last changed what the object asks for, ms since the epoch, by its managed fields. */
export function changedAt(object: KubeObject): number | undefined {
  const times = (object.metadata.managedFields ?? []).flatMap((entry) => {
    const isStatus = getString(entry, 'subresource') === 'status';
    const asks = getIn(entry, 'fieldsV1', 'f:spec') !== undefined;
    const time = Date.parse(getString(entry, 'time') ?? '');
    return isStatus || !asks || Number.isNaN(time) ? [] : [time];
  });
  return times.length === 0 ? undefined : Math.max(...times);
}

/** A controller that runs takes up a new object, and fetches a new source, within that many ms. */
const FIRST_LOOK = 180_000;
/** kustomize-controller and helm-controller, of a source or chart that is on its way. */
export const NOT_FETCHED = /source artifact not found|is not ready: (?:latest generation|.*artifact)/i;

/** Until when it may be that nobody has come to an object yet, ms since the epoch. */
export function freshUntil(object: KubeObject): number {
  const created = Date.parse(object.metadata.creationTimestamp ?? '');
  return Number.isNaN(created) ? 0 : created + FIRST_LOOK;
}

const TOLERANCE = 60_000;
const OPERATION = 600_000;

interface Answer {
  readonly state: BoundaryState;
  readonly reason: string;
  readonly headline: string;
  readonly detail: string;
  readonly deadline?: number;
}

export function fluxCondition(object: KubeObject, type: string): JsonValue | undefined {
  return getArray(object, 'status', 'conditions').find((item) => getString(item, 'type') === type);
}

/** Boundary 4 of a Flux Kustomization: Ready counts only for this generation and for the commit that Git has now. */
export function decideFluxSync(subject: SyncSubject, object: KubeObject): BoundaryReport {
  const { deadline, ...answer } = judge(subject, object);
  const { name, namespace = '' } = object.metadata;
  return {
    boundary: 'sync',
    ...answer,
    where: `Kustomization ${namespace}/${name}`,
    claims: claimsOf(object, subject.now),
    ...(deadline === undefined ? {} : { deadline: new Date(deadline).toISOString() }),
  };
}

function judge(subject: SyncSubject, object: KubeObject): Answer {
  const { now } = subject;
  const ready = fluxCondition(object, 'Ready');
  const status = getString(ready, 'status');
  const reason = getString(ready, 'reason') ?? '';
  const message = getString(ready, 'message') ?? '';
  const since = Date.parse(getString(ready, 'lastTransitionTime') ?? '');
  const applied = fluxCommit(getString(object, 'status', 'lastAppliedRevision') ?? '');
  const suspended = getIn(object, 'spec', 'suspend') === true;
  if (object.metadata.deletionTimestamp !== undefined) {
    const detail = 'the Kustomization is being deleted';
    return { state: 'broken', reason: 'application-deleting', headline: 'deleting', detail };
  }
  if (status === undefined) {
    const detail = 'no controller has reconciled this Kustomization yet';
    const deadline = freshUntil(object);
    const answer = { reason: 'never-compared', headline: 'never reconciled', detail };
    return now <= deadline ? { ...answer, state: 'moving', deadline } : { ...answer, state: 'unknown' };
  }
  const current = getIn(object, 'status', 'observedGeneration') === object.metadata.generation;
  if (status === 'Unknown' || (status === 'True' && !current && !suspended)) {
    // It may wait for health as long as its own timeout, which is its interval where it has none.
    const own = durationMs(getString(object, 'spec', 'timeout') ?? getString(object, 'spec', 'interval'));
    const began = Math.max(Number.isNaN(since) ? now : since, changedAt(object) ?? 0);
    const deadline = began + Math.max(OPERATION, own ?? 0);
    const detail = message || 'the controller has not seen this generation yet';
    return now > deadline
      ? { state: 'broken', reason: 'operation-stuck', headline: 'reconciling', detail }
      : { state: 'moving', reason: 'syncing', headline: 'reconciling', detail, deadline };
  }
  if (status === 'False' && NOT_FETCHED.test(message)) {
    const deadline = Math.max(Number.isNaN(since) ? 0 : since, freshUntil(object) - FIRST_LOOK) + FIRST_LOOK;
    if (now <= deadline)
      return { state: 'moving', reason: 'source-not-fetched', headline: reason, detail: message, deadline };
  }
  const attempted = fluxCommit(getString(object, 'status', 'lastAttemptedRevision') ?? '');
  if (
    reason === 'HealthCheckFailed' &&
    subject.expected.state === 'read' &&
    attempted === fluxCommit(subject.expected.value)
  ) {
    // It was applied; what is not healthy is the next boundary's.
    const detail = `applied, and then: ${message}`;
    return { state: 'proven', reason: 'applied', headline: shortDigest(subject.expected.value), detail };
  }
  if (status !== 'True') {
    const waits = reason === 'DependencyNotReady';
    const failed =
      reason === 'ReconciliationFailed' || reason === 'PruneFailed' || reason === 'HealthCheckFailed';
    return {
      state: waits ? 'unknown' : 'broken',
      reason: waits ? 'dependency-not-ready' : failed ? 'sync-failed' : 'comparison-failed',
      headline: reason || 'not ready',
      detail: message,
    };
  }
  if (subject.expected.state !== 'read') {
    const detail = `Ready at ${shortDigest(applied ?? '')}; what its source has now is not known: ${subject.expected.why}`;
    return { state: 'unknown', reason: 'revision-unknown', headline: 'Ready', detail };
  }
  const expected = subject.expected.value;
  if (applied !== undefined && applied === fluxCommit(expected)) {
    const detail = `${message}${suspended ? '; it is suspended, and what comes next will not be applied' : ''}`;
    const included = suspended ? undefined : includedSince(subject, object);
    return included === undefined
      ? { state: 'proven', reason: 'synced', headline: shortDigest(expected), detail }
      : {
          state: 'proven',
          reason: INCLUDED_SINCE,
          headline: shortDigest(expected),
          detail: `${detail}; what its GitRepository includes changed since, which it takes at its next interval`,
          deadline: included,
        };
  }
  const behind = `the controller applied ${shortDigest(applied ?? 'nothing')}, ${where(subject)} has ${shortDigest(expected)}`;
  if (suspended) {
    const detail = `${behind}, and spec.suspend keeps it so`;
    return { state: 'broken', reason: 'revision-not-fetched', headline: 'suspended', detail };
  }
  if (getIn(subject.source, 'spec', 'suspend') === true) {
    const { kind, metadata } = subject.source ?? object;
    const detail = `${behind}, and spec.suspend of the ${kind} ${metadata.name} keeps it so`;
    return { state: 'broken', reason: 'source-suspended', headline: shortDigest(applied ?? ''), detail };
  }
  const interval = (durationMs(getString(object, 'spec', 'interval')) ?? 600_000) + (subject.pollMs ?? 0);
  const until = (subject.expectedSince ?? now) + interval + TOLERANCE;
  return now > until
    ? {
        state: 'broken',
        reason: 'revision-not-fetched',
        headline: shortDigest(applied ?? ''),
        detail: behind,
      }
    : {
        state: 'moving',
        reason: 'revision-behind',
        headline: shortDigest(applied ?? ''),
        detail: behind,
        deadline: until,
      };
}

/** Synced as far as the revision goes, while what the source includes is newer than what was applied last. */
export const INCLUDED_SINCE = 'synced-before-include';

/**
 * Until when a Kustomization may still be without what its source includes, ms since the epoch: a source that includes
 * others gets a new artifact of the same revision, and a Kustomization takes only another revision at once. Undefined
 * where it has, or should have. Source: kustomize-controller, SourceRevisionChangePredicate.
 */
function includedSince({ source, now }: SyncSubject, object: KubeObject): number | undefined {
  if (getArray(source, 'spec', 'include').length === 0) return undefined;
  const made = Date.parse(getString(source, 'status', 'artifact', 'lastUpdateTime') ?? '');
  const [last] = getArray(object, 'status', 'history');
  const applied = Date.parse(getString(last, 'lastReconciled') ?? '');
  const until = made + (durationMs(getString(object, 'spec', 'interval')) ?? 600_000) + TOLERANCE;
  return Number.isNaN(made) || applied > made || now > until ? undefined : until;
}

/** Commits come from Git, digests from a registry. */
function where({ expected }: SyncSubject): string {
  return expected.state === 'read' && expected.value.startsWith('sha256:') ? 'the registry' : 'Git';
}

function claimsOf(object: KubeObject, now: number): readonly Claim[] {
  const subject = `Kustomization/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  const at = new Date(now).toISOString();
  const claim = (attribute: string, value: string | undefined): Claim[] =>
    value === undefined || value === ''
      ? []
      : [{ subject, attribute, value, boundary: 'sync', source: objectSource(object), at }];
  return [
    ...claim('status.lastAppliedRevision', getString(object, 'status', 'lastAppliedRevision')),
    ...claim('status.conditions[Ready]', getString(fluxCondition(object, 'Ready'), 'status')),
  ];
}
