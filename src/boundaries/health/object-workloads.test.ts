import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { containerOf, JUST_NOW, NOW, podOf, workloadOf, YESTERDAY } from '../cluster.fixture.ts';
import type { PodFacts } from '../workload.ts';
import { health, text, object, conditions, event, check } from './object.fixture.ts';

describe('a workload that keeps pods running', () => {
  const set = (spec: JsonObject = {}, status: JsonObject = {}, at = JUST_NOW) =>
    workloadOf(
      'StatefulSet',
      { replicas: 2, ...spec },
      { observedGeneration: 2, updateRevision: 'new', ...status },
      at,
    );
  const mine = (name: string, revision: string, change: Partial<PodFacts> = {}) =>
    podOf(name, { controllerRevision: revision, ...change });
  const two = [mine('a-0', 'new'), mine('a-1', 'new')];
  const partition = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } };
  const crashed = (ranFor: string, change: Partial<PodFacts['containers'][number]> = {}) =>
    containerOf({
      restarts: 3,
      startedAt: '2026-03-01T11:59:30Z',
      lastExit: { exitCode: 1, reason: 'Error', startedAt: ranFor, finishedAt: '2026-03-01T11:59:20Z' },
      ...change,
    });
  const refusedNow = [event('FailedCreate', 'create Pod a-0 failed: exceeded quota', '2026-03-01T11:59:59Z')];
  check([
    ['is healthy with every pod of the new revision ready', set(), 'proven ready', { pods: two }],
    [
      'is not, while one is of the old one',
      set(),
      'moving pods-missing',
      { pods: [mine('a-0', 'old'), mine('a-1', 'new')] },
    ],
    [
      'is not known behind a partition, however ready',
      set(partition),
      'unknown partitioned',
      { pods: [mine('a-0', 'old'), mine('a-1', 'new')] },
    ],
    [
      'moves while the partition is not filled',
      set(partition),
      'moving pods-missing',
      { pods: [mine('a-0', 'old')] },
    ],
    [
      'is not known when only people replace its pods',
      set({ updateStrategy: { type: 'OnDelete' } }),
      'unknown on-delete',
      { pods: [mine('a-0', 'old')] },
    ],
    ['is refused its pods, by an event about now', set(), 'broken pods-refused', { events: refusedNow }],
    ['is refused none that are there', set(), 'proven ready', { pods: two, events: refusedNow }],
    [
      'has overcome a refusal that is older than its newest pod',
      set(),
      'moving pods-missing',
      {
        pods: [mine('a-0', 'new', { createdAt: JUST_NOW })],
        events: [event('FailedCreate', 'exceeded quota', '2026-03-01T11:59:50Z')],
      },
    ],
    [
      'is refused pods by the event of somebody else only in name',
      set(),
      'moving pods-missing',
      { events: [event('FailedCreate', 'exceeded quota', NOW, 'other')] },
    ],
    [
      'is not healthy right after a crash',
      set(),
      'moving restarted',
      { pods: [mine('a-0', 'new', { containers: [crashed('2026-03-01T11:58:00Z')] }), two[1] as PodFacts] },
    ],
    [
      'is healthy again when a container outlived its last run',
      set(),
      'proven ready',
      {
        pods: [
          mine('a-0', 'new', {
            containers: [crashed('2026-03-01T11:59:19Z', { startedAt: '2026-03-01T11:59:40Z' })],
          }),
          two[1] as PodFacts,
        ],
      },
    ],
    ['is not known when its pods are not', set(), 'unknown pods-unreadable', { unread: true }],
    [
      'is broken by its own words even when its pods are not known',
      workloadOf(
        'Deployment',
        { replicas: 1 },
        { observedGeneration: 2, ...conditions(['ReplicaFailure', 'True']) },
      ),
      'broken pods-refused',
      { unread: true },
    ],
    ['was scaled to zero by somebody', set({ replicas: 0 }), 'unknown scaled-to-zero', { asked: set() }],
    [
      'is not ready for long enough',
      set({ minReadySeconds: 10 }, { availableReplicas: 1 }),
      'moving not-available',
      { pods: two },
    ],
    [
      'is ready for long enough',
      set({ minReadySeconds: 10 }, { availableReplicas: 2 }),
      'proven ready',
      { pods: two },
    ],
    [
      'is an aborted Rollout',
      workloadOf('Rollout', { replicas: 1 }, { observedGeneration: 2, abort: true }),
      'broken aborted',
    ],
  ]);

  it('gives a Secret that is missing a moment to come, and no longer', () => {
    const stuck = (createdAt: string) =>
      mine('a-0', 'new', {
        ready: false,
        createdAt,
        containers: [containerOf({ state: 'waiting', reason: 'CreateContainerConfigError', ready: false })],
      });
    expect(health(set(), { pods: [stuck(JUST_NOW)] })).toBe('moving cannot-start');
    expect(health(set(), { pods: [stuck('2026-03-01T11:59:00Z')] })).toBe('broken cannot-start');
  });

  it('takes a refused surge for passing while old pods can make room, and only then', () => {
    const quota = (maxUnavailable: JsonValue) => {
      const live = workloadOf(
        'Deployment',
        { replicas: 2, strategy: { rollingUpdate: { maxUnavailable, maxSurge: 1 } } },
        {
          observedGeneration: 2,
          conditions: [
            {
              type: 'ReplicaFailure',
              status: 'True',
              message: 'exceeded quota',
              lastTransitionTime: JUST_NOW,
            },
          ],
        },
        JUST_NOW,
      );
      const older: KubeObject = {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: {
          name: 'a-old',
          uid: 'rs',
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'a', uid: 'u' }],
        },
        spec: { template: { spec: { containers: [] } } },
      };
      const owner = { kind: 'ReplicaSet', name: 'a-old', uid: 'rs' };
      return health(live, { old: [podOf('o', { owner })], replicaSets: [older] });
    };
    expect(quota(1)).toBe('moving pods-refused');
    expect(quota(0)).toBe('broken pods-refused');
    expect(quota('25%')).toBe('broken pods-refused');
    expect(quota('50%')).toBe('moving pods-refused');
  });
});

describe('what runs to its end', () => {
  const job = (status: JsonObject, spec: JsonObject = {}, at = JUST_NOW) =>
    workloadOf('Job', spec, status, at);
  const stuck = podOf('p', {
    owner: { kind: 'Job', name: 'a', uid: 'u' },
    ready: false,
    containers: [containerOf({ state: 'waiting', reason: 'InvalidImageName', ready: false })],
  });
  check([
    ['is a complete Job', job(conditions(['Complete', 'True'])), 'proven job-complete'],
    ['is not one that runs', job({ active: 1 }), 'moving job-running'],
    ['has failed before its pods are gone', job(conditions(['FailureTarget', 'True'])), 'broken job-failed'],
    ['is suspended as it asks for', job({}, { suspend: true }), 'not-applicable suspended'],
    ['is suspended by somebody', job({}, { suspend: true }), 'unknown suspended', { asked: job({}) }],
    [
      'cannot start, which its back-off never ends',
      job({ active: 1 }),
      'broken cannot-start',
      { pods: [stuck] },
    ],
    [
      'is refused its pods',
      job({}),
      'broken pods-refused',
      { events: [event('FailedCreate', 'exceeded quota', NOW)] },
    ],
    ['is a pod that completed', object('v1', 'Pod', { status: { phase: 'Succeeded' } }), 'proven completed'],
    [
      'is a pod that failed',
      object('v1', 'Pod', { status: { phase: 'Failed', message: 'evicted' } }),
      'broken pod-failed',
      { pods: [podOf('a', { uid: 'u', ready: false })] },
    ],
    ['is a CronJob before its time', workloadOf('CronJob', {}, {}), 'not-applicable passive'],
    [
      'is a CronJob that could not start one',
      workloadOf('CronJob', {}, {}),
      'broken not-started',
      { events: [event('FailedCreate', 'forbidden', NOW)] },
    ],
  ]);

  it('says how many attempts of a Job failed', () => {
    expect(text(job({ active: 1, failed: 2 }, { backoffLimit: 5 }))).toContain('2 of 6 attempts failed');
  });
});

describe('scaling and budgets', () => {
  const scaler = (status: JsonObject, at = JUST_NOW) =>
    object('autoscaling/v2', 'HorizontalPodAutoscaler', { status }, at);
  const able = ['AbleToScale', 'True'] as const;
  const budget = (status: JsonObject, at = JUST_NOW) =>
    object('policy/v1', 'PodDisruptionBudget', { status: { observedGeneration: 2, ...status } }, at);
  const versionOne = object('autoscaling/v1', 'HorizontalPodAutoscaler', {}, YESTERDAY);
  versionOne.metadata.annotations = {
    'autoscaling.alpha.kubernetes.io/conditions': JSON.stringify([
      { type: 'AbleToScale', status: 'True' },
      { type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric' },
    ]),
  };
  const noMetrics = conditions(able, ['ScalingActive', 'False', 'FailedGetResourceMetric']);
  check([
    ['reads its metrics', scaler(conditions(able, ['ScalingActive', 'True'])), 'proven scaling-active'],
    ['cannot read them yet', scaler(noMetrics), 'moving metrics-unavailable'],
    ['cannot read them', scaler(noMetrics, YESTERDAY), 'broken metrics-unavailable'],
    ['cannot set the scale', scaler(conditions(['AbleToScale', 'False']), YESTERDAY), 'broken cannot-scale'],
    [
      'has nothing to scale',
      scaler(conditions(able, ['ScalingActive', 'False', 'ScalingDisabled'])),
      'not-applicable scaling-disabled',
    ],
    ['says nothing', scaler({}, YESTERDAY), 'unknown not-observed'],
    ['says it in an annotation, as version 1 does', versionOne, 'broken metrics-unavailable'],
    [
      'protects enough',
      budget({ expectedPods: 2, currentHealthy: 2, desiredHealthy: 1 }),
      'proven pods-protected',
    ],
    [
      'has too few to protect',
      budget({ expectedPods: 2, currentHealthy: 0, desiredHealthy: 1 }),
      'moving too-few-healthy',
    ],
    ['protects nobody', budget({ expectedPods: 0 }), 'not-applicable selects-nothing'],
    [
      'cannot count',
      budget(conditions(['DisruptionAllowed', 'False', 'SyncFailed']), YESTERDAY),
      'broken sync-failed',
    ],
    ['was not seen', budget({ observedGeneration: 1 }), 'moving not-observed'],
  ]);
});
