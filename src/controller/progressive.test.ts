import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getIn, getObject, getString } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { APPLICATION_KIND } from '../boundaries/sync/index.ts';
import { startCluster } from '../drydock/index.ts';
import type { Cluster } from '../drydock/index.ts';
import type { Controller } from './contract.ts';
import { configMap, makeRepository, openScene, until } from './delivery.fixture.ts';
import type { Repository, Scene } from './delivery.fixture.ts';

const SET = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet' } as const;
const BAD = 'apiVersion: v1\nkind: Service\nmetadata: { name: bad }\nspec: { ports: [{ port: 99999 }] }\n';

let cluster: Cluster;
let scene: Scene;
let controller: Controller;
let repository: Repository;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 1 });
  scene = await openScene((file) => cluster.writeKubeconfig(file));
  await scene.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  repository = await makeRepository(join(scene.folder, 'waves'), {
    'dev/one.yaml': configMap('one', 'a'),
    'eu/one.yaml': configMap('one', 'a'),
    'us/one.yaml': configMap('one', 'a'),
  });
  controller = await scene.controller({ pollMs: 600_000 });
});

afterAll(async () => {
  await scene.close();
  await cluster.close();
});

const STEPS = [
  { matchExpressions: [{ key: 'stage', operator: 'In', values: ['dev'] }] },
  { matchExpressions: [{ key: 'stage', operator: 'In', values: ['prod'] }], maxUpdate: 1 },
];

function spec(note: string): JsonObject {
  return {
    goTemplate: true,
    generators: [
      {
        list: {
          elements: [
            { name: 'dev', stage: 'dev' },
            { name: 'eu', stage: 'prod' },
            { name: 'us', stage: 'prod' },
          ],
        },
      },
    ],
    strategy: { type: 'RollingSync', deletionOrder: 'Reverse', rollingSync: { steps: STEPS } },
    template: {
      metadata: { name: 'wave-{{.name}}', labels: { stage: '{{.stage}}' } },
      spec: {
        project: 'default',
        source: {
          repoURL: repository.path,
          path: '{{.name}}',
          targetRevision: 'main',
          kustomize: { commonAnnotations: { note } },
        },
        destination: { server: 'https://kubernetes.default.svc', namespace: 'wave-{{.name}}' },
        syncPolicy: {
          automated: { prune: true },
          retry: { limit: 0 },
          syncOptions: ['CreateNamespace=true'],
        },
      },
    },
  };
}

async function application(name: string): Promise<KubeObject | undefined> {
  return scene.client.get({ ...APPLICATION_KIND, namespace: 'argocd', name: `wave-${name}` });
}

const set = () => scene.client.get({ ...SET, namespace: 'argocd', name: 'waves' });

/** What the set says of its Applications, by name. */
async function standing(): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(
    getArray(await set(), 'status', 'applicationStatus').map((item) => [
      (getString(item, 'application') ?? '').replace('wave-', ''),
      `${getString(item, 'step') ?? ''} ${getString(item, 'status') ?? ''}`,
    ]),
  );
}

async function condition(type: string): Promise<string> {
  const found = getArray(await set(), 'status', 'conditions').find(
    (item) => getString(item, 'type') === type,
  );
  return `${getString(found, 'status') ?? ''} ${getString(found, 'reason') ?? ''}: ${getString(found, 'message') ?? ''}`;
}

const DONE = { dev: '1 Healthy', eu: '2 Healthy', us: '2 Healthy' };
const isDone = (found: Readonly<Record<string, string>>) => JSON.stringify(found) === JSON.stringify(DONE);

async function times(name: string) {
  const state = getObject(await application(name), 'status', 'operationState');
  return {
    startedAt: getString(state, 'startedAt') ?? '',
    finishedAt: getString(state, 'finishedAt') ?? '',
    by: getString(state, 'operation', 'initiatedBy', 'username'),
  };
}

async function data(name: string): Promise<JsonObject | undefined> {
  const found = await scene.client.get({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace: `wave-${name}`,
    name: 'one',
  });
  return getObject(found, 'data');
}

async function lookAtGit(): Promise<void> {
  for (const name of ['dev', 'eu', 'us'])
    await controller.reconcileNow({ namespace: 'argocd', name: `wave-${name}` });
}

describe('a progressive sync', { timeout: 120_000 }, () => {
  it('syncs step by step, at most as many at a time as a step allows, and never by itself', async () => {
    await repository.commit({
      'dev/kustomization.yaml': 'resources: [one.yaml]\n',
      'eu/kustomization.yaml': 'resources: [one.yaml]\n',
      'us/kustomization.yaml': 'resources: [one.yaml]\n',
    });
    await scene.client.create({
      ...SET,
      metadata: { name: 'waves', namespace: 'argocd' },
      spec: spec('first'),
    });
    await until(standing, isDone);
    expect(getIn(await application('dev'), 'spec', 'syncPolicy', 'automated')).toEqual({
      prune: true,
      enabled: false,
    });
    const [dev, eu, us] = [await times('dev'), await times('eu'), await times('us')];
    expect(dev.by).toBe('applicationset-controller');
    expect(dev.finishedAt <= eu.startedAt).toBe(true);
    expect(eu.finishedAt <= us.startedAt).toBe(true);
    await until(
      () => condition('RolloutProgressing'),
      (text) => text === 'False ApplicationSetRolloutComplete: ApplicationSet Rollout has completed',
    );
    expect(await condition('InvalidRolloutConfig')).toBe(
      'False ApplicationSetValidRolloutConfig: Rolling Sync Configured correctly',
    );
  });

  it('stops at a step that does not become healthy, and goes on once a commit mends it', async () => {
    await repository.commit({
      'dev/bad.yaml': BAD,
      'dev/kustomization.yaml': 'resources: [one.yaml, bad.yaml]\n',
      'eu/one.yaml': configMap('one', 'b'),
      'us/one.yaml': configMap('one', 'b'),
    });
    await lookAtGit();
    await until(
      async () => getString(await application('dev'), 'status', 'operationState', 'phase'),
      (phase) => phase === 'Failed',
    );
    await until(
      standing,
      (found) =>
        JSON.stringify(found) === JSON.stringify({ dev: '1 Progressing', eu: '2 Waiting', us: '2 Waiting' }),
    );
    expect(await condition('RolloutProgressing')).toBe(
      'True ApplicationSetModified: ApplicationSet is performing rollout of step 1',
    );
    expect(await data('eu')).toEqual({ key: 'a' });
    await repository.commit({ 'dev/kustomization.yaml': 'resources: [one.yaml]\n' });
    await lookAtGit();
    await until(standing, isDone);
    expect([await data('eu'), await data('us')]).toEqual([{ key: 'b' }, { key: 'b' }]);
  });

  it('syncs again when the set itself asks for something else', async () => {
    const ref = { ...SET, namespace: 'argocd', name: 'waves' };
    await scene.client.patch(ref, 'merge', { spec: spec('second') });
    for (const name of ['dev', 'eu', 'us']) {
      await until(
        async () =>
          (
            await scene.client.get({
              apiVersion: 'v1',
              kind: 'ConfigMap',
              namespace: `wave-${name}`,
              name: 'one',
            })
          )?.metadata.annotations?.['note'],
        (note) => note === 'second',
      );
    }
    await until(standing, isDone);
    const [dev, eu, us] = [await times('dev'), await times('eu'), await times('us')];
    expect(dev.finishedAt <= eu.startedAt).toBe(true);
    expect(eu.finishedAt <= us.startedAt).toBe(true);
  });

  it('deletes its Applications in the reverse order of their steps, and goes when they are gone', async () => {
    const ref = { ...SET, namespace: 'argocd', name: 'waves' };
    const names = ['dev', 'eu', 'us'];
    const letGo = async (name: string) =>
      scene.client.patch({ ...APPLICATION_KIND, namespace: 'argocd', name: `wave-${name}` }, 'merge', {
        metadata: { finalizers: null },
      });
    expect((await set())?.metadata.finalizers).toEqual(['resources-finalizer.argocd.argoproj.io']);
    // By the set itself: what somebody else puts there it takes away again.
    const finalizers = ['corp.io/held'];
    await scene.client.patch(ref, 'merge', { spec: { template: { metadata: { finalizers } } } });
    await until(
      async () => (await Promise.all(names.map(application))).map((app) => app?.metadata.finalizers),
      (all) => all.every((each) => each?.includes('corp.io/held') === true),
    );
    await scene.client.delete(ref);
    const going = async () => {
      const found = await Promise.all(names.map(application));
      return found.map((app) =>
        app === undefined ? 'gone' : app.metadata.deletionTimestamp === undefined ? 'there' : 'going',
      );
    };
    const first = await until(going, (states) => states.includes('going'));
    expect(first[0]).toBe('there');
    expect(first.filter((state) => state === 'going')).toHaveLength(1);
    // Two of one step, one after the other.
    for (const left of [1, 0]) {
      const states = await until(going, (each) => each.slice(1).includes('going'));
      expect(states[0]).toBe('there');
      await letGo(names[states.indexOf('going')] ?? '');
      await until(going, (each) => each.slice(1).filter((state) => state !== 'gone').length === left);
    }
    await until(going, (states) => states[0] === 'going');
    expect((await going()).slice(1)).toEqual(['gone', 'gone']);
    expect(await set()).toBeDefined();
    await letGo('dev');
    await until(set, (found) => found === undefined);
  });
});
