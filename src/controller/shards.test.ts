import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getString, silentLogger, systemClock } from '../kernel/index.ts';
import { APPLICATION_KIND } from '../boundaries/sync/index.ts';
import { startCluster } from '../drydock/index.ts';
import type { Cluster } from '../drydock/index.ts';
import { configMap, makeRepository, openScene, until } from './delivery.fixture.ts';
import type { Scene } from './delivery.fixture.ts';
import { partOf, startShards } from './shards.ts';
import type { Shards } from './shards.ts';

let cluster: Cluster;
let scene: Scene;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 1 });
  scene = await openScene((file) => cluster.writeKubeconfig(file));
  await scene.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
});

afterAll(async () => {
  await scene.close();
  await cluster.close();
});

const LEASE_MS = 1500;
const KEYS = Array.from({ length: 40 }, (_, at) => `argocd/app-${at}`);

function start(namespace: string, identity: string): Shards {
  return startShards({
    client: scene.client,
    clock: systemClock,
    logger: silentLogger,
    namespace,
    count: 4,
    leaseMs: LEASE_MS,
    identity,
    onGained: () => {},
  });
}

const held = (shards: Shards) => KEYS.filter((key) => shards.hold(key) !== undefined);

describe('replicas', () => {
  it('divide the keys, never hold one twice, and take over from one that is gone', async () => {
    const one = start('shared', 'one');
    await one.ready;
    expect(held(one)).toEqual(KEYS);
    const two = start('shared', 'two');
    const seen = async () => {
      const [a, b] = [held(one), held(two)];
      expect(a.filter((key) => b.includes(key))).toEqual([]);
      return [a.length, b.length] as const;
    };
    await until(seen, ([a, b]) => a > 0 && b > 0 && a + b === KEYS.length);
    await one.close();
    await until(seen, ([a, b]) => a === 0 && b === KEYS.length, LEASE_MS * 3);
    await two.close();
  });

  it('stop acting before another could take over, when the server is not reached', async () => {
    await scene.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'cut' } });
    let cut = false;
    const through = <T>(call: () => Promise<T>): Promise<T> =>
      cut ? Promise.reject(new Error('no route')) : call();
    const shards = startShards({
      client: {
        ...scene.client,
        list: (...args) => through(() => scene.client.list(...args)),
        update: (...args) => through(() => scene.client.update(...args)),
      },
      clock: systemClock,
      logger: silentLogger,
      namespace: 'cut',
      count: 4,
      leaseMs: LEASE_MS,
      onGained: () => {},
    });
    await shards.ready;
    const signal = shards.hold('a/b');
    expect(signal?.aborted).toBe(false);
    const from = Date.now();
    cut = true;
    await until(
      () => Promise.resolve(shards.hold('a/b')),
      (found) => found === undefined,
      LEASE_MS,
    );
    expect(signal?.aborted).toBe(true);
    expect(Date.now() - from).toBeLessThan(LEASE_MS);
    const heir = start('cut', 'heir');
    await until(
      () => Promise.resolve(heir.hold('a/b')),
      (found) => found !== undefined,
      LEASE_MS * 3,
    );
    expect(shards.hold('a/b')).toBeUndefined();
    cut = false;
    await shards.close();
    expect(heir.hold('a/b')).toBeDefined();
    await heir.close();
  });

  it('of controllers act on every application once, and one acts for the other when it is gone', async () => {
    const { path } = await makeRepository(join(scene.folder, 'repo'), {
      'k8s/one.yaml': configMap('one', 'a'),
    });
    // Long enough that a busy machine does not lose a part in the middle of a turn.
    const leases = { durationMs: 4 * LEASE_MS };
    const first = await scene.controller({ leases: { ...leases, identity: 'first' } });
    await scene.controller({ leases: { ...leases, identity: 'second' } });
    const names = ['left', 'right', 'up', 'down', 'in', 'out'];
    expect(new Set(names.map((name) => partOf(`argocd/${name}`, 4))).size).toBeGreaterThan(2);
    for (const name of names) {
      await scene.client.create({
        ...APPLICATION_KIND,
        metadata: { name, namespace: 'argocd' },
        spec: {
          project: 'default',
          source: { repoURL: path, path: 'k8s' },
          destination: { server: 'https://kubernetes.default.svc', namespace: name },
          syncPolicy: { automated: {}, syncOptions: ['CreateNamespace=true'] },
        },
      });
    }
    const phases = () =>
      Promise.all(
        names.map(async (name) =>
          getString(
            await scene.client.get({ ...APPLICATION_KIND, namespace: 'argocd', name }),
            'status',
            'operationState',
            'phase',
          ),
        ),
      );
    await until(phases, (found) => found.every((phase) => phase === 'Succeeded'));
    const { items } = await scene.client.list({ apiVersion: 'v1', kind: 'Event' }, { namespace: 'argocd' });
    const started = items.filter((event) => getString(event, 'reason') === 'OperationStarted');
    expect(started).toHaveLength(names.length);
    await first.close();
    for (const name of names) {
      await scene.client.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace: name, name: 'one' });
      await scene.client.patch({ ...APPLICATION_KIND, namespace: 'argocd', name }, 'merge', {
        operation: { sync: {} },
      });
    }
    await until(
      () =>
        Promise.all(
          names.map((name) =>
            scene.client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: name, name: 'one' }),
          ),
        ),
      (found) => found.every((object) => object !== undefined),
    );
  });
});
