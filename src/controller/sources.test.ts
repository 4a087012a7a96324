import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getIn, getObject, getString, systemClock } from '../kernel/index.ts';
import { publish, serveGit } from '../git/test-support.ts';
import type { GitServer } from '../git/test-support.ts';
import { APPLICATION_KIND } from '../boundaries/sync/index.ts';
import { createRegistryClient } from '../oci/index.ts';
import { prove } from '../verdict/index.ts';
import { startCluster } from '../drydock/index.ts';
import type { Cluster } from '../drydock/index.ts';
import { secret, until } from './delivery.fixture.ts';
import type { Scene } from './delivery.fixture.ts';
import { here, openHall } from './sources.fixture.ts';
import type { Hall } from './sources.fixture.ts';

let cluster: Cluster;
let other: Cluster;
let hall: Hall<GitServer>;
let scene: Scene;
let git: GitServer;
let locked: GitServer;
let web: string;
let values: string;
let closed: string;

beforeAll(async () => {
  [cluster, other] = await Promise.all([startCluster({ nodes: 1 }), startCluster({ nodes: 1 })]);
  hall = await openHall((file) => cluster.writeKubeconfig(file), { publish, serveGit });
  ({ scene, git, locked, web, values, closed } = hall);
});

afterAll(async () => {
  await hall.close();
  await Promise.all([cluster.close(), other.close()]);
});

describe('an Application of several sources', () => {
  it('is delivered as one, and says the revision of each', async () => {
    const name = await hall.register({
      destination: here('several'),
      sources: [
        { repoURL: web, path: 'k8s', targetRevision: 'main' },
        { repoURL: values, path: 'extra', targetRevision: 'main' },
      ],
    });
    const app = await hall.synced(name);
    const revisions = getArray(app, 'status', 'sync', 'revisions');
    expect(revisions).toHaveLength(2);
    expect(getIn(app, 'status', 'sync', 'revision')).toBeUndefined();
    expect(getArray(app, 'status', 'history')[0]).toMatchObject({ id: 0, revisions, sources: [{}, {}] });
    expect(getObject(app, 'status', 'operationState', 'syncResult')).toMatchObject({ revisions });
    expect(getArray(app, 'status', 'sourceTypes')).toEqual(['Directory', 'Directory']);
    expect([await hall.config('several', 'one'), await hall.config('several', 'two')]).toEqual([
      { key: 'a' },
      { key: 'b' },
    ]);
  });

  it('is proven as one: every source has to be at the commit that Git has', async () => {
    const name = await hall.register({
      destination: here('proven'),
      sources: [
        { repoURL: web, path: 'k8s', targetRevision: 'main' },
        { repoURL: values, path: 'extra', targetRevision: 'main' },
      ],
    });
    await hall.synced(name);
    const registry = createRegistryClient({ clock: systemClock });
    const { proof, material } = await prove(
      { kube: scene.client, git: scene.mirrors, registry, clock: systemClock },
      {
        application: name,
        declaredBy: () => ({ images: [], observe: [], environment: undefined, source: undefined }),
      },
      new AbortController().signal,
    );
    registry.close();
    expect(material.rendered.map(({ object }) => object.metadata.name)).toEqual(['one', 'two']);
    const states = proof.boundaries.map(({ boundary, state }) => `${boundary} ${state}`);
    expect(states).toEqual(expect.arrayContaining(['render proven', 'sync proven', 'live proven']));
  });

  it('renders a chart with the values of another source, told of the cluster', async () => {
    const name = await hall.register({
      destination: here('charted'),
      sources: [
        { repoURL: web, path: 'chart', helm: { valueFiles: ['$values/values/prod.yaml'] } },
        { repoURL: values, targetRevision: 'main', ref: 'values' },
      ],
    });
    await hall.synced(name);
    expect(await hall.config('charted', 'chart')).toMatchObject({
      values: 'from: the other repository',
      version: expect.stringMatching(/^1\.\d+\.\d+$/) as string,
      known: 'true',
    });
  });

  it('names the source that is wrong', async () => {
    const name = await hall.register({
      destination: here('several-wrong'),
      sources: [
        { repoURL: web, path: 'k8s' },
        { repoURL: values, path: 'no-such-folder' },
      ],
    });
    expect(await hall.refused(name)).toMatch(/failed to generate manifest for source 2 of 2: no-such-folder/);
  });
});

describe('the limits of a project', () => {
  it('are Argo CD’s, in its words', async () => {
    await scene.client.create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'team', namespace: 'argocd' },
      spec: {
        sourceRepos: [`${git.url}/*`, `!${values}`],
        destinations: [
          { server: '*', namespace: 'team-*' },
          { server: '*', namespace: '!team-secret' },
        ],
        namespaceResourceBlacklist: [{ group: '', kind: 'Config*' }],
      },
    });
    const source = { repoURL: web, path: 'k8s' };
    const project = 'team';
    const [wrongSource, wrongPlace, wrongKind] = await Promise.all([
      hall.register({ project, source: { repoURL: values, path: 'extra' }, destination: here('team-a') }),
      hall.register({ project, source, destination: here('team-secret') }),
      hall.register({
        project,
        source,
        destination: here('team-a'),
        syncPolicy: { automated: {}, retry: { limit: 0 } },
      }),
    ]);
    expect(await hall.refused(wrongSource)).toBe(
      `application repo ${values} is not permitted in project 'team'`,
    );
    expect(await hall.refused(wrongPlace)).toContain(
      "and namespace 'team-secret' do not match any of the allowed destinations in project 'team'",
    );
    const app = await until(
      () => hall.application(wrongKind),
      (found) => getString(found, 'status', 'operationState', 'phase') === 'Failed',
    );
    expect(getArray(app, 'status', 'operationState', 'syncResult', 'resources')).toMatchObject([
      {
        kind: 'ConfigMap',
        status: 'SyncFailed',
        message: 'resource :ConfigMap is not permitted in project team',
      },
    ]);
    expect(await hall.config('team-a', 'one')).toBeUndefined();
  });

  it('hold an application back until there is such a project', async () => {
    const name = await hall.register({
      project: 'later',
      source: { repoURL: web, path: 'k8s' },
      destination: here('later'),
    });
    expect(await hall.refused(name)).toBe('Application referencing project later which does not exist');
    await scene.client.create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'later', namespace: 'argocd' },
      spec: {
        sourceRepos: ['*'],
        destinations: [{ name: 'in-cluster', namespace: '*' }],
        clusterResourceWhitelist: [{ group: '*', kind: '*' }],
      },
    });
    await hall.synced(name);
  });
});

describe('access by Secrets', () => {
  it('reads a repository once its Secret is there, and shows the password to nobody', async () => {
    const name = await hall.register({
      source: { repoURL: closed, path: 'extra' },
      destination: here('closed'),
    });
    expect(await hall.refused(name)).toContain('the server refused the credentials');
    await scene.client.create(
      secret('creds', 'repo-creds', {
        url: locked.url,
        username: 'ci',
        password: 'open sesame',
        type: 'git',
      }),
    );
    await scene.client.patch({ ...APPLICATION_KIND, namespace: 'argocd', name }, 'merge', {
      metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } },
    });
    const app = await hall.synced(name);
    expect(JSON.stringify(app) + scene.lines.join('')).not.toContain('sesame');
  });

  it('delivers to the cluster of a Secret, by name and by server', async () => {
    const kubeconfig = join(scene.folder, 'other');
    await other.writeKubeconfig(kubeconfig);
    const { loadKubeClient } = await import('../kube/index.ts');
    const remote = await loadKubeClient({ kubeconfig });
    const destination = { name: 'staging', namespace: 'far' };
    const name = await hall.register({ source: { repoURL: web, path: 'k8s' }, destination });
    expect(await hall.refused(name)).toBe('there are no clusters with this name: staging');
    await scene.client.create(secret('staging', 'cluster', await accessOf(kubeconfig), { env: 'staging' }));
    const app = await hall.synced(name);
    expect(getString(app, 'status', 'health', 'status')).toBe('Healthy');
    const stored = await remote.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'far', name: 'one' });
    expect(getObject(stored, 'data')).toEqual({ key: 'a' });
    expect(await hall.config('far', 'one')).toBeUndefined();
    remote.close();
  });
});

/** What an administrator would put into a cluster Secret. */
async function accessOf(kubeconfig: string): Promise<Record<string, string>> {
  const { readFile } = await import('node:fs/promises');
  const { parseYaml } = await import('../kernel/index.ts');
  const [file] = parseYaml(await readFile(kubeconfig, 'utf8'), kubeconfig);
  const cluster = getObject(file, 'clusters', 0, 'cluster');
  const user = getObject(file, 'users', 0, 'user');
  return {
    name: 'staging',
    server: getString(cluster, 'server') ?? '',
    config: JSON.stringify({
      bearerToken: getString(user, 'token'),
      tlsClientConfig: {
        caData: getString(cluster, 'certificate-authority-data'),
        certData: getString(user, 'client-certificate-data'),
        keyData: getString(user, 'client-key-data'),
      },
    }),
  };
}
