import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
      'k8s/base/service.yaml:2:1',
    );
  });
});
