import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCluster } from '../../src/drydock/index.ts';
import type { Cluster } from '../../src/drydock/index.ts';
import { commitAll, createRepository } from '../../src/git/test-support.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { loadKubeClient } from '../../src/kube/index.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import type { DriftReport } from '../../src/verdict/index.ts';
import { newPerson } from '../cli/terminal.ts';
import type { Person } from '../cli/terminal.ts';

// Commands read argocd-cm as `serve` does: they find, mark, compare and render as the Argo CD of the cluster would.
const NAMESPACE = 'team';
const LABEL = 'argocd.corp.io/app';
const SETTINGS = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'argocd', name: 'argocd-cm' };

let cluster: Cluster;
let person: Person;
let kube: KubeClient;
let kubeconfig: string;
let repository: string;

const config = (name: string, value = 'a') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  key: ${value}\n`;

const run = (...args: readonly string[]) => person.run(args, { env: { KUBECONFIG: kubeconfig } });

const get = (kind: string, name: string) => kube.get({ apiVersion: 'v1', kind, namespace: NAMESPACE, name });

async function drift(): Promise<DriftReport> {
  const { code, out, err } = await run('drift', 'shop', '--all', '-o', 'json');
  if (out === '') throw new Error(`no answer, exit code ${code}: ${err}`);
  return JSON.parse(out) as DriftReport;
}

beforeAll(async () => {
  person = await newPerson();
  cluster = await startCluster({ nodes: 1, workDir: path.join(person.home, 'cluster') });
  kubeconfig = path.join(person.home, 'kubeconfig');
  await cluster.writeKubeconfig(kubeconfig);
  kube = await loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
  for (const name of [NAMESPACE, 'argocd']) {
    if ((await kube.get({ apiVersion: 'v1', kind: 'Namespace', name })) === undefined)
      await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await kube.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: SETTINGS.name, namespace: SETTINGS.namespace },
    data: {
      'application.resourceTrackingMethod': 'label',
      'application.instanceLabelKey': LABEL,
      'resource.exclusions': '- kinds: [ServiceAccount]\n',
      'resource.customizations.ignoreDifferences.ConfigMap': 'jsonPointers: [/data/left]\n',
      'kustomize.buildOptions': '--load-restrictor LoadRestrictionsNone',
    },
  });
  repository = await createRepository(path.join(person.folder, 'repository'));
  await commitAll(repository, {
    'elsewhere/two.yaml': config('two'),
    'k8s/kustomization.yaml': 'resources: [one.yaml, account.yaml, ../elsewhere/two.yaml]\n',
    'k8s/one.yaml': `${config('one')}  left: alone\n`,
    'k8s/account.yaml': 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: worker }\n',
  });
  await kube.create({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'shop', namespace: NAMESPACE },
    spec: {
      project: 'default',
      source: {
        repoURL: repository,
        path: 'k8s',
        targetRevision: 'main',
        kustomize: { commonAnnotations: { app: '${ARGOCD_APP_NAME}' }, commonAnnotationsEnvsubst: true },
      },
      destination: { server: 'https://kubernetes.default.svc', namespace: NAMESPACE },
    },
  });
}, 120_000);

afterAll(async () => {
  kube.close();
  await cluster.close();
  await person.leave();
});

it('marks, renders and prunes by the settings of the cluster', { timeout: 120_000 }, async () => {
  const first = await run('apply', 'shop');
  expect(first.code, first.out).toBe(0);
  expect(first.out).toContain('ServiceAccount/worker is left out: its engine does not apply it');
  const { labels, annotations } = (await get('ConfigMap', 'two'))?.metadata ?? {};
  // Outside of Argo CD's own namespace an application is called after both.
  expect(labels).toEqual({ [LABEL]: 'team_shop' });
  expect(annotations).toMatchObject({ app: 'team_shop' });
  expect(annotations).not.toHaveProperty(['argocd.argoproj.io/tracking-id']);
  expect(await get('ServiceAccount', 'worker')).toBeUndefined();

  const ref = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    namespace: NAMESPACE,
    name: 'shop',
  };
  const listed = ['one', 'two'].map((name) => ({
    version: 'v1',
    kind: 'ConfigMap',
    namespace: NAMESPACE,
    name,
    status: 'Synced',
  }));
  await kube.patch(ref, 'merge', { status: { resources: listed, history: [{ id: 0, revision: 'x' }] } }, {});
  await kube.patch(
    { apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name: 'one' },
    'merge',
    { data: { left: 'changed' } },
    {},
  );
  const { drifts } = await drift();
  expect(drifts.filter(({ expected }) => !expected)).toEqual([]);
  expect(drifts).toMatchObject([{ field: 'data.left', reason: 'ignored' }]);

  await commitAll(repository, { 'k8s/kustomization.yaml': 'resources: [one.yaml]\n' });
  expect((await drift()).drifts).toMatchObject([
    { object: 'ConfigMap/two', reason: 'prune-off' },
    { field: 'data.left' },
  ]);
  const pruned = await run('apply', 'shop', '--prune');
  expect(pruned.code, pruned.out).toBe(0);
  expect(await get('ConfigMap', 'two')).toBeUndefined();
});

it('does nothing by settings that nobody can read', { timeout: 60_000 }, async () => {
  await kube.patch(SETTINGS, 'merge', { data: { 'application.resourceTrackingMethod': 'lable' } }, {});
  for (const command of ['apply', 'drift'])
    expect((await run(command, 'shop')).err).toContain('application.resourceTrackingMethod');
  const { out } = await run('prove', 'shop');
  expect(out).toContain('application.resourceTrackingMethod');
});
