import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import type { JsonObject, ManualClock } from '../../kernel/index.ts';
import { loadKubeClient } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { clusterFixture, program, WEB } from '../../drydock/cluster/cluster-fixture.ts';
import type { ClusterFixture } from '../../drydock/cluster/cluster-fixture.ts';
import { openTcpGate } from '../../../test/tcp-gate.ts';
import { watchHealth } from './wait.ts';
import type { ObjectOutcome, WatchOutcome } from './wait.ts';

let fixture: ClusterFixture;
let client: KubeClient;
let clock: ManualClock;
let folder: string;
let namespace = '';
let turn = 0;

beforeAll(async () => {
  clock = manualClock();
  fixture = await clusterFixture({ clock, nodes: 1, definitions: ['argocd'] });
  folder = await mkdtemp(path.join(tmpdir(), 'landfall-wait-'));
  await fixture.cluster.writeKubeconfig(path.join(folder, 'config'));
  client = await loadKubeClient({ kubeconfig: path.join(folder, 'config'), clock });
  await apply(definition());
  await fixture.push('web', 'v1', WEB);
  await fixture.push('crash', 'v1', program('process.exit(3)'));
  await fixture.push('task', 'v1', program('process.exit(0)'));
});

afterAll(async () => {
  client.close();
  await fixture.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  turn += 1;
  namespace = `wait-${turn}`;
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
});

async function apply(object: KubeObject): Promise<KubeObject> {
  return (await client.apply(object, { fieldManager: 'test', force: true })).object;
}

const PROBE = { httpGet: { port: 8080, path: '/' }, periodSeconds: 1 };

function deployment(image: string, more: JsonObject = {}, container: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: `registry.corp.io/${image}`, ...container }] },
      },
      ...more,
    },
  };
}

function service(app: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace },
    spec: { selector: { app }, ports: [{ port: 80, targetPort: 8080 }] },
  };
}

interface Watching {
  readonly outcome: Promise<WatchOutcome>;
  readonly progress: (readonly ObjectOutcome[])[];
}

function watch(objects: readonly KubeObject[], timeoutMs = 900_000, steadyMs = 3_000): Watching {
  const progress: (readonly ObjectOutcome[])[] = [];
  const outcome = watchHealth(
    client,
    objects.map((object) => ({ object })),
    { clock, timeoutMs, steadyMs, onProgress: (now) => progress.push(now) },
    AbortSignal.timeout(60_000),
  );
  return { outcome, progress };
}

/** Moves the clock until the wait is over; processes and HTTP live in real time. */
async function settled(watching: Watching, stepMs = 250): Promise<WatchOutcome> {
  const progress = { over: false };
  const end = () => {
    progress.over = true;
  };
  watching.outcome.then(end, end);
  while (!progress.over) {
    await clock.advance(stepMs);
    await new Promise((resolve) => {
      setTimeout(resolve, 4);
    });
  }
  return watching.outcome;
}

const told = ({ outcome, objects }: WatchOutcome) =>
  [outcome, ...objects.map(({ state, reason }) => `${state} ${reason}`)].join('; ');

describe('waiting for health after an apply', () => {
  it('ends as soon as pods of the new template and their endpoints are ready', async () => {
    const set = [
      await apply(deployment('web:v1', {}, { readinessProbe: PROBE })),
      await apply(service('web')),
      await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace } }),
    ];
    const watching = watch(set);
    const done = await settled(watching);
    expect(told(done)).toBe('healthy; proven ready; proven endpoints; not-applicable passive');
    expect(done.objects[0]).toMatchObject({ ready: 1, wanted: 1, name: `Deployment/${namespace}/web` });
    expect(watching.progress[0]?.[0]?.state).not.toBe('proven');
    expect(done.tookMs).toBeLessThan(60_000);
  });

  it('ends in seconds for a container that crashes, though it is ready for a moment each time', async () => {
    // The process needs real time to crash, while the clock runs ahead: here the container has to stay up longer.
    const watching = watch([await apply(deployment('crash:v1'))], 900_000, 60_000);
    const done = await settled(watching, 100);
    expect(told(done)).toBe('broken; broken crash-loop');
    expect(done.objects[0]?.text).toMatch(/exit 3|CrashLoopBackOff/);
    expect(done.tookMs).toBeLessThan(120_000);
    expect(watching.progress.some((all) => all[0]?.state === 'proven')).toBe(false);
  });

  it('ends at once where a quota refuses the pods, with the words of the API server', async () => {
    await apply({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'none', namespace },
      spec: { hard: { pods: '0' } },
    });
    const done = await settled(watch([await apply(deployment('web:v1'))]));
    expect(told(done)).toBe('broken; broken pods-refused');
    expect(done.objects[0]?.text).toContain('exceeded quota');
    expect(done.tookMs).toBeLessThan(30_000);
  });

  it('says so of a StatefulSet by its event, since it has no condition for it', async () => {
    await apply({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'none', namespace },
      spec: { hard: { pods: '0' } },
    });
    const stateful = { ...deployment('web:v1', { serviceName: 'web' }), kind: 'StatefulSet' };
    const done = await settled(watch([await apply(stateful)]));
    expect(told(done)).toBe('broken; broken pods-refused');
    expect(done.objects[0]?.text).toContain('exceeded quota');
  });

  it('gives a pod that is never ready until its progress deadline, and no longer', async () => {
    const never = { readinessProbe: { httpGet: { port: 9, path: '/' }, periodSeconds: 1 } };
    const watching = watch([await apply(deployment('web:v1', { progressDeadlineSeconds: 20 }, never))]);
    const done = await settled(watching);
    expect(told(done)).toBe('broken; broken deadline-exceeded');
    expect(done.tookMs).toBeGreaterThan(19_000);
    expect(done.tookMs).toBeLessThan(40_000);
  });

  it('tells a deadline that passed from a fault', async () => {
    const never = { readinessProbe: { httpGet: { port: 9, path: '/' }, periodSeconds: 1 } };
    const done = await settled(watch([await apply(deployment('web:v1', {}, never))], 8_000));
    expect(told(done)).toBe('late; moving not-ready');
  });

  it('waits for a Job to complete, and ends when it has failed', async () => {
    const job = (name: string, image: string): KubeObject => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace },
      spec: {
        backoffLimit: 0,
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [{ name: 'task', image: `registry.corp.io/${image}` }],
          },
        },
      },
    });
    expect(told(await settled(watch([await apply(job('good', 'task:v1'))])))).toBe(
      'healthy; proven job-complete',
    );
    const failed = await settled(watch([await apply(job('bad', 'crash:v1'))]));
    expect(told(failed)).toBe('broken; broken job-failed');
  });

  it('judges a custom resource by its conditions about the generation that was applied', async () => {
    expect(told(await settled(watch([definition()])))).toBe('healthy; proven established');
    const applied = await apply(widget(1));
    const watching = watch([applied]);
    await clock.advance(500);
    await status({
      conditions: [{ type: 'Ready', status: 'True', observedGeneration: 0 }],
      observedGeneration: 0,
    });
    await status({ conditions: [{ type: 'Ready', status: 'True' }], observedGeneration: 1 });
    expect(told(await settled(watching))).toBe('healthy; proven condition');

    const again = watch([await apply(widget(2))]);
    await status({ conditions: [{ type: 'Ready', status: 'True' }], observedGeneration: 1 });
    await status({
      observedGeneration: 2,
      conditions: [{ type: 'Stalled', status: 'True', reason: 'Bad', message: 'no such size' }],
    });
    const done = await settled(again);
    expect(told(done)).toBe('broken; broken stalled');
    expect(done.objects[0]?.text).toContain('no such size');
  });

  it('does not call an object healthy that says nothing of itself', async () => {
    const done = await settled(watch([await apply(widget(3))]));
    expect(told(done)).toBe('unproven; unknown no-condition');
    expect(done.tookMs).toBeLessThan(30_000);
  });

  it('ends when an object is deleted meanwhile, or made again by somebody else', async () => {
    const never = { readinessProbe: { httpGet: { port: 9, path: '/' }, periodSeconds: 1 } };
    const applied = await apply(deployment('web:v1', {}, never));
    const watching = watch([applied]);
    await clock.advance(500);
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web' };
    await client.delete(ref);
    expect(told(await settled(watching))).toMatch(/^broken; broken (?:missing|deleting)$/);
    await apply(deployment('web:v1'));
    expect(told(await settled(watch([applied])))).toBe('broken; broken replaced');
  });

  it('ends when somebody changes the template while it waits', async () => {
    const never = { readinessProbe: { httpGet: { port: 9, path: '/' }, periodSeconds: 1 } };
    const watching = watch([await apply(deployment('web:v1', {}, never))]);
    await clock.advance(500);
    await apply(deployment('task:v1', {}, never));
    expect(told(await settled(watching))).toBe('broken; broken template-changed');
  });

  it('does not take a Service that selects nothing for healthy', async () => {
    const done = await settled(
      watch([await apply(deployment('web:v1', {}, { readinessProbe: PROBE })), await apply(service('wbe'))]),
    );
    expect(told(done)).toBe('broken; proven ready; broken no-endpoints');
    expect(done.objects[1]?.text).toContain('app=wbe');
    expect(done.tookMs).toBeLessThan(120_000);
  });

  it('is not over while pods of the earlier template are left', async () => {
    await settled(watch([await apply(deployment('web:v1', {}, { readinessProbe: PROBE }))]));
    const applied = await apply(
      deployment('web:v1', {}, { readinessProbe: PROBE, env: [{ name: 'CHANGED', value: 'yes' }] }),
    );
    const watching = watch([applied, await apply(service('web'))]);
    expect(told(await settled(watching))).toBe('healthy; proven ready; proven endpoints');
    const pods = await client.list({ apiVersion: 'v1', kind: 'Pod' }, { namespace });
    const standing = pods.items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    expect(standing.map((pod) => JSON.stringify(pod['spec']).includes('CHANGED'))).toEqual([true]);
  });

  it('has patience with an object that was there long before, when others of its set were changed', async () => {
    const before = await apply(service('web'));
    await clock.advance(70_000);
    expect(told(await settled(watch([before])))).toBe('broken; broken no-endpoints');
    const config: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace } };
    const done = await settled(watch([await apply(config), before], 10_000));
    expect(told(done)).toBe('late; not-applicable passive; moving no-endpoints');
  });

  it('calls nothing healthy, and nothing broken, while the API server is away', async () => {
    const { hostname, port } = new URL(fixture.cluster.url);
    const gate = await openTcpGate({ host: hostname, port: Number(port) });
    const config = path.join(folder, 'gated');
    await writeFile(config, fixture.cluster.kubeconfig().replaceAll(`:${port}`, `:${gate.port}`));
    const gated = await loadKubeClient({ kubeconfig: config, clock });
    try {
      const applied = await apply(deployment('web:v1', {}, { readinessProbe: PROBE }));
      gate.shut();
      const away: string[] = [];
      const watching = {
        progress: [],
        outcome: watchHealth(
          gated,
          [{ object: applied }],
          {
            clock,
            timeoutMs: 30_000,
            onProgress: ([only]) => away.push(`${only?.state} ${only?.reason}`),
          },
          AbortSignal.timeout(60_000),
        ),
      };
      expect(told(await settled(watching))).toBe('late; unknown unreadable');
      expect(away).toEqual(['unknown unreadable']);
    } finally {
      gated.close();
      await gate.close();
    }
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const applied = await apply(deployment('web:v1', {}, { readinessProbe: PROBE }));
    const waiting = watchHealth(client, [{ object: applied }], { clock, timeoutMs: 60_000 }, stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ kind: 'cancelled' });
  });
});

function definition(): KubeObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  };
}

function widget(size: number): KubeObject {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', namespace }, spec: { size } };
}

async function status(value: JsonObject): Promise<void> {
  const ref = { apiVersion: 'example.com/v1', kind: 'Widget', namespace, name: 'w' };
  await client.patch(ref, 'merge', { status: value }, { subresource: 'status', fieldManager: 'controller' });
}
