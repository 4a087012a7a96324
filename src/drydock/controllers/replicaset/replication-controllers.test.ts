import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controllerFixture, TESTER } from '../controller-fixture.ts';
import type { ControllerFixture } from '../controller-fixture.ts';
import { controllerOf } from '../cache.ts';
import { REPLICATION_CONTROLLERS } from './replication-controllers.ts';

let fixture: ControllerFixture;

beforeEach(async () => {
  fixture = await controllerFixture();
});

afterEach(() => fixture.close());

describe('a ReplicationController', () => {
  it('keeps as many pods as it asks for, and its selector as it was', async () => {
    await fixture.create(REPLICATION_CONTROLLERS, {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'old', namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { app: 'x' },
        template: {
          metadata: { labels: { app: 'x' } },
          spec: { containers: [{ name: 'main', image: 'nginx:1' }] },
        },
      },
    });
    await fixture.runAll();
    expect(fixture.pods().map((pod) => controllerOf(pod)?.kind)).toEqual([
      'ReplicationController',
      'ReplicationController',
    ]);
    const patch = { spec: { replicas: 1 } };
    await fixture.api.patch(REPLICATION_CONTROLLERS, 'default', 'old', 'merge', patch, TESTER);
    await fixture.runAll();
    expect(fixture.pods().filter(({ metadata }) => metadata.deletionTimestamp === undefined)).toHaveLength(1);
    const stored = fixture.get(REPLICATION_CONTROLLERS, 'old');
    expect(stored?.['spec']).toMatchObject({ selector: { app: 'x' } });
    expect(stored?.['status']).toMatchObject({ replicas: 1, readyReplicas: 1, observedGeneration: 2 });
  });
});
