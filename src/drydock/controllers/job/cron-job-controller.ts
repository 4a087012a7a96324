import { copyJson } from '../../kinds/json-access.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { controllerOf, keyOf } from '../cache.ts';
import { eventRecorder } from '../events.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import { timeOf, timestamp } from '../time.ts';
import { controllerReference, isAlreadyExists, isConflict, isNotFound, sameJson } from '../writes.ts';
import { CRON_JOBS, finishedBy, JOBS } from './job-objects.ts';
import type { CronJob, Job } from './job-objects.ts';
import { parseSchedule } from './schedule.ts';
import type { Schedule } from './schedule.ts';

const MANAGER = { fieldManager: 'kube-controller-manager' };
const MOST_MISSED = 100;

export interface CronJobControllerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly cronJobs: Cache<CronJob>;
  readonly jobs: Cache<Job>;
}

/** Makes Jobs when their schedule says so (pkg/controller/cronjob, 1.32); schedules are read in UTC. */
export function startCronJobController(options: CronJobControllerOptions): { close(): Promise<void> } {
  const { api, logger, cronJobs, jobs } = options;
  const { clock } = api;
  const recorder = eventRecorder(api, clock, { component: 'cronjob-controller' });
  const queue = workQueue({
    clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('cron job not reconciled', { key, error: messageOf(error) });
    },
  });

  cronJobs.onChange((cronJob, _old, gone) => {
    if (!gone) queue.add(keyOf(cronJob));
  });
  jobs.onChange((job) => {
    const owner = controllerOf(job);
    if (owner?.kind === 'CronJob') queue.add(`${job.metadata.namespace ?? ''}/${owner.name}`);
  });

  async function reconcile(key: string): Promise<Again | undefined> {
    const cronJob = cronJobs.get(key);
    if (cronJob === undefined || cronJob.metadata.deletionTimestamp !== undefined) return undefined;
    const owned = jobs.ownedBy(cronJob.metadata.uid ?? '');
    await keepHistory(cronJob, owned);
    let schedule: Schedule;
    try {
      if (cronJob.spec.timeZone !== undefined && !/^(Etc\/)?UTC$/.test(cronJob.spec.timeZone)) {
        throw new Error(`the time zone ${cronJob.spec.timeZone} is not supported, only UTC is`);
      }
      schedule = parseSchedule(cronJob.spec.schedule);
    } catch (error) {
      recorder.event(cronJob, 'Warning', 'UnparseableSchedule', messageOf(error));
      return undefined;
    }
    if (schedule.next(clock.now()) === undefined) {
      const text = `invalid schedule: ${cronJob.spec.schedule} : time difference between two schedules is less than 1 second`;
      recorder.event(cronJob, 'Warning', 'InvalidSchedule', text);
      return undefined;
    }
    const due = cronJob.spec.suspend === true ? undefined : latestDue(cronJob, schedule);
    const started = due === undefined ? undefined : await startJob(cronJob, owned, due);
    await writeStatus(
      cronJob,
      started === undefined ? owned : [...owned, started],
      started === undefined ? undefined : due,
    );
    const next = schedule.next(clock.now());
    return next === undefined ? undefined : { againAfterMs: next - clock.now() };
  }

  /** The latest time since the last one that a Job should have been made at. */
  function latestDue(cronJob: CronJob, schedule: Schedule): number | undefined {
    const now = clock.now();
    const created = timeOf(cronJob.metadata.creationTimestamp) ?? now;
    let at = timeOf(cronJob.status?.lastScheduleTime) ?? created;
    const deadline = cronJob.spec.startingDeadlineSeconds;
    if (deadline !== undefined) at = Math.max(at, now - deadline * 1000);
    let due: number | undefined;
    for (let missed = 0; missed < MOST_MISSED; missed++) {
      const next = schedule.next(at);
      if (next === undefined || next > now) return due;
      due = next;
      at = next;
    }
    recorder.event(
      cronJob,
      'Warning',
      'TooManyMissedTimes',
      'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
    );
    return due;
  }

  async function startJob(cronJob: CronJob, owned: readonly Job[], due: number): Promise<Job | undefined> {
    const running = owned.filter((job) => finishedBy(job) === undefined);
    if (running.length > 0 && cronJob.spec.concurrencyPolicy === 'Forbid') {
      recorder.event(
        cronJob,
        'Normal',
        'JobAlreadyActive',
        'Not starting job because prior execution is running and concurrency policy is Forbid',
      );
      return undefined;
    }
    if (cronJob.spec.concurrencyPolicy === 'Replace') for (const job of running) await remove(cronJob, job);
    const { metadata, spec } = cronJob.spec.jobTemplate;
    const name = `${cronJob.metadata.name}-${Math.floor(due / 60_000)}`;
    try {
      const stored = await api.create(
        JOBS,
        {
          apiVersion: 'batch/v1',
          kind: 'Job',
          metadata: {
            name,
            namespace: cronJob.metadata.namespace ?? '',
            ...(metadata?.labels === undefined ? {} : { labels: { ...metadata.labels } }),
            annotations: {
              ...metadata?.annotations,
              'batch.kubernetes.io/cronjob-scheduled-timestamp': timestamp(due),
            },
            ownerReferences: [controllerReference(cronJob)],
          },
          spec: copyJson(spec),
        },
        MANAGER,
      );
      jobs.observe(stored);
      recorder.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
      return stored as Job;
    } catch (error) {
      if (isAlreadyExists(error)) return undefined;
      recorder.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
      throw error;
    }
  }

  async function keepHistory(cronJob: CronJob, owned: readonly Job[]): Promise<void> {
    const limits = [
      ['Complete', cronJob.spec.successfulJobsHistoryLimit ?? 3],
      ['Failed', cronJob.spec.failedJobsHistoryLimit ?? 1],
    ] as const;
    for (const [type, limit] of limits) {
      const finished = owned
        .filter((job) => finishedBy(job)?.type === type && job.metadata.deletionTimestamp === undefined)
        .sort((a, b) => ((a.status?.startTime ?? '') < (b.status?.startTime ?? '') ? -1 : 1));
      for (const job of finished.slice(0, Math.max(0, finished.length - limit))) await remove(cronJob, job);
    }
  }

  async function remove(cronJob: CronJob, job: Job): Promise<void> {
    try {
      await api.delete(JOBS, job.metadata.namespace, job.metadata.name, { propagationPolicy: 'Background' });
      recorder.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function writeStatus(
    cronJob: CronJob,
    owned: readonly Job[],
    scheduled: number | undefined,
  ): Promise<void> {
    const before = cronJob.status ?? {};
    const active = owned
      .filter((job) => finishedBy(job) === undefined)
      .map(({ apiVersion, kind, metadata }) => ({
        apiVersion,
        kind,
        name: metadata.name,
        namespace: metadata.namespace ?? '',
        ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
        ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
      }));
    for (const known of (before.active ?? []) as { name?: string }[]) {
      const job = owned.find(({ metadata }) => metadata.name === known.name);
      const ended = job === undefined ? undefined : finishedBy(job);
      if (job === undefined || ended === undefined) continue;
      recorder.event(
        cronJob,
        'Normal',
        'SawCompletedJob',
        `Saw completed job: ${job.metadata.name}, condition: ${ended.type}`,
      );
    }
    const successes = owned.flatMap((job) =>
      finishedBy(job)?.type === 'Complete' ? (job.status?.completionTime ?? []) : [],
    );
    const lastSuccess = [before.lastSuccessfulTime ?? '', ...successes].sort().at(-1) ?? '';
    const lastSchedule = scheduled === undefined ? before.lastScheduleTime : timestamp(scheduled);
    const names = (list: readonly { name?: string }[]) => list.map(({ name }) => name);
    const status = {
      ...(active.length === 0 ? {} : { active }),
      ...(lastSchedule === undefined ? {} : { lastScheduleTime: lastSchedule }),
      ...(lastSuccess === '' ? {} : { lastSuccessfulTime: lastSuccess }),
    };
    const same =
      sameJson(names(active), names(before.active ?? [])) &&
      sameJson({ ...before, active: [] }, { ...status, active: [] });
    if (same) return;
    const next = { ...copyJson(cronJob), status };
    cronJobs.observe(await api.update(CRON_JOBS, next, { ...MANAGER, subresource: 'status' }));
  }

  return { close: () => queue.close() };
}
