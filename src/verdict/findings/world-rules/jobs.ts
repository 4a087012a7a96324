import { getString, textOf } from '../../../kernel/index.ts';
import { logsOf, telling } from './crashing.ts';
import { quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

/** A later run of the same CronJob has done the work: names end in the minute of the run. */
function isRepeated(view: View, failed: Thing): boolean {
  const own = /^(?<name>.+)-(?<time>\d{6,})$/.exec(failed.name)?.groups;
  return (
    own !== undefined &&
    view.kind('Job').some((thing) => {
      const other = /^(?<name>.+)-(?<time>\d{6,})$/.exec(thing.name)?.groups;
      return (
        other?.['name'] === own['name'] &&
        Number(other?.['time']) > Number(own['time']) &&
        ((thing.number('status', 'succeeded') ?? 0) > 0 ||
          thing
            .list('status', 'conditions')
            .some(
              (item) =>
                getString(item, 'type')?.startsWith('Complete') === true &&
                getString(item, 'status') === 'True',
            ))
      );
    })
  );
}

/** HEA-08, REC-09: Jobs and CronJobs. */
function jobs(view: View): Draft[] {
  const failed = view.kind('Job').flatMap((thing): Draft[] => {
    const condition = thing
      .list('status', 'conditions')
      .find((item) => getString(item, 'type') === 'Failed' && getString(item, 'status') === 'True');
    if (condition === undefined || isRepeated(view, thing)) return [];
    const annotations = thing.map('metadata', 'annotations') ?? {};
    const hook = annotations['argocd.argoproj.io/hook'] ?? annotations['helm.sh/hook'];
    return [
      {
        failure: hook === undefined ? 'HEA-08' : 'REC-09',
        id: hook === undefined ? 'job-failed' : 'hook-failed',
        boundary: hook === undefined ? 'health' : 'sync',
        title: [`${thing.id} failed`, getString(condition, 'reason')]
          .filter((part) => part !== undefined)
          .join(': '),
        confidence: 0.94,
        why: [
          quote(getString(condition, 'message') ?? 'Its pods ended with errors as often as they may.'),
          ...view
            .podsOf({ kind: 'Job', name: thing.name, namespace: thing.namespace })
            .flatMap((pod) => telling(logsOf(view, pod, '')) ?? [])
            .slice(0, 1)
            .map(({ message }) => `The log says: ${quote(message)}`),
          ...(hook === undefined ? [] : [`It is a ${textOf(hook)} hook: what comes after it waits.`]),
        ],
        claims: [
          view.about('health', thing, 'Failed', getString(condition, 'reason') ?? '', 'status', 'conditions'),
        ],
        misleading: [
          [
            hook === undefined ? 'everything else is healthy' : 'Healthy',
            hook === undefined
              ? 'the work of the Job is not done'
              : 'the old version is; the sync is not over',
          ],
        ],
        now: [
          'Read its log, mend it, delete the failed Job and run it again.',
          `kubectl logs ${thing.ref}${thing.n}`,
          `kubectl delete ${thing.ref}${thing.n}`,
        ],
        lasting: [
          'Work that may be done twice, a deadline (activeDeadlineSeconds), and a check of the outcome.',
        ],
        verify: [`kubectl get ${thing.ref}${thing.n}`],
        can: 'sync',
        space: thing.namespace,
      },
    ];
  });
  const crons = view.kind('CronJob').flatMap((thing): Draft[] => {
    const events = view
      .eventsOf('CronJob', thing.name, thing.namespace)
      .filter(({ reason }) => /FailedNeedsStart|MissSchedule|TooManyMissedTimes/.test(reason));
    const suspended = thing.get('spec', 'suspend') === true;
    const declared = view.wanted(thing)?.get('spec', 'suspend') === true;
    if (events.length === 0 && (!suspended || declared)) return [];
    return [
      {
        failure: 'HEA-08',
        id: 'cron-job-not-running',
        boundary: 'health',
        kind: suspended && events.length === 0 ? 'risk' : 'cause',
        title: suspended ? `${thing.id} is suspended: it does not run` : `${thing.id} has missed its times`,
        confidence: 0.85,
        why: [events.at(-1)?.message ?? 'No run is started while it is suspended.'],
        claims: [
          view.about('health', thing, 'suspend', String(suspended), 'spec', 'suspend'),
          ...events.slice(-1).map((event) => view.ofEvent('health', event)),
        ],
        misleading: [['no failed Job', 'none was started']],
        now: [
          'Resume it, and run it once by hand.',
          `kubectl create job ${thing.name}-now${thing.n} --from=cronjob/${thing.name}`,
        ],
        lasting: ['An alert on the time since the last success.'],
        verify: [`kubectl get cronjob ${thing.name}${thing.n}`],
        space: thing.namespace,
      },
    ];
  });
  const missed = view.world.events.filter(
    ({ reason, object }) =>
      /^(?:FailedNeedsStart|TooManyMissedTimes)$/.test(reason) &&
      !view.kind('CronJob').some((thing) => object.endsWith(`/${thing.name}`)),
  );
  const [first] = missed;
  const untold: Draft[] =
    first === undefined
      ? []
      : [
          {
            failure: 'HEA-08',
            id: 'cron-job-not-running',
            boundary: 'health',
            title: `${first.object} has missed its times`,
            confidence: 0.85,
            why: [quote(first.message)],
            claims: missed.slice(0, 3).map((event) => view.ofEvent('health', event)),
            misleading: [['no failed Job', 'none was started']],
            now: ['Set startingDeadlineSeconds in Git, and run it once by hand.', 'kubectl get cronjobs -A'],
            lasting: ['An alert on the time since the last success.'],
            verify: ['kubectl get cronjobs -A'],
          },
        ];
  return [...failed, ...crons, ...untold];
}

/** HEA-08, REC-09: work that is to be done once. */
export const jobsRule: WorldRule = (view) => [...jobs(view)];
