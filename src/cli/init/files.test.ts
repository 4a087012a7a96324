import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { declarationsOf } from '../../pipeline/index.ts';
import { discoverOverlays } from './discover.ts';
import { plannedFiles } from './files.ts';

let root: string;
const plan = { url: 'https://git.corp.io/deploy.git', revision: 'main', namespace: 'argocd' };
const { signal } = new AbortController();

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'landfall-init-'));
  await cp(path.resolve(import.meta.dirname, '../../../examples/notification-service/deployment'), root, {
    recursive: true,
  });
  for (const name of ['comms-notification', 'comms-platform']) {
    const file = path.join(root, 'argocd', `${name}.yaml`);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(/@\w+@/g, plan.url));
  }
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('a first set-up', () => {
  it('names the overlays that nothing builds on, with the Applications that there are already', async () => {
    const overlays = await discoverOverlays(root, signal);
    expect(
      overlays.map(({ path: folder, environment, application, registeredIn }) => ({
        folder,
        environment,
        application,
        registeredIn,
      })),
    ).toEqual([
      {
        folder: 'k8s/platform',
        environment: 'default',
        application: 'comms-platform',
        registeredIn: 'argocd/comms-platform.yaml',
      },
      {
        folder: 'k8s/overlays/prod',
        environment: 'prod',
        application: 'comms-notification',
        registeredIn: 'argocd/comms-notification.yaml',
      },
    ]);
  });

  it('is a landfall.yaml that Landfall reads, observing what the pods are probed by', async () => {
    const [file, ...others] = plannedFiles(await discoverOverlays(root, signal), plan);
    expect(others).toEqual([]);
    expect(declarationsOf(file?.text, 'comms-notification')).toMatchObject({
      environment: 'prod',
      observe: [{ service: 'notification-service', port: 8080, probe: '/health' }],
    });
  });

  it('holds an Application for an overlay that has none, and observes nothing where nothing is probed', async () => {
    await rm(path.join(root, 'argocd'), { recursive: true });
    await writeFile(
      path.join(root, 'k8s/platform/kustomization.yaml'),
      'namespace: comms\nresources: [email-gateway.yaml]\n',
    );
    const files = plannedFiles(await discoverOverlays(root, signal), plan);
    expect(files.map((file) => file.path)).toEqual([
      'landfall.yaml',
      'platform/clusters/default/email-gateway.yaml',
      'platform/clusters/prod/notification-service-prod.yaml',
    ]);
    expect(() => declarationsOf(files[0]?.text, 'notification-service-prod')).not.toThrow();
  });

  it('shows an overlay that does not render with its reason', async () => {
    await writeFile(path.join(root, 'k8s/base/service.yaml'), 'a: [1\nb: }');
    const overlays = await discoverOverlays(root, signal);
    expect(overlays.find((overlay) => overlay.environment === 'prod')?.failure).toContain(
      'k8s/base/service.yaml:2:2: not YAML: missed comma',
    );
  });
});

const deployment = (name: string) =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}}\nspec: {template: {spec: {containers: [{name: main, image: "x:1"}]}}}\n`;

/** A repository of files, as `{ path: text }`. */
async function found(files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-styles-'));
  try {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(path.join(folder, path.dirname(file)), { recursive: true });
      await writeFile(path.join(folder, file), text);
    }
    return await discoverOverlays(folder, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('repositories of other styles', () => {
  const handed = (name: string, folder: string) =>
    `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: ${name}}\nspec: {path: ${folder}, prune: true}\n`;

  it('are delivered by what Flux is told', async () => {
    const overlays = await found({
      'clusters/prod/shop.yaml': handed('shop', './shop/prod'),
      'clusters/prod/system/sync.yaml': handed('root', './clusters/prod'),
      'clusters/prod/system/extra.yaml': deployment('extra'),
      'clusters/prod/system/kustomization.yaml': 'resources: [sync.yaml, extra.yaml]\n',
      'clusters/staging/empty/components.yaml': '# comes with the bootstrap\n',
      'clusters/staging/empty/kustomization.yaml': 'resources: [components.yaml]\n',
      'shop/base/deployment.yaml': deployment('shop'),
      'shop/base/kustomization.yaml': 'resources: [deployment.yaml]\n',
      'shop/prod/kustomization.yaml': 'resources: [../base]\n',
    });
    expect(
      overlays.map(({ path: at, application, registeredIn }) => [at, application, registeredIn]),
    ).toEqual([
      ['clusters/prod/system', 'root', 'clusters/prod/system/sync.yaml'],
      ['shop/prod', 'shop', 'clusters/prod/shop.yaml'],
    ]);
    expect(plannedFiles(overlays, plan).map((file) => file.path)).toEqual(['landfall.yaml']);
  });

  it('are followed through the artifacts that Flux makes of them', async () => {
    const generator = (environment: string) =>
      `apiVersion: source.extensions.fluxcd.io/v1beta1\nkind: ArtifactGenerator\nmetadata: {name: parts}\nspec: {artifacts: [{name: shop, copy: [{from: "@repo/shop/base/**", to: "@artifact/base/"}, {from: "@repo/shop/${environment}/**", to: "@artifact/here/"}]}]}\n`;
    const consumer = `${handed('shop', './here').trimEnd().replace('prune', 'sourceRef: {kind: ExternalArtifact, name: shop}, prune')}\n`;
    const overlays = await found({
      'clusters/prod/parts.yaml': generator('prod'),
      'clusters/prod/shop.yaml': consumer,
      'clusters/staging/parts.yaml': generator('staging'),
      'clusters/staging/shop.yaml': consumer,
      'shop/base/deployment.yaml': deployment('shop'),
      'shop/base/kustomization.yaml': 'resources: [deployment.yaml]\n',
      'shop/prod/kustomization.yaml': 'resources: [../base]\n',
      'shop/staging/kustomization.yaml': 'resources: [../base]\n',
    });
    expect(overlays.map(({ path: at, registeredIn }) => [at, registeredIn])).toEqual([
      ['shop/staging', 'clusters/staging/shop.yaml'],
      ['shop/prod', 'clusters/prod/shop.yaml'],
    ]);
  });

  it('have one name for each overlay, after the workload where there is one, else after the folder', async () => {
    const one = {
      'deployment.yaml': deployment('web'),
      'kustomization.yaml': 'resources: [deployment.yaml]\n',
    };
    const two = { ...one, 'deployment.yaml': `${deployment('front')}---\n${deployment('back')}` };
    const below = (folder: string, files: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));
    const overlays = await found({
      ...below('teams/a/prod', one),
      ...below('teams/b/prod', one),
      ...below('shop/overlays/staging', two),
      ...below('staging', two),
    });
    expect(overlays.map(({ path: at, application }) => [at, application])).toEqual([
      ['shop/overlays/staging', 'shop-staging'],
      ['staging', expect.stringMatching(/^landfall-styles-.+-staging$/)],
      ['teams/a/prod', 'web-prod'],
      ['teams/b/prod', 'teams-b-prod'],
    ]);
  });

  it('have what several sources of one Application deliver', async () => {
    const overlays = await found({
      'apps/shop.yaml':
        'apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec: {sources: [{path: web/}, {path: jobs}]}\n',
      'web/kustomization.yaml': 'resources: [deployment.yaml]\n',
      'web/deployment.yaml': deployment('web'),
    });
    expect(overlays).toMatchObject([{ application: 'shop', registeredIn: 'apps/shop.yaml' }]);
  });
});
