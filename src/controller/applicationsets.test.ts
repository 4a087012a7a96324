import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getIn, getString, silentLogger, systemClock } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { publish, serveGit } from '../git/test-support.ts';
import type { GitServer } from '../git/test-support.ts';
import { APPLICATION_KIND } from '../boundaries/sync/index.ts';
import { startCluster } from '../drydock/index.ts';
import type { Cluster } from '../drydock/index.ts';
import type { Controller } from './contract.ts';
import { makeRepository, until } from './delivery.fixture.ts';
import type { Scene } from './delivery.fixture.ts';
import { bringRoot } from './root.ts';
import { AUTO, here, openHall } from './sources.fixture.ts';
import type { Hall } from './sources.fixture.ts';
import { startWebhook } from './webhook.ts';

let cluster: Cluster;
let hall: Hall<GitServer>;
let scene: Scene;
let controller: Controller;
let git: GitServer;
let web: string;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 1 });
  hall = await openHall((file) => cluster.writeKubeconfig(file), { publish, serveGit });
  ({ scene, controller, git, web } = hall);
});

afterAll(async () => {
  await hall.close();
  await cluster.close();
});

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
    const app = await hall.synced('folder-b');
    expect(app.metadata.finalizers).toEqual(['resources-finalizer.argocd.argoproj.io']);
    expect(await namesOf('folders')).toEqual(['folder-a', 'folder-b']);
    expect(await hall.config('folders', 'b')).toEqual({ key: 'second' });
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
    expect((await hall.application('prod-a'))['spec']).toMatchObject({
      project: 'default',
      destination: { namespace: 'set-prod' },
      syncPolicy: { automated: { prune: true } },
    });
    expect(getIn(await hall.application('dev-a'), 'spec', 'syncPolicy')).toBeUndefined();
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
      () => hall.application('list-x'),
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
    expect((await hall.application('only-x')).metadata.finalizers).toBeUndefined();
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
    expect(getString(await hall.application('only-x'), 'spec', 'source', 'path')).toBe('k8s');
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
      { strategy: { type: 'Canary' } },
      'spec.strategy.type: it is none of AllAtOnce, RollingSync',
    ],
    [
      'rollout',
      { strategy: { type: 'RollingSync', rollingSync: { steps: [] } } },
      'No steps defined for rollout',
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
    await hall.synced('git-one');
    expect(await hall.config('from-git', 'one')).toEqual({ key: 'a' });

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
      () => hall.config('from-git', 'a'),
      (found) => found !== undefined,
    );
    await hook.close();
    expect(
      await scene.client.get({ ...APPLICATION_KIND, namespace: 'argocd', name: 'git-other' }),
    ).toBeUndefined();
  });
});
