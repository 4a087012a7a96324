import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controllerFixture, imagePatch, webDeployment } from '../controller-fixture.ts';
import type { ControllerFixture } from '../controller-fixture.ts';
import { DEPLOYMENTS, PODS, REPLICA_SETS } from '../objects.ts';
import type { Deployment } from '../objects.ts';

let fixture: ControllerFixture;

beforeEach(async () => {
  fixture = await controllerFixture();
});

afterEach(() => fixture.close());

/** One line a state, as the recorded timelines have it. */
function line(deployment: Deployment): string {
  const { status = {}, spec, metadata } = deployment;
  const count = (value: number | undefined) => (value === undefined ? '-' : String(value));
  const conditions = (status.conditions ?? []).map(
    ({ type, status: state, reason }) => `${type.slice(0, 1)}:${state.slice(0, 1)}:${reason ?? ''}`,
  );
  const revision = metadata.annotations?.['deployment.kubernetes.io/revision'];
  return [
    `gen ${metadata.generation ?? 0} obs ${status.observedGeneration ?? 'undefined'}`,
    `rev ${revision ?? 'undefined'} spec ${count(spec.replicas)}`,
    `R ${count(status.replicas)} U ${count(status.updatedReplicas)}`,
    `rdy ${count(status.readyReplicas)} av ${count(status.availableReplicas)} un ${count(status.unavailableReplicas)}`,
    conditions.length === 0 ? '-' : conditions.join(' '),
  ].join(' ');
}

function recordStates(): string[] {
  const states: string[] = [];
  fixture.api.watch(DEPLOYMENTS, {}, ({ object }) => {
    const state = line(object as Deployment);
    if (states.at(-1) !== state) states.push(state);
  });
  return states;
}

function progressing(): string | undefined {
  return fixture.deployment().status?.conditions?.find(({ type }) => type === 'Progressing')?.reason;
}

describe('a Deployment', () => {
  it('goes through the recorded states when it is created', async () => {
    const states = recordStates();
    await fixture.create(DEPLOYMENTS, webDeployment({ replicas: 4 }));
    await fixture.settle();
    for (const pod of fixture.pods()) {
      await fixture.report(pod, true);
      await fixture.settle();
    }
    expect(states).toEqual([
      'gen 1 obs undefined rev undefined spec 4 R - U - rdy - av - un - -',
      'gen 1 obs undefined rev 1 spec 4 R - U - rdy - av - un - P:T:NewReplicaSetCreated',
      'gen 1 obs 1 rev 1 spec 4 R - U - rdy - av - un 4 P:T:NewReplicaSetCreated A:F:MinimumReplicasUnavailable',
      'gen 1 obs 1 rev 1 spec 4 R 4 U 4 rdy - av - un 4 A:F:MinimumReplicasUnavailable P:T:ReplicaSetUpdated',
      'gen 1 obs 1 rev 1 spec 4 R 4 U 4 rdy 1 av 1 un 3 A:F:MinimumReplicasUnavailable P:T:ReplicaSetUpdated',
      'gen 1 obs 1 rev 1 spec 4 R 4 U 4 rdy 2 av 2 un 2 A:F:MinimumReplicasUnavailable P:T:ReplicaSetUpdated',
      // Three of four are the minimum of 25% unavailable.
      'gen 1 obs 1 rev 1 spec 4 R 4 U 4 rdy 3 av 3 un 1 A:T:MinimumReplicasAvailable P:T:ReplicaSetUpdated',
      'gen 1 obs 1 rev 1 spec 4 R 4 U 4 rdy 4 av 4 un - A:T:MinimumReplicasAvailable P:T:NewReplicaSetAvailable',
    ]);
  });

  it('names its ReplicaSet by the template hash and its pods after it', async () => {
    await fixture.create(DEPLOYMENTS, webDeployment());
    await fixture.settle();
    const [replicaSet] = fixture.replicaSets();
    const hash = replicaSet?.metadata.labels?.['pod-template-hash'] ?? '';
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{6,10}$/);
    expect(replicaSet?.metadata.name).toBe(`web-${hash}`);
    expect(replicaSet?.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(replicaSet?.metadata.annotations).toEqual({
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
      'deployment.kubernetes.io/revision': '1',
    });
    for (const pod of fixture.pods()) {
      expect(pod.metadata.name).toMatch(new RegExp(`^web-${hash}-[bcdfghjklmnpqrstvwxz2456789]{5}$`));
    }
    expect(fixture.messages('ScalingReplicaSet')).toEqual([`Scaled up replica set web-${hash} from 0 to 3`]);
    expect(fixture.messages('SuccessfulCreate')).toHaveLength(3);
  });

  it('spreads its pods over the nodes', async () => {
    await fixture.create(DEPLOYMENTS, webDeployment());
    await fixture.settle();
    expect(fixture.pods().map((pod) => pod.spec.nodeName)).toEqual(
      expect.arrayContaining(['node-1', 'node-2', 'node-3']),
    );
  });

  it('keeps within its bounds at every step of an update, and ends with one active ReplicaSet', async () => {
    await fixture.create(DEPLOYMENTS, webDeployment({ replicas: 4 }));
    await fixture.runAll();
    await fixture.merge(DEPLOYMENTS, 'web', imagePatch('nginx:2'));
    let most = 0;
    let least = 99;
    fixture.api.watch(PODS, {}, () => {
      const active = fixture.pods().filter((pod) => pod.metadata.deletionTimestamp === undefined);
      const ready = active.filter((pod) => pod.status?.phase === 'Running');
      most = Math.max(most, active.length);
      least = Math.min(least, ready.length);
    });
    await fixture.runAll();
    expect({ most, least }).toEqual({ most: 5, least: 3 });
    expect(fixture.replicaSets().map(({ spec }) => spec.replicas)).toEqual(expect.arrayContaining([0, 4]));
    expect(line(fixture.deployment())).toBe(
      'gen 2 obs 2 rev 2 spec 4 R 4 U 4 rdy 4 av 4 un - A:T:MinimumReplicasAvailable P:T:NewReplicaSetAvailable',
    );
  });

  it('reuses the ReplicaSet of an earlier template and keeps its old revision in its history', async () => {
    await fixture.create(DEPLOYMENTS, webDeployment());
    await fixture.runAll();
    await fixture.merge(DEPLOYMENTS, 'web', imagePatch('nginx:2'));
    await fixture.runAll();
    await fixture.merge(DEPLOYMENTS, 'web', imagePatch('nginx:1'));
    await fixture.runAll();
    const active = fixture.replicaSets().find(({ spec }) => spec.replicas === 3);
    expect(fixture.replicaSets()).toHaveLength(2);
    expect(active?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect(line(fixture.deployment())).toContain('rev 3 spec 3 R 3 U 3');
  });

  it('reports an exceeded progress deadline and goes on trying', async () => {
    await fixture.create(DEPLOYMENTS, webDeployment({ progressDeadlineSeconds: 60 }));
    await fixture.settle();
    await fixture.clock.advance(59_000);
    await fixture.settle();
    expect(progressing()).toBe('ReplicaSetUpdated');
    await fixture.clock.advance(5000);
    await fixture.settle();
    expect(progressing()).toBe('ProgressDeadlineExceeded');
    await fixture.runAll();
    expect(progressing()).toBe('NewReplicaSetAvailable');
  });

  it('never times out again once it was complete', async () => {
    await fixture.create(DEPLOYMENTS, webDeployment({ progressDeadlineSeconds: 60 }));
    await fixture.runAll();
    for (const pod of fixture.pods()) await fixture.report(pod, false);
    await fixture.settle();
    await fixture.clock.advance(600_000);
    await fixture.settle();
    expect(progressing()).toBe('NewReplicaSetAvailable');
    expect(line(fixture.deployment())).toContain('A:F:MinimumReplicasUnavailable');
  });

  it('waits while it is paused, and scales all the same', async () => {
    await fixture.create(DEPLOYMENTS, webDeployment());
    await fixture.runAll();
    await fixture.merge(DEPLOYMENTS, 'web', { spec: { paused: true } });
    await fixture.merge(DEPLOYMENTS, 'web', imagePatch('nginx:2'));
    await fixture.runAll();
    expect(progressing()).toBe('DeploymentPaused');
    expect(fixture.replicaSets()).toHaveLength(1);
    await fixture.merge(DEPLOYMENTS, 'web', { spec: { replicas: 5 } });
    await fixture.runAll();
    expect(fixture.pods()).toHaveLength(5);
    expect(fixture.replicaSets()).toHaveLength(1);
    await fixture.merge(DEPLOYMENTS, 'web', { spec: { paused: null } });
    await fixture.runAll();
    expect(fixture.replicaSets()).toHaveLength(2);
    expect(progressing()).toBe('NewReplicaSetAvailable');
  });

  it('scales old and new ReplicaSets in proportion while a rollout is stuck', async () => {
    await fixture.create(
      DEPLOYMENTS,
      webDeployment({
        replicas: 10,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
      }),
    );
    await fixture.runAll();
    await fixture.merge(DEPLOYMENTS, 'web', imagePatch('nginx:broken'));
    await fixture.settle();
    expect(fixture.replicaSets().map(({ spec }) => spec.replicas)).toEqual(expect.arrayContaining([8, 5]));
    await fixture.merge(DEPLOYMENTS, 'web', { spec: { replicas: 15 } });
    await fixture.settle();
    // The documentation's example: 5 more are spread as 3 and 2.
    expect(fixture.replicaSets().map(({ spec }) => spec.replicas)).toEqual(expect.arrayContaining([11, 7]));
  });

  it('stops every old pod before it starts a new one with the strategy Recreate', async () => {
    await fixture.create(DEPLOYMENTS, webDeployment({ strategy: { type: 'Recreate' } }));
    await fixture.runAll();
    await fixture.merge(DEPLOYMENTS, 'web', imagePatch('nginx:2'));
    await fixture.settle();
    expect(fixture.pods().every((pod) => pod.metadata.deletionTimestamp !== undefined)).toBe(true);
    expect(fixture.replicaSets()).toHaveLength(1);
    await fixture.runAll();
    expect(fixture.pods().map((pod) => pod.spec.containers[0]?.image)).toEqual(Array(3).fill('nginx:2'));
  });

  it('deletes what is beyond its revision history', async () => {
    await fixture.create(DEPLOYMENTS, webDeployment({ revisionHistoryLimit: 1 }));
    await fixture.runAll();
    for (const image of ['nginx:2', 'nginx:3', 'nginx:4']) {
      await fixture.merge(DEPLOYMENTS, 'web', imagePatch(image));
      await fixture.runAll();
    }
    expect(fixture.replicaSets()).toHaveLength(2);
  });

  it('shows why its pods cannot be created', async () => {
    const refused = fixture.api as { create: typeof fixture.api.create };
    const create = refused.create.bind(fixture.api);
    refused.create = (resource, object, options) =>
      resource.resource === 'pods' ? Promise.reject(new Error('no room')) : create(resource, object, options);
    await fixture.create(DEPLOYMENTS, webDeployment());
    await fixture.settle();
    const failure = fixture.deployment().status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    expect(failure).toMatchObject({ status: 'True', reason: 'FailedCreate', message: 'no room' });
    expect(fixture.messages('FailedCreate')).toContain('Error creating: no room');
  });

  it('is told apart by a collision count when another owns its ReplicaSet name', async () => {
    await fixture.create(DEPLOYMENTS, webDeployment());
    await fixture.runAll();
    const [replicaSet] = fixture.replicaSets();
    const taken = replicaSet?.metadata.name ?? '';
    await fixture.api.delete(DEPLOYMENTS, 'default', 'web', { propagationPolicy: 'Orphan' });
    await fixture.settle();
    const orphan = structuredClone(fixture.api.get(REPLICA_SETS, 'default', taken));
    if (orphan === undefined) throw new Error('the ReplicaSet should have been orphaned');
    orphan.metadata.labels = { other: 'label' };
    await fixture.api.update(REPLICA_SETS, orphan, { fieldManager: 'test' });
    await fixture.create(DEPLOYMENTS, webDeployment());
    await fixture.clock.advance(1000);
    await fixture.settle();
    expect(fixture.deployment().status?.collisionCount).toBe(1);
    expect(fixture.replicaSets()).toHaveLength(2);
  });
});
