import { getArray, getIn, getNumber, getString } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { BoundaryReport, BoundaryState, Claim } from '../boundary.ts';
import { shortDigest } from '../names.ts';
import { objectSource } from '../source.ts';
import { durationMs } from './application.ts';
import type { SyncSubject } from './decide.ts';
import { NOT_FETCHED, changedAt, fluxCondition, freshUntil } from './flux.ts';

/** One release of `status.history`. */
interface Released {
  readonly number: number;
  readonly chart: string;
  readonly status: string;
  readonly configDigest: string;
}

interface Answer {
  readonly state: BoundaryState;
  readonly reason: string;
  readonly headline: string;
  readonly detail: string;
  readonly hint?: string;
  readonly deadline?: number;
}

const TOLERANCE = 60_000;
/** helm-controller's default for one action. */
const TIMEOUT = 300_000;

/** An install or upgrade that came to its end without success, and what helm-controller did about it. */
const FAILED_RELEASE =
  /^(?:InstallFailed|UpgradeFailed|TestFailed|RollbackFailed|RollbackSucceeded|UninstallFailed|UninstallSucceeded|RetriesExceeded|MissingRollbackTarget|StalledResources)$/;
/** helm, kstatus and Landfall's controller, of objects that are applied and not ready. */
const NOT_READY =
  /timed out waiting|context deadline exceeded|timeout waiting|is not ready|not healthy|resources? not ready/i;

export function isRelease(object: KubeObject): boolean {
  return object.kind === 'HelmRelease' && object.apiVersion.startsWith('helm.toolkit.fluxcd.io/');
}

/** The releases that its controller keeps, the newest first. */
export function releasesOf(object: KubeObject): readonly Released[] {
  return getArray(object, 'status', 'history')
    .map((item) => ({
      number: getNumber(item, 'version') ?? 0,
      chart: getString(item, 'chartVersion') ?? '',
      status: getString(item, 'status') ?? '',
      configDigest: getString(item, 'configDigest') ?? '',
    }))
    .toSorted((a, b) => b.number - a.number);
}

/**
 * Boundary 4 of a HelmRelease: Ready counts only for this generation, and for the chart that it asks for now. What
 * failed and was rolled back is no delivery, however well the old release runs. Source: helm-controller v2 API.
 */
export function decideReleaseSync(subject: SyncSubject, object: KubeObject): BoundaryReport {
  const { deadline, ...answer } = judge(subject, object);
  const { name, namespace = '' } = object.metadata;
  return {
    boundary: 'sync',
    ...answer,
    where: `HelmRelease ${namespace}/${name}`,
    claims: claimsOf(object, subject.now),
    ...(deadline === undefined ? {} : { deadline: new Date(deadline).toISOString() }),
  };
}

function judge(subject: SyncSubject, object: KubeObject): Answer {
  const { now } = subject;
  if (object.metadata.deletionTimestamp !== undefined) {
    const detail = 'the HelmRelease is being deleted';
    return { state: 'broken', reason: 'application-deleting', headline: 'deleting', detail };
  }
  const ready = fluxCondition(object, 'Ready');
  const status = getString(ready, 'status');
  const reason = getString(ready, 'reason') ?? '';
  const message = getString(ready, 'message') ?? '';
  const suspended = getIn(object, 'spec', 'suspend') === true;
  if (status === undefined) {
    const detail = suspended
      ? 'no controller has reconciled this HelmRelease, and spec.suspend keeps it so'
      : 'no controller has reconciled this HelmRelease yet';
    const deadline = freshUntil(object);
    const answer = { reason: 'never-compared', headline: 'never reconciled', detail };
    return now <= deadline && !suspended
      ? { ...answer, state: 'moving', deadline }
      : { ...answer, state: 'unknown' };
  }
  if (reason === 'HelmMissing') {
    const hint = 'Install helm where the controller runs.';
    return { state: 'unknown', reason: 'helm-missing', headline: 'not rendered', detail: message, hint };
  }
  if (suspended) return judgeSuspended(subject, object, reason, message);
  if (status === 'Unknown') {
    const since = Date.parse(getString(ready, 'lastTransitionTime') ?? '');
    const began = Math.max(Number.isNaN(since) ? now : since, changedAt(object) ?? 0);
    const deadline = began + timeoutOf(object) + TOLERANCE;
    return now > deadline
      ? { state: 'broken', reason: 'operation-stuck', headline: 'reconciling', detail: message }
      : { state: 'moving', reason: 'syncing', headline: 'reconciling', detail: message, deadline };
  }
  // What is said of an earlier generation is no answer for this one.
  const of = getNumber(ready, 'observedGeneration') ?? getNumber(object, 'status', 'observedGeneration');
  const isOld = of !== undefined && of !== object.metadata.generation;
  if (isOld) return unseen(subject, object, 'the controller has not seen this generation yet');
  if (status !== 'True' && NOT_FETCHED.test(message) && now <= freshUntil(object)) {
    const deadline = freshUntil(object);
    return { state: 'moving', reason: 'source-not-fetched', headline: reason, detail: message, deadline };
  }
  if (status !== 'True') return judgeFailed(subject, object, reason, message);
  if (getNumber(object, 'status', 'observedGeneration') !== object.metadata.generation)
    return unseen(subject, object, 'the controller has not finished this generation yet');
  return judgeReady(subject, object, message);
}

function timeoutOf(object: KubeObject): number {
  return durationMs(getString(object, 'spec', 'timeout')) ?? TIMEOUT;
}

/** Moving while the controller may be on its way to it; unknown once it should long have been there. */
function unseen(subject: SyncSubject, object: KubeObject, detail: string): Answer {
  const headline = releasesOf(object)[0]?.chart ?? 'not released';
  const changed = changedAt(object);
  const deadline = (changed ?? 0) + timeoutOf(object) + TOLERANCE;
  return subject.now <= deadline
    ? { state: 'moving', reason: 'revision-behind', headline, detail, deadline }
    : {
        state: 'unknown',
        reason: 'stale',
        headline,
        detail: `${detail}; it was changed ${changed === undefined ? 'some time ago' : `at ${new Date(changed).toISOString()}`}, so no controller seems to be at work`,
      };
}

/** The suspended one is not looked at: that what is there is what it asks for, nobody but the cluster can say. */
function judgeSuspended(subject: SyncSubject, object: KubeObject, reason: string, message: string): Answer {
  const [newest] = releasesOf(object);
  const headline = 'suspended';
  const { expected } = subject;
  if (FAILED_RELEASE.test(reason)) {
    const failed = judgeFailed(subject, object, reason, message);
    return { ...failed, detail: `${failed.detail}; spec.suspend keeps it so` };
  }
  if (expected.state === 'read' && !isChart(newest?.chart, expected.value)) {
    const detail = `${behindText(newest, expected.value)}, and spec.suspend keeps it so`;
    return { state: 'broken', reason: 'revision-not-fetched', headline, detail };
  }
  const detail = `its controller does not look at it (spec.suspend), so whether everything that it asks for was applied is not known; the last release is ${newest === undefined ? 'none' : named(newest)}`;
  return {
    state: 'unknown',
    reason: 'suspended',
    headline,
    detail,
    hint: `flux resume helmrelease ${object.metadata.name} -n ${object.metadata.namespace ?? 'default'}`,
  };
}

function named(released: Released): string {
  return `v${released.number} with chart ${released.chart}, ${released.status}`;
}

function judgeFailed(subject: SyncSubject, object: KubeObject, reason: string, message: string): Answer {
  const base = { headline: reason || 'not ready' };
  if (reason === 'DependencyNotReady')
    return { ...base, state: 'unknown', reason: 'dependency-not-ready', detail: message };
  if (!FAILED_RELEASE.test(reason))
    return { ...base, state: 'broken', reason: 'comparison-failed', detail: message };
  const [newest, ...before] = releasesOf(object);
  const remediated = getString(fluxCondition(object, 'Remediated'), 'status') === 'True';
  const deployed = [newest, ...before].find((each) => each?.status === 'deployed');
  const stands =
    deployed === undefined
      ? ''
      : remediated
        ? `; rolled back to ${named(deployed)}`
        : `; what is deployed is ${named(deployed)}`;
  const asked = subject.expected.state === 'read' ? subject.expected.value : undefined;
  const isApplied = newest?.status === 'failed' && isChart(newest.chart, asked) && !remediated;
  return {
    ...base,
    state: 'broken',
    // It was applied, and what is not ready is another boundary's, where that one says the same.
    reason: isApplied && NOT_READY.test(message) ? 'release-not-ready' : 'sync-failed',
    detail: `${message}${stands}`,
  };
}

function judgeReady(subject: SyncSubject, object: KubeObject, message: string): Answer {
  const [newest] = releasesOf(object);
  const headline = newest?.chart || 'Ready';
  const { expected } = subject;
  if (newest === undefined || newest.status !== 'deployed') {
    const detail = `Ready, but ${newest === undefined ? 'no release is in its history' : `its newest release is ${named(newest)}`}`;
    return { state: 'unknown', reason: 'release-unknown', headline, detail };
  }
  if (expected.state !== 'read') {
    const detail = `Ready at ${newest.chart}; what it asks for now is not known: ${expected.why}`;
    return { state: 'unknown', reason: 'revision-unknown', headline, detail };
  }
  if (!isChart(newest.chart, expected.value))
    return late(subject, object, headline, behindText(newest, expected.value));
  const config = subject.configDigest;
  const written = newest.configDigest || getString(object, 'status', 'lastAttemptedConfigDigest');
  if (config !== undefined && written !== undefined && isOurs(object) && written !== config) {
    const detail = `v${newest.number} was released with other values (${shortDigest(written)}) than it asks for now (${shortDigest(config)})`;
    return late(subject, object, headline, detail);
  }
  return { state: 'proven', reason: 'synced', headline, detail: message };
}

/** Moving until the next look is due; broken after that. */
function late(subject: SyncSubject, object: KubeObject, headline: string, detail: string): Answer {
  const interval = (durationMs(getString(object, 'spec', 'interval')) ?? 300_000) + (subject.pollMs ?? 0);
  const since = Math.max(subject.expectedSince ?? subject.now, changedAt(object) ?? 0);
  const deadline = since + interval + TOLERANCE;
  return subject.now > deadline
    ? { state: 'broken', reason: 'revision-not-fetched', headline, detail }
    : { state: 'moving', reason: 'revision-behind', headline, detail, deadline };
}

function behindText(newest: Released | undefined, asked: string): string {
  const has = newest === undefined ? 'nothing' : `chart ${newest.chart}`;
  return `the controller released ${has}, it asks for ${asked}`;
}

/** Only what Landfall's controller writes is a digest that can be computed here; helm-controller's is of another writing. */
function isOurs(object: KubeObject): boolean {
  return (object.metadata.managedFields ?? []).some(
    (entry) => getString(entry, 'manager') === 'landfall-controller',
  );
}

/** A version without build metadata asks for any: source-controller adds some where values files are named. */
function isChart(has: string | undefined, asked: string | undefined): boolean {
  if (has === undefined || asked === undefined) return false;
  const plain = (version: string) => version.replace(/^v/, '');
  if (plain(has) === plain(asked)) return true;
  return !asked.includes('+') && plain(has).replace(/\+.*$/, '') === plain(asked);
}

function claimsOf(object: KubeObject, now: number): readonly Claim[] {
  const subject = `HelmRelease/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  const at = new Date(now).toISOString();
  const claim = (attribute: string, value: string | undefined): Claim[] =>
    value === undefined || value === ''
      ? []
      : [{ subject, attribute, value, boundary: 'sync', source: objectSource(object), at }];
  const [newest] = releasesOf(object);
  const condition = (type: string) => {
    const found = fluxCondition(object, type);
    const [status, reason] = [getString(found, 'status'), getString(found, 'reason') ?? ''];
    return claim(`status.conditions[${type}]`, status && `${status} ${reason}`.trim());
  };
  return [
    ...claim('status.lastAttemptedRevision', getString(object, 'status', 'lastAttemptedRevision')),
    ...claim('status.history[0]', newest && named(newest)),
    ...claim('status.history[0].configDigest', newest?.configDigest),
    ...['Ready', 'Released', 'TestSuccess', 'Remediated'].flatMap(condition),
  ];
}
