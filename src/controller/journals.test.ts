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
import { config, startStage } from './sync/stage.fixture.ts';
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
