import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LandfallError, getArray, getString } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { createGitMirrors } from '../git/index.ts';
import { createRegistryClient } from '../oci/index.ts';
import { prove } from '../verdict/index.ts';
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
  folder = await mkdtemp(join(tmpdir(), 'landfall-proving-'));
  ledger = openLedger({ folder, clock: at.clock });
});
afterEach(async () => {
  await stage.clear();
  await ledger.close();
  await rm(folder, { recursive: true, force: true });
});

const POLICY: JsonObject = { automated: { prune: true }, syncOptions: ['CreateNamespace=true'] };
const refresh = { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } };
const MINUTE = 60_000;

/** `nowhere`: no node takes its pods. */
function web(version: number, nowhere = false): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
${nowhere ? '      nodeSelector: { never: there }\n' : ''}      containers:
        - { name: web, image: "registry.corp.io/web:${version}" }
`;
}

const image = async () =>
  getString(
    getArray((await at.get('Deployment', 'web'))?.['spec'], 'template', 'spec', 'containers')[0],
    'image',
  );
const value = async (name: string) => getString(await at.get('ConfigMap', name), 'data', 'key');
const subjectOf = (name: string) => ({ cluster: at.client.server, namespace: 'argocd', application: name });
const phase = async (name: string) => getString(await at.operation(name), 'phase');
const good = {
  'k8s/web.yaml': web(1),
  'k8s/one.yaml': config('one', 'a'),
  'k8s/old.yaml': config('old', 'a'),
};
const bad = {
  'k8s/web.yaml': web(2, true),
  'k8s/one.yaml': config('one', 'b'),
  'k8s/new.yaml': config('new', 'b'),
  'k8s/old.yaml': undefined,
};

/** Until nothing is watched any more, because it was found healthy. */
async function stands(name: string): Promise<void> {
  await at.until(
    'it is known to be healthy',
    async () => {
      const [last] = await ledger.deliveries.list(subjectOf(name), 1);
      return last?.message === 'everything that was written became healthy';
    },
    1000,
  );
}

async function proven(name: string) {
  const registry = createRegistryClient({ clock: at.clock });
  const git = createGitMirrors({ folder: join(folder, 'mirrors'), clock: at.clock });
  try {
    const sources = { kube: at.client, git, registry, clock: at.clock };
    const question = {
      application: name,
      declaredBy: () => ({ images: [], observe: [], environment: undefined, source: undefined }),
    };
    return (await prove(sources, question, new AbortController().signal)).proof.verdict;
  } finally {
    git.close();
    registry.close();
  }
}

async function delivered(metadata: JsonObject = {}) {
  const repository = await at.repository(good);
  const controller = await at.begin({ ledger });
  const name = await at.register(repository.path, POLICY, {}, metadata);
  await at.ended(name, 'Succeeded');
  await at.until(
    'it runs',
    async () => getString(await at.application(name), 'status', 'health', 'status') === 'Healthy',
  );
  return { ...repository, controller, name };
}

describe('a sync of one wave that is not healthy in time', { timeout: 120_000 }, () => {
  it('is taken back whole, and its commit held until a new one comes', async () => {
    const { name, commit } = await delivered();
    const second = await commit(bad);
    await at.ask(name, refresh);
    await at.until('it is applied', async () => (await image()) === 'registry.corp.io/web:2');
    await at.ended(name, 'Succeeded');
    // Argo CD's answer is there at once, and what is wrong can be looked at.
    await at.until('nothing happens for long', () => true);
    await at.clock.advance(5 * MINUTE);
    expect([await image(), await phase(name)]).toEqual(['registry.corp.io/web:2', 'Succeeded']);
    await at.until('it is taken back', async () => (await image()) === 'registry.corp.io/web:1', 10_000);
    expect(await at.ended(name, 'Failed')).toMatch(
      /^successfully synced \(.*\), then not healthy 10 min after it was applied: Deployment\/.*web: .*, and everything was put back as it was$/,
    );
    expect([await value('one'), await value('new'), await value('old')]).toEqual(['a', undefined, 'a']);
    expect(await ledger.holds.list(subjectOf(name))).toMatchObject([{ kind: 'revision', revision: second }]);
    const [last] = await ledger.deliveries.list(subjectOf(name), 1);
    expect(last).toMatchObject({ revision: second, state: 'restored' });
    const application = await at.application(name);
    expect(getArray(application, 'status', 'history')).toHaveLength(1);
    expect(await at.results(name)).toContain('ConfigMap/one Sync Failed');
    // What is proven then stops where it was taken back, not where it hurt.
    const verdict = await proven(name);
    expect(verdict).toMatchObject({ state: 'broken', boundary: 'sync' });
    // Nothing puts it back by itself.
    await at.clock.advance(20 * MINUTE);
    await at.until('it says so', async () =>
      JSON.stringify(await at.application(name)).includes('Failed last sync'),
    );
    expect(await image()).toBe('registry.corp.io/web:1');
    await commit({ 'k8s/web.yaml': web(3) });
    await at.ask(name, refresh);
    await at.until('the next one is there', async () => (await image()) === 'registry.corp.io/web:3');
    await stands(name);
  });

  it('is taken back by the next controller where the first has ended meanwhile', async () => {
    const { name, commit, controller } = await delivered();
    await commit(bad);
    await at.ask(name, refresh);
    await at.until('it is applied', async () => (await image()) === 'registry.corp.io/web:2');
    await at.ended(name, 'Succeeded');
    await controller.close();
    await ledger.close();
    ledger = openLedger({ folder, clock: at.clock });
    expect(await ledger.journals.unfinished(subjectOf(name))).toEqual([]);
    expect(await ledger.journals.proving(subjectOf(name))).toHaveLength(1);
    await at.begin({ ledger });
    await at.until('it is taken back', async () => (await image()) === 'registry.corp.io/web:1', 10_000);
    await at.ended(name, 'Failed');
    expect(await value('old')).toBe('a');
  });

  it('stays where the Application says keep', async () => {
    const { name, commit } = await delivered({ annotations: { 'landfall.dev/on-failure': 'keep' } });
    await commit(bad);
    await at.ask(name, refresh);
    await at.until('it is applied', async () => (await image()) === 'registry.corp.io/web:2');
    await at.clock.advance(20 * MINUTE);
    await at.until(
      'it is degraded',
      async () => getString(await at.application(name), 'status', 'health', 'status') === 'Degraded',
    );
    expect([await image(), await phase(name)]).toEqual(['registry.corp.io/web:2', 'Succeeded']);
  });

  it('is taken back sooner where the Application says so', async () => {
    const { name, commit } = await delivered({ annotations: { 'landfall.dev/health-timeout': '30s' } });
    await commit(bad);
    const before = at.clock.now();
    await at.ask(name, refresh);
    await at.until('it is applied', async () => (await image()) === 'registry.corp.io/web:2');
    await at.until('it is taken back', async () => (await image()) === 'registry.corp.io/web:1', 1000);
    expect(at.clock.now() - before).toBeLessThan(3 * MINUTE);
  });

  it('stays when it is the first one: there is nothing to go back to', async () => {
    const { path } = await at.repository({ 'k8s/web.yaml': web(1, true) });
    await at.begin({ ledger });
    const name = await at.register(path, POLICY);
    await at.ended(name, 'Succeeded');
    await at.clock.advance(20 * MINUTE);
    await at.until(
      'it is degraded',
      async () => getString(await at.application(name), 'status', 'health', 'status') === 'Degraded',
    );
    expect([await image(), await phase(name)]).toEqual(['registry.corp.io/web:1', 'Succeeded']);
  });

  it('stays once it was healthy, whatever becomes of it later', async () => {
    const { name, commit } = await delivered();
    await commit({ 'k8s/web.yaml': web(2) });
    await at.ask(name, refresh);
    await at.until('it is applied', async () => (await image()) === 'registry.corp.io/web:2');
    await stands(name);
    await at.client.patch(
      { apiVersion: 'apps/v1', kind: 'Deployment', namespace: at.namespace, name: 'web' },
      'merge',
      { spec: { template: { spec: { nodeSelector: { never: 'there' } } } } },
    );
    await at.clock.advance(20 * MINUTE);
    await at.until(
      'it is degraded',
      async () => getString(await at.application(name), 'status', 'health', 'status') === 'Degraded',
    );
    expect([await image(), await phase(name)]).toEqual(['registry.corp.io/web:2', 'Succeeded']);
  });

  it('is refused where nobody can tell what the annotation wants', async () => {
    const { path } = await at.repository(good);
    await at.begin({ ledger });
    const name = await at.register(
      path,
      POLICY,
      {},
      { annotations: { 'landfall.dev/on-failure': 'Keep it' } },
    );
    await at.until('it says so', async () =>
      JSON.stringify(await at.application(name)).includes("is 'Keep it'; it is keep or restore"),
    );
    expect(await value('one')).toBeUndefined();
  });
});

describe('a revision that was refused half way', { timeout: 120_000 }, () => {
  const retrying = { ...POLICY, retry: { limit: 3, backoff: { duration: '10s', factor: 1 } } };

  /** A client that cannot write ConfigMap one, though its dry run passes. */
  function refusing(refusal: () => LandfallError | undefined, tries: { count: number }): KubeClient {
    return {
      ...at.client,
      async apply(object, options, signal) {
        const error = object.metadata.name === 'one' && options.dryRun !== true ? refusal() : undefined;
        if (error !== undefined) {
          tries.count += 1;
          throw error;
        }
        return at.client.apply(object, options, signal);
      },
    };
  }

  it('is held at once where the refusal is for good, whatever retries are allowed', async () => {
    const tries = { count: 0 };
    const denied = () => new LandfallError('not this one', { kind: 'invalid-input', code: 'kube-invalid' });
    await at.begin({ ledger, client: refusing(denied, tries) });
    const { path, first } = await at.repository({ ...good });
    const name = await at.register(path, retrying);
    await at.ended(name, 'Failed');
    await at.clock.advance(10 * MINUTE);
    expect(tries.count).toBe(1);
    expect(await ledger.holds.list(subjectOf(name))).toMatchObject([{ kind: 'revision', revision: first }]);
  });

  it('is tried again where somebody was only in the way', async () => {
    const tries = { count: 0 };
    const conflict = () =>
      tries.count < 2 ? new LandfallError('again', { kind: 'conflict', code: 'kube-conflict' }) : undefined;
    // Conflicts of one object are tried again by the write itself: these are as many as it gives up after.
    await at.begin({ ledger, client: refusing(conflict, tries) });
    const { path } = await at.repository({ ...good });
    const name = await at.register(path, retrying);
    await at.ended(name, 'Succeeded');
    expect(tries.count).toBe(2);
    expect(await value('one')).toBe('a');
    expect(await ledger.holds.list(subjectOf(name))).toEqual([]);
  });
});
