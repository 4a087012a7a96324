import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import { createApi, type ApiServer } from './api-server.ts';
import type { KubeObject, WatchEvent } from './contract.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' };
const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' };
const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const NAMESPACES = { group: '', version: 'v1', resource: 'namespaces' };
const BY_TEST = { fieldManager: 'test' };

const open: ApiServer[] = [];
afterEach(async () => {
  for (const api of open.splice(0)) await api.close();
});

async function start(): Promise<ApiServer> {
  const api = await createApi({
    clock: manualClock(),
    onError: (error) => {
      throw error;
    },
  });
  open.push(api);
  return api;
}

const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

function pod(name: string, extra: Partial<KubeObject['metadata']> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', ...extra },
    spec: { containers: [{ name: 'web', image: 'nginx' }] },
  };
}

function deployment(): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'nginx:1' }] },
      },
    },
  };
}

describe('objects', () => {
  it('get what Kubernetes fills in when they are created', async () => {
    const api = await start();
    const made = await api.create(DEPLOYMENTS, deployment(), BY_TEST);
    expect(made.metadata).toMatchObject({ generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' });
    expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(made).toMatchObject({
      spec: {
        replicas: 1,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
        template: { spec: { containers: [{ imagePullPolicy: 'IfNotPresent' }], restartPolicy: 'Always' } },
      },
      status: {},
    });
  });

  it('keep their pull policy when only the tag changes afterwards', async () => {
    const api = await start();
    await api.create(DEPLOYMENTS, deployment(), BY_TEST);
    const patched = await api.patch(
      DEPLOYMENTS,
      'default',
      'web',
      'strategic',
      { spec: { template: { spec: { containers: [{ name: 'web', image: 'nginx:latest' }] } } } },
      BY_TEST,
    );
    expect(patched).toMatchObject({
      metadata: { generation: 2 },
      spec: {
        template: { spec: { containers: [{ image: 'nginx:latest', imagePullPolicy: 'IfNotPresent' }] } },
      },
    });
  });

  it('keep their generation when a controller marks them through their status', async () => {
    const api = await start();
    const made = await api.create(DEPLOYMENTS, deployment(), BY_TEST);
    const status = { ...BY_TEST, subresource: 'status' } as const;
    const annotations = { 'deployment.kubernetes.io/revision': '1' };
    const marked = await api.update(
      DEPLOYMENTS,
      { ...made, metadata: { ...made.metadata, annotations }, status: { observedGeneration: 1 } },
      status,
    );
    expect(marked.metadata).toMatchObject({ generation: 1, annotations });
    const noted = await api.patch(
      DEPLOYMENTS,
      'default',
      'web',
      'merge',
      { metadata: { annotations: { a: 'b' } } },
      BY_TEST,
    );
    expect(noted.metadata.generation).toBe(2);
  });

  it('refuse an update that was made from an older revision', async () => {
    const api = await start();
    const first = await api.create(CONFIG_MAPS, configMap(), BY_TEST);
    await api.update(CONFIG_MAPS, { ...first, data: { a: '2' } }, BY_TEST);
    await expect(api.update(CONFIG_MAPS, { ...first, data: { a: '3' } }, BY_TEST)).rejects.toMatchObject({
      code: 409,
      reason: 'Conflict',
    });
  });

  it('keep their revision when a write changes nothing', async () => {
    const api = await start();
    const first = await api.create(CONFIG_MAPS, configMap(), BY_TEST);
    const again = await api.update(CONFIG_MAPS, structuredClone(first), BY_TEST);
    expect(again.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it('are refused in words of Kubernetes when they are wrong', async () => {
    const api = await start();
    const wrong = {
      ...deployment(),
      spec: { ...(deployment().spec as object), selector: { matchLabels: { app: 'x' } } },
    };
    await expect(api.create(DEPLOYMENTS, wrong, BY_TEST)).rejects.toMatchObject({
      code: 422,
      message:
        'Deployment.apps "web" is invalid: spec.template.metadata.labels: Invalid value: map[string]string{"app":"web"}: `selector` does not match template `labels`',
    });
  });

  it('are not changed by a dry run', async () => {
    const api = await start();
    await api.create(CONFIG_MAPS, configMap(), { ...BY_TEST, dryRun: true });
    expect(api.get(CONFIG_MAPS, 'default', 'c')).toBeUndefined();
  });
});

function configMap(): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', namespace: 'default' },
    data: { a: '1' },
  };
}

describe('a watch', () => {
  it('tells what there is, then every change in order, even those made while it tells', async () => {
    const api = await start();
    await api.create(PODS, pod('a'), BY_TEST);
    const seen: string[] = [];
    let writes: Promise<unknown> = Promise.resolve();
    const stop = api.watch(PODS, {}, (event: WatchEvent) => {
      seen.push(`${event.type} ${event.object.metadata.name}`);
      if (seen.length === 1) writes = api.create(PODS, pod('b'), BY_TEST);
    });
    await writes;
    await api.delete(PODS, 'default', 'a');
    stop();
    await api.delete(PODS, 'default', 'b');
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED a']);
  });

  it('with a selector sees objects come and go as they begin and cease to match', async () => {
    const api = await start();
    const seen: string[] = [];
    api.watch(PODS, { labelSelector: 'app=web' }, ({ type, object }) =>
      seen.push(`${type} ${object.metadata.labels?.app ?? ''}`),
    );
    await api.create(PODS, pod('a'), BY_TEST);
    await api.patch(PODS, 'default', 'a', 'merge', { metadata: { labels: { app: 'web' } } }, BY_TEST);
    await api.patch(PODS, 'default', 'a', 'merge', { metadata: { labels: { app: null } } }, BY_TEST);
    expect(seen).toEqual(['ADDED web', 'DELETED web']);
  });
});

describe('deletion', () => {
  it('of a running pod waits for its node, and is final with a grace period of zero', async () => {
    const api = await start();
    const seen: string[] = [];
    api.watch(PODS, {}, ({ type, object }) =>
      seen.push(`${type} ${object.metadata.deletionGracePeriodSeconds ?? '-'}`),
    );
    await api.create(PODS, pod('a'), BY_TEST);
    await api.patch(PODS, 'default', 'a', 'merge', { spec: { nodeName: 'n1' } }, BY_TEST);
    await api.delete(PODS, 'default', 'a');
    expect(api.get(PODS, 'default', 'a')?.metadata.deletionTimestamp).toBe('2026-01-01T00:00:30Z');
    await api.delete(PODS, 'default', 'a', { gracePeriodSeconds: 0 });
    expect(api.get(PODS, 'default', 'a')).toBeUndefined();
    expect(seen).toEqual(['ADDED -', 'MODIFIED -', 'MODIFIED 30', 'MODIFIED 0', 'DELETED 0']);
  });

  it('of an owner takes its dependents along, unless they are to be orphaned', async () => {
    const api = await start();
    const owner = await api.create(CONFIG_MAPS, configMap(), BY_TEST);
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: owner.metadata.uid ?? '' };
    await api.create(PODS, pod('a', { ownerReferences: [reference] }), BY_TEST);
    await api.delete(CONFIG_MAPS, 'default', 'c', { propagationPolicy: 'Orphan' });
    await settle();
    expect(api.get(CONFIG_MAPS, 'default', 'c')).toBeUndefined();
    expect(api.get(PODS, 'default', 'a')?.metadata.ownerReferences).toBeUndefined();

    const second = await api.create(CONFIG_MAPS, configMap(), BY_TEST);
    await api.create(
      PODS,
      pod('b', { ownerReferences: [{ ...reference, uid: second.metadata.uid ?? '' }] }),
      BY_TEST,
    );
    await api.delete(CONFIG_MAPS, 'default', 'c');
    await settle();
    expect(api.get(PODS, 'default', 'b')).toBeUndefined();
    expect(api.get(PODS, 'default', 'a')).toBeDefined();
  });

  it('in the foreground removes dependents before their owner', async () => {
    const api = await start();
    const owner = await api.create(DEPLOYMENTS, deployment(), BY_TEST);
    const reference = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'web',
      uid: owner.metadata.uid ?? '',
      controller: true,
      blockOwnerDeletion: true,
    };
    await api.create(PODS, pod('a', { ownerReferences: [reference] }), BY_TEST);
    const order: string[] = [];
    api.watch(PODS, {}, ({ type }) => order.push(`pod ${type}`));
    api.watch(DEPLOYMENTS, {}, ({ type }) => order.push(`deployment ${type}`));
    await api.delete(DEPLOYMENTS, 'default', 'web', { propagationPolicy: 'Foreground' });
    await settle();
    expect(order).toEqual([
      'pod ADDED',
      'deployment ADDED',
      'deployment MODIFIED',
      'pod MODIFIED',
      'pod DELETED',
      'deployment DELETED',
    ]);
  });

  it('of a namespace empties it first, and nothing new is let in meanwhile', async () => {
    const api = await start();
    await api.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'obs' } }, BY_TEST);
    const inObs = {
      ...configMap(),
      metadata: { name: 'c', namespace: 'obs', finalizers: ['example.com/hold'] },
    };
    await api.create(CONFIG_MAPS, inObs, BY_TEST);
    await api.delete(NAMESPACES, undefined, 'obs');
    await settle();
    expect(api.get(NAMESPACES, undefined, 'obs')).toMatchObject({ status: { phase: 'Terminating' } });
    await expect(
      api.create(CONFIG_MAPS, { ...configMap(), metadata: { name: 'd', namespace: 'obs' } }, BY_TEST),
    ).rejects.toMatchObject({ code: 403, reason: 'Forbidden' });
    await api.patch(CONFIG_MAPS, 'obs', 'c', 'merge', { metadata: { finalizers: null } }, BY_TEST);
    await settle();
    expect(api.get(NAMESPACES, undefined, 'obs')).toBeUndefined();
  });
});
