import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getIn, getObject, getString, silentLogger, systemClock } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { publish, serveGit } from '../git/test-support.ts';
import type { GitServer } from '../git/test-support.ts';
import { APPLICATION_KIND } from '../boundaries/sync/index.ts';
import { createRegistryClient } from '../oci/index.ts';
import { prove } from '../verdict/index.ts';
import { startCluster } from '../drydock/index.ts';
import type { Cluster } from '../drydock/index.ts';
import type { Controller } from './contract.ts';
import { configMap, makeRepository, openScene, secret, until } from './delivery.fixture.ts';
import type { Scene } from './delivery.fixture.ts';
import { bringRoot } from './root.ts';
import { startWebhook } from './webhook.ts';

const AUTO: JsonObject = {
  automated: { prune: true, selfHeal: true },
  syncOptions: ['CreateNamespace=true'],
};

let cluster: Cluster;
let controller: Controller;
let other: Cluster;
let scene: Scene;
let git: GitServer;
let locked: GitServer;
let web: string;
let values: string;
let closed: string;
let counter = 0;

beforeAll(async () => {
  [cluster, other] = await Promise.all([startCluster({ nodes: 1 }), startCluster({ nodes: 1 })]);
  scene = await openScene((file) => cluster.writeKubeconfig(file));
  const { client, folder } = scene;
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  const one = await makeRepository(join(folder, 'one'), {
    'k8s/one.yaml': configMap('one', 'a'),
    'chart/Chart.yaml': 'name: chart\nversion: 1.0.0\n',
    'apps/a/config.yaml': configMap('a', 'first'),
    'apps/b/config.yaml': configMap('b', 'second'),
    'env/dev.json': '{"env":"dev","cluster":{"namespace":"set-dev"}}',
    'env/prod.json': '{"env":"prod","cluster":{"namespace":"set-prod"}}',
  });
  const two = await makeRepository(join(folder, 'two'), {
    'extra/two.yaml': configMap('two', 'b'),
    'values/prod.yaml': 'from: the other repository\n',
  });
  await publish(one.path, folder, 'one.git');
  await publish(two.path, folder, 'two.git');
  git = await serveGit(folder);
  locked = await serveGit(folder, 'open sesame');
  web = `${git.url}/one.git`;
  values = `${git.url}/two.git`;
  closed = `${locked.url}/two.git`;
  const helm = join(folder, 'helm');
  await writeFile(helm, STAND_IN);
  await chmod(helm, 0o755);
  controller = await scene.controller({ helm, pollMs: 600_000 });
});

afterAll(async () => {
  await scene.close();
  await git[Symbol.asyncDispose]();
  await locked[Symbol.asyncDispose]();
  await Promise.all([cluster.close(), other.close()]);
});

/** Stands in for helm, which is not there where these tests run. */
const STAND_IN = `#!/usr/bin/env node
const fs = require('node:fs');
const args = process.argv.slice(2);
const values = args.flatMap((arg, at) => args[at - 1] === '--values' ? [fs.readFileSync(arg, 'utf8').trim()] : []);
const at = args.indexOf('--kube-version');
console.log(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'chart' },
  data: { values: values.join(), version: args[at + 1], known: String(args.includes('apps/v1/Deployment')) } }));
`;

async function register(spec: JsonObject, name = `app-${(counter += 1)}`): Promise<string> {
  await scene.client.create({
    ...APPLICATION_KIND,
    metadata: { name, namespace: 'argocd' },
    spec: { project: 'default', syncPolicy: AUTO, ...spec },
  });
  return name;
}

function here(namespace: string): JsonObject {
  return { server: 'https://kubernetes.default.svc', namespace };
}

async function application(name: string): Promise<KubeObject> {
  const found = await scene.client.get({ ...APPLICATION_KIND, namespace: 'argocd', name });
  if (found === undefined) throw new Error(`${name} is gone`);
  return found;
}

function synced(name: string): Promise<KubeObject> {
  return until(
    () => application(name),
    (app) =>
      getString(app, 'status', 'sync', 'status') === 'Synced' &&
      getString(app, 'status', 'operationState', 'phase') === 'Succeeded',
  );
}

function refused(name: string): Promise<string> {
  return until(
    async () => getString(getArray(await application(name), 'status', 'conditions')[0], 'message') ?? '',
    (message) => message !== '',
  );
}

async function config(namespace: string, name: string): Promise<JsonObject | undefined> {
  return getObject(await scene.client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name }), 'data');
}

describe('an Application of several sources', () => {
  it('is delivered as one, and says the revision of each', async () => {
    const name = await register({
      destination: here('several'),
      sources: [
        { repoURL: web, path: 'k8s', targetRevision: 'main' },
        { repoURL: values, path: 'extra', targetRevision: 'main' },
      ],
    });
    const app = await synced(name);
    const revisions = getArray(app, 'status', 'sync', 'revisions');
    expect(revisions).toHaveLength(2);
    expect(getIn(app, 'status', 'sync', 'revision')).toBeUndefined();
    expect(getArray(app, 'status', 'history')[0]).toMatchObject({ id: 0, revisions, sources: [{}, {}] });
    expect(getObject(app, 'status', 'operationState', 'syncResult')).toMatchObject({ revisions });
    expect(getArray(app, 'status', 'sourceTypes')).toEqual(['Directory', 'Directory']);
    expect([await config('several', 'one'), await config('several', 'two')]).toEqual([
      { key: 'a' },
      { key: 'b' },
    ]);
  });

  it('is proven as one: every source has to be at the commit that Git has', async () => {
    const name = await register({
      destination: here('proven'),
      sources: [
        { repoURL: web, path: 'k8s', targetRevision: 'main' },
        { repoURL: values, path: 'extra', targetRevision: 'main' },
      ],
    });
    await synced(name);
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
    const name = await register({
      destination: here('charted'),
      sources: [
        { repoURL: web, path: 'chart', helm: { valueFiles: ['$values/values/prod.yaml'] } },
        { repoURL: values, targetRevision: 'main', ref: 'values' },
      ],
    });
    await synced(name);
    expect(await config('charted', 'chart')).toMatchObject({
      values: 'from: the other repository',
      version: expect.stringMatching(/^1\.\d+\.\d+$/) as string,
      known: 'true',
    });
  });

  it('names the source that is wrong', async () => {
    const name = await register({
      destination: here('several-wrong'),
      sources: [
        { repoURL: web, path: 'k8s' },
        { repoURL: values, path: 'no-such-folder' },
      ],
    });
    expect(await refused(name)).toMatch(/failed to generate manifest for source 2 of 2: no-such-folder/);
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
      register({ project, source: { repoURL: values, path: 'extra' }, destination: here('team-a') }),
      register({ project, source, destination: here('team-secret') }),
      register({
        project,
        source,
        destination: here('team-a'),
        syncPolicy: { automated: {}, retry: { limit: 0 } },
      }),
    ]);
    expect(await refused(wrongSource)).toBe(`application repo ${values} is not permitted in project 'team'`);
    expect(await refused(wrongPlace)).toContain(
      "and namespace 'team-secret' do not match any of the allowed destinations in project 'team'",
    );
    const app = await until(
      () => application(wrongKind),
      (found) => getString(found, 'status', 'operationState', 'phase') === 'Failed',
    );
    expect(getArray(app, 'status', 'operationState', 'syncResult', 'resources')).toMatchObject([
      {
        kind: 'ConfigMap',
        status: 'SyncFailed',
        message: 'resource :ConfigMap is not permitted in project team',
      },
    ]);
    expect(await config('team-a', 'one')).toBeUndefined();
  });

  it('hold an application back until there is such a project', async () => {
    const name = await register({
      project: 'later',
      source: { repoURL: web, path: 'k8s' },
      destination: here('later'),
    });
    expect(await refused(name)).toBe('Application referencing project later which does not exist');
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
    await synced(name);
  });
});

describe('access by Secrets', () => {
  it('reads a repository once its Secret is there, and shows the password to nobody', async () => {
    const name = await register({
      source: { repoURL: closed, path: 'extra' },
      destination: here('closed'),
    });
    expect(await refused(name)).toContain('the server refused the credentials');
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
    const app = await synced(name);
    expect(JSON.stringify(app) + scene.lines.join('')).not.toContain('sesame');
  });

  it('delivers to the cluster of a Secret, by name and by server', async () => {
    const kubeconfig = join(scene.folder, 'other');
    await other.writeKubeconfig(kubeconfig);
    const { loadKubeClient } = await import('../kube/index.ts');
    const remote = await loadKubeClient({ kubeconfig });
    const destination = { name: 'staging', namespace: 'far' };
    const name = await register({ source: { repoURL: web, path: 'k8s' }, destination });
    expect(await refused(name)).toBe('there are no clusters with this name: staging');
    await scene.client.create(secret('staging', 'cluster', await accessOf(kubeconfig), { env: 'staging' }));
    const app = await synced(name);
    expect(getString(app, 'status', 'health', 'status')).toBe('Healthy');
    const stored = await remote.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'far', name: 'one' });
    expect(getObject(stored, 'data')).toEqual({ key: 'a' });
    expect(await config('far', 'one')).toBeUndefined();
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

const SET = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet' } as const;

async function makeSet(name: string, spec: JsonObject): Promise<void> {
  await scene.client.create({ ...SET, metadata: { name, namespace: 'argocd' }, spec });
}

function template(path: string, name: string, namespace: string): JsonObject {
  return {
    metadata: { name, labels: { '{{.path.basename | default "x"}}': 'yes' } },
    spec: {
      project: 'default',
      source: { repoURL: web, path, targetRevision: 'main' },
      destination: here(namespace),
      syncPolicy: AUTO,
    },
  };
}

async function namesOf(set: string): Promise<readonly string[]> {
  const { items } = await scene.client.list(APPLICATION_KIND, { namespace: 'argocd' });
  return items
    .filter((item) => item.metadata.ownerReferences?.some((owner) => owner.name === set))
    .map((item) => item.metadata.name)
    .toSorted();
}

async function conditionsOf(name: string): Promise<Record<string, string>> {
  const set = await scene.client.get({ ...SET, namespace: 'argocd', name });
  return Object.fromEntries(
    getArray(set, 'status', 'conditions').map((item) => [
      getString(item, 'type') ?? '',
      `${getString(item, 'status') ?? ''}: ${getString(item, 'message') ?? ''}`,
    ]),
  );
}

describe('an ApplicationSet', () => {
  it('makes an Application for every folder, delivers it, and says so', async () => {
    await makeSet('folders', {
      goTemplate: true,
      goTemplateOptions: ['missingkey=error'],
      generators: [{ git: { repoURL: web, revision: 'main', directories: [{ path: 'apps/*' }] } }],
      template: template('{{.path.path}}', 'folder-{{.path.basename}}', 'folders'),
    });
    await until(
      () => namesOf('folders'),
      (names) => names.length === 2,
    );
    const app = await synced('folder-b');
    expect(app.metadata.finalizers).toEqual(['resources-finalizer.argocd.argoproj.io']);
    expect(await namesOf('folders')).toEqual(['folder-a', 'folder-b']);
    expect(await config('folders', 'b')).toEqual({ key: 'second' });
    const conditions = await until(
      () => conditionsOf('folders'),
      (found) => found['ResourcesUpToDate'] !== undefined,
    );
    expect(conditions).toEqual({
      ErrorOccurred: 'False: All applications have been generated successfully',
      ParametersGenerated: 'True: Successfully generated parameters for all Applications',
      ResourcesUpToDate: 'True: All applications have been generated successfully',
    });
  });

  it('joins generators, and patches single Applications', async () => {
    await makeSet('joined', {
      goTemplate: true,
      generators: [
        {
          matrix: {
            generators: [
              { git: { repoURL: web, revision: 'main', files: [{ path: 'env/*.json' }] } },
              { list: { elements: [{ app: 'a' }, { app: 'b' }] } },
            ],
          },
          selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['a'] }] },
        },
      ],
      template: {
        metadata: { name: '{{.env}}-{{.app}}' },
        spec: {
          project: 'default',
          source: { repoURL: web, path: 'apps/{{.app}}' },
          destination: here('{{.cluster.namespace}}'),
        },
      },
      templatePatch:
        '{{- if eq .env "prod" }}\nspec:\n  project: other\n  syncPolicy:\n    automated: { prune: true }\n{{- end }}\n',
    });
    await until(
      () => namesOf('joined'),
      (names) => names.length === 2,
    );
    expect(await namesOf('joined')).toEqual(['dev-a', 'prod-a']);
    expect((await application('prod-a'))['spec']).toMatchObject({
      project: 'default',
      destination: { namespace: 'set-prod' },
      syncPolicy: { automated: { prune: true } },
    });
    expect(getIn(await application('dev-a'), 'spec', 'syncPolicy')).toBeUndefined();
  });

  it('follows its list, keeps what others own, and never deletes what it cannot generate', async () => {
    const generators = (...names: string[]) => [{ list: { elements: names.map((name) => ({ name })) } }];
    await makeSet('listed', {
      generators: generators('list-x', 'list-y', 'list-z'),
      preservedFields: { annotations: ['keep'] },
      ignoreApplicationDifferences: [{ jsonPointers: ['/spec/source/targetRevision'] }],
      template: {
        metadata: { name: '{{name}}' },
        spec: {
          project: 'default',
          source: { repoURL: web, path: 'k8s', targetRevision: 'main' },
          destination: here('listed'),
        },
      },
    });
    await until(
      () => namesOf('listed'),
      (names) => names.length === 3,
    );
    const change = (patch: JsonObject) =>
      scene.client.patch({ ...APPLICATION_KIND, namespace: 'argocd', name: 'list-x' }, 'merge', patch);
    await change({
      metadata: { annotations: { keep: 'mine', lose: 'mine' }, labels: { lose: 'mine' } },
      spec: { source: { path: 'elsewhere', targetRevision: 'other' } },
    });
    const kept = await until(
      () => application('list-x'),
      (app) => getString(app, 'spec', 'source', 'path') === 'k8s',
    );
    expect(getString(kept, 'spec', 'source', 'targetRevision')).toBe('other');
    expect([kept.metadata.annotations, kept.metadata.labels]).toEqual([{ keep: 'mine' }, undefined]);

    const set = { ...SET, namespace: 'argocd', name: 'listed' };
    await scene.client.patch(set, 'merge', {
      spec: { generators: [{ git: { repoURL: `${git.url}/gone.git`, directories: [{ path: '*' }] } }] },
    });
    await until(
      () => conditionsOf('listed'),
      (found) => found['ErrorOccurred']?.startsWith('True') === true,
    );
    expect(await namesOf('listed')).toEqual(['list-x', 'list-y', 'list-z']);

    await scene.client.patch(set, 'merge', { spec: { generators: generators('list-x') } });
    await until(
      () => namesOf('listed'),
      (names) => names.length === 1,
    );
  });

  it('deletes and changes nothing where its policy says create-only', async () => {
    const spec = {
      syncPolicy: { applicationsSync: 'create-only', preserveResourcesOnDeletion: true },
      generators: [{ list: { elements: [{ name: 'only-x' }, { name: 'only-y' }] } }],
      template: {
        metadata: { name: '{{name}}' },
        spec: { project: 'default', source: { repoURL: web, path: 'k8s' }, destination: here('only') },
      },
    };
    await makeSet('only', spec);
    await until(
      () => namesOf('only'),
      (names) => names.length === 2,
    );
    expect((await application('only-x')).metadata.finalizers).toBeUndefined();
    await scene.client.patch({ ...SET, namespace: 'argocd', name: 'only' }, 'merge', {
      spec: {
        generators: [{ list: { elements: [{ name: 'only-x' }, { name: 'only-z' }] } }],
        template: {
          ...spec.template,
          spec: { ...spec.template.spec, source: { repoURL: web, path: 'other' } },
        },
      },
    });
    await until(
      () => namesOf('only'),
      (names) => names.includes('only-z'),
    );
    expect(await namesOf('only')).toEqual(['only-x', 'only-y', 'only-z']);
    expect(getString(await application('only-x'), 'spec', 'source', 'path')).toBe('k8s');
  });

  it('says what it cannot render, and makes nothing of it', async () => {
    await makeSet('wrong', {
      goTemplate: true,
      goTemplateOptions: ['missingkey=error'],
      generators: [{ clusters: {} }],
      template: template('k8s', 'wrong-{{.nameNormalized}}', 'wrong'),
    });
    const conditions = await until(
      () => conditionsOf('wrong'),
      (found) => found['ErrorOccurred'] !== undefined,
    );
    expect(conditions['ErrorOccurred']).toContain('map has no entry for key "path"');
    expect(await namesOf('wrong')).toEqual([]);
  });

  it.each<[string, JsonObject, string]>([
    [
      'strategy',
      { strategy: { type: 'RollingSync', rollingSync: { steps: [] } } },
      'spec.strategy: progressive syncs are not supported',
    ],
    [
      'generator',
      { generators: [{ pullRequest: { github: { owner: 'corp', repo: 'shop' } } }] },
      'the generator pullRequest is not supported by this controller',
    ],
    [
      'field',
      { generators: [{ git: { repoURL: 'x', directories: [{ path: '*', exlude: true }] } }] },
      'spec.generators[0].git.directories[0].exlude: this controller knows no such field',
    ],
    ['policy', { syncPolicy: { applicationsSync: 'never' } }, 'spec.syncPolicy.applicationsSync: '],
  ])('refuses a %s that it does not honour, and keeps what it has made', async (what, change, message) => {
    const name = `refused-${what}`;
    await makeSet(name, {
      generators: [{ list: { elements: [{ env: 'a' }] } }],
      template: {
        metadata: { name: `${name}-{{env}}` },
        spec: { project: 'default', source: { repoURL: web, path: 'apps/a' }, destination: here(name) },
      },
    });
    await until(
      () => namesOf(name),
      (found) => found.length === 1,
    );
    await scene.client.patch({ ...SET, namespace: 'argocd', name }, 'merge', { spec: change });
    const conditions = await until(
      () => conditionsOf(name),
      (found) => (found['ErrorOccurred'] ?? '').startsWith('True'),
    );
    expect(conditions['ErrorOccurred']).toContain(message);
    expect(await namesOf(name)).toEqual([`${name}-a`]);
  });
});

describe('applications in Git', () => {
  it('are delivered without anybody applying them, and again after a push', async () => {
    const applicationText = (name: string, path: string) =>
      JSON.stringify({
        ...APPLICATION_KIND,
        metadata: { name, namespace: 'argocd' },
        spec: {
          project: 'default',
          source: { repoURL: web, path, targetRevision: 'main' },
          destination: here('from-git'),
          syncPolicy: AUTO,
        },
      });
    const platform = await makeRepository(join(scene.folder, 'platform'), {
      'platform/clusters/dev/one.yaml': applicationText('git-one', 'k8s'),
      'platform/clusters/prod/other.yaml': applicationText('git-other', 'k8s'),
    });
    const root = await bringRoot(scene.client, {
      repository: `${git.url}/platform/.git`,
      path: 'platform/clusters/dev/',
    });
    expect(root).toBe('landfall-platform-clusters-dev');
    await until(
      () => scene.client.get({ ...APPLICATION_KIND, namespace: 'argocd', name: 'git-one' }),
      (found) => found !== undefined,
    );
    await synced('git-one');
    expect(await config('from-git', 'one')).toEqual({ key: 'a' });

    const hook = await startWebhook({
      host: '127.0.0.1',
      port: 0,
      secret: undefined,
      clock: systemClock,
      logger: silentLogger,
      onPush: (keys) => controller.pushed(keys),
    });
    await platform.commit({ 'platform/clusters/dev/two.yaml': applicationText('git-two', 'apps/a') });
    const body = JSON.stringify({ repository: { clone_url: `${git.url}/platform/.git` } });
    expect((await fetch(hook.url, { method: 'POST', body })).status).toBe(202);
    await until(
      () => config('from-git', 'a'),
      (found) => found !== undefined,
    );
    await hook.close();
    expect(
      await scene.client.get({ ...APPLICATION_KIND, namespace: 'argocd', name: 'git-other' }),
    ).toBeUndefined();
  });
});
