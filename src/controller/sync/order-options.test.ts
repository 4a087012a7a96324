import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getArray } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { config, job, startStage } from './stage.fixture.ts';
import type { Delivery, Stage } from './stage.fixture.ts';
import { startCluster } from '../../drydock/index.ts';

// Sync options about when something is done, and about how far the server is asked.
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
const wave = (number: number) => ({ 'argocd.argoproj.io/sync-wave': String(number) });
const refresh = { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } };

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: main, image: "registry.corp.io/web:1" }] }
`;

describe('when something is pruned', { timeout: 120_000 }, () => {
  const files = (options: Readonly<Record<string, string>>) => ({
    'k8s/first.yaml': config('first', 'a'),
    'k8s/gone.yaml': config('gone', 'a', { ...wave(0), ...options }),
  });
  const next = {
    'k8s/first.yaml': config('first', 'b'),
    'k8s/gone.yaml': undefined,
    'k8s/slow.yaml': job('slow', 'waits', wave(1)),
    'k8s/last.yaml': config('last', 'b', wave(2)),
  };

  it.each<[string, string[], Record<string, string>, boolean]>([
    ['is its own wave', [], {}, true],
    ['is the end, by PruneLast=true of the application', ['PruneLast=true'], {}, false],
    ['is the end, by PruneLast=true of the object', [], option('PruneLast=true'), false],
  ])('%s', async (_, options, own, early) => {
    const { path, commit } = await at.repository(files(own));
    await at.begin();
    const name = await at.register(path, policy(...options));
    await at.ended(name, 'Succeeded');
    await commit(next);
    await at.ask(name, refresh);
    await at.waiting(name, /healthy state of batch\/Job\/slow/);
    expect((await at.get('ConfigMap', 'gone')) === undefined).toBe(early);
    await at.release('slow');
    await at.ended(name, 'Succeeded');
    expect(await at.get('ConfigMap', 'gone')).toBeUndefined();
    expect(await at.get('ConfigMap', 'last')).toBeDefined();
  });

  it('PrunePropagationPolicy=orphan leaves what the pruned object owned', async () => {
    const { path, commit } = await at.repository({
      'k8s/kept.yaml': config('kept', 'a'),
      'k8s/web.yaml': DEPLOYMENT,
    });
    await at.begin();
    const name = await at.register(path, policy('PrunePropagationPolicy=orphan'));
    await at.ended(name, 'Succeeded');
    const sets = async () =>
      (await at.client.list({ apiVersion: 'apps/v1', kind: 'ReplicaSet' }, { namespace: at.namespace }))
        .items;
    await at.until('it has pods', async () => (await sets()).length === 1);
    await commit({ 'k8s/web.yaml': undefined });
    await at.ask(name, refresh);
    await at.until('it is pruned', async () => (await at.get('Deployment', 'web')) === undefined);
    await at.clock.advance(5000);
    expect(await sets()).toHaveLength(1);
  });
});

describe('how far the server is asked', { timeout: 120_000 }, () => {
  it('SkipDryRunOnMissingResource=true waits with a kind that something else brings', async () => {
    const gadget = (options: Readonly<Record<string, string>>) =>
      `apiVersion: late.corp.io/v1\nkind: Gadget\nmetadata:\n  name: gadget\n  annotations: ${JSON.stringify({ ...wave(1), ...options })}\n`;
    const { path, commit } = await at.repository({
      'k8s/slow.yaml': job('slow', 'waits', wave(0)),
      'k8s/gadget.yaml': gadget({}),
    });
    await at.begin();
    const name = await at.register(path, policy());
    expect(await at.ended(name, 'Failed')).toContain('(dry run)');
    expect(await at.get('Job', 'slow')).toBeUndefined();
    await commit({ 'k8s/gadget.yaml': gadget(option('SkipDryRunOnMissingResource=true')) });
    await at.ask(name, refresh);
    await at.waiting(name, /healthy state of batch\/Job\/slow/);
    await at.client.create({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gadgets.late.corp.io' },
      spec: {
        group: 'late.corp.io',
        scope: 'Namespaced',
        names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget' },
        versions: [
          { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
        ],
      },
    });
    await at.release('slow');
    await at.ended(name, 'Succeeded');
    const ref = { apiVersion: 'late.corp.io/v1', kind: 'Gadget', namespace: at.namespace, name: 'gadget' };
    expect(await at.client.get(ref)).toBeDefined();
    expect(getArray(await at.application(name), 'status', 'history')).toHaveLength(1);
  });
});
