import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { serveGit } from '../../../git/test-support.ts';
import { startCluster, startRegistry } from '../../../drydock/index.ts';
import { pushArtifact } from '../../../../test/push-artifact.ts';
import { condition, openFlux, where } from '../flux.fixture.ts';
import type { FluxStage } from '../flux.fixture.ts';
import { hook, job, placeStandIn, realHelm } from './helm.fixture.ts';
import { GIT_REPOSITORY, HELM_RELEASE, HELM_REPOSITORY, OCI_REPOSITORY } from '../kinds.ts';

const CHART = {
  'charts/shop/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
  'charts/shop/values.yaml':
    '{"image": "web:1", "replicas": 1, "password": "none", "nowhere": "", "fails": ""}\n',
  'charts/shop/crds/widget.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.shop.corp.io }
spec:
  group: shop.corp.io
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget }
  versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }]
`,
  'charts/shop/templates/a-config.yaml': `{{- if .Values.fails }}
{{ fail .Values.fails }}
{{- end }}
apiVersion: v1
kind: ConfigMap
metadata: { name: "{{ .Release.Name }}-config" }
data: { password: "{{ .Values.password }}", namespace: "{{ .Release.Namespace }}" }
`,
  'charts/shop/templates/b-web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: "{{ .Release.Name }}-web" }
spec:
  replicas: {{ .Values.replicas }}
  selector: { matchLabels: { app: "{{ .Release.Name }}" } }
  template:
    metadata: { labels: { app: "{{ .Release.Name }}" } }
    spec:
      nodeSelector: { "kubernetes.io/os": "linux{{ .Values.nowhere }}" }
      containers: [{ name: web, image: "registry.corp.io/{{ .Values.image }}" }]
`,
  'charts/shop/templates/c-migrate.yaml': job('migrate', hook('pre-install,pre-upgrade')),
  'charts/shop/templates/d-first.yaml': job(
    'first',
    hook('post-install', '    helm.sh/hook-delete-policy: hook-succeeded\n'),
  ),
  'charts/shop/templates/e-test.yaml': job('test', hook('test')),
};

const MINUTE = 60_000;

const SPEC: JsonObject = {
  interval: '10m',
  timeout: '20m',
  targetNamespace: 'apps',
  releaseName: 'shop',
  chart: {
    spec: {
      chart: './charts/shop',
      sourceRef: { kind: 'GitRepository', name: 'main' },
      reconcileStrategy: 'Revision',
    },
  },
};

const programs = [
  ['a stand-in', undefined] as const,
  ...(realHelm() === undefined ? [] : [['helm', 'helm'] as const]),
];

describe.each(programs)('a HelmRelease, rendered by %s', { timeout: 300_000 }, (_, program) => {
  let flux: FluxStage;

  beforeAll(async () => {
    flux = await openFlux(startCluster, serveGit, CHART, async ({ folder }) => {
      if (program !== undefined) return { helm: program };
      return { helm: await placeStandIn(folder) };
    });
  });

  afterAll(async () => {
    await flux.close();
  });

  const get = (kind: string, name: string) =>
    flux.scene.client.get({
      apiVersion: kind === 'Job' ? 'batch/v1' : kind === 'Deployment' ? 'apps/v1' : 'v1',
      kind,
      namespace: 'apps',
      name,
    });
  const image = async () => JSON.stringify((await get('Deployment', 'shop-web'))?.['spec']);
  const patch = (spec: JsonObject, name = 'shop') =>
    flux.scene.client.patch({ ...HELM_RELEASE, ...where, name }, 'merge', { spec });
  const history = (object: KubeObject) =>
    getArray(object, 'status', 'history').map(
      (item) => `${getString(item, 'chartVersion')?.split('+')[0] ?? ''} ${getString(item, 'status') ?? ''}`,
    );

  it('is installed: hooks, definitions, values of Secrets, in its namespace, and waited for', async () => {
    await flux.scene.client.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'values', ...where },
      data: { 'values.yaml': Buffer.from('password: hunter2\n').toString('base64') },
    });
    await flux.create(HELM_RELEASE, 'shop', {
      ...SPEC,
      valuesFrom: [
        { kind: 'Secret', name: 'values' },
        { kind: 'ConfigMap', name: 'no-such', optional: true },
      ],
      values: { image: 'web:1' },
    });
    const object = await flux.ready(HELM_RELEASE, 'shop');
    expect(condition(object, 'Ready')).toMatchObject({
      reason: 'InstallSucceeded',
      message: expect.stringMatching(
        /^Helm install succeeded for release apps\/shop.v1 with chart shop@1\.0\.0/,
      ) as string,
    });
    expect(condition(object, 'Released')['status']).toBe('True');
    expect(history(object)).toEqual(['1.0.0 deployed']);
    expect(await flux.data('shop-config')).toEqual({ password: 'hunter2', namespace: 'apps' });
    expect((await get('ConfigMap', 'shop-config'))?.metadata).toMatchObject({
      labels: { 'app.kubernetes.io/managed-by': 'Helm', 'helm.toolkit.fluxcd.io/name': 'shop' },
      annotations: { 'meta.helm.sh/release-name': 'shop' },
    });
    // One that ran before stays until the next one, one that says so is gone, and a test is not run unasked.
    expect(await get('Job', 'shop-migrate')).toBeDefined();
    await flux.until(
      () => get('Job', 'shop-first'),
      (found) => found === undefined,
    );
    expect(await get('Job', 'shop-test')).toBeUndefined();
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      name: 'widgets.shop.corp.io',
    };
    expect(await flux.scene.client.get(definition)).toBeDefined();
    expect(JSON.stringify([object, flux.scene.lines])).not.toContain('hunter2');
  });

  it('is upgraded with its values, runs the hooks of an upgrade again, and is left alone after', async () => {
    const before = await get('Job', 'shop-migrate');
    await patch({ values: { image: 'web:2', replicas: 2 } });
    await flux.until(image, (text) => text.includes('web:2'));
    const object = await flux.ready(HELM_RELEASE, 'shop', 'True', 'shop.v2');
    expect(condition(object, 'Ready')['reason']).toBe('UpgradeSucceeded');
    expect(history(object)).toEqual(['1.0.0 deployed', '1.0.0 superseded']);
    const after = await get('Job', 'shop-migrate');
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    await flux.ask('shop', HELM_RELEASE);
    expect((await get('Job', 'shop-migrate'))?.metadata.uid).toBe(after?.metadata.uid);
    expect(getString((await flux.read(HELM_RELEASE, 'shop'))['status'], 'lastAttemptedReleaseAction')).toBe(
      'upgrade',
    );
  });

  it('puts drift right where it is asked to, without hooks', async () => {
    const ran = (await get('Job', 'shop-migrate'))?.metadata.uid;
    const drift = () =>
      flux.scene.client.patch(
        { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'apps', name: 'shop-config' },
        'merge',
        {
          data: { namespace: 'elsewhere' },
        },
      );
    await drift();
    await flux.ask('shop', HELM_RELEASE);
    expect((await flux.data('shop-config'))?.['namespace']).toBe('elsewhere');
    await patch({ driftDetection: { mode: 'enabled' } });
    await flux.until(
      () => flux.data('shop-config'),
      (data) => data?.['namespace'] === 'apps',
    );
    await drift();
    await flux.until(
      () => flux.data('shop-config'),
      (data) => data?.['namespace'] === 'apps',
    );
    expect((await get('Job', 'shop-migrate'))?.metadata.uid).toBe(ran);
    await flux.ready(HELM_RELEASE, 'shop', 'True', 'shop.v2');
  });

  it('goes back whole when an upgrade is not ready in time, and the release is held', async () => {
    await patch({ values: { image: 'web:3', nowhere: 'x' } });
    await flux.until(image, (text) => text.includes('web:3'));
    await flux.until(image, (text) => text.includes('web:2'), MINUTE);
    // Where another turn came first, it says already that the release is held.
    const object = await flux.ready(HELM_RELEASE, 'shop', 'False', 'not healthy');
    expect(condition(object, 'Ready')['reason']).toBe('UpgradeFailed');
    const subject = {
      cluster: flux.scene.client.server,
      namespace: 'flux-system',
      application: 'HelmRelease/shop',
    };
    expect(await flux.ledger.deliveries.list(subject, 1)).toMatchObject([{ state: 'restored' }]);
    await flux.ready(HELM_RELEASE, 'shop', 'False', 'is held');
    expect(await image()).toContain('web:2');
    await patch({ values: { image: 'web:4', nowhere: '' } });
    await flux.ready(HELM_RELEASE, 'shop', 'True', 'Helm upgrade succeeded');
    expect(await image()).toContain('web:4');
  });

  it('stays as far as it got where it says keep, and is tried again once somebody asks', async () => {
    await flux.create(
      HELM_RELEASE,
      'kept',
      { ...SPEC, releaseName: 'kept', values: { nowhere: 'x' } },
      { annotations: { 'landfall.dev/on-failure': 'keep' } },
    );
    // Everything that can run has run before its time is up.
    await flux.until(
      () => get('Deployment', 'kept-web'),
      (found) => found !== undefined,
    );
    const object = await flux.ready(HELM_RELEASE, 'kept', 'False', 'Helm install failed', MINUTE);
    expect(history(object)).toEqual(['1.0.0 failed']);
    const migrated = (await get('Job', 'kept-migrate'))?.metadata.uid;
    expect(await get('Deployment', 'kept-web')).toBeDefined();
    const { items } = await flux.scene.client.list({ apiVersion: 'v1', kind: 'Node' });
    for (const { metadata } of items) {
      await flux.scene.client.patch({ apiVersion: 'v1', kind: 'Node', name: metadata.name }, 'merge', {
        metadata: { labels: { 'kubernetes.io/os': 'linuxx' } },
      });
    }
    await flux.until(
      () => get('Deployment', 'kept-web'),
      (found) => JSON.stringify(found?.['status']).includes('"readyReplicas":1'),
    );
    expect((await get('Job', 'kept-migrate'))?.metadata.uid).toBe(migrated);
    await flux.ask('kept', HELM_RELEASE);
    await flux.ready(HELM_RELEASE, 'kept', 'True', 'Helm install succeeded');
    for (const { metadata } of items) {
      await flux.scene.client.patch({ apiVersion: 'v1', kind: 'Node', name: metadata.name }, 'merge', {
        metadata: { labels: { 'kubernetes.io/os': 'linux' } },
      });
    }
    await flux.scene.client.delete({ ...HELM_RELEASE, ...where, name: 'kept' });
  });

  it('says what helm says, without what came from Secrets', async () => {
    await patch({ values: { fails: 'not with hunter2' } });
    const object = await flux.ready(HELM_RELEASE, 'shop', 'False', 'not with ***');
    expect(condition(object, 'Ready')['reason']).toBe('RenderFailed');
    await patch({ values: { fails: '' } });
    await flux.ready(HELM_RELEASE, 'shop');
  });

  it('waits for what it depends on, follows its chart in Git, and prunes what left it', async () => {
    await flux.create(HELM_RELEASE, 'second', {
      ...SPEC,
      releaseName: 'second',
      dependsOn: [{ name: 'nobody' }],
    });
    const waiting = await flux.ready(HELM_RELEASE, 'second', 'False', 'nobody');
    expect(condition(waiting, 'Ready')['reason']).toBe('DependencyNotReady');
    await patch({ dependsOn: [{ name: 'shop' }] }, 'second');
    await flux.ready(HELM_RELEASE, 'second');
    await flux.repository.commit({
      'charts/shop/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.1.0\n',
      'charts/shop/templates/a-config.yaml': undefined,
    });
    await flux.ask('main', GIT_REPOSITORY);
    await flux.ready(HELM_RELEASE, 'second', 'True', 'shop@1.1.0');
    expect(await flux.data('second-config')).toBeUndefined();
    expect(
      JSON.stringify(getObject(await flux.read(HELM_RELEASE, 'second'), 'status', 'inventory')),
    ).not.toContain('config');
  });

  it('takes a chart from a registry, by an OCIRepository', async () => {
    const registry = await startRegistry();
    try {
      const files = Object.fromEntries(
        Object.entries(CHART).map(([path, text]) => [path.replace('charts/', ''), text]),
      );
      const digest = await pushArtifact(`${registry.host}/charts/shop`, '1.0.0', files);
      await flux.create(OCI_REPOSITORY, 'chart', {
        url: `oci://${registry.host}/charts/shop`,
        interval: '10m',
        ref: { semver: '>=1.0.0' },
      });
      await flux.create(HELM_RELEASE, 'third', {
        interval: '10m',
        targetNamespace: 'apps',
        chartRef: { kind: 'OCIRepository', name: 'chart' },
      });
      const object = await flux.ready(HELM_RELEASE, 'third');
      expect(getString(object, 'status', 'lastAttemptedRevision')).toBe(`1.0.0+${digest.slice(7, 19)}`);
      expect(await flux.data('apps-third-config')).toMatchObject({ password: 'none' });
    } finally {
      await registry.close();
    }
  });

  it.runIf(program !== undefined)(
    'takes a chart from a Helm repository, at the version that fits',
    async () => {
      const charts = join(flux.scene.folder, 'served');
      await mkdir(charts);
      for (const version of ['1.0.0', '1.1.0', '2.0.0']) {
        const source = join(flux.scene.folder, `packed-${version}`);
        await mkdir(join(source, 'shop/templates'), { recursive: true });
        await writeFile(join(source, 'shop/Chart.yaml'), `apiVersion: v2\nname: shop\nversion: ${version}\n`);
        await writeFile(join(source, 'shop/values.yaml'), 'password: none\n');
        await writeFile(
          join(source, 'shop/templates/config.yaml'),
          CHART['charts/shop/templates/a-config.yaml'].replace(/^{{- if[^]*end }}\n/, ''),
        );
        execFileSync('helm', ['package', join(source, 'shop'), '-d', charts], { stdio: 'ignore' });
      }
      execFileSync('helm', ['repo', 'index', charts], { stdio: 'ignore' });
      const server = createServer((request, response) => {
        const allowed =
          request.headers.authorization === `Basic ${Buffer.from('jo:sesame').toString('base64')}`;
        readFile(join(charts, basename(request.url ?? ''))).then(
          (content) => response.writeHead(allowed ? 200 : 401).end(allowed ? content : ''),
          () => response.writeHead(404).end(),
        );
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = server.address() as AddressInfo;
        const encoded = (text: string) => Buffer.from(text).toString('base64');
        await flux.scene.client.create({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'repository', ...where },
          data: { username: encoded('jo'), password: encoded('sesame') },
        });
        await flux.create(HELM_REPOSITORY, 'charts', {
          url: `http://127.0.0.1:${port}`,
          interval: '10m',
          secretRef: { name: 'repository' },
        });
        await flux.create(HELM_RELEASE, 'fourth', {
          interval: '10m',
          targetNamespace: 'apps',
          releaseName: 'fourth',
          chart: {
            spec: { chart: 'shop', version: '1.x', sourceRef: { kind: 'HelmRepository', name: 'charts' } },
          },
        });
        const object = await flux.ready(HELM_RELEASE, 'fourth');
        expect(getString(object, 'status', 'lastAttemptedRevision')).toBe('1.1.0');
        expect(await flux.data('fourth-config')).toMatchObject({ password: 'none' });
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  );

  it('takes its objects along when it goes, and leaves definitions', async () => {
    await flux.scene.client.delete({ ...HELM_RELEASE, ...where, name: 'second' });
    await flux.until(
      () => flux.scene.client.get({ ...HELM_RELEASE, ...where, name: 'second' }),
      (found) => found === undefined,
    );
    expect(await get('Deployment', 'second-web')).toBeUndefined();
    expect(await get('Deployment', 'shop-web')).toBeDefined();
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      name: 'widgets.shop.corp.io',
    };
    expect(await flux.scene.client.get(definition)).toBeDefined();
  });
});

describe('without helm', { timeout: 300_000 }, () => {
  it('a HelmRelease is Ready Unknown, and says what is missing', async () => {
    const flux = await openFlux(startCluster, serveGit, CHART, () => ({ helm: '/nowhere/helm' }));
    try {
      await flux.create(HELM_RELEASE, 'shop', SPEC);
      const object = await flux.ready(HELM_RELEASE, 'shop', 'Unknown', 'helm program is not installed');
      expect(condition(object, 'Ready')['reason']).toBe('HelmMissing');
      expect(history0(object)).toBe(0);
    } finally {
      await flux.close();
    }
  });
});

function history0(object: KubeObject): number {
  return getArray(object, 'status', 'history').length;
}
