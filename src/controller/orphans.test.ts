import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getArray, getString } from '../kernel/index.ts';
import { startCluster } from '../drydock/index.ts';
import { config, startStage } from './sync/stage.fixture.ts';
import type { Delivery, Stage } from './sync/stage.fixture.ts';

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

const POLICY = { automated: {}, syncOptions: ['CreateNamespace=true'] };
const refresh = { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } };

const WEB = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "registry.corp.io/web:1" }] }
`;

async function project(name: string, orphanedResources: object): Promise<void> {
  await at.client.create({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name, namespace: 'argocd' },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ server: '*', namespace: '*' }],
      clusterResourceWhitelist: [{ group: '*', kind: '*' }],
      orphanedResources: { ...orphanedResources },
    },
  });
}

async function warnings(name: string): Promise<readonly string[]> {
  return getArray(await at.application(name), 'status', 'conditions')
    .filter((item) => getString(item, 'type') === 'OrphanedResourceWarning')
    .map((item) => getString(item, 'message') ?? '');
}

describe('what stands in the namespace of an application and is no part of any', { timeout: 120_000 }, () => {
  it('is warned of where the project asks for it, but for what is ignored', async () => {
    await project('watchful', { ignore: [{ kind: 'ConfigMap', name: 'left-*' }] });
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a'), 'k8s/web.yaml': WEB });
    await at.begin();
    const name = await at.register(path, POLICY, { project: 'watchful' });
    await at.ended(name, 'Succeeded');
    await at.until('it runs', async () =>
      JSON.stringify((await at.get('Deployment', 'web'))?.['status']).includes('"readyReplicas":1'),
    );
    const make = (kind: string, called: string) =>
      at.client.create({ apiVersion: 'v1', kind, metadata: { name: called, namespace: at.namespace } });
    await make('ConfigMap', 'left-alone');
    await at.ask(name, refresh);
    await at.clock.advance(1000);
    expect(await warnings(name)).toEqual([]);
    await make('ConfigMap', 'stray');
    await make('Secret', 'stray');
    await at.ask(name, refresh);
    await at.until('it is said', async () => (await warnings(name)).length > 0);
    expect(await warnings(name)).toEqual(['Application has 2 orphaned resources']);
    await at.client.delete({ apiVersion: 'v1', kind: 'ConfigMap', name: 'stray', namespace: at.namespace });
    await at.client.delete({ apiVersion: 'v1', kind: 'Secret', name: 'stray', namespace: at.namespace });
    await at.ask(name, refresh);
    await at.until('it is taken back', async () => (await warnings(name)).length === 0);
  });

  it('is nothing to speak of where the project does not warn', async () => {
    await project('silent', { warn: false });
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    await at.begin();
    const name = await at.register(path, POLICY, { project: 'silent' });
    await at.ended(name, 'Succeeded');
    await at.client.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'stray', namespace: at.namespace },
    });
    await at.ask(name, refresh);
    await at.until('it was looked at', async () => {
      const { annotations = {} } = (await at.application(name)).metadata;
      return !Object.keys(annotations).some((key) => key.includes('refresh'));
    });
    expect(await warnings(name)).toEqual([]);
  });
});
