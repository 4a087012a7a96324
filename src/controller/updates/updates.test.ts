import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getObject, getString, systemClock } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { openLedger } from '../../ledger/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import { createRegistryClient } from '../../oci/index.ts';
import type { RegistryClient } from '../../oci/index.ts';
import { createRegistryClients } from '../../pipeline/index.ts';
import { APPLICATION_KIND } from '../../boundaries/sync/index.ts';
import { startCluster, startRegistry } from '../../drydock/index.ts';
import type { Cluster, Registry } from '../../drydock/index.ts';
import type { Controller } from '../contract.ts';
import { makeRepository, openScene, until } from '../delivery.fixture.ts';
import type { Repository, Scene } from '../delivery.fixture.ts';

const IMAGE = 'registry.corp.io/shop/app';
const { signal } = new AbortController();

let cluster: Cluster;
let scene: Scene;
let registry: Registry;
let client: RegistryClient;
let ledger: Ledger;
let repository: Repository;
let controller: Controller;

function deployment(name: string, image = IMAGE, note = ''): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: shop }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: app
          image: ${image}${note}
`;
}

async function push(tag: string, repo = IMAGE): Promise<string> {
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', config: { Labels: { tag } } }),
  );
  const blob = await client.pushBlob(repo, config, signal);
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: blob.digest,
        size: config.length,
      },
      layers: [],
    }),
  );
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  return (await client.putManifest(`${repo}:${tag}`, { mediaType, bytes }, signal)).digest;
}

function log(): readonly string[] {
  return execFileSync('git', ['log', '--format=%s'], { cwd: repository.path, encoding: 'utf8' })
    .trim()
    .split('\n');
}

async function create(apiVersion: string, kind: string, name: string, spec: JsonObject): Promise<void> {
  await scene.client.create({ apiVersion, kind, metadata: { name, namespace: 'flux-system' }, spec });
}

beforeAll(async () => {
  registry = await startRegistry();
  cluster = await startCluster({ nodes: 1, definitions: ['argocd', 'flux', 'image-updater'] });
  scene = await openScene((file) => cluster.writeKubeconfig(file));
  for (const name of ['argocd', 'flux-system', 'shop'])
    await scene.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const mirrors = { 'registry.corp.io': { url: registry.url, standIn: true } };
  client = createRegistryClient({ mirrors });
  ledger = openLedger({ folder: scene.folder, clock: systemClock });
  repository = await makeRepository(join(scene.folder, 'deploy'), {
    'dev/kustomization.yaml': `resources: [api.yaml, async.yaml]\nimages:\n  - name: ${IMAGE}\n    newTag: 1.0.0\n`,
    'dev/api.yaml': deployment('api'),
    'dev/async.yaml': deployment('async'),
    'flux/app.yaml': deployment(
      'marked',
      'registry.corp.io/team/tool:main-1',
      ' # {"$imagepolicy": "flux-system:tool"}',
    ),
  });
  await push('1.0.0');
  await push('main-1', 'registry.corp.io/team/tool');
  const registries = createRegistryClients(scene.client, { mirrors, clock: systemClock });
  controller = await scene.controller({ ledger, registries });
}, 120_000);

afterAll(async () => {
  await scene.close();
  client.close();
  await ledger.close();
  await cluster.close();
  await registry.close();
});

describe('the controller', () => {
  it('follows an image: commits, delivers at once, and says so in the ledger and on the Application', async () => {
    await scene.client.create({
      ...APPLICATION_KIND,
      metadata: {
        name: 'shop',
        namespace: 'argocd',
        annotations: {
          'argocd-image-updater.argoproj.io/image-list': `app=${IMAGE}:1.x`,
          'argocd-image-updater.argoproj.io/write-back-method': 'git',
        },
      },
      spec: {
        project: 'default',
        source: { repoURL: repository.path, path: 'dev', targetRevision: 'main' },
        destination: { server: 'https://kubernetes.default.svc', namespace: 'shop' },
        syncPolicy: { automated: {} },
      },
    });
    const subject = { cluster: scene.client.server, namespace: 'argocd', application: 'shop' };
    await until(
      () => ledger.deliveries.list(subject, 10),
      (found) => found.length > 0,
      60_000,
    );
    const digest = await push('1.1.0');
    controller.imagesPushed(new Set([IMAGE]));
    const [delivery] = await until(
      () => ledger.deliveries.list(subject, 10),
      (found) => found[0]?.trigger === 'update',
      60_000,
    );
    expect(log()).toEqual(['Update shop to 1.1.0', 'change']);
    await until(
      async () =>
        JSON.stringify(
          await scene.client.get({
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            namespace: 'shop',
            name: 'api',
          }),
        ),
      (deployed) => deployed.includes(`${IMAGE}:1.1.0@${digest}`),
      60_000,
    );
    expect(await ledger.decisions.list(subject, 5)).toMatchObject([
      {
        kind: 'update',
        detail: { commit: delivery?.revision, images: [{ image: IMAGE, tag: '1.1.0', digest }] },
      },
    ]);
    const { items } = await scene.client.list({ apiVersion: 'v1', kind: 'Event' }, { namespace: 'argocd' });
    expect(
      items.filter(({ reason }) => reason === 'ImagesUpdated').map((event) => getString(event, 'message')),
    ).toEqual([expect.stringContaining(`${IMAGE}:1.1.0@${digest}`)]);
  }, 120_000);

  it('leaves it alone while somebody holds it, and goes on when the hold is lifted', async () => {
    const hold = await ledger.holds.put({
      cluster: scene.client.server,
      namespace: 'argocd',
      application: 'shop',
      kind: 'updates',
      revision: '',
      reason: 'rolled back',
      actor: { name: 'ada', attestedBy: 'cluster' },
    });
    await push('1.2.0');
    const held = (await controller.updatesNow()).find(({ updater }) => updater.application.name === 'shop');
    expect(held).toMatchObject({ outcome: 'held', images: [{ chosen: { tag: '1.2.0' } }] });
    expect(log()[0]).toBe('Update shop to 1.1.0');
    await ledger.holds.lift(hold);
    await controller.updatesNow();
    expect(log()[0]).toBe('Update shop to 1.2.0');
  }, 120_000);

  it('keeps Flux’ image objects as Flux would, and commits at their markers', async () => {
    const group = 'image.toolkit.fluxcd.io/v1';
    await create('source.toolkit.fluxcd.io/v1', 'GitRepository', 'deploy', {
      url: `file://${repository.path}`,
      ref: { branch: 'main' },
      interval: '1m',
    });
    await create(group, 'ImageRepository', 'tool', {
      image: 'registry.corp.io/team/tool',
      interval: '1m',
      exclusionList: ['^dev'],
    });
    await create(group, 'ImagePolicy', 'tool', {
      imageRepositoryRef: { name: 'tool' },
      filterTags: { pattern: '^main-(?P<n>[0-9]+)$', extract: '$n' },
      policy: { numerical: { order: 'asc' } },
      digestReflectionPolicy: 'IfNotPresent',
    });
    await create(group, 'ImageUpdateAutomation', 'tools', {
      interval: '1m',
      sourceRef: { kind: 'GitRepository', name: 'deploy' },
      git: {
        commit: {
          author: { name: 'fluxbot', email: 'flux@corp.io' },
          messageTemplate:
            '{{ .AutomationObject.Name }}:{{ range .Changed.Changes }} {{ .OldValue }} -> {{ .NewValue }}{{ end }}{{ .Values.by }}',
          messageTemplateValues: { by: ' by us' },
        },
      },
      update: { path: './flux', strategy: 'Setters' },
    });
    await push('dev-99', 'registry.corp.io/team/tool');
    const digest = await push('main-10', 'registry.corp.io/team/tool');
    await push('main-9', 'registry.corp.io/team/tool');
    await controller.updatesNow();
    const read = async (kind: string, name: string) => {
      const found = await scene.client.get({ apiVersion: group, kind, namespace: 'flux-system', name });
      return getObject(found, 'status') ?? {};
    };
    const [subject = ''] = log();
    expect(subject).toMatch(/^tools: .*main-1 -> .*main-10.* by us$/);
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: repository.path,
      encoding: 'utf8',
    }).trim();
    const repositoryStatus = await read('ImageRepository', 'tool');
    expect(repositoryStatus).toMatchObject({
      canonicalImageName: 'registry.corp.io/team/tool',
      lastScanResult: { tagCount: 3, latestTags: ['main-9', 'main-10', 'main-1'] },
      observedExclusionList: ['^dev'],
      observedGeneration: 1,
    });
    expect(getString(getArray(repositoryStatus, 'conditions')[0], 'message')).toMatch(
      /^successful scan: found 3 tags with checksum /,
    );
    expect(await read('ImagePolicy', 'tool')).toMatchObject({
      latestRef: { name: 'registry.corp.io/team/tool', tag: 'main-10', digest },
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Succeeded',
          message: `Latest image tag for registry.corp.io/team/tool resolved to main-10 with digest ${digest}`,
        },
      ],
    });
    expect(await read('ImageUpdateAutomation', 'tools')).toMatchObject({
      lastPushCommit: commit,
      observedSourceRevision: `main@sha1:${commit}`,
      observedPolicies: { tool: { name: 'registry.corp.io/team/tool', tag: 'main-10', digest } },
      conditions: [{ type: 'Ready', status: 'True', message: 'repository up-to-date' }],
    });
  }, 120_000);

  it('says of an ImagePolicy why it chooses nothing', async () => {
    await create('image.toolkit.fluxcd.io/v1', 'ImagePolicy', 'none', {
      imageRepositoryRef: { name: 'tool' },
      policy: { semver: { range: '1.x' } },
    });
    await create('image.toolkit.fluxcd.io/v1', 'ImagePolicy', 'wrong', {
      imageRepositoryRef: { name: 'tool' },
      policy: { semver: { range: 'nonsense' } },
    });
    await controller.updatesNow();
    const conditions = async (name: string) => {
      const found = await scene.client.get({
        apiVersion: 'image.toolkit.fluxcd.io/v1',
        kind: 'ImagePolicy',
        namespace: 'flux-system',
        name,
      });
      return getArray(found, 'status', 'conditions');
    };
    expect(await conditions('none')).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False', message: 'no version fits 1.x' }),
    );
    expect(await conditions('wrong')).toContainEqual(
      expect.objectContaining({ type: 'Stalled', status: 'True', reason: 'InvalidPolicy' }),
    );
  }, 120_000);
});
