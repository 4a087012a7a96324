import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../api/contract.ts';
import { controllerFixture, TESTER } from '../controller-fixture.ts';
import type { ControllerFixture } from '../controller-fixture.ts';
import { controllerOf } from '../cache.ts';
import { PODS, REPLICA_SETS } from '../objects.ts';
import type { Pod } from '../objects.ts';
import { compareForDeletion } from '../pods.ts';
import { slowStart } from '../writes.ts';

let fixture: ControllerFixture;

beforeEach(async () => {
  fixture = await controllerFixture();
});

afterEach(() => fixture.close());

function replicaSet(spec: object = {}): KubeObject {
  const template = {
    metadata: { labels: { app: 'x' } },
    spec: { containers: [{ name: 'main', image: 'nginx:1' }] },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'set', namespace: 'default' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'x' } }, template, ...spec },
  };
}

const status = () => fixture.get(REPLICA_SETS, 'set')?.['status'];

describe('a ReplicaSet', () => {
  it('takes in pods that nothing controls and match, instead of making new ones', async () => {
    await fixture.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'orphan', namespace: 'default', labels: { app: 'x' } },
      spec: { containers: [{ name: 'main', image: 'nginx:1' }] },
    });
    await fixture.create(REPLICA_SETS, replicaSet());
    await fixture.settle();
    expect(fixture.pods()).toHaveLength(2);
    const orphan = fixture.pods().find(({ metadata }) => metadata.name === 'orphan');
    expect(orphan === undefined ? undefined : controllerOf(orphan)?.name).toBe('set');
  });

  it('lets go of a pod whose labels no longer match, and replaces it', async () => {
    await fixture.create(REPLICA_SETS, replicaSet());
    await fixture.runAll();
    const name = fixture.pods()[0]?.metadata.name ?? '';
    await fixture.api.patch(
      PODS,
      'default',
      name,
      'merge',
      { metadata: { labels: { app: 'debug' } } },
      TESTER,
    );
    await fixture.runAll();
    expect(fixture.pods()).toHaveLength(3);
    const freed = fixture.pods().find(({ metadata }) => metadata.name === name);
    expect(freed?.metadata.ownerReferences ?? []).toEqual([]);
  });

  it('replaces pods that failed, and counts what is ready long enough as available', async () => {
    await fixture.create(REPLICA_SETS, replicaSet({ minReadySeconds: 30 }));
    await fixture.runAll();
    await fixture.finish(fixture.pods()[0], 'Failed');
    await fixture.runAll();
    expect(fixture.pods().filter((pod) => pod.status?.phase === 'Running')).toHaveLength(2);
    expect(status()).toMatchObject({ replicas: 2, readyReplicas: 2 });
    expect(status()).not.toHaveProperty('availableReplicas');
    await fixture.clock.advance(31_000);
    await fixture.settle();
    expect(status()).toMatchObject({ availableReplicas: 2 });
  });

  it('is deleted with its pods', async () => {
    await fixture.create(REPLICA_SETS, replicaSet());
    await fixture.runAll();
    await fixture.api.delete(REPLICA_SETS, 'default', 'set');
    await fixture.runAll();
    expect(fixture.pods()).toHaveLength(0);
  });
});

describe('the pod that goes first', () => {
  const NOW = Date.UTC(2026, 0, 1, 12);
  const base = {
    node: 'n',
    phase: 'Running',
    ready: true,
    cost: 0,
    rank: 0,
    readyFor: 1000,
    restarts: 0,
    age: 1000,
  };
  const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

  function candidate(uid: string, change: Partial<typeof base>): { pod: Pod; rank: number } {
    const { node, phase, ready, cost, rank, readyFor, restarts, age } = { ...base, ...change };
    const status = ready ? ('True' as const) : ('False' as const);
    const pod: Pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: uid,
        uid,
        creationTimestamp: ago(age),
        annotations: { 'controller.kubernetes.io/pod-deletion-cost': String(cost) },
      },
      spec: { nodeName: node, containers: [] },
      status: {
        phase,
        conditions: [{ type: 'Ready', status, lastTransitionTime: ago(readyFor) }],
        containerStatuses: [
          { name: 'c', state: {}, lastState: {}, ready, restartCount: restarts, image: '', imageID: '' },
        ],
      },
    };
    return { pod, rank };
  }

  it.each([
    ['has no node', { node: '' }, {}],
    ['is pending', { phase: 'Pending', ready: false }, {}],
    ['is not ready', { ready: false }, {}],
    ['costs less', { cost: -5 }, {}],
    ['has more siblings on its node', { rank: 3 }, { rank: 1 }],
    ['became ready later', { readyFor: 10 }, { readyFor: 1000 }],
    ['was restarted more often', { restarts: 4 }, { restarts: 1 }],
    ['is younger', { age: 10 }, { age: 1000 }],
    ['costs less, though it was restarted less', { cost: -1 }, { restarts: 9 }],
  ])('is the one that %s', (_title, first, second) => {
    // The uid would decide the other way.
    const [a, b] = [candidate('z', first), candidate('a', second)];
    expect(compareForDeletion(a, b, NOW)).toBeLessThan(0);
    expect(compareForDeletion(b, a, NOW)).toBeGreaterThan(0);
  });
});

describe('slow start', () => {
  it('goes on in batches of 1, 2, 4 and stops at the first that fails', async () => {
    const calls: number[] = [];
    await expect(
      slowStart(20, (index) => {
        calls.push(index);
        return index === 4 ? Promise.reject(new Error('refused')) : Promise.resolve();
      }),
    ).rejects.toThrow('refused');
    expect(calls).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('calls once only when nothing works', async () => {
    let calls = 0;
    await expect(
      slowStart(100, () => {
        calls += 1;
        return Promise.reject(new Error('refused'));
      }),
    ).rejects.toThrow('refused');
    expect(calls).toBe(1);
  });
});
