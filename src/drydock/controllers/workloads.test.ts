import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../api/contract.ts';
import { controllerFixture, TESTER, webDeployment } from './controller-fixture.ts';
import type { ControllerFixture } from './controller-fixture.ts';
import { DAEMON_SETS } from './daemonset/daemonset-controller.ts';
import { BUDGETS } from './disruption/disruption-controller.ts';
import type { DisruptionBudget } from './disruption/disruption-controller.ts';
import { ranges } from './job/job-controller.ts';
import { CRON_JOBS, JOBS } from './job/job-objects.ts';
import type { CronJob, Job } from './job/job-objects.ts';
import { parseSchedule } from './job/schedule.ts';
import { DEPLOYMENTS, ENDPOINT_SLICES, NODES, PODS, SERVICES } from './objects.ts';
import { STATEFUL_SETS } from './statefulset/statefulset-controller.ts';
import { STORAGE_CLASSES } from './storage/index.ts';
import type { StatefulSet } from './statefulset/statefulset-controller.ts';

let fixture: ControllerFixture;

beforeEach(async () => {
  fixture = await controllerFixture();
});

afterEach(() => fixture.close());

const template = (more: object = {}, labels = { app: 'x' }) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'main', image: 'nginx:1' }], ...more },
});

const names = () =>
  fixture
    .pods()
    .filter((pod) => pod.metadata.deletionTimestamp === undefined)
    .map((pod) => pod.metadata.name)
    .toSorted((a, b) => (a < b ? -1 : 1));

function job(spec: object, restartPolicy = 'Never'): KubeObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'work', namespace: 'default' },
    spec: { template: template({ restartPolicy }, {} as never), ...spec },
  };
}

const jobStatus = () => (fixture.get(JOBS, 'work') as Job).status ?? {};
const jobConditions = () =>
  (jobStatus().conditions ?? []).map(({ type, reason }) => `${type} ${reason ?? ''}`);

async function endAll(phase: 'Succeeded' | 'Failed'): Promise<void> {
  await fixture.runAll();
  for (const pod of fixture.pods()) if (pod.status?.phase === 'Running') await fixture.finish(pod, phase);
  await fixture.settle();
}

describe('a Job', () => {
  it('ends when as many pods have succeeded as it asks for', async () => {
    await fixture.create(JOBS, job({ completions: 3, parallelism: 2 }));
    await fixture.settle();
    expect(fixture.pods()).toHaveLength(2);
    await endAll('Succeeded');
    expect(jobStatus()).toMatchObject({ succeeded: 2, active: 1 });
    await endAll('Succeeded');
    expect(jobConditions()).toEqual(['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']);
    expect(jobStatus()).toMatchObject({ succeeded: 3, ready: 0 });
    expect(jobStatus().completionTime).toBeDefined();
    expect(fixture.messages('Completed')).toEqual(['Job completed']);
  });

  it('tries again after 10 and 20 s, and fails beyond its backoff limit', async () => {
    await fixture.create(JOBS, job({ backoffLimit: 2 }));
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      await endAll('Failed');
      const begin = fixture.clock.now();
      while (fixture.pods().length === attempt && jobConditions().length === 0) {
        await fixture.clock.advance(1000);
        await fixture.settle();
      }
      waits.push((fixture.clock.now() - begin) / 1000);
    }
    expect(waits).toEqual([10, 20, 0]);
    expect(jobConditions()).toEqual(['FailureTarget BackoffLimitExceeded', 'Failed BackoffLimitExceeded']);
    expect(jobStatus()).toMatchObject({ failed: 3 });
  });

  it('is ended by its deadline, once its pods are gone', async () => {
    await fixture.create(JOBS, job({ activeDeadlineSeconds: 30 }));
    await fixture.runAll();
    await fixture.clock.advance(31_000);
    await fixture.settle();
    expect(jobConditions()).toEqual(['FailureTarget DeadlineExceeded']);
    await fixture.runAll();
    expect(jobConditions()).toEqual(['FailureTarget DeadlineExceeded', 'Failed DeadlineExceeded']);
  });

  it('gives every pod an index where it is indexed, and says which are done', async () => {
    await fixture.create(JOBS, job({ completions: 4, parallelism: 3, completionMode: 'Indexed' }));
    await fixture.runAll();
    const indexes = fixture
      .pods()
      .map((pod) => pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']);
    expect(indexes.toSorted((a, b) => Number(a) - Number(b))).toEqual(['0', '1', '2']);
    await endAll('Succeeded');
    expect(jobStatus().completedIndexes).toBe('0-2');
    await endAll('Succeeded');
    expect(jobStatus()).toMatchObject({ completedIndexes: '0-3', succeeded: 4 });
    expect(ranges([5, 0, 1, 2, 7])).toBe('0-2,5,7');
  });

  it('stops its pods while it is suspended', async () => {
    await fixture.create(JOBS, job({ parallelism: 2, completions: 2 }));
    await fixture.runAll();
    await fixture.merge(JOBS, 'work', { spec: { suspend: true } });
    await fixture.runAll();
    expect(fixture.pods()).toHaveLength(0);
    expect(jobConditions()).toEqual(['Suspended JobSuspended']);
    await fixture.merge(JOBS, 'work', { spec: { suspend: false } });
    await fixture.runAll();
    expect(fixture.pods()).toHaveLength(2);
    expect(jobConditions()).toEqual(['Suspended JobResumed']);
  });

  it('is deleted after its time to live', async () => {
    await fixture.create(JOBS, job({ ttlSecondsAfterFinished: 60 }));
    await endAll('Succeeded');
    await fixture.clock.advance(59_000);
    expect(fixture.get(JOBS, 'work')?.metadata.deletionTimestamp).toBeUndefined();
    await fixture.clock.advance(3000);
    await fixture.settle();
    expect(fixture.get(JOBS, 'work')?.metadata.deletionTimestamp ?? 'gone').toBeDefined();
    await fixture.runAll();
    expect(fixture.get(JOBS, 'work')).toBeUndefined();
  });
});

describe('a schedule', () => {
  const at = (text: string) => Date.parse(`2026-01-01T${text}Z`);
  it.each([
    ['*/15 * * * *', '00:07:30', '2026-01-01T00:15:00.000Z'],
    ['0 9 * * mon-fri', '10:00:00', '2026-01-02T09:00:00.000Z'],
    ['30 6 1 * *', '06:30:00', '2026-02-01T06:30:00.000Z'],
    ['0 0 13 * 5', '00:00:00', '2026-01-02T00:00:00.000Z'],
    ['@hourly', '00:59:59', '2026-01-01T01:00:00.000Z'],
    ['0 0 29 feb *', '00:00:00', '2028-02-29T00:00:00.000Z'],
  ])('%s after %s is %s', (text, from, expected) => {
    expect(new Date(parseSchedule(text).next(at(from)) ?? 0).toISOString()).toBe(expected);
  });

  it.each(['* * * *', '60 * * * *', 'a * * * *', '5-1 * * * *', '*/0 * * * *', ', * * * *'])(
    '%j is refused',
    (text) => {
      expect(() => parseSchedule(text)).toThrow('is not valid');
    },
  );
});

describe('a CronJob', () => {
  const cron = (spec: object = {}): KubeObject => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'tick', namespace: 'default' },
    spec: {
      schedule: '*/5 * * * *',
      jobTemplate: { spec: { template: template({ restartPolicy: 'Never' }) } },
      ...spec,
    },
  });
  const jobs = () => fixture.api.list(JOBS).items as readonly Job[];

  it('makes a Job at its times, and keeps as many old ones as it is told', async () => {
    await fixture.create(CRON_JOBS, cron({ successfulJobsHistoryLimit: 2 }));
    for (let round = 0; round < 4; round++) {
      await fixture.clock.advance(300_000);
      await endAll('Succeeded');
    }
    expect(jobs()).toHaveLength(2);
    const status = (fixture.get(CRON_JOBS, 'tick') as CronJob).status;
    expect(status?.lastScheduleTime).toBe('2026-01-01T00:20:00Z');
    expect(status?.active).toBeUndefined();
    expect(jobs()[1]?.metadata.name).toBe(`tick-${Date.UTC(2026, 0, 1, 0, 20) / 60_000}`);
  });

  it('does not start a second one where that is forbidden, nor any while it is suspended', async () => {
    await fixture.create(CRON_JOBS, cron({ concurrencyPolicy: 'Forbid' }));
    for (let round = 0; round < 3; round++) {
      await fixture.clock.advance(300_000);
      await fixture.runAll();
    }
    expect(jobs()).toHaveLength(1);
    await endAll('Succeeded');
    await fixture.merge(CRON_JOBS, 'tick', { spec: { suspend: true } });
    await fixture.clock.advance(900_000);
    await fixture.settle();
    expect(jobs().length).toBeLessThanOrEqual(2);
  });
});

describe('a StatefulSet', () => {
  const set = (spec: object = {}): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'default' },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'x' } },
      template: template(),
      ...spec,
    },
  });
  const status = () => (fixture.get(STATEFUL_SETS, 'db') as StatefulSet).status ?? {};
  const images = () =>
    Object.fromEntries(fixture.pods().map((pod) => [pod.metadata.name, pod.spec.containers[0]?.image]));
  const newImage = { spec: { template: { spec: { containers: [{ name: 'main', image: 'nginx:2' }] } } } };

  it('starts its pods in order, each when the one before is ready', async () => {
    await fixture.create(STATEFUL_SETS, set());
    const seen: string[][] = [];
    for (let round = 0; round < 3; round++) {
      await fixture.settle();
      seen.push(names());
      for (const pod of fixture.pods()) if (pod.status?.phase === 'Pending') await fixture.report(pod, true);
    }
    expect(seen).toEqual([['db-0'], ['db-0', 'db-1'], ['db-0', 'db-1', 'db-2']]);
    await fixture.settle();
    expect(status()).toMatchObject({ replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3 });
    expect(fixture.messages('SuccessfulCreate')).toContain('create Pod db-1 in StatefulSet db successful');
  });

  it('is updated from the last to the first, and scaled down from the end', async () => {
    await fixture.create(STATEFUL_SETS, set());
    await fixture.runAll();
    const deleted: string[] = [];
    fixture.api.watch(PODS, {}, ({ type, object }) => {
      if (type === 'DELETED') deleted.push(object.metadata.name);
    });
    await fixture.merge(STATEFUL_SETS, 'db', newImage);
    await fixture.runAll();
    expect(deleted).toEqual(['db-2', 'db-1', 'db-0']);
    expect(Object.values(images())).toEqual(['nginx:2', 'nginx:2', 'nginx:2']);
    expect(status().currentRevision).toBe(status().updateRevision);
    // The whole name of the revision, where pods of a DaemonSet carry its hash alone.
    const { labels } = fixture.api.get(PODS, 'default', 'db-0')?.metadata ?? {};
    expect(labels?.['controller-revision-hash']).toBe(status().updateRevision);
    await fixture.merge(STATEFUL_SETS, 'db', { spec: { replicas: 1 } });
    await fixture.runAll();
    expect(names()).toEqual(['db-0']);
    expect(deleted.slice(3)).toEqual(['db-2', 'db-1']);
  });

  it('keeps what is below its partition, also when such a pod is made anew', async () => {
    await fixture.create(
      STATEFUL_SETS,
      set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }),
    );
    await fixture.runAll();
    await fixture.merge(STATEFUL_SETS, 'db', newImage);
    await fixture.runAll();
    expect(images()).toEqual({ 'db-0': 'nginx:1', 'db-1': 'nginx:1', 'db-2': 'nginx:2' });
    await fixture.api.delete(PODS, 'default', 'db-0');
    await fixture.runAll();
    expect(images()['db-0']).toBe('nginx:1');
    expect(status()).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 });
    expect(status().currentRevision).not.toBe(status().updateRevision);
  });

  it('gives its pods names below its Service and claims of their own', async () => {
    await fixture.create(STORAGE_CLASSES, {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: {
        name: 'standard',
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      },
      provisioner: 'rancher.io/local-path',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    await fixture.create(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'db', namespace: 'default' },
      spec: { clusterIP: 'None', selector: { app: 'x' }, ports: [{ port: 5432 }] },
    });
    await fixture.create(
      STATEFUL_SETS,
      set({
        replicas: 1,
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      }),
    );
    await fixture.runAll();
    const [slice] = fixture.api.list(ENDPOINT_SLICES).items;
    expect(slice?.['endpoints']).toMatchObject([{ hostname: 'db-0', conditions: { ready: true } }]);
    const claims = fixture.api.list({ group: '', version: 'v1', resource: 'persistentvolumeclaims' }).items;
    expect(claims.map(({ metadata }) => metadata.name)).toEqual(['data-db-0']);
    expect(claims[0]?.['status']).toMatchObject({ phase: 'Bound', capacity: { storage: '1Gi' } });
    expect(fixture.messages('SuccessfulCreate')).toContain(
      'create Claim data-db-0 Pod db-0 in StatefulSet db success',
    );
  });
});

describe('a DaemonSet', () => {
  const set = (spec: object = {}): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'x' } }, template: template(), ...spec },
  });
  const nodesOfPods = () =>
    fixture
      .pods()
      .map((pod) => pod.spec.nodeName ?? '')
      .toSorted((a, b) => (a < b ? -1 : 1));
  const status = () => fixture.get(DAEMON_SETS, 'agent')?.['status'];

  it('has one pod on every node, cordoned ones included', async () => {
    await fixture.api.patch(NODES, undefined, 'node-2', 'merge', { spec: { unschedulable: true } }, TESTER);
    await fixture.create(DAEMON_SETS, set());
    await fixture.runAll();
    expect(nodesOfPods()).toEqual(['node-1', 'node-2', 'node-3']);
    expect(status()).toMatchObject({
      desiredNumberScheduled: 3,
      numberReady: 3,
      numberAvailable: 3,
      updatedNumberScheduled: 3,
    });
  });

  it('follows the labels of its nodes', async () => {
    await fixture.create(DAEMON_SETS, set({ template: template({ nodeSelector: { gpu: 'yes' } }) }));
    await fixture.runAll();
    expect(fixture.pods()).toHaveLength(0);
    await fixture.api.patch(
      NODES,
      undefined,
      'node-3',
      'merge',
      { metadata: { labels: { gpu: 'yes' } } },
      TESTER,
    );
    await fixture.runAll();
    expect(nodesOfPods()).toEqual(['node-3']);
    await fixture.api.patch(
      NODES,
      undefined,
      'node-3',
      'merge',
      { metadata: { labels: { gpu: null } } },
      TESTER,
    );
    await fixture.runAll();
    expect(fixture.pods()).toHaveLength(0);
  });

  it('replaces one pod at a time', async () => {
    await fixture.create(DAEMON_SETS, set());
    await fixture.runAll();
    await fixture.merge(DAEMON_SETS, 'agent', {
      spec: { template: { spec: { containers: [{ name: 'main', image: 'nginx:2' }] } } },
    });
    let least = 3;
    fixture.api.watch(PODS, {}, () => {
      const running = fixture
        .pods()
        .filter((pod) => pod.status?.phase === 'Running' && pod.metadata.deletionTimestamp === undefined);
      least = Math.min(least, running.length);
    });
    await fixture.runAll();
    expect(least).toBe(2);
    expect(fixture.pods().map((pod) => pod.spec.containers[0]?.image)).toEqual([
      'nginx:2',
      'nginx:2',
      'nginx:2',
    ]);
  });
});

describe('a disruption budget', () => {
  const budget = (spec: object): KubeObject => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  });
  const status = () => (fixture.get(BUDGETS, 'web') as DisruptionBudget).status ?? {};

  it.each([
    [{ minAvailable: 2 }, 2, 1],
    [{ minAvailable: '50%' }, 2, 1],
    [{ maxUnavailable: 1 }, 2, 1],
    [{ maxUnavailable: '100%' }, 0, 3],
    [{ minAvailable: 3 }, 3, 0],
  ])('of %j wants %i healthy of three and allows %i', async (spec, desired, allowed) => {
    await fixture.create(BUDGETS, budget(spec));
    await fixture.create(DEPLOYMENTS, webDeployment());
    await fixture.runAll();
    expect(status()).toMatchObject({
      currentHealthy: 3,
      desiredHealthy: desired,
      disruptionsAllowed: allowed,
      expectedPods: 3,
    });
    expect(status().conditions?.[0]).toMatchObject({
      type: 'DisruptionAllowed',
      status: allowed > 0 ? 'True' : 'False',
      reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    });
  });

  it('counts only pods that are ready', async () => {
    await fixture.create(BUDGETS, budget({ minAvailable: 2 }));
    await fixture.create(DEPLOYMENTS, webDeployment());
    await fixture.runAll();
    const [pod] = fixture.pods();
    if (pod !== undefined) await fixture.report(pod, false);
    await fixture.settle();
    expect(status()).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 0 });
  });
});
