import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import type { ManualClock } from '../../kernel/index.ts';
import { NODES, PODS } from '../controllers/index.ts';
import type { Condition, Node, Pod } from '../controllers/index.ts';
import type { PodFault } from '../faults/index.ts';
import { clusterFixture, program } from './cluster-fixture.ts';
import type { ClusterFixture } from './cluster-fixture.ts';
import type { ClusterOptions } from './start-cluster.ts';

let fixture: ClusterFixture;
let clock: ManualClock;
afterEach(() => fixture.close());

async function start(options: ClusterOptions = {}): Promise<void> {
  clock = manualClock();
  fixture = await clusterFixture({ clock, ...options });
}

const IMAGE = { image: 'registry.corp.io/app:v1' };
const SIMULATED = { image: 'nginx:1' };
const status = (name: string) => fixture.pod(name)?.status?.containerStatuses?.[0];
const condition = (of: Pod | undefined, type: string) =>
  of?.status?.conditions?.find((one: Condition) => one.type === type);
const node = (name: string) => fixture.api.get(NODES, undefined, name) as Node | undefined;
const nodeCondition = (name: string, type: string) =>
  node(name)?.status?.conditions?.find((one) => one.type === type);
const taints = (name: string) =>
  (node(name)?.spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);

/** Lets time pass in steps, with a moment in each for what answers in its own time. */
async function pass(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 5) {
    await clock.advance(Math.min(5, left) * 1000);
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}

async function running(name: string, container: object = SIMULATED, spec: object = {}): Promise<string> {
  await fixture.run(name, container, spec);
  await fixture.until(`${name} to be ready`, async () => {
    await clock.advance(100);
    return condition(fixture.pod(name), 'Ready')?.status === 'True';
  });
  return fixture.pod(name)?.spec.nodeName ?? '';
}

const pods = (fault: Omit<PodFault, 'on'>) => fixture.cluster.faults.add({ on: 'pods', ...fault });

describe('a lost node', () => {
  it('is Unknown after 50 s, its pods not ready, out after their toleration, and back when it returns', async () => {
    await start();
    const slow = await running('stays', SIMULATED, { tolerations: [{ operator: 'Exists' }] });
    const fault = fixture.cluster.faults.add({ on: 'node', node: slow, effect: { type: 'lost' } });
    const gone = await (async () => {
      await fixture.run('goes', SIMULATED, { nodeName: slow });
      return fixture.pod('goes')?.metadata.uid;
    })();
    await pass(45);
    expect(nodeCondition(slow, 'Ready')?.status).toBe('True');
    await pass(15);
    expect(nodeCondition(slow, 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    expect(nodeCondition(slow, 'DiskPressure')?.status).toBe('Unknown');
    expect(taints(slow)).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    expect(condition(fixture.pod('stays'), 'Ready')?.status).toBe('False');
    expect(condition(fixture.pod('stays'), 'ContainersReady')?.status).toBe('True');
    expect(fixture.events('stays')).toContain('NodeNotReady: Node is not ready');
    expect(fixture.events(slow)).toContain(`NodeNotReady: Node ${slow} status is now: NodeNotReady`);

    await pass(280);
    expect(fixture.pod('goes')?.metadata.deletionTimestamp).toBeUndefined();
    await pass(30);
    expect(fixture.pod('goes')?.metadata.deletionTimestamp).toBeDefined();
    expect(condition(fixture.pod('goes'), 'DisruptionTarget')).toMatchObject({
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    });
    expect(fixture.events('goes')).toContain('TaintManagerEviction: Marking for deletion Pod default/goes');
    // Nobody ends it as long as its kubelet is silent.
    await pass(60);
    expect(fixture.pod('goes')?.metadata.uid).toBe(gone);

    fault.heal();
    await pass(10);
    await fixture.until('the pod to go', () => fixture.pod('goes') === undefined);
    expect(nodeCondition(slow, 'Ready')).toMatchObject({ status: 'True', reason: 'KubeletReady' });
    expect(taints(slow)).toEqual([]);
    expect(condition(fixture.pod('stays'), 'Ready')?.status).toBe('True');
    expect(fixture.events(slow)).toContain(`NodeReady: Node ${slow} status is now: NodeReady`);
  });

  it('that returns in time keeps its pods, and nothing is put out when all are lost', async () => {
    await start();
    const one = await running('keeps');
    const fault = fixture.cluster.faults.add({ on: 'node', node: one, effect: { type: 'lost' } });
    await pass(120);
    expect(taints(one)).toHaveLength(2);
    fault.heal();
    await pass(10);
    expect(fixture.events('keeps')).toContain('TaintManagerEviction: Cancelling deletion of Pod default/keeps');
    await pass(600);
    expect(fixture.pod('keeps')?.metadata.deletionTimestamp).toBeUndefined();

    for (const name of ['node-1', 'node-2', 'node-3']) {
      fixture.cluster.faults.add({ on: 'node', node: name, effect: { type: 'lost' } });
    }
    await pass(80);
    expect(taints(one)).toEqual(['node.kubernetes.io/unreachable:NoSchedule']);
    await pass(600);
    expect(fixture.pod('keeps')?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('gives its pods no more traffic', async () => {
    await start();
    const one = await running('web');
    await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'default' },
        spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
      },
      'services',
    );
    const subset = () =>
      (fixture.api.get({ group: '', version: 'v1', resource: 'endpoints' }, 'default', 'web')?.['subsets'] as
        | { addresses?: unknown[]; notReadyAddresses?: unknown[] }[]
        | undefined)?.[0];
    await fixture.until('the endpoint', () => subset()?.addresses?.length === 1);
    fixture.cluster.faults.add({ on: 'node', node: one, effect: { type: 'lost' } });
    await pass(70);
    await fixture.until('it to be not ready', () => subset()?.notReadyAddresses?.length === 1);
    expect(subset()?.addresses).toBeUndefined();
  });
});

describe('a node that says it is not well', () => {
  it('is tainted for its pressure, and for not being ready', async () => {
    await start();
    const pressure = fixture.cluster.faults.add({
      on: 'node',
      node: 'node-1',
      effect: { type: 'pressure', pressure: 'memory' },
    });
    fixture.cluster.faults.add({ on: 'node', node: 'node-2', effect: { type: 'not-ready' } });
    await pass(5);
    expect(nodeCondition('node-1', 'MemoryPressure')).toMatchObject({
      status: 'True',
      reason: 'KubeletHasInsufficientMemory',
    });
    expect(taints('node-1')).toEqual(['node.kubernetes.io/memory-pressure:NoSchedule']);
    expect(nodeCondition('node-2', 'Ready')).toMatchObject({ status: 'False', reason: 'KubeletNotReady' });
    expect(taints('node-2')).toEqual([
      'node.kubernetes.io/not-ready:NoSchedule',
      'node.kubernetes.io/not-ready:NoExecute',
    ]);
    pressure.heal();
    await pass(5);
    expect(taints('node-1')).toEqual([]);
  });

  it('is one that the cluster has', async () => {
    await start();
    const add = () => fixture.cluster.faults.add({ on: 'node', node: 'node-9', effect: { type: 'lost' } });
    expect(add).toThrow('There is no node node-9.');
    expect(() => pods({ selector: 'a in', effect: { type: 'oom' } })).toThrow('"a in" is no label selector.');
  });
});

describe('a container on purpose', () => {
  it('is killed for want of memory, restarted, and backs off', async () => {
    await start();
    await running('fat');
    await running('thin');
    pods({ selector: 'app=fat', times: 2, effect: { type: 'oom' } });
    await fixture.until('the back-off', () => status('fat')?.state.waiting?.reason === 'CrashLoopBackOff');
    expect(status('fat')?.lastState.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
    expect(status('thin')?.restartCount).toBe(0);
    await pass(15);
    expect(status('fat')).toMatchObject({ restartCount: 2, ready: true });
  });

  it('crashes with the code that is asked for each time it was up for so long', async () => {
    await start();
    const fault = pods({ name: 'c', effect: { type: 'crash', exitCode: 42, afterMs: 30_000 } });
    await running('c');
    await pass(25);
    expect(status('c')?.state.running).toBeDefined();
    await pass(10);
    expect(status('c')?.lastState.terminated).toMatchObject({ exitCode: 42, reason: 'Error' });
    expect(fault.hits).toBe(2);
    fault.heal();
    await pass(60);
    expect(status('c')).toMatchObject({ restartCount: 1, ready: true });
  });

  it('does not become ready until it is healed', async () => {
    await start();
    const fault = pods({ selector: 'app=never', effect: { type: 'never-ready' } });
    await fixture.run('never', SIMULATED);
    await pass(60);
    expect(fixture.pod('never')?.status?.phase).toBe('Running');
    expect(condition(fixture.pod('never'), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [main]',
    });
    fault.heal();
    await fixture.until('it to be ready', () => condition(fixture.pod('never'), 'Ready')?.status === 'True');
  });

  it('is slow to start, and deaf to SIGTERM', async () => {
    await start();
    pods({ name: 'slow', effect: { type: 'slow-start', ms: 60_000 } });
    pods({ name: 'slow', effect: { type: 'ignore-sigterm' } });
    await fixture.run('slow', SIMULATED, { terminationGracePeriodSeconds: 20 });
    await pass(55);
    expect(status('slow')).toMatchObject({ ready: false, started: false });
    await pass(10);
    expect(status('slow')?.ready).toBe(true);
    await fixture.api.delete(PODS, 'default', 'slow');
    await pass(15);
    expect(fixture.pod('slow')).toBeDefined();
    await pass(10);
    expect(fixture.pod('slow')).toBeUndefined();
  });

  it('is put out of its node, and its pod has failed for that', async () => {
    await start();
    await running('heavy');
    pods({ name: 'heavy', effect: { type: 'evict', pressure: 'memory' } });
    await fixture.until('the pod to fail', () => fixture.pod('heavy')?.status?.phase === 'Failed');
    expect(fixture.pod('heavy')?.status).toMatchObject({
      reason: 'Evicted',
      message: 'The node was low on resource: memory. ',
    });
    expect(condition(fixture.pod('heavy'), 'DisruptionTarget')?.reason).toBe('TerminationByKubelet');
    expect(fixture.events('heavy')).toContain('Evicted: The node was low on resource: memory. ');
  });

  it('ends its process where it has one', async () => {
    await start();
    await fixture.push('app', 'v1', program('setInterval(() => {}, 1000)'));
    await running('real', IMAGE);
    pods({ name: 'real', times: 1, effect: { type: 'crash', exitCode: 3 } });
    await fixture.until('the restart', () => status('real')?.restartCount === 1);
    expect(status('real')?.lastState.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
  });
});

describe('a pull on purpose', () => {
  const pull = { on: 'pull', image: 'nginx:*' } as const;

  it('takes long', async () => {
    await start();
    fixture.cluster.faults.add({ ...pull, effect: { type: 'slow', ms: 90_000 } });
    await fixture.run('slow', SIMULATED);
    await fixture.run('other', { image: 'redis:7' });
    await pass(80);
    expect(status('other')?.ready).toBe(true);
    expect(status('slow')?.state.waiting?.reason).toBe('ContainerCreating');
    await pass(20);
    expect(status('slow')?.ready).toBe(true);
  });

  it.each([
    [404, 'NotFound', 'nginx:1: not found'],
    [401, 'Unknown', 'pull access denied, repository does not exist or may require authorization: authorization failed: 401 Unauthorized'],
    [429, 'Unknown', '/manifests/1: 429 Too Many Requests'],
  ])('fails as a registry that answers %i makes it, and backs off', async (code, rpc, reason) => {
    await start();
    const fault = fixture.cluster.faults.add({ ...pull, effect: { type: 'status', status: code } });
    await fixture.run('fails', SIMULATED);
    const waiting = await fixture.until('the error', () => status('fails')?.state.waiting?.reason === 'ErrImagePull' && status('fails')?.state.waiting);
    expect(waiting.message).toContain(`rpc error: code = ${rpc} desc = failed to pull and unpack image`);
    expect(waiting.message).toContain(reason);
    await pass(5);
    expect(status('fails')?.state.waiting?.reason).toBe('ImagePullBackOff');
    fault.heal();
    await pass(20);
    expect(status('fails')?.ready).toBe(true);
  });

  it('meets a registry that does not answer', async () => {
    await start();
    fixture.cluster.faults.add({ ...pull, times: 1, effect: { type: 'timeout' } });
    await fixture.run('waits', SIMULATED);
    await pass(25);
    expect(status('waits')?.state.waiting?.reason).toBe('ContainerCreating');
    await pass(6);
    expect(fixture.events('waits').join('\n')).toContain('dial tcp: i/o timeout');
    await pass(20);
    expect(status('waits')?.ready).toBe(true);
  });

  it('meets the faults of the registry of the cluster', async () => {
    await start();
    await fixture.push('app', 'v1', program('setInterval(() => {}, 1000)'));
    const fault = fixture.cluster.faults.add({
      on: 'registry',
      repository: 'app',
      effect: { type: 'status', status: 429, retryAfterSeconds: 60 },
    });
    await fixture.run('limited', IMAGE);
    await fixture.until('the error', () => status('limited')?.state.waiting?.message?.includes('429 Too Many Requests'));
    expect(fault.hits).toBeGreaterThan(0);
  });
});

describe('a memory limit', () => {
  it('is what a process is killed over, and not one that stays below', async () => {
    await start();
    const eats = (megabytes: number) =>
      program(`globalThis.held = Buffer.alloc(${megabytes} * 1024 * 1024, 1); console.log('ate'); setInterval(() => {}, 1000)`);
    await fixture.push('app', 'v1', eats(200));
    await fixture.push('app', 'v2', eats(1));
    const resources = { limits: { memory: '128Mi' } };
    await running('over', { ...IMAGE, resources });
    await running('below', { image: 'registry.corp.io/app:v2', resources });
    const killed = await fixture.until('the kill', async () => {
      await clock.advance(1000);
      return status('over')?.lastState.terminated;
    });
    expect(killed).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
    expect(status('below')?.restartCount).toBe(0);
  });
});
