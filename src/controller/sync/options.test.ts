import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getArray, getObject, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { applicationStatus } from '../../boundaries/sync/index.ts';
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

const policy = (...options: string[]): JsonObject => ({
  automated: { prune: true },
  syncOptions: ['CreateNamespace=true', ...options],
  retry: { limit: 0 },
});
const option = (text: string) => ({ 'argocd.argoproj.io/sync-options': text });
const refresh = { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } };
const now = () => new Date(at.clock.now() + 2000).toISOString().replace(/\.\d+Z$/, 'Z');

/** Asks for an operation, and gives its state once it has ended. */
let people = 0;
async function sync(name: string, operation: JsonObject): Promise<JsonObject> {
  people += 1;
  const username = `ann-${people}`;
  await at.ask(name, { operation: { initiatedBy: { username }, ...operation } });
  await at.until('the operation has ended', async () => {
    const state = await at.operation(name);
    return (
      getString(state, 'operation', 'initiatedBy', 'username') === username &&
      getString(state, 'phase') !== 'Running'
    );
  });
  return at.operation(name);
}

const secretType = (type: string, annotations = '') =>
  `apiVersion: v1\nkind: Secret\nmetadata:\n  name: fixed\n${annotations}type: ${type}\nstringData: { key: value }\n`;

describe('sync options', () => {
  it('Replace=true writes the whole object, so that what nobody in Git asked for goes', async () => {
    const { path, commit } = await at.repository({
      'k8s/one.yaml': config('one', 'a', option('Replace=true')),
    });
    await at.begin();
    const name = await at.register(path, policy());
    await at.ended(name, 'Succeeded');
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.namespace, name: 'one' };
    await at.client.patch(ref, 'merge', { data: { extra: 'by hand' } });
    await commit({ 'k8s/one.yaml': config('one', 'b', option('Replace=true')) });
    await at.ask(name, refresh);
    await at.until(
      'it is replaced',
      async () => getString(await at.get('ConfigMap', 'one'), 'data', 'key') === 'b',
    );
    expect(getObject(await at.get('ConfigMap', 'one'), 'data')).toEqual({ key: 'b' });
  });

  it('Force=true deletes and makes again what the server will not change; without it that fails', async () => {
    const { path, commit } = await at.repository({ 'k8s/fixed.yaml': secretType('corp.io/one') });
    await at.begin();
    const name = await at.register(path, policy());
    await at.ended(name, 'Succeeded');
    const before = await at.get('Secret', 'fixed');
    await commit({ 'k8s/fixed.yaml': secretType('corp.io/two') });
    await at.ask(name, refresh);
    await at.ended(name, 'Failed');
    expect((await at.get('Secret', 'fixed'))?.metadata.uid).toBe(before?.metadata.uid);
    const annotations = '  annotations: { argocd.argoproj.io/sync-options: Force=true }\n';
    await commit({ 'k8s/fixed.yaml': secretType('corp.io/two', annotations) });
    await at.ask(name, refresh);
    await at.ended(name, 'Succeeded');
    const after = await at.get('Secret', 'fixed');
    expect(getString(after, 'type')).toBe('corp.io/two');
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
  });

  it('CreateNamespace=true keeps the labels and annotations that the Application asks for', async () => {
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const managed = (team: string) => ({ labels: { team }, annotations: { owner: 'ann' } });
    const name = await at.register(path, { ...policy(), managedNamespaceMetadata: managed('a') });
    await at.ended(name, 'Succeeded');
    expect((await at.get('Namespace', at.namespace))?.metadata).toMatchObject(managed('a'));
    await at.ask(name, { spec: { syncPolicy: { managedNamespaceMetadata: managed('b') } } });
    await sync(name, { sync: {} });
    expect((await at.get('Namespace', at.namespace))?.metadata).toMatchObject(managed('b'));
    // Another change is out of sync by itself, and an automated policy does something about it.
    await at.ask(name, {
      spec: { syncPolicy: { automated: null, managedNamespaceMetadata: managed('c') } },
    });
    const code = async () => getString(await at.application(name), 'status', 'sync', 'status');
    await at.until('it says so', async () => (await code()) === 'OutOfSync');
    await at.ask(name, { spec: { syncPolicy: { automated: {} } } });
    await at.until('it is in sync', async () => (await code()) === 'Synced');
    expect((await at.get('Namespace', at.namespace))?.metadata).toMatchObject(managed('c'));
  });

  it('ApplyOutOfSyncOnly=true touches nothing that is as Git asks for', async () => {
    const { path } = await at.repository({
      'k8s/one.yaml': config('one', 'a'),
      'k8s/two.yaml': config('two', 'a'),
    });
    await at.begin();
    const name = await at.register(path, { ...policy('ApplyOutOfSyncOnly=true'), automated: {} });
    await at.ended(name, 'Succeeded');
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.namespace, name: 'two' };
    await at.client.patch(ref, 'merge', { data: { key: 'by hand' } });
    await sync(name, { sync: {} });
    expect(await at.results(name)).toEqual(['ConfigMap/two Sync Running']);
    expect(getString(await at.get('ConfigMap', 'two'), 'data', 'key')).toBe('a');
  });

  it('RespectIgnoreDifferences=true leaves the ignored fields as they are while the rest is applied', async () => {
    const { path, commit } = await at.repository({ 'k8s/one.yaml': `${config('one', 'a')}  other: a\n` });
    await at.begin();
    const ignoreDifferences = [{ kind: 'ConfigMap', jsonPointers: ['/data/key'] }];
    const name = await at.register(path, policy('RespectIgnoreDifferences=true'), { ignoreDifferences });
    await at.ended(name, 'Succeeded');
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.namespace, name: 'one' };
    await at.client.patch(ref, 'merge', { data: { key: 'by hand' } });
    const second = await commit({ 'k8s/one.yaml': `${config('one', 'a')}  other: b\n` });
    await at.ask(name, refresh);
    await at.until('it is synced', async () => {
      const status = applicationStatus(await at.application(name));
      return status.operation?.revision === second && status.operation.phase === 'Succeeded';
    });
    expect(getObject(await at.get('ConfigMap', 'one'), 'data')).toEqual({ key: 'by hand', other: 'b' });
  });

  it('FailOnSharedResource=true refuses what another application says is its own', async () => {
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const first = await at.register(path, policy());
    await at.ended(first, 'Succeeded');
    const second = await at.register(path, policy('FailOnSharedResource=true'));
    expect(await at.ended(second, 'Failed')).toBe(
      `Shared resource found: ConfigMap/one is part of applications ${second} and ${first}`,
    );
    expect(applicationStatus(await at.application(second)).conditions).toContainEqual(
      expect.objectContaining({ type: 'SharedResourceWarning' }),
    );
  });

  it('of one object or another are refused for all of them', async () => {
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const name = await at.register(path, policy('Force=true'));
    await at.until('it is refused', async () =>
      applicationStatus(await at.application(name)).conditions.some((condition) =>
        condition.message.includes('Force=true is not supported'),
      ),
    );
    expect(await at.get('ConfigMap', 'one')).toBeUndefined();
  });

  it.each([
    ['kubectl', 'kubectl-client-side-apply', {}],
    ['Argo CD', 'argocd-controller', {}],
    [
      'somebody whom the application names',
      'deploy-bot',
      { annotations: { 'argocd.argoproj.io/client-side-apply-migration-manager': 'deploy-bot' } },
    ],
  ])(
    'take over what %s applied, so that leaving a field out of Git removes it',
    async (_, manager, metadata) => {
      await at.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: at.namespace } });
      const data = { key: 'a', old: 'x' };
      const applied = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'one', namespace: at.namespace },
        data,
      };
      const text = JSON.stringify({ ...applied, metadata: { ...applied.metadata, annotations: {} } });
      await at.client.create(
        {
          ...applied,
          metadata: {
            ...applied.metadata,
            annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `${text}\n` },
          },
        },
        { fieldManager: manager },
      );
      const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
      await at.begin();
      const name = await at.register(path, policy(), {}, metadata);
      await at.ended(name, 'Succeeded');
      await at.until(
        'it is in sync',
        async () => applicationStatus(await at.application(name)).sync === 'Synced',
      );
      const live = await at.get('ConfigMap', 'one');
      expect(getObject(live, 'data')).toEqual({ key: 'a' });
      expect((live?.metadata.managedFields ?? []).map((entry) => getString(entry, 'manager'))).toEqual([
        'landfall',
      ]);
    },
  );
});

describe('objects that Argo CD applied on the server’s side', () => {
  it('lose what Git has left out since, as soon as something is applied', async () => {
    await at.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: at.namespace } });
    await at.client.apply(
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'one', namespace: at.namespace },
        data: { key: 'a', old: 'x' },
      },
      { fieldManager: 'argocd-controller', force: true },
    );
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'b') });
    await at.begin();
    const name = await at.register(path, policy());
    await at.ended(name, 'Succeeded');
    expect(getObject(await at.get('ConfigMap', 'one'), 'data')).toEqual({ key: 'b' });
  });
});

describe('marks that nobody understands', () => {
  it('are named, and the objects that carry them delivered', async () => {
    const { path } = await at.repository({
      'k8s/one.yaml': config('one', 'a', {
        ...option('Prune=flase,Replace=true'),
        'argocd.argoproj.io/sync-wave': 'late',
      }),
      'k8s/hook.yaml': config('hook', 'a', {
        'argocd.argoproj.io/hook': 'PreSnyc',
        'argocd.argoproj.io/hook-delete-policy': 'Never',
      }),
    });
    await at.begin();
    const name = await at.register(path, policy());
    await at.ended(name, 'Succeeded');
    const { conditions } = applicationStatus(await at.application(name));
    expect(conditions).toEqual([
      {
        type: 'UnknownFieldWarning',
        message: [
          'annotations that this controller does not understand: ConfigMap/hook: argocd.argoproj.io/hook PreSnyc, so that it never runs',
          'ConfigMap/hook: argocd.argoproj.io/hook-delete-policy Never',
          'ConfigMap/one: argocd.argoproj.io/sync-options Prune=flase',
          'ConfigMap/one: argocd.argoproj.io/sync-wave late, which counts as none',
        ].join('; '),
      },
    ]);
    expect(await at.get('ConfigMap', 'hook')).toBeUndefined();
  });
});

describe('an operation that somebody asks for', () => {
  it('is refused where nobody understands a part of it', async () => {
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const name = await at.register(path, {});
    const state = await sync(name, {
      sync: { resources: [{ kind: 'ConfigMap', name: 'one', exclude: true }], syncOptions: ['Hurry=true'] },
    });
    expect(state).toMatchObject({
      phase: 'Error',
      message:
        'Invalid operation request: operation.sync.resources[0].exclude: this controller knows no such field; operation.sync.syncOptions: Hurry=true is not supported by this controller',
    });
    expect(await at.get('ConfigMap', 'one')).toBeUndefined();
  });

  it('about some objects leaves the others, the hooks and the history alone', async () => {
    const { path, commit } = await at.repository({
      'k8s/one.yaml': config('one', 'a'),
      'k8s/two.yaml': config('two', 'a'),
      'k8s/hook.yaml': job('before', 'succeeds', { 'argocd.argoproj.io/hook': 'PreSync' }),
    });
    await at.begin();
    const name = await at.register(path, { syncOptions: ['CreateNamespace=true'] });
    await at.until(
      'it is compared',
      async () => applicationStatus(await at.application(name)).sync === 'OutOfSync',
    );
    await sync(name, { sync: { resources: [{ kind: 'ConfigMap', name: 'one' }] } });
    expect((await at.results(name)).slice(1)).toEqual(['ConfigMap/one Sync Running']);
    expect(await at.get('ConfigMap', 'two')).toBeUndefined();
    expect(await at.get('Job', 'before')).toBeUndefined();
    expect(getArray(await at.application(name), 'status', 'history')).toEqual([]);
    await commit({});
  });

  it('as a dry run says what it would do, and does none of it', async () => {
    const { path, commit } = await at.repository({
      'k8s/one.yaml': config('one', 'a'),
      'k8s/two.yaml': config('two', 'a'),
    });
    await at.begin();
    const name = await at.register(path, { syncOptions: ['CreateNamespace=true'] });
    await sync(name, { sync: {} });
    await commit({
      'k8s/one.yaml': config('one', 'b'),
      'k8s/two.yaml': undefined,
      'k8s/new.yaml': config('new', 'a'),
    });
    const state = await sync(name, { sync: { dryRun: true, prune: true } });
    const messages = getArray(state, 'syncResult', 'resources').map((item) => getString(item, 'message'));
    expect(messages).toEqual([
      'configmap/new created (dry run)',
      'configmap/one configured (dry run)',
      'pruned (dry run)',
    ]);
    expect(getString(await at.get('ConfigMap', 'one'), 'data', 'key')).toBe('a');
    expect(await at.get('ConfigMap', 'two')).toBeDefined();
  });
});

describe('pruning', () => {
  const claim = (annotations = '') =>
    `apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: data\n${annotations}spec:\n  accessModes: [ReadWriteOnce]\n  resources: { requests: { storage: 1Gi } }\n`;

  it('spares what says Prune=false, and claims that do not say Prune=true', async () => {
    const { path, commit } = await at.repository({
      'k8s/kept.yaml': config('kept', 'a'),
      'k8s/spared.yaml': config('spared', 'a', option('Prune=false')),
      'k8s/claim.yaml': claim(),
      'k8s/gone.yaml': config('gone', 'a'),
    });
    await at.begin();
    const name = await at.register(path, policy());
    await at.ended(name, 'Succeeded');
    const second = await commit({
      'k8s/spared.yaml': undefined,
      'k8s/claim.yaml': undefined,
      'k8s/gone.yaml': undefined,
    });
    await at.ask(name, refresh);
    await at.until(
      'it is synced',
      async () => applicationStatus(await at.application(name)).operation?.revision === second,
    );
    await at.ended(name, 'Succeeded');
    const { operation } = applicationStatus(await at.application(name));
    const said = new Map(
      operation?.results.map((result) => [result.name, `${result.status}: ${result.message}`]),
    );
    expect(said.get('spared')).toBe('PruneSkipped: ignored (no prune)');
    expect(said.get('data')).toMatch(/^PruneSkipped: ignored \(a PersistentVolumeClaim is pruned only with/);
    expect(said.get('gone')).toBe('Pruned: pruned');
    expect(await at.get('PersistentVolumeClaim', 'data')).toBeDefined();
    expect(await at.get('ConfigMap', 'gone')).toBeUndefined();
  });

  it('waits for consent where an object asks for it, and goes on when it comes', async () => {
    const { path, commit } = await at.repository({
      'k8s/kept.yaml': config('kept', 'a'),
      'k8s/asked.yaml': config('asked', 'a', option('Prune=confirm')),
    });
    await at.begin();
    const name = await at.register(path, policy());
    await at.ended(name, 'Succeeded');
    await commit({ 'k8s/asked.yaml': undefined });
    await at.ask(name, refresh);
    await at.waiting(name, /^waiting for pruning confirmation of \/ConfigMap\/asked$/);
    expect(await at.get('ConfigMap', 'asked')).toBeDefined();
    await at.ask(name, { metadata: { annotations: { 'argocd.argoproj.io/deletion-approved': now() } } });
    await at.ended(name, 'Succeeded');
    expect(await at.get('ConfigMap', 'asked')).toBeUndefined();
  });

  it('reports what holds an object that does not go', async () => {
    const held = config('held', 'a', { note: 'x' }).replace(
      '  annotations:',
      '  finalizers: [corp.io/hold]\n  annotations:',
    );
    const { path, commit } = await at.repository({
      'k8s/kept.yaml': config('kept', 'a'),
      'k8s/held.yaml': held,
    });
    await at.begin();
    const name = await at.register(path, policy());
    await at.ended(name, 'Succeeded');
    await commit({ 'k8s/held.yaml': undefined });
    await at.ask(name, refresh);
    await at.waiting(name, /deletion of \/ConfigMap\/held/);
    await at.clock.advance(61_000);
    expect(await at.ended(name, 'Failed')).toContain('held by corp.io/hold');
  });
});

describe('the end of an application', () => {
  it('runs the hooks for it before and after, and waits for consent where an object asks for it', async () => {
    const type = (name: string, policy: string) => ({
      'argocd.argoproj.io/hook': name,
      'argocd.argoproj.io/hook-delete-policy': policy,
    });
    const { path } = await at.repository({
      'k8s/one.yaml': config('one', 'a', option('Delete=confirm')),
      'k8s/pre.yaml': job('pre', 'waits', type('PreDelete', 'HookSucceeded')),
      'k8s/post.yaml': job('post', 'succeeds', type('PostDelete', 'BeforeHookCreation')),
    });
    await at.begin();
    const finalizers = ['resources-finalizer.argocd.argoproj.io'];
    const name = await at.register(path, policy(), {}, { finalizers });
    await at.ended(name, 'Succeeded');
    expect((await at.application(name)).metadata.finalizers).toEqual([
      'resources-finalizer.argocd.argoproj.io',
      'pre-delete-finalizer.argocd.argoproj.io',
      'pre-delete-finalizer.argocd.argoproj.io/cleanup',
      'post-delete-finalizer.argocd.argoproj.io',
      'post-delete-finalizer.argocd.argoproj.io/cleanup',
    ]);
    expect(await at.get('Job', 'pre')).toBeUndefined();
    const ref = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd', name };
    await at.client.delete(ref);
    await at.until('the first hook runs', async () => (await at.get('Job', 'pre')) !== undefined);
    await at.release('pre');
    await at.until('the first hook has run', async () => {
      const left = (await at.application(name)).metadata.finalizers ?? [];
      return !left.includes('pre-delete-finalizer.argocd.argoproj.io');
    });
    const said = async () =>
      applicationStatus(await at.application(name)).conditions.find(
        ({ type: kind }) => kind === 'DeletionError',
      )?.message;
    await at.until('it says what it waits for', async () => (await said()) !== undefined);
    expect(await said()).toBe(
      `waiting for consent to delete ConfigMap/${at.namespace}/one: annotate the Application with argocd.argoproj.io/deletion-approved, the time as its value`,
    );
    expect(await at.get('ConfigMap', 'one')).toBeDefined();
    await at.ask(name, { metadata: { annotations: { 'argocd.argoproj.io/deletion-approved': now() } } });
    await at.until('the Application is gone', async () => (await at.client.get(ref)) === undefined);
    expect(await at.get('ConfigMap', 'one')).toBeUndefined();
    expect(await at.get('Job', 'post')).toBeDefined();
    await at.until('the first hook is gone', async () => (await at.get('Job', 'pre')) === undefined);
  });

  it('says what holds it: a hook that failed, and an object that stays', async () => {
    const hook = { 'argocd.argoproj.io/hook': 'PreDelete' };
    const held = config('one', 'a').replace('metadata:\n', 'metadata:\n  finalizers: [corp.io/held]\n');
    const { path } = await at.repository({ 'k8s/one.yaml': held, 'k8s/pre.yaml': job('pre', 'fails', hook) });
    await at.begin();
    const finalizers = ['resources-finalizer.argocd.argoproj.io'];
    const name = await at.register(path, policy(), {}, { finalizers });
    await at.ended(name, 'Succeeded');
    const ref = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd', name };
    await at.client.delete(ref);
    const says = async (text: string) =>
      applicationStatus(await at.application(name)).conditions.some(
        ({ type, message }) => type === 'DeletionError' && message.includes(text),
      );
    await at.until('it says that the hook failed', () =>
      says(`The PreDelete hook Job/${at.namespace}/pre failed: `),
    );
    const rest = (await at.application(name)).metadata.finalizers?.filter((text) => !text.startsWith('pre-'));
    await at.ask(name, { metadata: { finalizers: rest ?? [] } });
    await at.until('it says what is left', () => says('/one was deleted, and is still there'), 2000);
    expect(await says('held by corp.io/held')).toBe(true);
    await at.client.patch(
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.namespace, name: 'one' },
      'merge',
      { metadata: { finalizers: null } },
    );
    await at.until('the Application is gone', async () => (await at.client.get(ref)) === undefined);
  });

  it('takes the last wave first, and leaves what says Delete=false', async () => {
    const wave = (number: number) => ({ 'argocd.argoproj.io/sync-wave': String(number) });
    const { path } = await at.repository({
      'k8s/one.yaml': config('one', 'a'),
      'k8s/two.yaml': config('two', 'a', wave(2)).replace(
        '  annotations:',
        '  finalizers: [corp.io/hold]\n  annotations:',
      ),
      'k8s/kept.yaml': config('kept', 'a', option('Delete=false')),
    });
    await at.begin();
    const finalizers = ['resources-finalizer.argocd.argoproj.io'];
    const name = await at.register(path, policy(), {}, { finalizers });
    await at.ended(name, 'Succeeded');
    const ref = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd', name };
    await at.client.delete(ref);
    await at.until(
      'the last wave goes',
      async () => (await at.get('ConfigMap', 'two'))?.metadata.deletionTimestamp !== undefined,
    );
    await at.clock.advance(5000);
    expect(await at.get('ConfigMap', 'one')).toBeDefined();
    await at.client.patch(
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.namespace, name: 'two' },
      'merge',
      { metadata: { finalizers: null } },
    );
    await at.until('the Application is gone', async () => (await at.client.get(ref)) === undefined);
    expect(await at.get('ConfigMap', 'one')).toBeUndefined();
    expect(await at.get('ConfigMap', 'kept')).toBeDefined();
  });
});
