import { getArray, getString, messageOf, parseJson } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import { splitApiVersion } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { HOOK_FINALIZER, isHook } from '../../hooks.ts';
import type { EngineHealth, EngineHealthStatus } from './status.ts';
import { isWorseHealth } from './status.ts';
import { podHealth } from './pod.ts';
import { budgetHealth, cronJobHealth, definitionHealth } from './scripted.ts';
import { daemonSetHealth, deploymentHealth, replicaSetHealth, statefulSetHealth } from './workload.ts';

type Check = (object: KubeObject) => EngineHealth;

/** Group and kind to the check and the versions that it reads. */
const CHECKS: Readonly<Record<string, { readonly versions: readonly string[]; readonly check: Check }>> = {
  'apps/Deployment': { versions: ['v1'], check: deploymentHealth },
  'apps/StatefulSet': { versions: ['v1'], check: statefulSetHealth },
  'apps/ReplicaSet': { versions: ['v1'], check: replicaSetHealth },
  'apps/DaemonSet': { versions: ['v1'], check: daemonSetHealth },
  'extensions/Ingress': { versions: [], check: ingressHealth },
  'networking.k8s.io/Ingress': { versions: [], check: ingressHealth },
  'argoproj.io/Workflow': { versions: [], check: workflowHealth },
  'apiregistration.k8s.io/APIService': { versions: ['v1', 'v1beta1'], check: apiServiceHealth },
  '/Service': { versions: ['v1'], check: serviceHealth },
  '/PersistentVolumeClaim': { versions: ['v1'], check: claimHealth },
  '/Pod': { versions: ['v1'], check: podHealth },
  'batch/Job': { versions: ['v1'], check: jobHealth },
  'batch/CronJob': { versions: [], check: cronJobHealth },
  'policy/PodDisruptionBudget': { versions: [], check: budgetHealth },
  'apiextensions.k8s.io/CustomResourceDefinition': { versions: [], check: definitionHealth },
  'autoscaling/HorizontalPodAutoscaler': { versions: ['v1', 'v2'], check: autoscalerHealth },
};

/**
 * Argo CD's answer for one live object of a built-in kind; undefined for kinds that it has no rule for, which it
 * then leaves out of the application's health. Source: gitops-engine `pkg/health`, Argo CD 3.
 */
export function engineHealth(object: KubeObject): EngineHealth | undefined {
  if (object.metadata.deletionTimestamp !== undefined && !hasHookFinalizer(object)) {
    return { status: 'Progressing', message: 'Pending deletion' };
  }
  const { group, version } = splitApiVersion(object.apiVersion);
  const rule = CHECKS[`${group}/${object.kind}`];
  if (rule === undefined) return undefined;
  if (rule.versions.length > 0 && !rule.versions.includes(version)) {
    const kind = object.kind === 'HorizontalPodAutoscaler' ? 'HPA' : object.kind;
    return {
      status: 'Unknown',
      message: `unsupported ${kind} GVK: ${object.apiVersion}, Kind=${object.kind}`,
    };
  }
  return rule.check(object);
}

function hasHookFinalizer(object: KubeObject): boolean {
  return object.metadata.finalizers?.includes(HOOK_FINALIZER) ?? false;
}

function ingressHealth(object: KubeObject): EngineHealth {
  const addresses = getArray(object, 'status', 'loadBalancer', 'ingress');
  return { status: addresses.length > 0 ? 'Healthy' : 'Progressing' };
}

function serviceHealth(object: KubeObject): EngineHealth {
  return getString(object, 'spec', 'type') === 'LoadBalancer' ? ingressHealth(object) : { status: 'Healthy' };
}

function claimHealth(object: KubeObject): EngineHealth {
  switch (getString(object, 'status', 'phase') ?? '') {
    case 'Lost':
      return { status: 'Degraded' };
    case 'Pending':
      return { status: 'Progressing' };
    case 'Bound':
      return { status: 'Healthy' };
    default:
      return { status: 'Unknown' };
  }
}

function workflowHealth(object: KubeObject): EngineHealth {
  const message = getString(object, 'status', 'message') ?? '';
  switch (getString(object, 'status', 'phase') ?? '') {
    case '':
    case 'Pending':
    case 'Running':
      return { status: 'Progressing', message };
    case 'Succeeded':
      return { status: 'Healthy', message };
    case 'Failed':
    case 'Error':
      return { status: 'Degraded', message };
    default:
      return { status: 'Unknown', message };
  }
}

function apiServiceHealth(object: KubeObject): EngineHealth {
  const available = getArray(object, 'status', 'conditions').find(
    (condition) => getString(condition, 'type') === 'Available',
  );
  if (available === undefined) return { status: 'Progressing', message: 'Waiting to be processed' };
  return {
    status: getString(available, 'status') === 'True' ? 'Healthy' : 'Progressing',
    message: `${getString(available, 'reason') ?? ''}: ${getString(available, 'message') ?? ''}`,
  };
}

function jobHealth(object: KubeObject): EngineHealth {
  let failed: string | undefined;
  let complete = false;
  let suspended = false;
  let message = '';
  for (const condition of getArray(object, 'status', 'conditions')) {
    const text = getString(condition, 'message') ?? '';
    switch (getString(condition, 'type') ?? '') {
      case 'Failed':
        failed = text;
        complete = true;
        break;
      case 'Complete':
        complete = true;
        message = text;
        break;
      case 'Suspended':
        complete = true;
        message = text;
        suspended ||= getString(condition, 'status') === 'True';
        break;
      default:
        break;
    }
  }
  if (!complete) return { status: 'Progressing', message };
  if (failed !== undefined) return { status: 'Degraded', message: failed };
  return { status: suspended ? 'Suspended' : 'Healthy', message };
}

const SCALING_FAILURES = new Set([
  'AbleToScale FailedGetScale',
  'AbleToScale FailedUpdateScale',
  'ScalingActive FailedGetResourceMetric',
  'ScalingActive FailedGetObjectMetric',
  'ScalingActive FailedGetPodsMetric',
  'ScalingActive FailedGetExternalMetric',
  'ScalingActive FailedComputeMetricsReplicas',
  'ScalingActive InvalidSelector',
]);

const AUTOSCALING: EngineHealth = { status: 'Progressing', message: 'Waiting to Autoscale' };

function autoscalerHealth(object: KubeObject): EngineHealth {
  let conditions: readonly JsonValue[];
  if (object.apiVersion === 'autoscaling/v1') {
    // Version 1 keeps its conditions in an annotation.
    const text = object.metadata.annotations?.['autoscaling.alpha.kubernetes.io/conditions'];
    if (text === undefined) return AUTOSCALING;
    try {
      conditions = getArray(parseJson(text, 'the conditions annotation'));
    } catch (error) {
      return { status: 'Unknown', message: messageOf(error) };
    }
  } else {
    conditions = getArray(object, 'status', 'conditions');
  }
  const describe = (condition: JsonValue) =>
    `${getString(condition, 'type') ?? ''} ${getString(condition, 'reason') ?? ''}`;
  const failure = conditions.find((condition) => SCALING_FAILURES.has(describe(condition)));
  if (failure !== undefined) return { status: 'Degraded', message: getString(failure, 'message') ?? '' };
  const healthy = conditions.find(
    (condition) =>
      ['AbleToScale', 'ScalingLimited'].includes(getString(condition, 'type') ?? '') &&
      getString(condition, 'status') === 'True',
  );
  return healthy === undefined
    ? AUTOSCALING
    : { status: 'Healthy', message: getString(healthy, 'message') ?? '' };
}

export interface HealthSubject {
  readonly desired: boolean;
  readonly live: KubeObject | undefined;
}

/**
 * An application's health out of its objects', by Argo CD's rule: the worst counts; kinds without a rule, hooks and
 * missing objects do not, unless every object is missing.
 */
export function applicationEngineHealth(subjects: readonly HealthSubject[]): EngineHealthStatus {
  let status: EngineHealthStatus = 'Healthy';
  const counted = subjects.filter(({ live }) => live === undefined || !isHook(live));
  for (const { live } of counted) {
    if (live === undefined || live.metadata.annotations?.[IGNORE_HEALTH] === 'true') continue;
    const health = engineHealth(live);
    if (health === undefined) continue;
    const child = live.kind === 'Application' && splitApiVersion(live.apiVersion).group === 'argoproj.io';
    if (child && (health.status === 'Missing' || health.status === 'Unknown')) continue;
    if (isWorseHealth(status, health.status)) status = health.status;
  }
  const allMissing = counted.length > 0 && counted.every(({ live }) => live === undefined);
  return allMissing && isWorseHealth(status, 'Missing') ? 'Missing' : status;
}

const IGNORE_HEALTH = 'argocd.argoproj.io/ignore-healthcheck';
