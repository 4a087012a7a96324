import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getArray, getObject, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { startCluster } from '../../drydock/index.ts';
import { config, startStage } from '../sync/stage.fixture.ts';
import type { Delivery, Stage } from '../sync/stage.fixture.ts';

let stage: Stage;
let at: Delivery;

beforeAll(async () => {
  stage = await startStage((options) => startCluster({ ...options, rbac: true }));
});
afterAll(() => stage.close());
beforeEach(() => {
  at = stage.next();
});
afterEach(async () => {
  await stage.clear();
  await at.client.delete(SETTINGS);
});

const SETTINGS = { apiVersion: 'v1', kind: 'ConfigMap', name: 'argocd-cm', namespace: 'argocd' };
const POLICY = { automated: { prune: true }, syncOptions: ['CreateNamespace=true'], retry: { limit: 0 } };
const EVERYTHING = {
  sourceRepos: ['*'],
  destinations: [{ server: '*', namespace: '*' }],
  clusterResourceWhitelist: [{ group: '*', kind: '*' }],
};

async function settings(data: Readonly<Record<string, string>>): Promise<void> {
  const { name, namespace, ...kind } = SETTINGS;
  await at.client.create({ ...kind, metadata: { name, namespace }, data });
}

async function project(spec: JsonObject, labels: Record<string, string> = {}): Promise<string> {
  const name = `team-${at.namespace}-${Object.keys(spec)[0]?.toLowerCase() ?? ''}`;
  await at.client.create({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name, namespace: 'argocd', labels },
    spec: { ...EVERYTHING, ...spec },
  });
  return name;
}

async function conditions(name: string): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(
    getArray(await at.application(name), 'status', 'conditions').map((item) => [
      getString(item, 'type') ?? '',
      getString(item, 'message') ?? '',
    ]),
  );
}

async function saying(name: string, type: string): Promise<string> {
  await at.until(`${name} says ${type}`, async () => (await conditions(name))[type] !== undefined);
  return (await conditions(name))[type] ?? '';
}

describe('objects that are tracked by a label', { timeout: 120_000 }, () => {
  it('carry it and no annotation, and are pruned and taken along by it', async () => {
    await settings({
      'application.resourceTrackingMethod': 'label',
      'application.instanceLabelKey': 'argocd.corp.io/app',
    });
    const { path, commit } = await at.repository({
      'k8s/one.yaml': config('one', 'a'),
      'k8s/two.yaml': config('two', 'a'),
    });
    await at.begin({ pollMs: 5000 });
    const finalizers = ['resources-finalizer.argocd.argoproj.io'];
    const name = await at.register(path, POLICY, {}, { finalizers });
    await at.ended(name, 'Succeeded');
    const { labels, annotations } = (await at.get('ConfigMap', 'one'))?.metadata ?? {};
    expect(labels).toEqual({ 'argocd.corp.io/app': name });
    expect(annotations ?? {}).not.toHaveProperty(['argocd.argoproj.io/tracking-id']);
    await commit({ 'k8s/two.yaml': undefined });
    await at.until('it is pruned', async () => (await at.get('ConfigMap', 'two')) === undefined);
    await at.client.delete({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      namespace: 'argocd',
      name,
    });
    await at.until('it is taken along', async () => (await at.get('ConfigMap', 'one')) === undefined);
  });

  it('are another installation’s where its id is on them', async () => {
    await settings({
      'application.resourceTrackingMethod': 'annotation+label',
      installationID: 'east',
    });
    const { path, commit } = await at.repository({
      'k8s/one.yaml': config('one', 'a'),
      'k8s/two.yaml': config('two', 'a'),
    });
    await at.begin({ pollMs: 5000 });
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    const stored = await at.get('ConfigMap', 'two');
    expect(stored?.metadata.annotations).toMatchObject({
      'argocd.argoproj.io/installation-id': 'east',
      'argocd.argoproj.io/tracking-id': `${name}:/ConfigMap:${at.namespace}/two`,
    });
    expect(stored?.metadata.labels).toEqual({ 'app.kubernetes.io/instance': name });
    await at.client.patch(
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.namespace, name: 'two' },
      'merge',
      { metadata: { annotations: { 'argocd.argoproj.io/installation-id': 'west' } } },
    );
    const second = await commit({ 'k8s/two.yaml': undefined });
    await at.until(
      'the commit was compared with',
      async () => getString(await at.application(name), 'status', 'sync', 'revision') === second,
    );
    expect(getString(await at.application(name), 'status', 'sync', 'status')).toBe('Synced');
    expect(await at.get('ConfigMap', 'two')).toBeDefined();
  });
});

describe('kinds that the settings leave out', { timeout: 120_000 }, () => {
  it('are neither applied nor pruned, and the application warns of them', async () => {
    const { path } = await at.repository({
      'k8s/one.yaml': config('one', 'a'),
      'k8s/account.yaml': 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: worker }\n',
    });
    const controller = await at.begin();
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    await settings({ 'resource.exclusions': '- kinds: [ServiceAccount]\n' });
    expect(await saying(name, 'ExcludedResourceWarning')).toBe(
      'Resource /ServiceAccount worker is excluded in the settings',
    );
    await at.ask(name, { operation: { sync: { prune: true } } });
    await controller.reconcileNow({ namespace: 'argocd', name });
    await at.ended(name, 'Succeeded');
    expect(await at.get('ServiceAccount', 'worker')).toBeDefined();
    expect(getArray(await at.application(name), 'status', 'resources')).toMatchObject([
      { kind: 'ConfigMap' },
    ]);
  });
});

describe('customizations of resources', { timeout: 120_000 }, () => {
  it('ignore differences for every application, and say which Lua is not run', async () => {
    await settings({
      'resource.customizations.ignoreDifferences.ConfigMap': 'jsonPointers: [/data/key]\n',
      'resource.customizations.health.ConfigMap': 'return {status = "Degraded"}',
    });
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.namespace, name: 'one' };
    await at.client.patch(ref, 'merge', { data: { key: 'changed', more: 'x' } });
    await at.ask(name, { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
    await at.until(
      'it was looked at',
      async () =>
        (await at.application(name)).metadata.annotations?.['argocd.argoproj.io/refresh'] === undefined,
    );
    expect(getString(await at.application(name), 'status', 'sync', 'status')).toBe('Synced');
    expect(await saying(name, 'UnsupportedSettingWarning')).toContain(
      'resource.customizations.health.ConfigMap',
    );
  });

  it('that cannot be read hold everything back, and go on once they can', async () => {
    await settings({ 'resource.customizations.ignoreDifferences.ConfigMap': '- a\n' });
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const name = await at.register(path, POLICY);
    expect(await saying(name, 'InvalidSpecError')).toContain(
      'argocd-cm, resource.customizations: a map was wanted',
    );
    expect(await at.get('ConfigMap', 'one')).toBeUndefined();
    await at.client.patch(SETTINGS, 'merge', {
      data: { 'resource.customizations.ignoreDifferences.ConfigMap': null },
    });
    await at.ended(name, 'Succeeded');
  });
});

describe('limits of projects', { timeout: 120_000 }, () => {
  it('that cannot be checked hold every application of theirs back', async () => {
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const name = await at.register(path, POLICY, {
      project: await project({ signatureKeys: [{ keyID: 'A' }] }),
    });
    expect(await saying(name, 'InvalidSpecError')).toMatch(
      /the project 'team-.*' cannot be honoured: spec\.signatureKeys: signatures of commits are not verified/,
    );
    expect(await at.get('ConfigMap', 'one')).toBeUndefined();
  });

  it('let only their own clusters be delivered to where they say so', async () => {
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const scoped = await project({ permitOnlyProjectScopedClusters: true });
    const name = await at.register(path, POLICY, { project: scoped });
    expect(await saying(name, 'InvalidSpecError')).toContain(
      `do not match any of the allowed destinations in project '${scoped}'`,
    );
  });

  it('are added to by global ones, whichever changes', async () => {
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    const global = await project({ namespaceResourceBlacklist: [{ group: '', kind: 'ConfigMap' }] });
    await settings({
      globalProjects: `- projectName: ${global}\n  labelSelector: { matchExpressions: [{ key: tier, operator: In, values: [strict] }] }\n`,
    });
    await at.begin();
    const strict = await project({ description: 'x' }, { tier: 'strict' });
    const [held, free] = [
      await at.register(path, POLICY, { project: strict }),
      await at.register(path, POLICY, { project: await project({ roles: [] }) }),
    ];
    await at.ended(free, 'Succeeded');
    await at.ended(held, 'Failed');
    expect(getArray(await at.operation(held), 'syncResult', 'resources')).toMatchObject([
      { message: `resource :ConfigMap is not permitted in project ${strict}` },
    ]);
  });

  it('name who a sync acts as, where impersonation is on', async () => {
    await settings({
      'application.sync.impersonation.enabled': 'true',
      'application.sync.impersonation.enforced': 'true',
    });
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const account = { server: '*', namespace: `${at.namespace}*`, defaultServiceAccount: 'deployer' };
    const limited = await project({ destinationServiceAccounts: [account] });
    const policy = { ...POLICY, syncOptions: [] };
    await at.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: at.namespace } });
    const name = await at.register(path, policy, { project: limited });
    await at.ended(name, 'Failed');
    expect(JSON.stringify(await at.operation(name))).toContain(
      `system:serviceaccount:${at.namespace}:deployer`,
    );
    expect(await at.get('ConfigMap', 'one')).toBeUndefined();
    const nobody = await at.register(path, policy, { project: await project({ roles: [] }) });
    expect(await saying(nobody, 'InvalidSpecError')).toBe(
      `no matching service account found for destination server https://kubernetes.default.svc and namespace ${at.namespace}`,
    );
  });
});

describe('an Application', { timeout: 120_000 }, () => {
  it('with a field that nobody knows is delivered, and says so', async () => {
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const name = await at.register(path, { ...POLICY, automated: { prun: true } });
    await at.ended(name, 'Succeeded');
    expect(await saying(name, 'UnknownFieldWarning')).toBe(
      'this controller knows no such field, and goes on without it: spec.syncPolicy.automated.prun',
    );
  });

  it('without a namespace is delivered where its manifests say, and names the one that says nothing', async () => {
    const placed = config('one', 'a').replace('metadata:\n', `metadata:\n  namespace: ${at.namespace}\n`);
    const namespace = `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${at.namespace} }\n`;
    const { path, commit } = await at.repository({ 'k8s/one.yaml': placed, 'k8s/namespace.yaml': namespace });
    await at.begin({ pollMs: 5000 });
    const destination = { server: 'https://kubernetes.default.svc' };
    const name = await at.register(path, { automated: {} }, { destination });
    await at.ended(name, 'Succeeded');
    expect(getObject(await at.get('ConfigMap', 'one'), 'data')).toEqual({ key: 'a' });
    await commit({ 'k8s/two.yaml': config('two', 'b') });
    expect(await saying(name, 'InvalidSpecError')).toBe('Namespace for two /v1, Kind=ConfigMap is missing.');
  });
});

describe('the cluster that it all runs in', { timeout: 120_000 }, () => {
  it('is not delivered to where it is switched off, and a set that generates it says so', async () => {
    await settings({ 'cluster.inClusterEnabled': 'false' });
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const set = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet' };
    const name = `everywhere-${at.namespace}`;
    await at.client.create({
      ...set,
      metadata: { name, namespace: 'argocd' },
      spec: {
        goTemplate: true,
        generators: [{ clusters: {} }],
        template: {
          metadata: { name: `{{.name}}-${at.namespace}` },
          spec: {
            project: 'default',
            source: { repoURL: path, path: 'k8s' },
            destination: { server: '{{.server}}', namespace: at.namespace },
          },
        },
      },
    });
    let message = '';
    await at.until('the set says it', async () => {
      const found = await at.client.get({ ...set, namespace: 'argocd', name });
      const failed = getArray(found, 'status', 'conditions').find(
        (item) => getString(item, 'type') === 'ErrorOccurred' && getString(item, 'status') === 'True',
      );
      message = getString(failed, 'message') ?? '';
      return failed !== undefined;
    });
    expect(message).toContain('application destination spec is invalid: error getting cluster by server');
    expect(message).toContain('disabled by cluster.inClusterEnabled');
    const application = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      namespace: 'argocd',
      name: `in-cluster-${at.namespace}`,
    };
    expect(await at.client.get(application)).toBeUndefined();
    await at.client.delete({ ...set, namespace: 'argocd', name });
  });
});
