import { copyJson } from '../../kinds/json-access.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { controllerOf, keyOf } from '../cache.ts';
import { findCondition } from '../conditions.ts';
import { eventRecorder } from '../events.ts';
import type { Condition, Pod } from '../objects.ts';
import { podControl, podFrom } from '../pod-control.ts';
import { isPodActive, isPodReady } from '../pods.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import { timeOf, timestamp } from '../time.ts';
import { isConflict, isNamespaceTerminating, omitEmpty, sameJson, slowStart } from '../writes.ts';
import { finishedBy, JOBS } from './job-objects.ts';
import type { Job, JobStatus } from './job-objects.ts';

const MANAGER = { fieldManager: 'kube-controller-manager' };
const INDEX = 'batch.kubernetes.io/job-completion-index';
const FIRST_BACKOFF_MS = 10_000;
const LONGEST_BACKOFF_MS = 600_000;

export interface JobControllerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly jobs: Cache<Job>;
  readonly pods: Cache<Pod>;
}

/** What became of the pods of a Job, remembered beyond the pods. */
interface Tally {
  readonly succeeded: Set<string>;
  readonly failed: Set<string>;
  readonly indexes: Set<number>;
  lastFailure: number;
}

/** Runs pods until as many have succeeded as a Job asks for (pkg/controller/job, 1.32). */
export function startJobController(options: JobControllerOptions): { close(): Promise<void> } {
  const { api, logger, jobs, pods } = options;
  const { clock } = api;
  const recorder = eventRecorder(api, clock, { component: 'job-controller' });
  const control = podControl(api, pods, recorder);
  const tallies = new Map<string, Tally>();
  const queue = workQueue({
    clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('job not reconciled', { key, error: messageOf(error) });
    },
  });

  jobs.onChange((job, _old, gone) => {
    if (gone) tallies.delete(job.metadata.uid ?? '');
    else queue.add(keyOf(job));
  });
  pods.onChange((pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'Job') return;
    const tally = tallyOf(owner.uid);
    const uid = pod.metadata.uid ?? '';
    if (pod.status?.phase === 'Succeeded' && !tally.succeeded.has(uid)) {
      tally.succeeded.add(uid);
      const index = indexOf(pod);
      if (index !== undefined) tally.indexes.add(index);
    }
    if (pod.status?.phase === 'Failed' && !tally.failed.has(uid)) {
      tally.failed.add(uid);
      tally.lastFailure = clock.now();
    }
    queue.add(`${pod.metadata.namespace ?? ''}/${owner.name}`);
  });

  function tallyOf(uid: string): Tally {
    const known = tallies.get(uid);
    if (known !== undefined) return known;
    const fresh: Tally = { succeeded: new Set(), failed: new Set(), indexes: new Set(), lastFailure: 0 };
    tallies.set(uid, fresh);
    return fresh;
  }

  async function reconcile(key: string): Promise<Again | undefined> {
    const job = jobs.get(key);
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
    if (finishedBy(job) !== undefined) return await expire(job);
    const tally = tallyOf(job.metadata.uid ?? '');
    const owned = pods.ownedBy(job.metadata.uid ?? '');
    const active = owned.filter(isPodActive);
    const terminating = owned.filter(
      (pod) =>
        pod.metadata.deletionTimestamp !== undefined &&
        pod.status?.phase !== 'Succeeded' &&
        pod.status?.phase !== 'Failed',
    );
    const suspended = job.spec.suspend === true;
    const startTime = job.status?.startTime ?? (suspended ? undefined : timestamp(clock.now()));

    const verdict = suspended ? undefined : verdictOf(job, tally, active, startTime);
    if (verdict !== undefined) {
      for (const pod of active) await control.delete(job, pod);
      const left = active.length + terminating.length;
      await writeStatus(job, tally, { active: [], terminating: left, startTime, verdict, done: left === 0 });
      return undefined;
    }
    if (suspended) {
      for (const pod of active) await control.delete(job, pod);
      if (active.length > 0) recorder.event(job, 'Normal', 'Suspended', 'Job suspended');
      await writeStatus(job, tally, { active: [], terminating: terminating.length, startTime: undefined });
      return undefined;
    }

    const wait = tally.failed.size === 0 ? 0 : tally.lastFailure + backOffMs(tally.failed.size) - clock.now();
    let failure: unknown;
    if (wait <= 0) {
      try {
        await balance(job, tally, active, terminating.length);
      } catch (error) {
        failure = error;
      }
    }
    await writeStatus(job, tally, { active, terminating: terminating.length, startTime });
    if (failure !== undefined && !isNamespaceTerminating(failure)) throw failure;
    const deadline = deadlineLeft(job, startTime);
    const again = Math.min(wait > 0 ? wait : Number.POSITIVE_INFINITY, deadline ?? Number.POSITIVE_INFINITY);
    return Number.isFinite(again) ? { againAfterMs: Math.max(1, again) } : undefined;
  }

  async function expire(job: Job): Promise<Again | undefined> {
    const ttl = job.spec.ttlSecondsAfterFinished;
    if (ttl === undefined) return undefined;
    const left = (timeOf(finishedBy(job)?.lastTransitionTime) ?? clock.now()) + ttl * 1000 - clock.now();
    if (left > 0) return { againAfterMs: left };
    await api.delete(JOBS, job.metadata.namespace, job.metadata.name, { propagationPolicy: 'Foreground' });
    return undefined;
  }

  function deadlineLeft(job: Job, startTime: string | undefined): number | undefined {
    const seconds = job.spec.activeDeadlineSeconds;
    if (seconds === undefined || startTime === undefined) return undefined;
    return (timeOf(startTime) ?? 0) + seconds * 1000 - clock.now();
  }

  function verdictOf(
    job: Job,
    tally: Tally,
    active: readonly Pod[],
    startTime: string | undefined,
  ): Verdict | undefined {
    const limit = job.spec.backoffLimit ?? 6;
    const restarts = active.reduce(
      (sum, pod) =>
        sum + (pod.status?.containerStatuses ?? []).reduce((total, status) => total + status.restartCount, 0),
      0,
    );
    const onFailure = job.spec.template.spec.restartPolicy === 'OnFailure';
    if (tally.failed.size > limit || (onFailure && restarts > 0 && restarts >= Math.max(1, limit))) {
      return {
        type: 'Failed',
        reason: 'BackoffLimitExceeded',
        message: 'Job has reached the specified backoff limit',
      };
    }
    if ((deadlineLeft(job, startTime) ?? 1) <= 0) {
      return {
        type: 'Failed',
        reason: 'DeadlineExceeded',
        message: 'Job was active longer than specified deadline',
      };
    }
    const { completions } = job.spec;
    const complete =
      completions === undefined
        ? tally.succeeded.size > 0 && active.length === 0
        : succeededOf(job, tally) >= completions;
    return complete
      ? {
          type: 'Complete',
          reason: 'CompletionsReached',
          message: 'Reached expected number of succeeded pods',
        }
      : undefined;
  }

  async function balance(job: Job, tally: Tally, active: readonly Pod[], terminating: number): Promise<void> {
    const { completions, parallelism = 1 } = job.spec;
    const wanted =
      completions === undefined
        ? tally.succeeded.size > 0
          ? Math.min(active.length, parallelism)
          : parallelism
        : Math.min(parallelism, completions - succeededOf(job, tally));
    if (active.length > wanted) {
      for (const pod of active.slice(wanted)) await control.delete(job, pod);
      return;
    }
    const missing = wanted - active.length - terminating;
    if (missing <= 0) return;
    const indexes = isIndexed(job) ? freeIndexes(job, tally, active) : [];
    await slowStart(missing, async (nth) => {
      const index = indexes[nth];
      if (isIndexed(job) && index === undefined) return;
      await control.create(job, jobPod(job, index));
    });
  }

  async function writeStatus(job: Job, tally: Tally, seen: Seen): Promise<void> {
    const now = timestamp(clock.now());
    const before = job.status ?? {};
    const conditions = nextConditions(before.conditions ?? [], job.spec.suspend === true, seen, now);
    const indexes = [...tally.indexes].filter((index) => index < (job.spec.completions ?? 0));
    const completedNow = seen.verdict?.type === 'Complete' && seen.done === true;
    const status: JobStatus = {
      ...omitEmpty({
        active: seen.active.length,
        succeeded: succeededOf(job, tally),
        failed: tally.failed.size,
      }),
      ready: seen.active.filter(isPodReady).length,
      terminating: seen.terminating,
      uncountedTerminatedPods: {},
      ...(seen.startTime === undefined ? {} : { startTime: seen.startTime }),
      ...(completedNow ? { completionTime: now } : {}),
      ...(isIndexed(job) && indexes.length > 0 ? { completedIndexes: ranges(indexes) } : {}),
      ...(conditions.length === 0 ? {} : { conditions }),
    };
    if (sameJson(before, status)) return;
    const next = { ...copyJson(job), status };
    jobs.observe(await api.update(JOBS, next, { ...MANAGER, subresource: 'status' }));
    if (seen.verdict === undefined || seen.done !== true) return;
    if (seen.verdict.type === 'Complete') recorder.event(job, 'Normal', 'Completed', 'Job completed');
    else recorder.event(job, 'Warning', seen.verdict.reason, seen.verdict.message);
  }

  return { close: () => queue.close() };
}

interface Verdict {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

interface Seen {
  readonly active: readonly Pod[];
  readonly terminating: number;
  readonly startTime: string | undefined;
  readonly verdict?: Verdict;
  /** No pod is left: the verdict is final. */
  readonly done?: boolean;
}

/** A verdict is announced first (SuccessCriteriaMet, FailureTarget) and final once all pods are gone. */
function nextConditions(
  before: readonly Condition[],
  suspended: boolean,
  seen: Seen,
  now: string,
): Condition[] {
  const conditions = [...before];
  const set = (type: string, status: Condition['status'], reason: string, message: string) => {
    const index = conditions.findIndex((condition) => condition.type === type);
    if (index >= 0 && conditions[index]?.status === status) return;
    const next: Condition = { type, status, reason, message, lastProbeTime: now, lastTransitionTime: now };
    if (index < 0) conditions.push(next);
    else conditions[index] = next;
  };
  if (suspended) set('Suspended', 'True', 'JobSuspended', 'Job suspended');
  else if (findCondition(before, 'Suspended')?.status === 'True') {
    set('Suspended', 'False', 'JobResumed', 'Job resumed');
  }
  const { verdict } = seen;
  if (verdict !== undefined) {
    const announced = verdict.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
    set(announced, 'True', verdict.reason, verdict.message);
    if (seen.done === true) set(verdict.type, 'True', verdict.reason, verdict.message);
  }
  return conditions;
}

function isIndexed(job: Job): boolean {
  return job.spec.completionMode === 'Indexed';
}

function succeededOf(job: Job, tally: Tally): number {
  if (!isIndexed(job)) return tally.succeeded.size;
  return [...tally.indexes].filter((index) => index < (job.spec.completions ?? 0)).length;
}

function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX];
  return text === undefined ? undefined : Number(text);
}

function freeIndexes(job: Job, tally: Tally, active: readonly Pod[]): number[] {
  const taken = new Set([...tally.indexes, ...active.map(indexOf)]);
  return Array.from({ length: job.spec.completions ?? 0 }, (_, index) => index).filter(
    (index) => !taken.has(index),
  );
}

function jobPod(job: Job, index: number | undefined): Pod {
  const pod = podFrom(job.spec.template, job);
  if (index === undefined) return pod;
  pod.metadata.generateName = `${job.metadata.name}-${index}-`;
  pod.metadata.annotations = { ...pod.metadata.annotations, [INDEX]: String(index) };
  pod.metadata.labels = { ...pod.metadata.labels, [INDEX]: String(index) };
  pod.spec.hostname = `${job.metadata.name}-${index}`;
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    container.env = [...(container.env ?? []), { name: 'JOB_COMPLETION_INDEX', value: String(index) }];
  }
  return pod;
}

function backOffMs(failures: number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1));
}

/** `0-2,5`: sorted numbers, runs joined. */
export function ranges(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let start = 0; start < sorted.length;) {
    let end = start;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++;
    parts.push(end === start ? String(sorted[start]) : `${sorted[start] ?? ''}-${sorted[end] ?? ''}`);
    start = end + 1;
  }
  return parts.join(',');
}
