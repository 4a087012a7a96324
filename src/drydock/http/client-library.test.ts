import {
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  type V1ConfigMap,
} from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './served.fixture.ts';

let server: TestServer;
let config: KubeConfig;
beforeEach(async () => {
  server = await startTestServer({ tls: true });
  const caData = Buffer.from(server.served.certificate ?? '').toString('base64');
  config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'd', server: server.served.url, caData, skipTLSVerify: false }],
    users: [{ name: 'u', token: 'a-token-for-tests' }],
    contexts: [{ name: 'c', cluster: 'd', user: 'u' }],
    currentContext: 'c',
  });
});
afterEach(() => server.close());

const configMap = (name: string, value: string): V1ConfigMap => ({ metadata: { name }, data: { value } });

async function until(check: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !check(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(check()).toBe(true);
}

describe('the official client library', () => {
  it('keeps an informer true over a dropped connection and over a compaction', async () => {
    const core = config.makeApiClient(CoreV1Api);
    const informer = makeInformer<V1ConfigMap>(config, '/api/v1/namespaces/default/configmaps', () =>
      core.listNamespacedConfigMap({ namespace: 'default' }),
    );
    const seen = new Map<string, string>();
    let stopped = false;
    const keep = (object: V1ConfigMap) => seen.set(object.metadata?.name ?? '', object.data?.value ?? '');
    informer.on('add', keep);
    informer.on('update', keep);
    informer.on('delete', (object) => seen.delete(object.metadata?.name ?? ''));
    informer.on('error', () => {
      if (!stopped) void informer.start();
    });
    try {
      await informer.start();
      await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('a', '1') });
      await until(() => seen.get('a') === '1');
      server.served.dropConnections();
      await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('b', '1') });
      await until(() => seen.get('b') === '1');
      server.api.compact();
      server.served.dropConnections();
      await core.replaceNamespacedConfigMap({ namespace: 'default', name: 'a', body: configMap('a', '2') });
      await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'b' });
      await until(() => seen.get('a') === '2' && !seen.has('b'));
    } finally {
      stopped = true;
      await informer.stop();
    }
  });

  it('applies on the server, and is refused what belongs to another', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const deployment = (image: string) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
      },
    });
    const apply = (image: string, manager: string, force = false) =>
      objects.patch(deployment(image), undefined, undefined, manager, force, PatchStrategy.ServerSideApply);
    await apply('nginx:1', 'first');
    await expect(apply('nginx:2', 'second')).rejects.toMatchObject({ code: 409 });
    await apply('nginx:2', 'second', true);
    const apps = config.makeApiClient(AppsV1Api);
    const stored = await apps.readNamespacedDeployment({ name: 'web', namespace: 'default' });
    expect(stored.spec?.template.spec?.containers[0]?.image).toBe('nginx:2');
    expect(stored.metadata?.managedFields?.map((entry) => entry.manager)).toEqual(['first', 'second']);
  });

  it('lets one of two candidates take a lease', async () => {
    const leases = config.makeApiClient(CoordinationV1Api);
    const place = { namespace: 'default' };
    const lease = { metadata: { name: 'leader' }, spec: { holderIdentity: 'a', leaseDurationSeconds: 15 } };
    const held = await leases.createNamespacedLease({ ...place, body: lease });
    await expect(leases.createNamespacedLease({ ...place, body: lease })).rejects.toMatchObject({
      code: 409,
    });
    const take = (holderIdentity: string) =>
      leases.replaceNamespacedLease({
        ...place,
        name: 'leader',
        body: {
          metadata: { name: 'leader', resourceVersion: held.metadata?.resourceVersion ?? '' },
          spec: { ...lease.spec, holderIdentity },
        },
      });
    const outcomes = await Promise.allSettled([take('b'), take('c')]);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    expect(outcomes.find((outcome) => outcome.status === 'rejected')).toMatchObject({
      reason: { code: 409 },
    });
  });
});
