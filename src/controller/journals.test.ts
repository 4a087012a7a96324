import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LandfallError, getString } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { openLedger } from '../ledger/index.ts';
import type { Ledger } from '../ledger/index.ts';
import { startCluster } from '../drydock/index.ts';
import { config, job, startStage } from './sync/stage.fixture.ts';
import type { Delivery, Stage } from './sync/stage.fixture.ts';

let stage: Stage;
let at: Delivery;
let ledger: Ledger;
let folder: string;

beforeAll(async () => {
  stage = await startStage(startCluster);
});
afterAll(() => stage.close());
beforeEach(async () => {
  at = stage.next();
  folder = await mkdtemp(join(tmpdir(), 'landfall-journals-'));
  ledger = openLedger({ folder, clock: at.clock });
});
afterEach(async () => {
  await stage.clear();
  await ledger.close();
  await rm(folder, { recursive: true, force: true });
});

const POLICY: JsonObject = {
  automated: { prune: true },
  syncOptions: ['CreateNamespace=true'],
  retry: { limit: 0 },
};
const refresh = { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } };
const denied = () =>
  new LandfallError('configmaps "two" is forbidden', { kind: 'denied', code: 'kube-forbidden' });

/** A client of which one object cannot be written, though its dry run passes. */
function refusing(client: KubeClient, name: string, refusal: () => LandfallError | undefined): KubeClient {
  return {
    ...client,
    async apply(object, options, signal) {
      const error = object.metadata.name === name && options.dryRun !== true ? refusal() : undefined;
      if (error !== undefined) throw error;
      return client.apply(object, options, signal);
    },
  };
}

const value = async (name: string) => getString(await at.get('ConfigMap', name), 'data', 'key');
const files = (text: string) => ({
  'k8s/one.yaml': config('one', text),
  'k8s/two.yaml': config('two', text),
  'k8s/web.yaml': `apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: ${text === 'a' ? 80 : 81} }] }\n`,
});

describe('a namespace that several applications make', () => {
  it.each(['before it is written', 'while it is written'])('%s is there for each of them', async (when) => {
    const { path } = await at.repository(files('a'));
    let made = 0;
    const client: KubeClient = {
      ...at.client,
      async apply(object, options, signal) {
        const isNow = (options.dryRun === true) === (when === 'before it is written');
        const result = isNow ? undefined : await at.client.apply(object, options, signal);
        if (object.kind === 'Namespace' && isNow && made === 0) {
          const tried = options.dryRun === true ? await at.client.apply(object, options, signal) : undefined;
          made += 1;
          await at.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: at.namespace } });
          if (tried !== undefined) return tried;
        }
        return result ?? at.client.apply(object, options, signal);
      },
    };
    await at.begin({ client, ledger });
    const name = await at.register(path, POLICY);
    expect(await at.ended(name, 'Succeeded')).toContain('successfully synced');
    expect([made, await value('one')]).toEqual([1, 'a']);
    expect((await at.get('Namespace', at.namespace))?.metadata.labels).not.toHaveProperty('team');
  });
});

describe('a sync with a ledger', () => {
  it('takes everything back when the server refuses one object half way, and holds the commit', async () => {
    const { path, first, commit } = await at.repository(files('a'));
    let refuses = false;
    const client = refusing(at.client, 'two', () => (refuses ? denied() : undefined));
    await at.begin({ client, ledger });
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    refuses = true;
    const second = await commit({ ...files('b'), 'k8s/new.yaml': config('new', 'b') });
    await at.ask(name, refresh);
    expect(await at.ended(name, 'Failed')).toBe(
      'one or more objects failed to apply, reason: configmaps "two" is forbidden, and everything was put back as it was',
    );
    expect([await value('one'), await value('two'), await value('new')]).toEqual(['a', 'a', undefined]);
    const subject = { cluster: at.client.server, namespace: 'argocd', application: name };
    const [last, before] = await ledger.deliveries.list(subject, 5);
    expect(last).toMatchObject({ revision: second, trigger: 'sync', state: 'restored' });
    expect(before).toMatchObject({ revision: first, state: 'applied', actor: { name: 'landfall' } });
    expect(await ledger.journals.unfinished(subject)).toEqual([]);
    const results = await at.results(name);
    expect(results).toEqual(
      expect.arrayContaining(['ConfigMap/one Sync Failed', 'ConfigMap/new Sync Failed']),
    );
    // Not tried again by itself, and done once it may be.
    await at.clock.advance(400_000);
    expect(await value('one')).toBe('a');
    refuses = false;
    await at.ask(name, { operation: { sync: { prune: true } } });
    await at.until('it is delivered', async () => (await value('new')) === 'b');
    await at.ended(name, 'Succeeded');
    expect([await value('one'), await value('two')]).toEqual(['b', 'b']);
  });

  it('goes on after the API server was away in the middle, and leaves no journal open', async () => {
    const { path } = await at.repository(files('a'));
    let away = 3;
    const client = refusing(at.client, 'two', () => {
      away -= 1;
      return away < 0 ? undefined : new LandfallError('away', { kind: 'unavailable', code: 'away' });
    });
    await at.begin({ client, ledger });
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    expect([await value('one'), await value('two')]).toEqual(['a', 'a']);
    const subject = { cluster: at.client.server, namespace: 'argocd', application: name };
    expect(await ledger.journals.unfinished(subject)).toEqual([]);
    expect((await ledger.deliveries.list(subject, 5)).map((delivery) => delivery.state)).toEqual(['applied']);
  });
});

const wave = (number: number) => ({ 'argocd.argoproj.io/sync-wave': String(number) });
const waves = (text: string) => ({
  'k8s/before.yaml': job('before', 'succeeds', {
    'argocd.argoproj.io/hook': 'PreSync',
    'argocd.argoproj.io/hook-delete-policy': 'BeforeHookCreation',
  }),
  'k8s/one.yaml': config('one', text),
  'k8s/two.yaml': config('two', text, wave(1)),
});
const subjectOf = (name: string) => ({ cluster: at.client.server, namespace: 'argocd', application: name });

describe('an operation of two waves', () => {
  it('puts the first wave and what was pruned back when the second is refused', async () => {
    const { path, commit } = await at.repository({ ...waves('a'), 'k8s/old.yaml': config('old', 'a') });
    let refuses = false;
    const client = refusing(at.client, 'two', () => (refuses ? denied() : undefined));
    await at.begin({ client, ledger });
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    const before = await at.get('ConfigMap', 'one');
    refuses = true;
    const second = await commit({
      ...waves('b'),
      'k8s/new.yaml': config('new', 'b'),
      'k8s/old.yaml': undefined,
    });
    await at.ask(name, refresh);
    expect(await at.ended(name, 'Failed')).toBe(
      'one or more objects failed to apply, reason: configmaps "two" is forbidden, and everything was put back as it was, but for what the hooks Job/before did is not undone',
    );
    const after = await at.get('ConfigMap', 'one');
    expect([after?.metadata.uid, after?.['data']]).toEqual([before?.metadata.uid, before?.['data']]);
    expect([await value('two'), await value('new'), await value('old')]).toEqual(['a', undefined, 'a']);
    expect(await ledger.journals.unfinished(subjectOf(name))).toEqual([]);
    expect(await ledger.holds.list(subjectOf(name))).toMatchObject([{ kind: 'revision', revision: second }]);
  });

  it('is not started again by itself at a commit that is held, but by a new one', async () => {
    const { path, first, commit } = await at.repository(waves('a'));
    const name = await at.register(path, POLICY);
    await ledger.holds.put({
      ...subjectOf(name),
      kind: 'revision',
      revision: first,
      reason: 'it was refused',
      actor: { name: 'jo', attestedBy: 'nobody' },
    });
    await at.begin({ ledger });
    await at.until('it is said', async () => JSON.stringify(await at.application(name)).includes('is held'));
    await at.clock.advance(400_000);
    expect([await value('one'), await at.operation(name)]).toEqual([undefined, {}]);
    await commit(waves('b'));
    await at.ask(name, refresh);
    await at.ended(name, 'Succeeded');
    expect(await value('one')).toBe('b');
  });

  it('is wholly old or wholly new, whichever call of it breaks', async () => {
    const { path, commit } = await at.repository(waves('a'));
    for (const call of [1, 2, 4]) {
      at = stage.next();
      let calls = -1;
      const client: KubeClient = {
        ...at.client,
        async apply(object, options, signal) {
          const mine = object.kind === 'ConfigMap' && options.dryRun !== true && calls >= 0;
          if (mine) calls += 1;
          if (mine && calls === call) throw denied();
          return at.client.apply(object, options, signal);
        },
      };
      await commit(waves('a'));
      const controller = await at.begin({ client, ledger });
      const name = await at.register(path, POLICY);
      await at.ended(name, 'Succeeded');
      calls = 0;
      await commit(waves('b'));
      await at.ask(name, refresh);
      const failed = call <= 2;
      await at.ended(name, failed ? 'Failed' : 'Succeeded');
      if (!failed) await at.until('it is new', async () => (await value('two')) === 'b');
      const wanted = failed ? 'a' : 'b';
      expect([call, await value('one'), await value('two')]).toEqual([call, wanted, wanted]);
      await controller.close();
      await stage.clear();
    }
  });

  it('is finished by the next controller, when the first ended between its waves', async () => {
    const { path } = await at.repository({ ...waves('a'), 'k8s/wait.yaml': waitingJob(0) });
    const controller = await at.begin({ ledger });
    const name = await at.register(path, POLICY);
    await at.waiting(name, /healthy state of/);
    await controller.close();
    await ledger.close();
    ledger = openLedger({ folder, clock: at.clock });
    const [head] = await ledger.journals.unfinished(subjectOf(name));
    expect(head).toMatchObject({ state: 'open' });
    await at.begin({ ledger });
    await at.release('slow');
    await at.ended(name, 'Succeeded');
    expect([await value('one'), await value('two')]).toEqual(['a', 'a']);
    expect((await ledger.journals.get(head?.id ?? ''))?.state).toBe('committed');
    expect(await ledger.deliveries.list(subjectOf(name), 5)).toMatchObject([{ state: 'applied' }]);
  });

  it('is undone by the next controller, when nobody wants it any more', async () => {
    const { path } = await at.repository({ ...waves('a'), 'k8s/wait.yaml': waitingJob(0) });
    const controller = await at.begin({ ledger });
    const name = await at.register(path, { ...POLICY, automated: null });
    await at.ask(name, { operation: { sync: {} } });
    await at.waiting(name, /healthy state of/);
    expect(await value('one')).toBe('a');
    await controller.close();
    await at.ask(name, { operation: null, status: { operationState: null } });
    await at.begin({ ledger });
    await at.until('it is undone', async () => (await value('one')) === undefined);
    await at.until('its journal has ended', async () => {
      const [last] = await ledger.deliveries.list(subjectOf(name), 5);
      return last?.state === 'restored';
    });
  });

  it('is taken back when somebody ends it between its waves', async () => {
    const { path } = await at.repository({ ...waves('a'), 'k8s/wait.yaml': waitingJob(0) });
    await at.begin({ ledger });
    const name = await at.register(path, { ...POLICY, automated: null });
    await at.ask(name, { operation: { sync: {} } });
    await at.waiting(name, /healthy state of/);
    await at.ask(name, { status: { operationState: { phase: 'Terminating' } } });
    expect(await at.ended(name, 'Failed')).toMatch(
      /^Operation terminated; everything was put back as it was/,
    );
    expect(await value('one')).toBeUndefined();
    expect(await ledger.holds.list(subjectOf(name))).toEqual([]);
  });
});

const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.corp.io }
spec:
  group: corp.io
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: { type: object, properties: { size: { type: integer } } }
            LATER: { type: string }
`;
const widget = (size: number) =>
  `apiVersion: corp.io/v1\nkind: Widget\nmetadata: { name: w }\nspec: { size: ${size} }\n`;

describe('a definition and an object of it', () => {
  it('are applied together, and changed together at the next commit', async () => {
    const { path, commit } = await at.repository({
      'k8s/crd.yaml': DEFINITION,
      'k8s/widget.yaml': widget(1),
    });
    await at.begin({ ledger });
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    await commit({ 'k8s/crd.yaml': DEFINITION.replace('LATER', 'color'), 'k8s/widget.yaml': widget(2) });
    await at.ask(name, refresh);
    const ref = { apiVersion: 'corp.io/v1', kind: 'Widget', name: 'w', namespace: at.namespace };
    await at.until('it is changed', async () =>
      JSON.stringify(await at.client.get(ref)).includes('"size":2'),
    );
    expect(await at.ended(name, 'Succeeded')).toContain('successfully synced');
    const definition = await at.get('CustomResourceDefinition', 'widgets.corp.io');
    expect(JSON.stringify(definition?.['spec'])).toContain('"color"');
  });
});

/** A Job of a wave that goes on once it is released. */
function waitingJob(number: number): string {
  return job('slow', 'waits', wave(number));
}
