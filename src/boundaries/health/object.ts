import { getIn, getNumber, getString, jsonEqual } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { worst } from '../combine.ts';
import { writtenAt } from '../live/index.ts';
import { isWorkload } from '../workload.ts';
import { applicationHealth } from './application.ts';
import { apiServiceHealth, definitionHealth, namespaceHealth, nodeHealth } from './cluster-kinds.ts';
import { customHealth } from './custom.ts';
import { latestEvent } from './events.ts';
import { condition, groupKind, said } from './facts.ts';
import type { HealthSubject, ObjectHealth } from './facts.ts';
import { jobHealth, podHealth } from './finite.ts';
import { ingressHealth, serviceHealth, webhookHealth } from './network.ts';
import { isPassive } from './passive.ts';
import { ruleHealth } from './rules.ts';
import { autoscalerHealth, budgetHealth } from './scaling.ts';
import { claimHealth, volumeHealth } from './storage.ts';
import { workloadHealth } from './workload.ts';

type Check = (subject: HealthSubject, live: KubeObject, now: number) => ObjectHealth;

/** The kinds that are known by name. Everything else is passive, or judged by its conditions. */
const CHECKS: Readonly<Record<string, Check>> = {
  '/Pod': podHealth,
  'apps/Deployment': workloadHealth,
  'apps/StatefulSet': workloadHealth,
  'apps/DaemonSet': workloadHealth,
  'apps/ReplicaSet': workloadHealth,
  '/Service': serviceHealth,
  '/PersistentVolumeClaim': claimHealth,
  '/PersistentVolume': (_, live, now) => volumeHealth(live, now),
  '/Namespace': (_, live) => namespaceHealth(live),
  '/Node': (_, live, now) => nodeHealth(live, now),
  'batch/Job': jobHealth,
  'batch/CronJob': (subject, live) => cronJobHealth(subject, live),
  'networking.k8s.io/Ingress': ingressHealth,
  'policy/PodDisruptionBudget': budgetHealth,
  'autoscaling/HorizontalPodAutoscaler': autoscalerHealth,
  'apiextensions.k8s.io/CustomResourceDefinition': (_, live, now) => definitionHealth(live, now),
  'apiregistration.k8s.io/APIService': (_, live, now) => apiServiceHealth(live, now),
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': webhookHealth,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': webhookHealth,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': (_, live) => admissionPolicyHealth(live),
  'argoproj.io/Application': (_, live, now) => applicationHealth(live, now),
};

const NOT_STARTED = new Set([
  'FailedCreate',
  'FailedNeedsStart',
  'InvalidSchedule',
  'UnknownTimeZone',
  'TooManyMissedTimes',
]);

/** A CronJob is usable until its first run shows otherwise. */
function cronJobHealth(subject: HealthSubject, live: KubeObject): ObjectHealth {
  const name = objectName(live);
  if (getIn(live, 'spec', 'suspend') === true)
    return { state: 'not-applicable', reason: 'suspended', text: `${name} is suspended` };
  const { uid = '' } = live.metadata;
  const told = latestEvent(subject, new Set([uid]), NOT_STARTED, writtenAt(live) ?? 0);
  const since = Date.parse(getString(live, 'status', 'lastScheduleTime') ?? '');
  if (told !== undefined && !(since > told.at))
    return { state: 'broken', reason: 'not-started', text: `${name} could not start a Job: ${told.message}` };
  const ran = lastRun(subject, live, since);
  if (ran !== undefined) return ran;
  return { state: 'not-applicable', reason: 'passive', text: `${name} starts a Job when its time comes` };
}

/**
 * How the last Job of the stored template ended; undefined before the first one has. Jobs of an earlier template say
 * nothing about this one.
 */
function lastRun(subject: HealthSubject, live: KubeObject, since: number): ObjectHealth | undefined {
  const name = objectName(live);
  const { jobs } = subject;
  if (jobs === undefined) return undefined;
  if (jobs.state !== 'read')
    return since > (writtenAt(live) ?? 0)
      ? {
          state: 'unknown',
          reason: 'jobs-unreadable',
          text: `how ${name} ran last was not read: ${jobs.why}`,
        }
      : undefined;
  const template = getIn(live, 'spec', 'jobTemplate', 'spec', 'template', 'spec');
  const [last] = jobs.value
    .filter(
      (job) =>
        job.metadata.ownerReferences?.some(({ uid }) => uid === live.metadata.uid) === true &&
        jsonEqual(getIn(job, 'spec', 'template', 'spec') ?? null, template ?? null),
    )
    .map((job) => ({ job, failed: condition(job, 'Failed'), complete: condition(job, 'Complete') }))
    .filter(({ failed, complete }) => failed?.status === 'True' || complete?.status === 'True')
    .toSorted((a, b) =>
      (b.job.metadata.creationTimestamp ?? '').localeCompare(a.job.metadata.creationTimestamp ?? ''),
    );
  if (last === undefined) return undefined;
  const run = last.job.metadata.name;
  return last.failed?.status === 'True'
    ? { state: 'broken', reason: 'last-run-failed', text: `${name}: ${run} failed: ${said(last.failed)}` }
    : { state: 'proven', reason: 'last-run-complete', text: `${name}: ${run} is complete` };
}

function admissionPolicyHealth(live: KubeObject): ObjectHealth {
  const name = objectName(live);
  const warnings = getIn(live, 'status', 'typeChecking', 'expressionWarnings');
  return Array.isArray(warnings) && warnings.length > 0
    ? {
        state: 'broken',
        reason: 'type-check',
        text: `${name}: ${warnings.length} of its expressions do not fit the kinds that it matches`,
      }
    : { state: 'not-applicable', reason: 'passive', text: `${name} needs nothing to become usable` };
}

function checkOf(live: KubeObject): Check {
  const known = CHECKS[groupKind(live)];
  if (known !== undefined) return known;
  if (isWorkload(live)) return workloadHealth;
  return (_, other, now) => customHealth(other, now);
}

/** The strict health of one object. `now` in ms, by the clock that the cluster's times are compared with. */
export function objectHealth(subject: HealthSubject, now: number): ObjectHealth {
  const name = objectName(subject.object);
  if (subject.live.state === 'unreadable')
    return { state: 'unknown', reason: 'unreadable', text: subject.live.why };
  if (
    subject.live.state === 'absent' &&
    getNumber(subject.object, 'spec', 'ttlSecondsAfterFinished') !== undefined
  )
    return {
      state: 'unknown',
      reason: 'job-gone',
      text: `${name} is not there; it is deleted once it has ended, and how it ended is not known`,
    };
  if (subject.live.state === 'absent')
    return { state: 'broken', reason: 'missing', text: `${name} does not exist` };
  const live = subject.live.value;
  if (live.metadata.deletionTimestamp !== undefined && live.kind !== 'Namespace') {
    const held = live.metadata.finalizers?.length ? `, held by ${live.metadata.finalizers.join(', ')}` : '';
    return { state: 'broken', reason: 'deleting', text: `${name} is being deleted${held}` };
  }
  const own = subject.rules?.ruleFor(live);
  if (own !== undefined) {
    const ruled = ruleHealth(own, live, now);
    if (!isWorkload(live)) return ruled;
    // A rule may ask for more of a workload, never for less.
    const strict = checkOf(live)(subject, live, now);
    return strict.state !== ruled.state && worst([strict.state, ruled.state]) === ruled.state
      ? { ...strict, ...ruled }
      : strict;
  }
  if (isPassive(live))
    return { state: 'not-applicable', reason: 'passive', text: `${name} needs nothing to become usable` };
  return checkOf(live)(subject, live, now);
}
