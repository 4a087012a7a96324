import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getArray, getObject, getString, manualClock, silentLogger } from '../kernel/index.ts';
import type { JsonObject, JsonValue, Logger, ManualClock } from '../kernel/index.ts';
import { createGitMirrors } from '../git/index.ts';
import type { GitMirrors } from '../git/index.ts';
import { loadKubeClient } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { APPLICATION_KIND, applicationStatus } from '../boundaries/sync/index.ts';
import { startCluster } from '../drydock/index.ts';
import type { Cluster } from '../drydock/index.ts';
import { startController } from './controller.ts';
import type { Controller, ControllerOptions } from './contract.ts';

const run = promisify(execFile);

let cluster: Cluster;
let client: KubeClient;
let folder: string;
/** Each test delivers into a namespace of its own. */
let namespace: string;
let counter = 0;
let clock: ManualClock;
let mirrors: GitMirrors;
let lines: string[];
let logger: Logger;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-controller-'));
  cluster = await startCluster({ nodes: 1 });
  await cluster.writeKubeconfig(join(folder, 'config'));
  client = await loadKubeClient({ kubeconfig: join(folder, 'config') });
  // Fails here, and at once, where the cluster has no Applications.
  await client.resource(APPLICATION_KIND);
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
});

afterAll(async () => {
  client.close();
  await cluster.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  counter += 1;
  namespace = `shop-${counter}`;
  clock = manualClock(Date.now());
  mirrors = createGitMirrors({ folder: join(folder, 'mirrors'), clock });
  cleanups.push(() => mirrors.close());
  lines = [];
  logger = {
    ...silentLogger,
    info: (message) => lines.push(message),
    warn: (message) => lines.push(message),
  };
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A repository whose files a test changes; gives back the commit. */
async function repository(files: Record<string, string>) {
  const path = await mkdtemp(join(folder, 'repo-'));
  const git = async (...args: string[]) =>
    (
      await run('git', ['-c', 'user.name=T', '-c', 'user.email=t@corp.io', ...args], { cwd: path })
    ).stdout.trim();
  await git('init', '-q', '-b', 'main');
  const commit = async (changes: Record<string, string | undefined>) => {
    for (const [name, text] of Object.entries(changes)) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      if (text === undefined) await rm(file, { recursive: true });
      else await writeFile(file, text);
    }
    await git('add', '-A');
    await git('commit', '-q', '--allow-empty', '-m', 'change');
    return git('rev-parse', 'HEAD');
  };
  const first = await commit(files);
  return { path, first, commit };
}

const config = (name: string, value: string, annotations = '') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${annotations}data:\n  key: ${value}\n`;

const SET = {
  'k8s/kustomization.yaml': 'resources: [one.yaml, two.yaml, web.yaml]\n',
  'k8s/one.yaml': config('one', 'a'),
  'k8s/two.yaml': config('two', 'a'),
  'k8s/web.yaml': `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: { app: web }
  ports:
    - port: 80
`,
};

async function begin(options: Partial<ControllerOptions> = {}): Promise<Controller> {
  const controller = startController({ client, mirrors, clock, logger, random: () => 0, ...options });
  cleanups.push(() => controller.close());
  await controller.ready;
  return controller;
}

const AUTO: JsonObject = {
  automated: { prune: true, selfHeal: true },
  syncOptions: ['CreateNamespace=true'],
};
const MANUAL: JsonObject = { syncOptions: ['CreateNamespace=true'] };

async function register(repoURL: string, policy: JsonObject = AUTO, more: JsonObject = {}): Promise<string> {
  const name = `app-${counter}-${Math.random().toString(36).slice(2, 8)}`;
  await client.create({
    ...APPLICATION_KIND,
    metadata: { name, namespace: 'argocd' },
    spec: {
      project: 'default',
      source: { repoURL, path: 'k8s', targetRevision: 'main' },
      destination: { server: 'https://kubernetes.default.svc', namespace },
      syncPolicy: policy,
      ...more,
    },
  });
  cleanups.push(() => client.delete({ ...APPLICATION_KIND, namespace: 'argocd', name }));
  return name;
}

async function application(name: string): Promise<KubeObject> {
  const found = await client.get({ ...APPLICATION_KIND, namespace: 'argocd', name });
  if (found === undefined) throw new Error(`no Application ${name}`);
  return found;
}

async function statusOf(name: string) {
  return applicationStatus(await application(name));
}

/** Turns the event loop in real time, because a server and git answer in it, until something has come true. */
async function until(what: string, done: () => Promise<boolean>, step = 20): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await clock.advance(step);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const reconciled = (name: string, sync: string, revision?: string) =>
  until(`${name} is ${sync}`, async () => {
    const status = await statusOf(name);
    return (
      status.sync === sync &&
      !status.requested &&
      (revision === undefined || status.revisions[0] === revision) &&
      status.operation?.phase !== 'Running'
    );
  });

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name });

async function dataOf(name: string): Promise<JsonObject | undefined> {
  return getObject(await client.get(configMap(name)), 'data');
}

async function ask(name: string, patch: JsonValue): Promise<void> {
  await client.patch({ ...APPLICATION_KIND, namespace: 'argocd', name }, 'merge', patch);
}

async function eventsOf(name: string): Promise<readonly string[]> {
  const { items } = await client.list({ apiVersion: 'v1', kind: 'Event' }, { namespace: 'argocd' });
  return items
    .filter((event) => getString(event, 'involvedObject', 'name') === name)
    .map((event) => `${getString(event, 'reason')}: ${getString(event, 'message')}`);
}

describe('the controller', () => {
  it('delivers a commit, writes the status of Argo CD, and emits its events', async () => {
    const { path, first } = await repository(SET);
    await begin();
    const name = await register(path);
    await reconciled(name, 'Synced', first);
    expect(await dataOf('one')).toEqual({ key: 'a' });
    const object = await application(name);
    expect(object['operation']).toBeUndefined();
    expect(object['status']).toMatchObject({
      sync: {
        status: 'Synced',
        revision: first,
        comparedTo: { source: { path: 'k8s' }, destination: { namespace } },
      },
      health: { status: 'Healthy' },
      sourceType: 'Kustomize',
      controllerNamespace: 'argocd',
      operationState: {
        phase: 'Succeeded',
        message: 'successfully synced (all tasks run)',
        operation: { initiatedBy: { automated: true }, sync: { revision: first, prune: true } },
        syncResult: {
          revision: first,
          resources: [
            { kind: 'Namespace', name: namespace, status: 'Synced', syncPhase: 'PreSync' },
            {
              kind: 'ConfigMap',
              name: 'one',
              message: 'configmap/one created',
              status: 'Synced',
              hookPhase: 'Running',
            },
            { kind: 'ConfigMap', name: 'two' },
            { kind: 'Service', name: 'web', message: 'service/web created' },
          ],
        },
      },
      history: [{ id: 0, revision: first, initiatedBy: { automated: true } }],
    });
    expect(getArray(object, 'status', 'resources')).toMatchObject([
      { kind: 'ConfigMap', name: 'one', namespace, status: 'Synced', version: 'v1' },
      { kind: 'ConfigMap', name: 'two' },
      { kind: 'Service', name: 'web', health: { status: 'Healthy' } },
    ]);
    const live = await client.get(configMap('one'));
    expect(live?.metadata.annotations?.['argocd.argoproj.io/tracking-id']).toBe(
      `${name}:/ConfigMap:${namespace}/one`,
    );
    await until('the events are there', async () =>
      (await eventsOf(name)).some((line) => line.includes('succeeded')),
    );
    expect(await eventsOf(name)).toEqual(
      expect.arrayContaining([
        `OperationStarted: Initiated automated sync to '${first}'`,
        `OperationCompleted: Sync operation to ${first} succeeded`,
        'ResourceUpdated: Updated sync status: OutOfSync -> Synced',
      ]),
    );
  });

  it('writes nothing when nothing changed', async () => {
    const { path, first } = await repository(SET);
    const controller = await begin();
    const name = await register(path);
    await reconciled(name, 'Synced', first);
    await controller.reconcileNow({ namespace: 'argocd', name });
    const versions = async () => [
      (await application(name)).metadata.resourceVersion,
      (await client.get(configMap('one')))?.metadata.resourceVersion,
      (await eventsOf(name)).length,
    ];
    const before = await versions();
    for (let round = 0; round < 3; round += 1) {
      await clock.advance(240_000);
      await controller.reconcileNow({ namespace: 'argocd', name });
    }
    expect(await versions()).toEqual(before);
  });

  it('counts what a sync that changes nothing did: 0 updated, 3 unchanged', async () => {
    const { path, first } = await repository(SET);
    await begin();
    const name = await register(path);
    await reconciled(name, 'Synced', first);
    lines.length = 0;
    await ask(name, { operation: { initiatedBy: { username: 'admin' }, sync: {} } });
    await until('the operation is over', async () => {
      const state = getObject(await application(name), 'status', 'operationState');
      return (
        getString(state, 'operation', 'initiatedBy', 'username') === 'admin' &&
        getString(state, 'phase') === 'Succeeded'
      );
    });
    expect(lines).toContain('Sync succeeded. Resources: 0 updated, 3 unchanged');
    const { operation, requested } = await statusOf(name);
    expect(requested).toBe(false);
    expect(operation?.results.map((result) => result.message)).toEqual([
      'configmap/one unchanged',
      'configmap/two unchanged',
      'service/web unchanged',
    ]);
  });

  it('carries the next commit when it is asked to refresh, and takes the annotation away', async () => {
    const { path, first, commit } = await repository(SET);
    await begin();
    const name = await register(path);
    await reconciled(name, 'Synced', first);
    const second = await commit({ 'k8s/one.yaml': config('one', 'b') });
    await ask(name, { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'hard' } } });
    await reconciled(name, 'Synced', second);
    expect(await dataOf('one')).toEqual({ key: 'b' });
    const object = await application(name);
    expect(object.metadata.annotations?.['argocd.argoproj.io/refresh']).toBeUndefined();
    expect(getArray(object, 'status', 'history')).toMatchObject([{ id: 0 }, { id: 1, revision: second }]);
  });

  it('finds the next commit by itself within its interval', async () => {
    const { path, first, commit } = await repository(SET);
    await begin({ pollMs: 60_000 });
    const name = await register(path);
    await reconciled(name, 'Synced', first);
    const second = await commit({ 'k8s/two.yaml': config('two', 'b') });
    await clock.advance(61_000);
    await reconciled(name, 'Synced', second);
    expect(await dataOf('two')).toEqual({ key: 'b' });
  });

  it('says OutOfSync without a policy, and applies when somebody asks', async () => {
    const { path, first } = await repository(SET);
    await begin();
    const name = await register(path, MANUAL);
    await reconciled(name, 'OutOfSync', first);
    expect((await statusOf(name)).health).toBe('Missing');
    expect(await dataOf('one')).toBeUndefined();
    await ask(name, { operation: { sync: { revision: first } } });
    await reconciled(name, 'Synced', first);
    expect(await dataOf('one')).toEqual({ key: 'a' });
  });

  it('sees drift at once, and heals it where it may', async () => {
    const { path, first } = await repository(SET);
    await begin();
    const healing = await register(path);
    await reconciled(healing, 'Synced', first);
    await clock.advance(6000);
    await client.patch(configMap('one'), 'merge', { data: { key: 'by hand' } });
    await until('it is healed', async () => (await dataOf('one'))?.['key'] === 'a');
    await ask(healing, { spec: { syncPolicy: { automated: { selfHeal: false } } } });
    await reconciled(healing, 'Synced', first);
    await client.patch(configMap('two'), 'merge', { data: { key: 'by hand' } });
    await reconciled(healing, 'OutOfSync');
    expect(await dataOf('two')).toEqual({ key: 'by hand' });
  });

  it('prunes what left Git, and nothing that it does not track', async () => {
    const { path, first, commit } = await repository(SET);
    await begin();
    const name = await register(path);
    await reconciled(name, 'Synced', first);
    const annotations = (await client.get(configMap('two')))?.metadata.annotations ?? {};
    await client.create({
      ...APPLICATION_KIND,
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'foreign', namespace, annotations },
    });
    const second = await commit({
      'k8s/two.yaml': undefined,
      'k8s/kustomization.yaml': 'resources: [one.yaml, web.yaml]\n',
    });
    await ask(name, { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
    await reconciled(name, 'Synced', second);
    expect(await client.get(configMap('two'))).toBeUndefined();
    expect(await client.get(configMap('foreign'))).toBeDefined();
    expect((await statusOf(name)).operation?.results).toContainEqual(
      expect.objectContaining({ name: 'two', status: 'Pruned', message: 'pruned' }),
    );
  });

  it('leaves what left Git where pruning is not asked for, and says that it waits', async () => {
    const { path, first, commit } = await repository(SET);
    await begin();
    const name = await register(path, { ...AUTO, automated: {} });
    await reconciled(name, 'Synced', first);
    const second = await commit({ 'k8s/kustomization.yaml': 'resources: [one.yaml, web.yaml]\n' });
    await ask(name, { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
    await reconciled(name, 'OutOfSync', second);
    expect(await dataOf('two')).toEqual({ key: 'a' });
    expect((await statusOf(name)).resources.find((item) => item.name === 'two')).toMatchObject({
      status: 'OutOfSync',
      requiresPruning: true,
    });
  });

  it('never prunes because a source renders to nothing', async () => {
    const { path, first, commit } = await repository(SET);
    await begin();
    const name = await register(path);
    await reconciled(name, 'Synced', first);
    const second = await commit({ 'k8s/kustomization.yaml': 'resources: []\n' });
    await ask(name, { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
    await until('it is refused', async () =>
      (await statusOf(name)).conditions.some((condition) => /wipe out|kustomization/.test(condition.message)),
    );
    await ask(name, { operation: { sync: { prune: true, revision: second } } });
    await until('the operation is over', async () => (await statusOf(name)).operation?.phase === 'Error');
    expect(await dataOf('one')).toEqual({ key: 'a' });
    expect(await dataOf('two')).toEqual({ key: 'a' });
  });

  it('says file and line when the manifests are broken, touches nothing, and another application goes on', async () => {
    const { path, first, commit } = await repository(SET);
    const other = await repository({ 'k8s/other.yaml': config('other', 'a') });
    await begin({ concurrency: 1 });
    const name = await register(path);
    await reconciled(name, 'Synced', first);
    await commit({ 'k8s/one.yaml': 'kind: [ConfigMap\n' });
    await ask(name, { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
    await reconciled(name, 'Unknown');
    const [condition] = (await statusOf(name)).conditions;
    expect(condition?.type).toBe('ComparisonError');
    expect(condition?.message).toMatch(/k8s\/one\.yaml/);
    expect(await dataOf('one')).toEqual({ key: 'a' });
    const good = await register(other.path);
    await reconciled(good, 'Synced', other.first);
  });

  it('writes nothing of a set when the server would refuse one object of it', async () => {
    const { path } = await repository({
      'k8s/one.yaml': config('one', 'a'),
      'k8s/web.yaml': SET['k8s/web.yaml'].replace('port: 80', 'port: 99999999'),
    });
    await begin();
    const name = await register(path, { ...AUTO, retry: { limit: 0 } });
    await until('it failed', async () => (await statusOf(name)).operation?.phase === 'Failed');
    const { operation } = await statusOf(name);
    expect(operation?.message).toBe('one or more objects failed to apply (dry run)');
    expect(operation?.results).toMatchObject([{ name: 'web', status: 'SyncFailed' }]);
    expect(operation?.results[0]?.message).toContain('port');
    expect(await dataOf('one')).toBeUndefined();
    expect(await client.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace })).toBeUndefined();
    await until('it says that it will not try again', async () =>
      (await statusOf(name)).conditions.some((condition) => condition.type === 'SyncError'),
    );
    expect(await eventsOf(name)).toContainEqual(
      expect.stringMatching(/^OperationCompleted: Sync operation to \w+ failed/),
    );
  });

  it('tries a failed operation again, waiting longer each time, until it may', async () => {
    const bad = { 'k8s/web.yaml': SET['k8s/web.yaml'].replace('port: 80', 'port: 99999999') };
    const { path, commit } = await repository(bad);
    await begin();
    const name = await register(path, { ...AUTO, retry: { limit: 2, backoff: { duration: '10s' } } });
    await until('it waits', async () => (await statusOf(name)).operation?.retryCount === 1);
    expect((await statusOf(name)).operation).toMatchObject({ phase: 'Running' });
    const second = await commit(SET);
    // The retries belong to the commit that fails; the next one does not wait for them.
    await ask(name, { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
    await clock.advance(200_000);
    await reconciled(name, 'Synced', second);
  });

  it('refuses a spec that it cannot honour, with the field', async () => {
    await begin();
    const name = await register('/nowhere', AUTO, { project: 'payments' });
    await reconciled(name, 'Unknown');
    expect((await statusOf(name)).conditions).toMatchObject([
      {
        type: 'InvalidSpecError',
        message: 'Application referencing project payments which does not exist',
      },
    ]);
  });

  it('takes up an operation that a controller before it left unfinished', async () => {
    const { path, first } = await repository(SET);
    const name = await register(path, MANUAL);
    const operation = { sync: { revision: first } };
    await ask(name, {
      operation,
      status: {
        operationState: { operation, phase: 'Running', startedAt: '2026-01-01T00:00:00Z', message: '' },
      },
    });
    await begin();
    await reconciled(name, 'Synced', first);
    expect(await dataOf('two')).toEqual({ key: 'a' });
  });

  it('takes its objects along when an Application with the finalizer is deleted', async () => {
    const { path, first } = await repository(SET);
    await begin();
    const name = await register(path);
    await ask(name, { metadata: { finalizers: ['resources-finalizer.argocd.argoproj.io'] } });
    await reconciled(name, 'Synced', first);
    await client.delete({ ...APPLICATION_KIND, namespace: 'argocd', name });
    await until(
      'it is gone',
      async () => (await client.get({ ...APPLICATION_KIND, namespace: 'argocd', name })) === undefined,
    );
    expect(await client.get(configMap('one'))).toBeUndefined();
  });
});

/** The version of an Application that no turn is still about to write. */
async function quiet(name: string): Promise<string | undefined> {
  for (let before: string | undefined; ;) {
    const { resourceVersion } = (await application(name)).metadata;
    if (before !== undefined && resourceVersion === before) return before;
    before = resourceVersion;
    await clock.advance(1000);
    // Servers answer in real time.
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

describe('a server that goes away', () => {
  /** A way to the API server that a test can cut. */
  async function bridge() {
    const target = new URL(cluster.url);
    const sockets = new Set<Socket>();
    let open = true;
    const server = createServer((inward) => {
      if (!open) {
        inward.destroy();
        return;
      }
      const outward = connect(Number(target.port), target.hostname);
      for (const socket of [inward, outward]) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
      }
      inward.pipe(outward).pipe(inward);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const file = join(folder, `bridged-${port}`);
    await writeFile(file, cluster.kubeconfig().replaceAll(cluster.url, `https://127.0.0.1:${port}`));
    const bridged = await loadKubeClient({ kubeconfig: file });
    cleanups.push(async () => {
      bridged.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return {
      client: bridged,
      cut() {
        open = false;
        for (const socket of sockets) socket.destroy();
      },
      mend() {
        open = true;
      },
    };
  }

  it('changes no status, and what happened meanwhile is seen when it is back', async () => {
    const { path, first } = await repository(SET);
    const way = await bridge();
    const controller = await begin({ client: way.client });
    const name = await register(path);
    await reconciled(name, 'Synced', first);
    await clock.advance(6000);
    const before = await quiet(name);
    way.cut();
    await client.delete(configMap('one'));
    await expect(controller.reconcileNow({ namespace: 'argocd', name })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    for (let minute = 0; minute < 5; minute += 1) await clock.advance(60_000);
    expect((await application(name)).metadata.resourceVersion).toBe(before);
    way.mend();
    await until('it is healed', async () => (await dataOf('one'))?.['key'] === 'a', 2000);
  });

  it.each([1, 2, 3])(
    'in the middle of an apply, before object %i, is waited for, and the operation goes on',
    async (k) => {
      const { path, first } = await repository(SET);
      const way = await bridge();
      const seen = new Set<string>();
      let applies = 0;
      const cutting: KubeClient = {
        ...way.client,
        apply(object, options, signal) {
          if (options.dryRun !== true && object.kind !== 'Namespace') applies += 1;
          if (applies === k) way.cut();
          return way.client.apply(object, options, signal);
        },
      };
      await begin({ client: cutting });
      const name = await register(path);
      await until('the connection is cut', () => Promise.resolve(applies >= k));
      for (let round = 0; round < 20; round += 1) {
        await clock.advance(500);
        const status = await statusOf(name);
        seen.add(`${status.sync} ${status.operation?.phase ?? ''}`);
      }
      expect([...seen]).toEqual(['OutOfSync Running']);
      applies = 100;
      way.mend();
      await until('it is done', async () => (await statusOf(name)).operation?.phase === 'Succeeded', 2000);
      expect((await statusOf(name)).revisions).toEqual([first]);
      for (const map of ['one', 'two']) expect(await dataOf(map)).toEqual({ key: 'a' });
    },
  );

  it('does not keep other applications waiting when it is a Git server', async () => {
    const silent = createServer((socket) => {
      socket.on('error', () => {});
    });
    const held = new Set<Socket>();
    silent.on('connection', (socket) => held.add(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    cleanups.push(async () => {
      for (const socket of held) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    });
    const { port } = silent.address() as AddressInfo;
    const { path, first } = await repository(SET);
    await begin({ concurrency: 1 });
    const stuck = await register(`http://127.0.0.1:${port}/never.git`);
    await until('git waits', () => Promise.resolve(held.size > 0));
    const name = await register(path);
    await reconciled(name, 'Synced', first);
    expect((await statusOf(stuck)).sync).toBe('');
  });
});
