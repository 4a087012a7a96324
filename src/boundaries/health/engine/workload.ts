import { getArray, getIn, getNumber, getObject, getString } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { EngineHealth } from './status.ts';

const progressing = (message: string): EngineHealth => ({ status: 'Progressing', message });

function count(object: KubeObject, field: string): number {
  return getNumber(object, 'status', field) ?? 0;
}

function observed(object: KubeObject): boolean {
  return (object.metadata.generation ?? 0) <= count(object, 'observedGeneration');
}

function condition(object: KubeObject, type: string) {
  return getArray(object, 'status', 'conditions').find((item) => getString(item, 'type') === type);
}

export function deploymentHealth(object: KubeObject): EngineHealth {
  if (getIn(object, 'spec', 'paused') === true) {
    return { status: 'Suspended', message: 'Deployment is paused' };
  }
  if (!observed(object)) {
    return progressing(
      'Waiting for rollout to finish: observed deployment generation less than desired generation',
    );
  }
  if (getString(condition(object, 'Progressing'), 'reason') === 'ProgressDeadlineExceeded') {
    return {
      status: 'Degraded',
      message: `Deployment "${object.metadata.name}" exceeded its progress deadline`,
    };
  }
  const wanted = getNumber(object, 'spec', 'replicas');
  const replicas = count(object, 'replicas');
  const updated = count(object, 'updatedReplicas');
  const available = count(object, 'availableReplicas');
  if (wanted !== undefined && updated < wanted) {
    return progressing(
      `Waiting for rollout to finish: ${updated} out of ${wanted} new replicas have been updated...`,
    );
  }
  if (replicas > updated) {
    return progressing(
      `Waiting for rollout to finish: ${replicas - updated} old replicas are pending termination...`,
    );
  }
  if (available < updated) {
    return progressing(
      `Waiting for rollout to finish: ${available} of ${updated} updated replicas are available...`,
    );
  }
  return { status: 'Healthy' };
}

export function replicaSetHealth(object: KubeObject): EngineHealth {
  if (!observed(object)) {
    return progressing(
      'Waiting for rollout to finish: observed replica set generation less than desired generation',
    );
  }
  const failure = condition(object, 'ReplicaFailure');
  if (getString(failure, 'status') === 'True') {
    return { status: 'Degraded', message: getString(failure, 'message') ?? '' };
  }
  const wanted = getNumber(object, 'spec', 'replicas');
  const available = count(object, 'availableReplicas');
  return wanted !== undefined && available < wanted
    ? progressing(
        `Waiting for rollout to finish: ${available} out of ${wanted} new replicas are available...`,
      )
    : { status: 'Healthy' };
}

export function daemonSetHealth(object: KubeObject): EngineHealth {
  if (!observed(object)) {
    return progressing(
      'Waiting for rollout to finish: observed daemon set generation less than desired generation',
    );
  }
  const desired = count(object, 'desiredNumberScheduled');
  const updated = count(object, 'updatedNumberScheduled');
  const available = count(object, 'numberAvailable');
  if (getString(object, 'spec', 'updateStrategy', 'type') === 'OnDelete') {
    return {
      status: 'Healthy',
      message: `daemon set ${updated} out of ${desired} new pods have been updated`,
    };
  }
  const waiting = `Waiting for daemon set "${object.metadata.name}" rollout to finish:`;
  if (updated < desired) {
    return progressing(`${waiting} ${updated} out of ${desired} new pods have been updated...`);
  }
  if (available < desired) {
    return progressing(`${waiting} ${available} of ${desired} updated pods are available...`);
  }
  return { status: 'Healthy' };
}

export function statefulSetHealth(object: KubeObject): EngineHealth {
  if (count(object, 'observedGeneration') === 0 || !observed(object)) {
    return progressing('Waiting for statefulset spec update to be observed...');
  }
  const wanted = getNumber(object, 'spec', 'replicas');
  const ready = count(object, 'readyReplicas');
  const updated = count(object, 'updatedReplicas');
  if (wanted !== undefined && ready < wanted)
    return progressing(`Waiting for ${wanted - ready} pods to be ready...`);
  const strategy = getString(object, 'spec', 'updateStrategy', 'type');
  if (
    strategy === 'RollingUpdate' &&
    getObject(object, 'spec', 'updateStrategy', 'rollingUpdate') !== undefined
  ) {
    const partition = getNumber(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition');
    if (wanted !== undefined && partition !== undefined && updated < wanted - partition) {
      return progressing(
        `Waiting for partitioned roll out to finish: ${updated} out of ${wanted - partition} new pods have been updated...`,
      );
    }
    return {
      status: 'Healthy',
      message: `partitioned roll out complete: ${updated} new pods have been updated...`,
    };
  }
  if (strategy === 'OnDelete') return { status: 'Healthy', message: `statefulset has ${ready} ready pods` };
  const revision = getString(object, 'status', 'updateRevision') ?? '';
  const current = getString(object, 'status', 'currentRevision') ?? '';
  if (revision !== current) {
    return progressing(
      `waiting for statefulset rolling update to complete ${updated} pods at revision ${revision}...`,
    );
  }
  return {
    status: 'Healthy',
    message: `statefulset rolling update complete ${count(object, 'currentReplicas')} pods at revision ${current}...`,
  };
}
