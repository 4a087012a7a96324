import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getArray, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { config, job, startStage } from './stage.fixture.ts';
import type { Delivery, Stage } from './stage.fixture.ts';
import { startCluster } from '../../drydock/index.ts';

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
  automated: { prune: true },
  syncOptions: ['CreateNamespace=true'],
  retry: { limit: 0 },
};
const hook = (type: string, more: Record<string, string> = {}) => ({
  'argocd.argoproj.io/hook': type,
  ...more,
});
const wave = (number: number) => ({ 'argocd.argoproj.io/sync-wave': String(number) });
const policy = (text: string) => ({ 'argocd.argoproj.io/hook-delete-policy': text });

describe('hooks', () => {
  it('run before and after what is applied, each waited for, and leave the application in sync', async () => {
    const { path, first } = await at.repository({
      'k8s/app.yaml': config('app', 'a'),
      'k8s/before.yaml': job('before', 'waits', hook('PreSync')),
      'k8s/after.yaml': job('after', 'waits', hook('PostSync')),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.waiting(name, /^waiting for completion of hook batch\/Job\/before$/);
    expect(await at.get('ConfigMap', 'app')).toBeUndefined();
    await at.release('before');
    await at.waiting(name, /^waiting for completion of hook batch\/Job\/after$/);
    expect(await at.get('ConfigMap', 'app')).toBeDefined();
    await at.release('after');
    expect(await at.ended(name, 'Succeeded')).toBe('successfully synced (no more tasks)');
    expect(await at.results(name)).toEqual([
      `Namespace/${at.namespace} PreSync Succeeded`,
      'Job/before PreSync Succeeded',
      'ConfigMap/app Sync Succeeded',
      'Job/after PostSync Succeeded',
    ]);
    const application = await at.application(name);
    const resources = getArray(await at.operation(name), 'syncResult', 'resources');
    expect(resources[1]).toMatchObject({
      hookType: 'PreSync',
      status: 'Synced',
      group: 'batch',
      images: ['registry.corp.io/migrate:1'],
    });
    expect(application['status']).toMatchObject({ sync: { status: 'Synced', revision: first } });
    expect(getArray(application, 'status', 'resources')).toEqual(
      expect.arrayContaining([expect.objectContaining({ kind: 'Job', name: 'after', hook: true })]),
    );
    // Nothing holds them any more.
    expect((await at.get('Job', 'before'))?.metadata.finalizers ?? []).not.toContain(
      'argocd.argoproj.io/hook-finalizer',
    );
  });

  it('fail the sync with what the hook says, run those for failures, and leave the application alone', async () => {
    const { path } = await at.repository({
      'k8s/app.yaml': config('app', 'a'),
      'k8s/before.yaml': job('before', 'fails', hook('PreSync', policy('HookFailed'))),
      'k8s/alarm.yaml': job('alarm', 'succeeds', hook('SyncFail')),
      'k8s/after.yaml': job('after', 'succeeds', hook('PostSync')),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    const message = await at.ended(name, 'Failed');
    expect(message).toMatch(
      /^one or more synchronization tasks completed unsuccessfully, reason: .*deadline/,
    );
    expect(await at.results(name)).toEqual([
      `Namespace/${at.namespace} PreSync Succeeded`,
      'Job/before PreSync Failed',
      'Job/alarm SyncFail Succeeded',
    ]);
    expect(await at.get('ConfigMap', 'app')).toBeUndefined();
    expect(await at.get('Job', 'after')).toBeUndefined();
    await at.until('it is deleted by its policy', async () => (await at.get('Job', 'before')) === undefined);
    // The same commit is not tried again by itself.
    await at.clock.advance(400_000);
    expect(getString(await at.operation(name), 'phase')).toBe('Failed');
  });

  it('are made anew for every sync, deleted by their policies, and named when they ask for it', async () => {
    const { path, commit } = await at.repository({
      'k8s/app.yaml': config('app', 'a'),
      'k8s/kept.yaml': job('kept', 'succeeds', hook('PreSync')),
      'k8s/gone.yaml': job('gone', 'succeeds', hook('PreSync', policy('HookSucceeded'))),
      'k8s/named.yaml': job('named-', 'succeeds', hook('PreSync,PostSync')),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    const first = await at.get('Job', 'kept');
    await at.until('it is deleted by its policy', async () => (await at.get('Job', 'gone')) === undefined);
    const second = await commit({ 'k8s/app.yaml': config('app', 'b') });
    await at.ask(name, { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
    await at.until('the next commit is there', async () => {
      const { operationState } = ((await at.application(name))['status'] ?? {}) as JsonObject;
      return (
        getString(operationState, 'phase') === 'Succeeded' &&
        getString(operationState, 'syncResult', 'revision') === second
      );
    });
    expect((await at.get('Job', 'kept'))?.metadata.uid).not.toBe(first?.metadata.uid);
    const { items } = await at.client.list(
      { apiVersion: 'batch/v1', kind: 'Job' },
      { namespace: at.namespace },
    );
    const named = items.map((item) => item.metadata.name).filter((found) => found.startsWith('named-'));
    expect(named.toSorted()).toHaveLength(4);
    expect(named.filter((found) => found.startsWith(`named-${second.slice(0, 7)}-postsync-`))).toHaveLength(
      1,
    );
  });

  it('of a chart run as Argo CD runs them, by their weight', async () => {
    const helm = (type: string, weight: number) => ({
      'helm.sh/hook': type,
      'helm.sh/hook-weight': String(weight),
      'helm.sh/hook-delete-policy': 'before-hook-creation',
    });
    const { path } = await at.repository({
      'k8s/app.yaml': config('app', 'a'),
      'k8s/late.yaml': job('late', 'succeeds', helm('pre-install,pre-upgrade', 5)),
      'k8s/early.yaml': job('early', 'succeeds', helm('pre-install', -5)),
      'k8s/test.yaml': job('probe', 'succeeds', helm('test', 0)),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    expect((await at.results(name)).slice(1)).toEqual([
      'Job/early PreSync Succeeded',
      'Job/late PreSync Succeeded',
      'ConfigMap/app Sync Running',
    ]);
    expect(await at.get('Job', 'probe')).toBeUndefined();
  });

  it('are not run twice when the controller is killed while they run', async () => {
    const { path } = await at.repository({
      'k8s/app.yaml': config('app', 'a'),
      'k8s/before.yaml': job('crashed', 'waits', hook('PreSync')),
    });
    const controller = await at.begin();
    const name = await at.register(path, POLICY);
    await at.waiting(name, /completion of hook/);
    const made = await at.get('Job', 'crashed');
    await controller.close();
    // As if the crash had come before a word of it was written.
    await at.ask(name, { status: { operationState: { syncResult: null } } });
    await at.begin();
    await at.release('crashed');
    await at.ended(name, 'Succeeded');
    expect((await at.get('Job', 'crashed'))?.metadata.uid).toBe(made?.metadata.uid);
  });

  it('are ended when somebody ends the operation', async () => {
    const { path } = await at.repository({
      'k8s/app.yaml': config('app', 'a'),
      'k8s/before.yaml': job('before', 'hangs', hook('PreSync')),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.waiting(name, /completion of hook/);
    await at.ask(name, { status: { operationState: { phase: 'Terminating' } } });
    expect(await at.ended(name, 'Failed')).toBe('Operation terminated');
    expect((await at.results(name)).at(-1)).toBe('Job/before PreSync Failed');
    await at.until('the hook is gone', async () => (await at.get('Job', 'before')) === undefined);
    expect(await at.get('ConfigMap', 'app')).toBeUndefined();
  });

  it('that get nowhere do not keep a newer commit waiting', async () => {
    const { path, commit } = await at.repository({
      'k8s/app.yaml': config('app', 'a'),
      'k8s/before.yaml': job('before', 'hangs', hook('PreSync')),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.waiting(name, /completion of hook/);
    const second = await commit({ 'k8s/before.yaml': job('before', 'succeeds', hook('PreSync')) });
    await at.ask(name, { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
    await at.ended(name, 'Succeeded');
    expect(getString(await at.operation(name), 'syncResult', 'revision')).toBe(second);
  });

  it('have an end where the controller gives operations one', async () => {
    const { path } = await at.repository({
      'k8s/app.yaml': config('app', 'a'),
      'k8s/before.yaml': job('before', 'hangs', hook('PreSync')),
    });
    await at.begin({ syncTimeoutMs: 60_000 });
    const name = await at.register(path, POLICY);
    await at.waiting(name, /completion of hook/);
    await at.clock.advance(61_000);
    expect(await at.ended(name, 'Failed')).toBe('Operation terminated, triggered by controller sync timeout');
    expect(await at.get('ConfigMap', 'app')).toBeUndefined();
  });

  it('of an application do not hold up others, however many hang', async () => {
    const hanging = await at.repository({
      'k8s/before.yaml': job('before', 'hangs', hook('PreSync')) + '---\n' + config('app', 'a'),
    });
    const other = await at.repository({ 'k8s/other.yaml': config('other', 'a') });
    await at.begin({ concurrency: 1 });
    const slow = await at.register(hanging.path, POLICY);
    await at.waiting(slow, /completion of hook/);
    const quick = await at.register(other.path, POLICY);
    await at.ended(quick, 'Succeeded');
    expect(getString(await at.operation(slow), 'phase')).toBe('Running');
  });

  it('have their waves too, and a later one is not begun while an earlier one runs', async () => {
    const { path } = await at.repository({
      'k8s/app.yaml': config('app', 'a'),
      'k8s/one.yaml': job('one', 'waits', hook('PostSync', wave(-1))),
      'k8s/two.yaml': job('two', 'succeeds', hook('PostSync', wave(3))),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.waiting(name, /batch\/Job\/one$/);
    expect(await at.get('Job', 'two')).toBeUndefined();
    await at.release('one');
    await at.ended(name, 'Succeeded');
    expect((await at.results(name)).slice(-2)).toEqual([
      'Job/one PostSync Succeeded',
      'Job/two PostSync Succeeded',
    ]);
  });
});
