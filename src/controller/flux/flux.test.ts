import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  LandfallError,
  getArray,
  getIn,
  getObject,
  getString,
  manualClock,
  systemClock,
} from '../../kernel/index.ts';
import type { JsonObject, ManualClock } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { openLedger } from '../../ledger/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import { git as runGit, serveGit } from '../../git/test-support.ts';
import type { GitServer } from '../../git/test-support.ts';
import { createRegistryClient } from '../../oci/index.ts';
import { prove } from '../../verdict/index.ts';
import { startCluster } from '../../drydock/index.ts';
import type { Cluster } from '../../drydock/index.ts';
import { configMap, makeRepository, openScene, untilBy } from '../delivery.fixture.ts';
import type { Repository, Scene } from '../delivery.fixture.ts';
import { GIT_REPOSITORY, KUSTOMIZATION } from './kinds.ts';

let cluster: Cluster;
/** Of the cluster and of the controller: it stands still but while something is waited for. */
let clock: ManualClock;
let until: ReturnType<typeof untilBy>;
let scene: Scene;
let server: GitServer;
let repository: Repository & { readonly first: string };
let url: string;
let ledger: Ledger;
/** The name of an object that is refused when it is written, though its dry run passes. */
let refused = '';

function refusing(client: KubeClient): KubeClient {
  return {
    ...client,
    as: (user) => client.as(user),
    async apply(object, options, signal) {
      if (object.metadata.name === refused && options.dryRun !== true) {
        throw new LandfallError(`${refused} is forbidden`, { kind: 'denied', code: 'kube-forbidden' });
      }
      return client.apply(object, options, signal);
    },
  };
}

beforeAll(async () => {
  clock = manualClock(Date.now());
  until = untilBy(clock);
  cluster = await startCluster({ nodes: 1, clock, definitions: ['argocd', 'flux'], rbac: true });
  scene = await openScene((file) => cluster.writeKubeconfig(file));
  repository = await makeRepository(join(scene.folder, 'repo'), {
    'plain/one.yaml': configMap('one', '${word:=default}', '  namespace: apps\n'),
    'plain/deep/two.yaml': configMap('two', '$${kept}', '  namespace: apps\n'),
    'plain/own/kustomization.yaml': 'namePrefix: own-\nresources: [three.yaml]\n',
    'plain/own/three.yaml': configMap(
      'three',
      '${word}',
      '  namespace: apps\n  annotations: { kustomize.toolkit.fluxcd.io/substitute: disabled }\n',
    ),
    'plain/notes.txt': 'nothing',
    'web/web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: apps }
spec:
  replicas: 1
  progressDeadlineSeconds: 86400
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { nodeSelector: { no: such }, containers: [{ name: web, image: web:1 }] }
`,
    'bad/bad.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bad, namespace: apps }\ndata: { a: [1] }\n',
    'bad/good.yaml': configMap('good', 'a', '  namespace: apps\n'),
    'half/a.yaml': configMap('half-a', 'a', '  namespace: apps\n'),
    'half/b.yaml': configMap('half-b', 'a', '  namespace: apps\n'),
    'half/web.yaml':
      'apiVersion: v1\nkind: Service\nmetadata: { name: half-web, namespace: apps }\nspec: { ports: [{ port: 80 }] }\n',
    'later/later.yaml': configMap('later', 'a', '  namespace: apps\n'),
  });
  server = await serveGit(scene.folder);
  await runGit(repository.path, 'tag', 'v1.2.0');
  await runGit(repository.path, 'tag', 'v1.3.0-rc.1');
  url = `${server.url}/repo/.git`;
  await scene.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'apps' } });
  await scene.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flux-system' } });
  ledger = openLedger({ folder: join(scene.folder, 'state'), clock });
  await scene.controller({ clock, pollMs: 600_000, ledger, client: refusing(scene.client) });
});

afterAll(async () => {
  await scene.close();
  await ledger.close();
  await server[Symbol.asyncDispose]();
  await cluster.close();
});

const where = { namespace: 'flux-system' };
const MINUTE = 60_000;

/** `nowhere`: no node takes its pods. */
function turning(image: string, nowhere: boolean): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: turning, namespace: apps }
spec:
  replicas: 1
  selector: { matchLabels: { app: turning } }
  template:
    metadata: { labels: { app: turning } }
    spec: { ${nowhere ? 'nodeSelector: { no: such }, ' : ''}containers: [{ name: web, image: "${image}" }] }
`;
}

async function source(name: string, spec: JsonObject = {}): Promise<void> {
  await scene.client.create({
    ...GIT_REPOSITORY,
    metadata: { name, ...where },
    spec: { url, interval: '10m', ref: { branch: 'main' }, ...spec },
  });
}

async function kustomization(name: string, spec: JsonObject): Promise<void> {
  await scene.client.create({
    ...KUSTOMIZATION,
    metadata: { name, ...where },
    spec: { interval: '10m', prune: true, sourceRef: { kind: 'GitRepository', name: 'main' }, ...spec },
  });
}

async function read(kind: typeof KUSTOMIZATION | typeof GIT_REPOSITORY, name: string): Promise<KubeObject> {
  const found = await scene.client.get({ ...kind, ...where, name });
  if (found === undefined) throw new Error(`${name} is gone`);
  return found;
}

function condition(object: KubeObject, type: string): JsonObject {
  const found = getArray(object, 'status', 'conditions').find((item) => getString(item, 'type') === type);
  return (found ?? {}) as JsonObject;
}

function ready(
  kind: typeof KUSTOMIZATION | typeof GIT_REPOSITORY,
  name: string,
  status: 'True' | 'False' | 'Unknown' = 'True',
  text = '',
  step = 200,
): Promise<KubeObject> {
  return until(
    () => read(kind, name),
    (object) => {
      const found = condition(object, 'Ready');
      return found['status'] === status && (getString(found, 'message') ?? '').includes(text);
    },
    step,
  );
}

async function data(name: string): Promise<JsonObject | undefined> {
  return getObject(
    await scene.client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'apps', name }),
    'data',
  );
}

async function ask(name: string, kind: typeof KUSTOMIZATION | typeof GIT_REPOSITORY): Promise<void> {
  const requestedAt = `${Date.now()}.${Math.random()}`;
  await scene.client.patch({ ...kind, ...where, name }, 'merge', {
    metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': requestedAt } },
  });
  await until(
    () => read(kind, name),
    (object) => getString(object, 'status', 'lastHandledReconcileAt') === requestedAt,
  );
}

describe('a GitRepository', { timeout: 300_000 }, () => {
  it('says the revision of its branch as Flux writes it', async () => {
    await source('main');
    const object = await ready(GIT_REPOSITORY, 'main');
    const revision = `main@sha1:${repository.first}`;
    expect(getString(object, 'status', 'artifact', 'revision')).toBe(revision);
    expect(condition(object, 'Ready')).toMatchObject({
      reason: 'Succeeded',
      message: `stored artifact for revision '${revision}'`,
    });
    expect(condition(object, 'ArtifactInStorage')).toMatchObject({ status: 'True' });
  });

  it('takes tags by semantic version, and says what it cannot find', async () => {
    await source('tagged', { ref: { semver: '>=1.0.0' } });
    await source('missing', { ref: { branch: 'no-such' } });
    await source('locked', { secretRef: { name: 'no-such' } });
    const tagged = await ready(GIT_REPOSITORY, 'tagged');
    expect(getString(tagged, 'status', 'artifact', 'revision')).toBe(`v1.2.0@sha1:${repository.first}`);
    const missing = await ready(GIT_REPOSITORY, 'missing', 'False');
    expect(condition(missing, 'FetchFailed')).toMatchObject({ status: 'True', reason: 'GitOperationFailed' });
    const locked = await ready(GIT_REPOSITORY, 'locked', 'False');
    expect(condition(locked, 'Ready')).toMatchObject({
      reason: 'AuthenticationFailed',
      message: `failed to get secret 'flux-system/no-such': secrets "no-such" not found`,
    });
  });
});

describe('a Kustomization of Flux', { timeout: 300_000 }, () => {
  it('delivers a folder without a kustomization, with variables, and keeps its inventory', async () => {
    await scene.client.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'words', ...where },
      data: { word: 'from a map' },
    });
    await kustomization('plain', {
      path: './plain',
      postBuild: {
        substituteFrom: [
          { kind: 'ConfigMap', name: 'words' },
          { kind: 'Secret', name: 'gone', optional: true },
        ],
      },
      commonMetadata: { labels: { team: 'shop' } },
    });
    const object = await ready(KUSTOMIZATION, 'plain');
    const revision = `main@sha1:${repository.first}`;
    expect(condition(object, 'Ready')).toMatchObject({
      reason: 'ReconciliationSucceeded',
      message: `Applied revision: ${revision}`,
    });
    expect(getObject(object, 'status')).toMatchObject({
      lastAppliedRevision: revision,
      lastAttemptedRevision: revision,
      observedGeneration: 1,
    });
    expect(getArray(object, 'status', 'inventory', 'entries')).toEqual(
      expect.arrayContaining([
        { id: 'apps_one__ConfigMap', v: 'v1' },
        { id: 'apps_own-three__ConfigMap', v: 'v1' },
        { id: 'apps_two__ConfigMap', v: 'v1' },
      ]),
    );
    expect([await data('one'), await data('two'), await data('own-three')]).toEqual([
      { key: 'from a map' },
      { key: '${kept}' },
      { key: '${word}' },
    ]);
    const one = await scene.client.get({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      namespace: 'apps',
      name: 'one',
    });
    expect(one?.metadata.labels).toEqual({
      team: 'shop',
      'kustomize.toolkit.fluxcd.io/name': 'plain',
      'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
    });
  });

  it('takes drift back, and writes nothing while nothing differs', async () => {
    await ask('plain', KUSTOMIZATION);
    const before = await read(KUSTOMIZATION, 'plain');
    await scene.client.patch(
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'apps', name: 'two' },
      'merge',
      {
        data: { key: 'by hand' },
      },
    );
    await ask('plain', KUSTOMIZATION);
    await until(
      () => data('two'),
      (found) => found?.['key'] === '${kept}',
    );
    const after = await ready(KUSTOMIZATION, 'plain');
    expect(getString(after, 'status', 'lastAppliedRevision')).toBe(
      getString(before, 'status', 'lastAppliedRevision'),
    );
  });

  it('is found and proven like an application, and stopped at sync where it is behind', async () => {
    const registry = createRegistryClient({ clock: systemClock });
    const sources = { kube: scene.client, git: scene.mirrors, registry, clock };
    const question = {
      application: 'plain',
      declaredBy: () => ({ images: [], observe: [], environment: undefined, source: undefined }),
    };
    const states = async () => {
      const { proof } = await prove(sources, question, new AbortController().signal);
      return Object.fromEntries(proof.boundaries.map((report) => [report.boundary, report]));
    };
    const landed = await states();
    expect([landed['render']?.state, landed['sync']?.state, landed['live']?.state]).toEqual([
      'proven',
      'proven',
      'proven',
    ]);
    expect(landed['sync']?.where).toBe('Kustomization flux-system/plain');
    const suspend = (value: boolean) =>
      scene.client.patch({ ...KUSTOMIZATION, ...where, name: 'plain' }, 'merge', {
        spec: { suspend: value },
      });
    await suspend(true);
    await repository.commit({ 'plain/one.yaml': configMap('one', 'changed', '  namespace: apps\n') });
    const behind = await states();
    expect(behind['sync']).toMatchObject({
      state: 'broken',
      reason: 'revision-not-fetched',
      headline: 'suspended',
    });
    await suspend(false);
    registry.close();
  });

  it('follows a new commit, and takes away what left it', async () => {
    const commit = await repository.commit({ 'plain/deep/two.yaml': undefined });
    await ask('main', GIT_REPOSITORY);
    await until(
      () => read(KUSTOMIZATION, 'plain'),
      (object) =>
        getString(object, 'status', 'lastAppliedRevision') === `main@sha1:${commit}` &&
        condition(object, 'Ready')['status'] === 'True',
    );
    expect(await data('two')).toBeUndefined();
    expect(getArray(await read(KUSTOMIZATION, 'plain'), 'status', 'inventory', 'entries')).toHaveLength(2);
  });

  it('waits for what it depends on, and for health', async () => {
    await kustomization('after', { path: 'later', dependsOn: [{ name: 'web' }] });
    const waiting = await ready(KUSTOMIZATION, 'after', 'False');
    expect(condition(waiting, 'Ready')).toMatchObject({ reason: 'DependencyNotReady' });
    await kustomization('web', { path: 'web', wait: true, timeout: '5m', retryInterval: '1s' });
    const late = await ready(KUSTOMIZATION, 'web', 'False', 'health check failed', 10_000);
    expect(condition(late, 'Ready')).toMatchObject({
      reason: 'HealthCheckFailed',
      message: expect.stringMatching(
        /timeout waiting for: \[Deployment\/apps\/web status: 'InProgress'\]/,
      ) as string,
    });
    expect(condition(late, 'Healthy')).toMatchObject({ status: 'False' });
    expect(getString(late, 'status', 'lastAppliedRevision')).toBeUndefined();
    await scene.client.patch({ ...KUSTOMIZATION, ...where, name: 'web' }, 'merge', {
      spec: { wait: false, healthChecks: [] },
    });
    await ready(KUSTOMIZATION, 'web');
    await ready(KUSTOMIZATION, 'after');
    expect(await data('later')).toEqual({ key: 'a' });
  });

  it('applies nothing of a set of which one object is refused', async () => {
    await kustomization('bad', { path: 'bad' });
    const object = await ready(KUSTOMIZATION, 'bad', 'False');
    expect(condition(object, 'Ready')).toMatchObject({
      reason: 'ReconciliationFailed',
      message: expect.stringContaining('ConfigMap/apps/bad dry-run failed') as string,
    });
    expect(await data('good')).toBeUndefined();
  });

  it('takes everything back when one object is refused half way, and holds the commit until it is asked again', async () => {
    refused = 'half-web';
    await kustomization('half', { path: './half' });
    const object = await ready(KUSTOMIZATION, 'half', 'False', 'everything was put back as it was');
    // Where another turn came first, it says besides that the commit is held.
    expect(getString(condition(object, 'Ready'), 'message')).toMatch(
      /Service\/apps\/half-web apply failed: half-web is forbidden, and everything was put back as it was$/,
    );
    expect(await data('half-a')).toBeUndefined();
    expect(getArray(object, 'status', 'inventory', 'entries')).toEqual([]);
    const subject = { cluster: scene.client.server, namespace: 'flux-system', application: 'half' };
    expect(await ledger.deliveries.list(subject, 5)).toMatchObject([{ state: 'restored' }]);
    expect(await ledger.journals.unfinished(subject)).toEqual([]);
    refused = '';
    await scene.client.patch({ ...KUSTOMIZATION, ...where, name: 'half' }, 'merge', {
      metadata: { annotations: { looked: 'at' } },
    });
    await ready(KUSTOMIZATION, 'half', 'False', 'is held');
    await ask('half', KUSTOMIZATION);
    await ready(KUSTOMIZATION, 'half');
    expect(await data('half-b')).toEqual({ key: 'a' });
  });

  it('takes back what is not healthy in time, holds the commit, and goes on with the next', async () => {
    const annotations = { 'landfall.dev/health-timeout': '20m' };
    const change = (image: string, nowhere: boolean) => ({
      'turn/web.yaml': turning(image, nowhere),
      'turn/beside.yaml': nowhere ? undefined : configMap('beside', 'a', '  namespace: apps\n'),
    });
    const deployed = async () => {
      const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'apps', name: 'turning' };
      return JSON.stringify((await scene.client.get(ref))?.['spec']);
    };
    await repository.commit(change('web:1', false));
    await ask('main', GIT_REPOSITORY);
    await kustomization('turn', { path: './turn', wait: true, timeout: '20m', retryInterval: '1m' });
    await scene.client.patch({ ...KUSTOMIZATION, ...where, name: 'turn' }, 'merge', {
      metadata: { annotations },
    });
    await ready(KUSTOMIZATION, 'turn');
    await repository.commit(change('web:2', true));
    await ask('main', GIT_REPOSITORY);
    await until(deployed, (text) => text.includes('web:2'));
    await until(deployed, (text) => text.includes('web:1'), MINUTE);
    const held = await ready(KUSTOMIZATION, 'turn', 'False', 'not healthy');
    // Where another turn came first, the status says already that the commit is held.
    const subject = { cluster: scene.client.server, namespace: 'flux-system', application: 'turn' };
    expect(await ledger.deliveries.list(subject, 1)).toMatchObject([
      { state: 'restored', message: expect.stringContaining('everything was put back as it was') as string },
    ]);
    expect(await data('beside')).toEqual({ key: 'a' });
    expect(JSON.stringify(getObject(held, 'status', 'inventory'))).toContain('apps_beside__ConfigMap');
    const third = await repository.commit(change('web:3', false));
    await ask('main', GIT_REPOSITORY);
    await until(
      () => read(KUSTOMIZATION, 'turn'),
      (object) => getString(object, 'status', 'lastAppliedRevision') === `main@sha1:${third}`,
    );
    expect(await deployed()).toContain('web:3');
  });

  it('acts as the service account that it names', async () => {
    await kustomization('limited', {
      path: 'later',
      serviceAccountName: 'nobody',
      targetNamespace: 'apps',
      namePrefix: 'limited-',
    });
    const object = await ready(KUSTOMIZATION, 'limited', 'False');
    expect(getString(condition(object, 'Ready'), 'message')).toContain(
      'system:serviceaccount:flux-system:nobody',
    );
    expect(await data('limited-later')).toBeUndefined();
  });

  it('says what stops it: a missing source, a missing path, a variable that breaks the manifest', async () => {
    await kustomization('lost', { path: 'x', sourceRef: { kind: 'GitRepository', name: 'nowhere' } });
    await kustomization('pathless', { path: 'no/such' });
    await kustomization('broken', { path: 'plain', postBuild: { substitute: { 'not-a-name': 'x' } } });
    expect(condition(await ready(KUSTOMIZATION, 'lost', 'False'), 'Ready')).toMatchObject({
      reason: 'ArtifactFailed',
      message: 'GitRepository.source.toolkit.fluxcd.io "nowhere" not found',
    });
    expect(condition(await ready(KUSTOMIZATION, 'pathless', 'False'), 'Ready')).toMatchObject({
      reason: 'ArtifactFailed',
      message: expect.stringContaining('kustomization path not found') as string,
    });
    expect(condition(await ready(KUSTOMIZATION, 'broken', 'False'), 'Ready')).toMatchObject({
      reason: 'BuildFailed',
      message: expect.stringContaining("'not-a-name' var name is invalid") as string,
    });
  });

  it('does nothing while it is suspended, and takes its objects along when it goes', async () => {
    await scene.client.patch({ ...KUSTOMIZATION, ...where, name: 'after' }, 'merge', {
      spec: { suspend: true },
    });
    await scene.client.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'apps', name: 'later' });
    await scene.client.delete({ ...KUSTOMIZATION, ...where, name: 'plain' });
    await until(
      () => scene.client.get({ ...KUSTOMIZATION, ...where, name: 'plain' }),
      (found) => found === undefined,
    );
    expect([await data('one'), await data('own-three'), await data('later')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(getIn(await read(KUSTOMIZATION, 'after'), 'spec', 'suspend')).toBe(true);
  });
});
