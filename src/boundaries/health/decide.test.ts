import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { containerOf, JUST_NOW, NOW, podOf, workloadOf, YESTERDAY } from '../cluster.fixture.ts';
import type { Reading } from '../reading.ts';
import { workloadPods } from '../workload-pods.ts';
import type { PodFacts } from '../workload.ts';
import { decideHealth } from './decide.ts';

function healthOf(live: KubeObject, pods: readonly PodFacts[] = [], sets: readonly KubeObject[] = []) {
  const { state, reason } = decideHealth(
    [
      {
        object: live,
        live: { state: 'read', value: live },
        pods: workloadPods(live, { state: 'read', value: pods }, { state: 'read', value: sets }),
      },
    ],
    NOW,
  );
  return `${state} ${reason}`;
}

const custom = (apiVersion: string, kind: string, status: JsonObject | undefined, writtenAt = YESTERDAY) => {
  const { spec: _spec, ...rest } = workloadOf('Deployment', {}, {}, writtenAt);
  return { ...rest, apiVersion, kind, ...(status === undefined ? {} : { status }) };
};

describe('the health of a workload', () => {
  it('is open while a new DaemonSet has not been seen by its controller, whose counts are all zero', () => {
    expect(healthOf(workloadOf('DaemonSet', {}, {}, JUST_NOW))).toBe('moving not-observed');
  });

  it('is not applicable for a DaemonSet that no node is eligible for', () => {
    const status = { observedGeneration: 2, desiredNumberScheduled: 0 };
    expect(healthOf(workloadOf('DaemonSet', {}, status))).toBe('not-applicable no-eligible-node');
  });

  it('has its deadline from the last change of the spec, not from the birth of the workload', () => {
    const behind = { observedGeneration: 1 };
    expect(healthOf(workloadOf('Deployment', { replicas: 1 }, behind, JUST_NOW))).toBe('moving not-observed');
    expect(healthOf(workloadOf('Deployment', { replicas: 1 }, behind))).toBe('broken not-observed');
    const begun = { observedGeneration: 2, updateRevision: 'new' };
    expect(healthOf(workloadOf('StatefulSet', { replicas: 1 }, begun, JUST_NOW))).toBe('moving pods-missing');
  });

  it('is not spoilt by evicted pods that nobody has cleaned up', () => {
    const status = { observedGeneration: 2, desiredNumberScheduled: 1, updatedNumberScheduled: 1 };
    const pods = [
      podOf('runs', { controllerRevision: 'r' }),
      podOf('evicted', { controllerRevision: 'r', phase: 'Failed', ready: false, containers: [] }),
    ];
    expect(healthOf(workloadOf('DaemonSet', {}, status), pods)).toBe('proven ready');
  });

  it('quotes one line of what a container left behind, not its whole log', () => {
    const message = `panic: no route\n${'token=hunter2 '.repeat(300)}`;
    const broken = containerOf({ state: 'terminated', reason: 'Error', exitCode: 1, ready: false, message });
    const live = workloadOf('Deployment', { replicas: 1 }, { observedGeneration: 2 });
    const pod = podOf('p', { ready: false, containers: [broken] });
    const value = { current: [pod], old: [], currentHash: undefined, replicaSet: undefined };
    const { detail } = decideHealth(
      [{ object: live, live: { state: 'read', value: live }, pods: { state: 'read', value } }],
      NOW,
    );
    expect(detail).toContain('panic: no route');
    expect(detail).not.toContain('hunter2');
  });

  it('finds the pods of an Argo Rollout behind its ReplicaSets', () => {
    const live = workloadOf(
      'Rollout',
      { replicas: 1 },
      {
        observedGeneration: '2',
        currentPodHash: 'h',
      },
    );
    const set: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: 'a-h',
        namespace: 'n',
        uid: 'rs',
        labels: { 'rollouts-pod-template-hash': 'h' },
        ownerReferences: [{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'a', uid: 'u' }],
      },
    };
    const pod = podOf('p', { templateHash: 'h', owner: { kind: 'ReplicaSet', name: 'a-h', uid: 'rs' } });
    expect(healthOf(live, [pod], [set])).toBe('proven ready');
  });

  it('is unknown, not broken, for a Job that runs longer than others and has no deadline of its own', () => {
    expect(healthOf(workloadOf('Job', {}, { active: 1 }))).toBe('unknown job-running');
    expect(healthOf(workloadOf('Job', { activeDeadlineSeconds: 900_000 }, { active: 1 }))).toBe(
      'moving job-running',
    );
  });
});

describe('the health of other objects', () => {
  it('is asked of a kind that only shares its name with a passive one', () => {
    const notReady = { conditions: [{ type: 'Ready', status: 'False' }] };
    expect(healthOf(custom('serving.knative.dev/v1', 'Service', notReady))).toBe('broken condition');
    expect(healthOf(custom('v1', 'Service', {}))).toBe('not-applicable passive');
  });

  it('is moving while a condition is false and the object has just been written', () => {
    const notReady = { conditions: [{ type: 'Ready', status: 'False' }] };
    expect(healthOf(custom('cert-manager.io/v1', 'Certificate', notReady, JUST_NOW))).toBe(
      'moving condition',
    );
  });

  it('is not proven by a condition about an earlier generation', () => {
    const stale = { conditions: [{ type: 'Ready', status: 'True', observedGeneration: 1 }] };
    expect(healthOf(custom('cert-manager.io/v1', 'Certificate', stale, JUST_NOW))).toBe(
      'moving not-observed',
    );
  });

  it('is nothing to wait for where a kind keeps no status by design', () => {
    expect(healthOf(custom('monitoring.coreos.com/v1', 'ServiceMonitor', undefined))).toBe(
      'not-applicable passive',
    );
  });
});

describe('the health of a CronJob', () => {
  const template = (image: string): JsonObject => ({ spec: { containers: [{ name: 'a', image }] } });
  const live = (lastScheduleTime?: string): KubeObject =>
    workloadOf(
      'CronJob',
      { template: null, jobTemplate: { spec: { template: template('a:2') } } },
      lastScheduleTime === undefined ? {} : { lastScheduleTime },
    );
  const job = (
    name: string,
    created: string,
    type: string | undefined,
    image = 'a:2',
    owner = 'u',
  ): KubeObject => ({
    ...workloadOf('Job', { template: template(image) }, {}),
    metadata: {
      name,
      namespace: 'n',
      creationTimestamp: created,
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'a', uid: owner, controller: true }],
    },
    status:
      type === undefined ? { active: 1 } : { conditions: [{ type, status: 'True', message: 'exit 1' }] },
  });
  const healthOfRuns = (jobs: Reading<readonly KubeObject[]>, object = live()) => {
    const { state, reason } = decideHealth(
      [{ object, live: { state: 'read', value: object }, pods: undefined, jobs }],
      NOW,
    );
    return `${state} ${reason}`;
  };
  const [early, late] = ['2026-03-01T10:00:00Z', '2026-03-01T11:00:00Z'];

  it.each<[string, readonly KubeObject[], string]>([
    [
      'is that of its last run, which failed',
      [job('a-1', early, 'Complete'), job('a-2', late, 'Failed')],
      'broken last-run-failed',
    ],
    [
      'is that of its last run, which is complete',
      [job('a-2', late, 'Complete'), job('a-1', early, 'Failed')],
      'proven last-run-complete',
    ],
    ['is not known before its first run has ended', [job('a-1', late, undefined)], 'not-applicable passive'],
    [
      'is not that of a run before the template changed',
      [job('a-1', late, 'Failed', 'a:1')],
      'not-applicable passive',
    ],
    [
      'is not that of the Job of somebody else',
      [job('b-1', late, 'Failed', 'a:2', 'other')],
      'not-applicable passive',
    ],
  ])('%s', (_, jobs, wanted) => {
    expect(healthOfRuns({ state: 'read', value: jobs })).toBe(wanted);
  });

  it('is not known where it ran since and its Jobs may not be read', () => {
    const unread = { state: 'unreadable', why: 'forbidden', code: 'kube-denied' } as const;
    expect(healthOfRuns(unread)).toBe('not-applicable passive');
    expect(healthOfRuns(unread, live(late))).toBe('unknown jobs-unreadable');
  });
});
