import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getObject, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { config, startStage } from './stage.fixture.ts';
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
const wave = (number: number) => ({ 'argocd.argoproj.io/sync-wave': String(number) });
const refresh = { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } };

const deployment = (name: string, image: string, number: number, selector = '') => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  annotations:
    argocd.argoproj.io/sync-wave: "${number}"
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
${selector}      containers:
        - name: main
          image: ${image}
`;
const WAITS = '      nodeSelector: { release-web: there }\n';
const NOWHERE = '      nodeSelector: { never: there }\n';

describe('waves', () => {
  it('go from the lowest number up, and wait for what was applied to be healthy', async () => {
    const { path } = await at.repository({
      'k8s/web.yaml': deployment('web', 'registry.corp.io/web:1', 0, WAITS),
      'k8s/first.yaml': config('first', 'a', wave(-5)),
      'k8s/last.yaml': config('last', 'a', wave(2)),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.waiting(name, /^waiting for healthy state of apps\/Deployment\/web$/);
    expect(await at.get('ConfigMap', 'first')).toBeDefined();
    expect(await at.get('ConfigMap', 'last')).toBeUndefined();
    await at.release('web');
    expect(await at.ended(name, 'Succeeded')).toBe('successfully synced (all tasks run)');
    expect((await at.results(name)).slice(1)).toEqual([
      'ConfigMap/first Sync Succeeded',
      'Deployment/web Sync Succeeded',
      'ConfigMap/last Sync Running',
    ]);
  });

  it('wait for the health of what this sync made, not of what was there before', async () => {
    const { path, commit } = await at.repository({
      'k8s/web.yaml': deployment('web', 'registry.corp.io/web:1', 0),
      'k8s/last.yaml': config('last', 'a', wave(1)),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    // The old pods stay healthy, and the new ones never start.
    const second = await commit({
      'k8s/web.yaml': deployment('web', 'registry.corp.io/web:2', 0, NOWHERE),
      'k8s/last.yaml': config('last', 'b', wave(1)),
    });
    await at.ask(name, refresh);
    await at.waiting(name, /healthy state of apps\/Deployment\/web/);
    await at.clock.advance(20_000);
    expect(getString(await at.get('ConfigMap', 'last'), 'data', 'key')).toBe('a');
    expect(getString(await at.operation(name), 'syncResult', 'revision')).toBe(second);
    // A newer commit does not wait for it.
    const third = await commit({
      'k8s/web.yaml': deployment('web', 'registry.corp.io/web:3', 0),
      'k8s/last.yaml': config('last', 'c', wave(1)),
    });
    await at.ask(name, refresh);
    await at.until('the third commit is there', async () => {
      const state = await at.operation(name);
      return (
        getString(state, 'phase') === 'Succeeded' && getString(state, 'syncResult', 'revision') === third
      );
    });
    expect(getString(await at.get('ConfigMap', 'last'), 'data', 'key')).toBe('c');
  });

  it('stop where something has failed, and say why', async () => {
    const { path } = await at.repository({
      'k8s/web.yaml': deployment('web', 'registry.corp.io/web:1', 0, NOWHERE).replace(
        'spec:\n',
        'spec:\n  progressDeadlineSeconds: 5\n',
      ),
      'k8s/last.yaml': config('last', 'a', wave(1)),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    expect(await at.ended(name, 'Failed')).toMatch(/completed unsuccessfully, reason: .*progress deadline/);
    expect(await at.get('ConfigMap', 'last')).toBeUndefined();
  });

  it('wait for the conditions of kinds that nobody has rules for', async () => {
    const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: gates.waves.corp.io }
spec:
  group: waves.corp.io
  scope: Namespaced
  names: { kind: BuildGate, plural: gates, singular: gate }
  versions:
    - name: v1
      served: true
      storage: true
      subresources: { status: {} }
      schema:
        openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true }
`;
    const { path } = await at.repository({
      'k8s/crd.yaml': definition,
      'k8s/gate.yaml':
        'apiVersion: waves.corp.io/v1\nkind: BuildGate\nmetadata: { name: gate }\nspec: { open: true }\n',
      'k8s/last.yaml': config('last', 'a', wave(1)),
    });
    await at.begin();
    const gate = { apiVersion: 'waves.corp.io/v1', kind: 'BuildGate', namespace: at.namespace, name: 'gate' };
    const say = async (status: string, observedGeneration: number) => {
      const conditions = [{ type: 'Ready', status, reason: 'Said', message: 'so' }];
      await at.client.patch(
        gate,
        'merge',
        { status: { observedGeneration, conditions } },
        { subresource: 'status' },
      );
    };
    const name = await at.register(path, { ...POLICY, automated: {} });
    await at.until('the gate is there', async () => {
      try {
        return (await at.client.get(gate)) !== undefined;
      } catch {
        return false;
      }
    });
    await say('False', 1);
    await at.waiting(name, /healthy state of waves\.corp\.io\/BuildGate\/gate/);
    // Ready, but for a generation that is not the one that is stored.
    await say('True', 0);
    await at.clock.advance(10_000);
    expect(await at.get('ConfigMap', 'last')).toBeUndefined();
    await say('True', 1);
    await at.ended(name, 'Succeeded');
    expect(await at.get('ConfigMap', 'last')).toBeDefined();
  });

  it('go backwards when what left Git is taken away, and each is gone before the next', async () => {
    const held = (name: string, number: number) =>
      config(name, 'a', wave(number)).replace(
        '  annotations:',
        '  finalizers: [corp.io/hold]\n  annotations:',
      );
    const { path, commit } = await at.repository({
      'k8s/kept.yaml': config('kept', 'a'),
      'k8s/one.yaml': config('one', 'a', wave(1)),
      'k8s/two.yaml': held('two', 2),
    });
    await at.begin();
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    await commit({ 'k8s/one.yaml': undefined, 'k8s/two.yaml': undefined });
    await at.ask(name, refresh);
    await at.waiting(name, /^waiting for deletion of \/ConfigMap\/two$/);
    expect((await at.get('ConfigMap', 'one'))?.metadata.deletionTimestamp).toBeUndefined();
    await at.client.patch(
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.namespace, name: 'two' },
      'merge',
      { metadata: { finalizers: null } },
    );
    await at.ended(name, 'Succeeded');
    expect(await at.get('ConfigMap', 'one')).toBeUndefined();
  });

  it('are taken up where they were when the controller is killed between them', async () => {
    const { path } = await at.repository({
      'k8s/web.yaml': deployment('web', 'registry.corp.io/web:1', 0, NOWHERE),
      'k8s/last.yaml': config('last', 'a', wave(1)),
    });
    const controller = await at.begin();
    const name = await at.register(path, POLICY);
    await at.waiting(name, /healthy state of apps/);
    await controller.close();
    const before = await at.get('Deployment', 'web');
    await at.client.patch(
      { apiVersion: 'apps/v1', kind: 'Deployment', namespace: at.namespace, name: 'web' },
      'json',
      [{ op: 'remove', path: '/spec/template/spec/nodeSelector' }],
    );
    await at.begin();
    await at.ended(name, 'Succeeded');
    expect((await at.get('Deployment', 'web'))?.metadata.uid).toBe(before?.metadata.uid);
    expect(getObject(await at.get('ConfigMap', 'last'), 'data')).toEqual({ key: 'a' });
  });
});
