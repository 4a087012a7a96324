import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getArray, getObject, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { applicationStatus } from '../../boundaries/sync/index.ts';
import { startCluster } from '../../drydock/index.ts';
import { config, job, startStage } from './stage.fixture.ts';
import type { Delivery, Stage } from './stage.fixture.ts';

let stage: Stage;
let at: Delivery;

beforeAll(async () => {
  stage = await startStage(startCluster);
});
afterAll(() => stage.close());
beforeEach(() => {
  at = stage.next();
});
afterEach(() => stage.clear());

const POLICY: JsonObject = {
  automated: { prune: true, selfHeal: true },
  syncOptions: ['CreateNamespace=true'],
  retry: { limit: 0 },
};
const refresh = { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } };

async function project(name: string, syncWindows: JsonObject[]): Promise<void> {
  await at.client.create({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name, namespace: 'argocd' },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ server: '*', namespace: '*' }],
      clusterResourceWhitelist: [{ group: '*', kind: '*' }],
      syncWindows,
    },
  });
}

const always = (kind: string, more: JsonObject = {}): JsonObject => ({
  kind,
  schedule: '* * * * *',
  duration: '1h',
  applications: ['*'],
  ...more,
});
const open = (name: string) =>
  at.client.patch(
    { apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', namespace: 'argocd', name },
    'merge',
    { spec: { syncWindows: null } },
  );

describe('a sync window of the project', () => {
  it('keeps automated syncs back, and what people ask for waits and says why', async () => {
    await project('frozen', [always('deny')]);
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const name = await at.register(path, POLICY, { project: 'frozen' });
    await at.until(
      'it is compared',
      async () => applicationStatus(await at.application(name)).sync === 'OutOfSync',
    );
    await at.clock.advance(10_000);
    expect(getObject(await at.application(name), 'operation')).toBeUndefined();
    await at.ask(name, { operation: { initiatedBy: { username: 'ann' }, sync: {} } });
    await at.waiting(name, /^Sync operation blocked by sync window$/);
    expect(await at.get('ConfigMap', 'one')).toBeUndefined();
    await open('frozen');
    await at.ended(name, 'Succeeded');
    expect(await at.get('ConfigMap', 'one')).toBeDefined();
  });

  it('lets people through where it says so', async () => {
    await project('lenient', [always('deny', { manualSync: true })]);
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const name = await at.register(path, POLICY, { project: 'lenient' });
    await at.until(
      'it is compared',
      async () => applicationStatus(await at.application(name)).sync === 'OutOfSync',
    );
    await at.ask(name, { operation: { initiatedBy: { username: 'ann' }, sync: {} } });
    await at.ended(name, 'Succeeded');
  });
});

describe('an Application that ignores by jq', () => {
  it('is in sync where only that differs, and says what is wrong with an expression', async () => {
    const { path, first } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const by = (expression: string) => ({
      ignoreDifferences: [{ kind: 'ConfigMap', jqPathExpressions: [expression] }],
    });
    const bad = await at.register(path, POLICY, by('.data['));
    await at.until('it cannot be read', async () =>
      applicationStatus(await at.application(bad)).conditions.some((condition) =>
        condition.message.includes('.data[ cannot be read'),
      ),
    );
    await at.ask(bad, { spec: by('.data.key') });
    await at.until('it is in sync', async () => {
      const status = applicationStatus(await at.application(bad));
      return status.sync === 'Synced' && status.revisions[0] === first && status.conditions.length === 0;
    });
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.namespace, name: 'one' };
    await at.client.patch(ref, 'merge', { data: { key: 'by hand' } });
    await at.ask(bad, refresh);
    await at.until(
      'it is answered',
      async () => applicationStatus(await at.application(bad)).refresh === undefined,
    );
    expect(applicationStatus(await at.application(bad)).sync).toBe('Synced');
    expect(getString(await at.get('ConfigMap', 'one'), 'data', 'key')).toBe('by hand');
  });
});

describe('automated sync', () => {
  it('heals what drifted and nothing else: no hook runs, and no delivery is added to the history', async () => {
    const { path } = await at.repository({
      'k8s/one.yaml': config('one', 'a'),
      'k8s/two.yaml': config('two', 'a'),
      'k8s/before.yaml': job('before', 'succeeds', { 'argocd.argoproj.io/hook': 'PreSync' }),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    const made = await at.get('Job', 'before');
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.namespace, name: 'one' };
    await at.client.patch(ref, 'merge', { data: { key: 'by hand' } });
    await at.until(
      'it is healed',
      async () => getString(await at.get('ConfigMap', 'one'), 'data', 'key') === 'a',
    );
    await at.ended(name, 'Succeeded');
    expect(await at.results(name)).toEqual(['ConfigMap/one Sync Running']);
    expect((await at.get('Job', 'before'))?.metadata.uid).toBe(made?.metadata.uid);
    const application = await at.application(name);
    expect(getObject(application, 'status', 'operationState', 'operation', 'sync')).toMatchObject({
      autoHealAttemptsCount: 1,
      resources: [{ kind: 'ConfigMap', name: 'one' }],
    });
    expect(getArray(application, 'status', 'history')).toHaveLength(1);
  });

  it('retries with what the branch says by then where retry.refresh asks for it', async () => {
    const broken =
      'apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: 99999999 }] }\n';
    const { path, commit } = await at.repository({ 'k8s/web.yaml': broken });
    await at.begin({ pollMs: 86_400_000 });
    const name = await at.register(path, {
      ...POLICY,
      retry: { limit: 3, refresh: true, backoff: { duration: '10s', factor: 1 } },
    });
    await at.waiting(name, /Retrying attempt #1/);
    const second = await commit({ 'k8s/web.yaml': broken.replace('99999999', '80') });
    await at.ended(name, 'Succeeded');
    expect(getString(await at.operation(name), 'syncResult', 'revision')).toBe(second);
  });
});
