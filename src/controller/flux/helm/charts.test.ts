import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import { serveGit } from '../../../git/test-support.ts';
import { startCluster } from '../../../drydock/index.ts';
import { condition, openFlux, where } from '../flux.fixture.ts';
import type { FluxStage } from '../flux.fixture.ts';
import { GIT_REPOSITORY, HELM_CHART, HELM_RELEASE, HELM_REPOSITORY } from '../kinds.ts';
import { placeStandIn, realHelm } from './helm.fixture.ts';

const INDEX = 'apiVersion: v1\nentries:\n  shop: []\ngenerated: "2026-01-01T00:00:00Z"\n';
const encoded = (text: string) => Buffer.from(text).toString('base64');

let flux: FluxStage;
let server: Server;
let url: string;
let served: string;
const asked: { path: string; authorization: string | undefined }[] = [];

beforeAll(async () => {
  const files = {
    'charts/shop/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
    'charts/shop/values.yaml': '{}\n',
    'charts/shop/templates/config.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}-config" }\ndata: { version: one }\n',
  };
  flux = await openFlux(startCluster, serveGit, files, async ({ folder }) => ({
    helm: realHelm() ?? (await placeStandIn(folder)),
  }));
  served = join(flux.scene.folder, 'served');
  await mkdir(served);
  server = createServer((request, response) => {
    const path = request.url ?? '';
    const { authorization } = request.headers;
    asked.push({ path, authorization });
    if (path.startsWith('/private/') && authorization !== `Basic ${encoded('jo:sesame')}`) {
      response.writeHead(401).end();
      return;
    }
    if (path.startsWith('/moved/')) {
      response.writeHead(302, { location: `http://localhost:${port()}/target${path}` }).end();
      return;
    }
    readFile(join(served, basename(path))).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${port()}`;
  await writeFile(join(served, 'index.yaml'), INDEX);
  await flux.scene.client.create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login', ...where },
    data: { username: encoded('jo'), password: encoded('sesame') },
  });
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await flux.close();
});

function port(): number {
  return (server.address() as AddressInfo).port;
}

const repository = (name: string, spec: JsonObject) =>
  flux.create(HELM_REPOSITORY, name, { interval: '10m', ...spec });

describe('a HelmRepository', { timeout: 300_000 }, () => {
  it('says which index it has, and when it is another', async () => {
    await repository('private', { url: `${url}/private/`, secretRef: { name: 'login' } });
    const object = await flux.ready(HELM_REPOSITORY, 'private');
    const revision = getString(object, 'status', 'artifact', 'revision') ?? '';
    expect(revision).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(condition(object, 'ArtifactInStorage')).toMatchObject({
      status: 'True',
      reason: 'Succeeded',
      message: `stored artifact: revision '${revision}'`,
    });
    expect(object['status']).toMatchObject({
      observedGeneration: object.metadata.generation,
      url: `${url}/private/index.yaml`,
      artifact: { path: expect.stringMatching(/^helmrepository\/flux-system\/private\/index-/) as string },
    });
    await writeFile(join(served, 'index.yaml'), `${INDEX}# another\n`);
    await flux.ask('private', HELM_REPOSITORY);
    const after = await flux.read(HELM_REPOSITORY, 'private');
    expect(getString(after, 'status', 'artifact', 'revision')).not.toBe(revision);
    const { items } = await flux.scene.client.list({ apiVersion: 'v1', kind: 'Event' }, where);
    expect(
      items.filter(
        ({ reason, involvedObject }) =>
          reason === 'NewArtifact' && getString(involvedObject, 'name') === 'private',
      ),
    ).toHaveLength(2);
    expect(JSON.stringify([after, items, flux.scene.lines])).not.toContain('sesame');
  });

  it('says what keeps it from its index, and is good again when that is over', async () => {
    await repository('refused', { url: `${url}/private` });
    const refused = await flux.ready(HELM_REPOSITORY, 'refused', 'False', '401');
    expect(condition(refused, 'FetchFailed')).toMatchObject({
      status: 'True',
      reason: 'AuthenticationFailed',
    });
    await flux.scene.client.patch({ ...HELM_REPOSITORY, ...where, name: 'refused' }, 'merge', {
      spec: { secretRef: { name: 'login' } },
    });
    const good = await flux.ready(HELM_REPOSITORY, 'refused');
    expect(condition(good, 'FetchFailed')).toEqual({});
    await writeFile(join(served, 'page.yaml'), '<html>');
    await repository('empty', { url: `${url}/nowhere?x=y` });
    await writeFile(join(served, 'index.yaml'), '<html>');
    await repository('page', { url: `${url}/plain` });
    expect(condition(await flux.ready(HELM_REPOSITORY, 'page', 'False'), 'Ready')['message']).toMatch(
      /has no entries/,
    );
    await writeFile(join(served, 'index.yaml'), INDEX);
    await repository('schemeless', { url: 'oci://registry.corp.io/charts' });
    const schemeless = await flux.ready(HELM_REPOSITORY, 'schemeless', 'False');
    expect(condition(schemeless, 'Stalled')['reason']).toBe('URLInvalid');
  });

  it('takes its login to no other host, unless it is told to', async () => {
    for (const [name, passCredentials] of [
      ['keeping', false],
      ['passing', true],
    ] as const) {
      await repository(name, { url: `${url}/moved/${name}`, secretRef: { name: 'login' }, passCredentials });
      await flux.ready(HELM_REPOSITORY, name);
      const at = (path: string) => asked.find((each) => each.path === path);
      expect(at(`/moved/${name}/index.yaml`)?.authorization).toBeDefined();
      const target = at(`/target/moved/${name}/index.yaml`);
      expect(target).toBeDefined();
      expect(target?.authorization !== undefined).toBe(passCredentials);
    }
  });

  it('of a registry has no status, and suspended nothing is done for it', async () => {
    await repository('static', { type: 'oci', url: 'oci://registry.corp.io/charts' });
    await flux.scene.client.patch(
      { ...HELM_REPOSITORY, ...where, name: 'static' },
      'merge',
      { status: { url: 'left by an earlier type' } },
      { subresource: 'status' },
    );
    await flux.until(
      () => flux.read(HELM_REPOSITORY, 'static'),
      (found) => getString(found, 'status', 'url') === undefined,
    );
    await repository('quiet', { url: `${url}/quiet`, suspend: true });
    await repository('loud', { url: `${url}/loud` });
    await flux.ready(HELM_REPOSITORY, 'loud');
    expect(asked.some(({ path }) => path.startsWith('/quiet'))).toBe(false);
    expect(getObject(await flux.read(HELM_REPOSITORY, 'quiet'), 'status')).toBeUndefined();
  });
});

describe('a HelmChart', { timeout: 300_000 }, () => {
  it('says which chart it is, kept for a release or written by somebody', async () => {
    await flux.create(HELM_RELEASE, 'kept', {
      interval: '10m',
      targetNamespace: 'apps',
      chart: {
        metadata: { labels: { team: 'shop' } },
        spec: { chart: './charts/shop', sourceRef: { kind: 'GitRepository', name: 'main' } },
      },
    });
    const release = await flux.ready(HELM_RELEASE, 'kept');
    expect(getString(release, 'status', 'helmChart')).toBe('flux-system/flux-system-kept');
    const kept = await flux.ready(HELM_CHART, 'flux-system-kept');
    expect(kept.metadata.labels).toMatchObject({ team: 'shop', 'helm.toolkit.fluxcd.io/name': 'kept' });
    expect(condition(kept, 'Ready')).toMatchObject({
      reason: 'ChartPackageSucceeded',
      message: "packaged 'shop' chart with version '1.0.0'",
    });
    expect(kept['status']).toMatchObject({
      observedChartName: 'shop',
      observedSourceArtifactRevision: `main@sha1:${flux.repository.first}`,
      artifact: { revision: '1.0.0' },
    });
    await flux.create(HELM_CHART, 'own', {
      chart: './charts/shop',
      interval: '10m',
      reconcileStrategy: 'Revision',
      sourceRef: { kind: 'GitRepository', name: 'main' },
    });
    const own = await flux.ready(HELM_CHART, 'own');
    expect(getString(own, 'status', 'artifact', 'revision')).toBe(
      `1.0.0+${flux.repository.first.slice(0, 12)}`,
    );
    await flux.create(HELM_RELEASE, 'referring', {
      interval: '10m',
      targetNamespace: 'apps',
      releaseName: 'referring',
      chartRef: { kind: 'HelmChart', name: 'own' },
    });
    await flux.ready(HELM_RELEASE, 'referring');
    const commit = await flux.repository.commit({
      'charts/shop/templates/config.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}-config" }\ndata: { version: two }\n',
    });
    await flux.ask('main', GIT_REPOSITORY);
    await flux.ready(HELM_CHART, 'own', 'True', commit.slice(0, 12));
    await flux.until(
      () => flux.data('referring-config'),
      (data) => data?.['version'] === 'two',
    );
  });

  it('goes with the release once that refers to another', async () => {
    await flux.scene.client.patch({ ...HELM_RELEASE, ...where, name: 'kept' }, 'merge', {
      spec: { chart: null, chartRef: { kind: 'HelmChart', name: 'own' } },
    });
    await flux.until(
      () => flux.scene.client.get({ ...HELM_CHART, ...where, name: 'flux-system-kept' }),
      (found) => found === undefined,
    );
    await flux.until(
      () => flux.read(HELM_RELEASE, 'kept'),
      (found) => getString(found, 'status', 'helmChart') === undefined,
    );
  });

  it('says what it cannot find, and what is not done', async () => {
    const make = (name: string, spec: JsonObject) =>
      flux.create(HELM_CHART, name, { interval: '10m', chart: 'shop', ...spec });
    await make('nowhere', { sourceRef: { kind: 'GitRepository', name: 'main' }, chart: './charts/other' });
    await make('sourceless', { sourceRef: { kind: 'GitRepository', name: 'nobody' } });
    await make('bucket', { sourceRef: { kind: 'Bucket', name: 'charts' } });
    await make('signed', {
      sourceRef: { kind: 'GitRepository', name: 'main' },
      verify: { provider: 'cosign' },
    });
    const reason = async (name: string) =>
      condition(await flux.ready(HELM_CHART, name, 'False'), 'Ready')['reason'];
    expect([
      await reason('nowhere'),
      await reason('sourceless'),
      await reason('bucket'),
      await reason('signed'),
    ]).toEqual(['InvalidChartReference', 'SourceUnavailable', 'UnsupportedSourceKind', 'Unsupported']);
  });

  it.runIf(realHelm() !== undefined)(
    'follows the index of its repository, and stays where it is suspended',
    async () => {
      const pack = async (version: string) => {
        const folder = join(flux.scene.folder, `packed-${version}/web`);
        await mkdir(join(folder, 'templates'), { recursive: true });
        await writeFile(join(folder, 'Chart.yaml'), `apiVersion: v2\nname: web\nversion: ${version}\n`);
        await writeFile(join(folder, 'values.yaml'), '{}\n');
        await writeFile(
          join(folder, 'templates/config.yaml'),
          `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web-config }\ndata: { version: "${version}" }\n`,
        );
        execFileSync('helm', ['package', folder, '-d', served], { stdio: 'ignore' });
        execFileSync('helm', ['repo', 'index', served], { stdio: 'ignore' });
      };
      await pack('1.0.0');
      await repository('packed', { url: `${url}/packed` });
      await flux.ready(HELM_REPOSITORY, 'packed');
      await flux.create(HELM_RELEASE, 'packed', {
        interval: '10h',
        targetNamespace: 'apps',
        chart: {
          spec: { chart: 'web', version: '1.x', sourceRef: { kind: 'HelmRepository', name: 'packed' } },
        },
      });
      await flux.ready(HELM_RELEASE, 'packed', 'True', 'web@1.0.0');
      await pack('1.1.0');
      await flux.ask('packed', HELM_REPOSITORY);
      await flux.ready(HELM_RELEASE, 'packed', 'True', 'web@1.1.0');
      const chart = await flux.ready(HELM_CHART, 'flux-system-packed', 'True', '1.1.0');
      expect(condition(chart, 'Ready')['reason']).toBe('ChartPullSucceeded');
      await flux.scene.client.patch({ ...HELM_CHART, ...where, name: 'flux-system-packed' }, 'merge', {
        spec: { suspend: true },
      });
      await pack('1.2.0');
      await flux.ask('packed', HELM_REPOSITORY);
      await flux.ask('packed', HELM_RELEASE);
      expect(await flux.data('web-config')).toEqual({ version: '1.1.0' });
    },
  );
});
