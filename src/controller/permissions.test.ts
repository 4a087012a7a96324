import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger, systemClock } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { createGitMirrors } from '../git/index.ts';
import type { GitMirrors } from '../git/index.ts';
import { loadKubeClient } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { APPLICATION_KIND, applicationStatus } from '../boundaries/sync/index.ts';
import { startCluster } from '../drydock/index.ts';
import type { Cluster } from '../drydock/index.ts';
import { startController } from './controller.ts';
import type { Controller } from './contract.ts';

const run = promisify(execFile);
const SERVICE_ACCOUNT = 'system:serviceaccount:argocd:landfall';

let cluster: Cluster;
let admin: KubeClient;
let limited: KubeClient;
let folder: string;
let mirrors: GitMirrors;
let controller: Controller;

const role = (name: string, rules: JsonObject[]): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name },
  rules,
});

const RULES: JsonObject[] = [
  { apiGroups: ['argoproj.io'], resources: ['applications'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create'] },
  { apiGroups: [''], resources: ['services', 'namespaces'], verbs: ['get'] },
  // No watch: what may not be followed is read instead.
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch'] },
];

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-permissions-'));
  cluster = await startCluster({ nodes: 1, rbac: true });
  await cluster.writeKubeconfig(join(folder, 'admin'));
  await writeFile(
    join(folder, 'limited'),
    cluster.kubeconfig().replace(/( +)token:/, `$1as: ${SERVICE_ACCOUNT}\n$1token:`),
  );
  admin = await loadKubeClient({ kubeconfig: join(folder, 'admin') });
  limited = await loadKubeClient({ kubeconfig: join(folder, 'limited') });
  await admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  await admin.create(role('landfall', RULES));
  await admin.create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'landfall' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'landfall' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'argocd', name: 'landfall' }],
  });
  mirrors = createGitMirrors({ folder: join(folder, 'mirrors'), clock: systemClock });
  controller = startController({ client: limited, mirrors, clock: systemClock, logger: silentLogger });
  await controller.ready;
});

afterAll(async () => {
  await controller.close();
  mirrors.close();
  limited.close();
  admin.close();
  await cluster.close();
  await rm(folder, { recursive: true, force: true });
});

const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: one }\ndata: { a: b }\n';
const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec:\n  ports: [{ port: 80 }]\n';

async function deliver(name: string, files: Record<string, string>): Promise<() => Promise<KubeObject>> {
  const path = join(folder, name);
  await mkdir(join(path, 'k8s'), { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, 'k8s', file), text);
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=T', '-c', 'user.email=t@corp.io', ...args], { cwd: path });
  await git('init', '-q', '-b', 'main');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'one');
  await admin.create({
    ...APPLICATION_KIND,
    metadata: { name, namespace: 'argocd' },
    spec: {
      project: 'default',
      source: { repoURL: path, path: 'k8s', targetRevision: 'main' },
      destination: { name: 'in-cluster', namespace: 'default' },
      syncPolicy: { automated: {}, retry: { limit: 0 } },
    },
  });
  return async () => {
    const found = await admin.get({ ...APPLICATION_KIND, namespace: 'argocd', name });
    if (found === undefined) throw new Error('gone');
    return found;
  };
}

describe('a service account with few permissions', () => {
  it('delivers what it may, without being allowed to watch it', async () => {
    const read = await deliver('allowed', { 'one.yaml': config });
    await until('it is Synced', async () => applicationStatus(await read()).sync === 'Synced');
    expect(
      await admin.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'one' }),
    ).toBeDefined();
  });

  it('writes nothing of a set of which it may not write one object, and says whom the server refused what', async () => {
    const files = { 'two.yaml': config.replace('one', 'two'), 'web.yaml': service };
    const read = await deliver('forbidden', files);
    await until('it failed', async () => applicationStatus(await read()).operation?.phase === 'Failed');
    const { operation } = applicationStatus(await read());
    expect(operation?.results).toHaveLength(1);
    expect(operation?.results[0]).toMatchObject({ kind: 'Service', name: 'web', status: 'SyncFailed' });
    expect(operation?.results[0]?.message).toContain(SERVICE_ACCOUNT);
    expect(operation?.results[0]?.message).toContain('services');
    expect(
      await admin.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'two' }),
    ).toBeUndefined();
  });
});
