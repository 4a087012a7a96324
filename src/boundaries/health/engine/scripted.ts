import { getArray, getIn, getString } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { EngineHealth } from './status.ts';

// Built-in kinds for which Argo CD ships a script instead of a rule in its engine.

/** Source: Argo CD, resource_customizations/apiextensions.k8s.io/CustomResourceDefinition. */
export function definitionHealth(object: KubeObject): EngineHealth {
  const conditions = getArray(object, 'status', 'conditions');
  if (conditions.length === 0) return { status: 'Progressing', message: 'Status conditions not found' };
  let established = false;
  for (const condition of conditions) {
    const type = getString(condition, 'type');
    const isTrue = getString(condition, 'status') === 'True';
    const message = getString(condition, 'message') ?? '';
    if (type === 'Terminating' && isTrue)
      return { status: 'Progressing', message: `CRD is terminating: ${message}` };
    if (type === 'NamesAccepted' && getString(condition, 'status') === 'False')
      return { status: 'Degraded', message: `CRD names have not been accepted: ${message}` };
    if (type === 'NonStructuralSchema' && isTrue)
      return { status: 'Degraded', message: `Schema violations found: ${message}` };
    if (type !== 'Established') continue;
    if (!isTrue && getString(condition, 'reason') === 'Installing')
      return { status: 'Progressing', message: 'CRD is being installed' };
    established ||= isTrue;
  }
  return established
    ? { status: 'Healthy', message: 'CRD is healthy' }
    : { status: 'Degraded', message: 'CRD is not established' };
}

/** Source: Argo CD, resource_customizations/policy/PodDisruptionBudget. */
export function budgetHealth(object: KubeObject): EngineHealth {
  let health: EngineHealth = { status: 'Progressing', message: 'Waiting for status' };
  for (const condition of getArray(object, 'status', 'conditions')) {
    const reason = getString(condition, 'reason') ?? '';
    const message = `PodDisruptionBudget has ${reason}`;
    if (getString(condition, 'status') === 'False' && reason !== 'InsufficientPods')
      return { status: 'Degraded', message };
    health = { status: 'Healthy', message };
  }
  return health;
}

/** Healthy whenever Argo CD cannot know. Source: Argo CD, resource_customizations/batch/CronJob. */
export function cronJobHealth(object: KubeObject): EngineHealth {
  const healthy = (message: string): EngineHealth => ({ status: 'Healthy', message });
  if (getIn(object, 'spec', 'suspend') === true) return healthy('CronJob is Suspended');
  const status = getIn(object, 'status');
  if (status === undefined || status === null)
    return { status: 'Progressing', message: 'Waiting for CronJob' };
  const scheduled = getString(status, 'lastScheduleTime');
  if (scheduled === undefined) return healthy('CronJob has not been scheduled yet');
  const succeeded = getString(status, 'lastSuccessfulTime');
  if (succeeded === undefined)
    return healthy('The CronJob never completed successfully. It may not be healthy');
  if (getArray(status, 'active').length > 0)
    return healthy('The job is running. Its last execution may not have been successful');
  return succeeded < scheduled
    ? { status: 'Degraded', message: 'CronJob has not completed its last execution successfully' }
    : healthy('CronJob has completed its last execution successfully');
}
