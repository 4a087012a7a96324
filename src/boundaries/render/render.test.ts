import { describe, expect, it } from 'vitest';
import type { FileTree } from '../../git/index.ts';
import { memoryTree } from '../../kustomize/index.ts';
import type { ImageFacts } from '../artifact/index.ts';
import type { TrackedRevision } from '../intent/index.ts';
import { read } from '../reading.ts';
import type { Reading } from '../reading.ts';
import { applicationSource } from '../sync/index.ts';
import { decideRender } from './decide.ts';
import { globPattern } from './directory.ts';
import { renderApplication } from './render-application.ts';
import type { RenderedSet } from './rendered-set.ts';

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: web
          image: registry.corp.io/web:1
`;
const service = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: { app: web }
`;

const overlay = {
  'k8s/base/kustomization.yaml': 'resources:\n- web.yaml\n',
  'k8s/base/web.yaml': deployment,
  'k8s/prod/kustomization.yaml':
    'resources:\n- ../base\nnamespace: comms\nimages:\n- name: registry.corp.io/web\n  newTag: "2"\n',
};

function tree(files: Record<string, string>): FileTree {
  const memory = memoryTree(files);
  return {
    ...memory,
    list: async (path) => memory.list?.(path),
    identity: () => Promise.resolve(undefined),
    resolve: (path) => Promise.resolve(path),
  };
}

async function render(files: Record<string, string>, path: string, source?: Record<string, object>) {
  const raw = { repoURL: 'r', path, ...source };
  return renderApplication(
    tree(files),
    path,
    source === undefined
      ? {}
      : { source: applicationSource(JSON.parse(JSON.stringify(raw)) as { repoURL: string }) },
  );
}

const names = (set: RenderedSet) => set.objects.map(({ object }) => `${object.kind}/${object.metadata.name}`);
const image = ['spec', 'template', 'spec', 'containers', 0, 'image'] as const;

describe('rendering what an application points at', () => {
  it('renders a kustomization, and knows the line that set a field and the one it overrode', async () => {
    const set = await render(overlay, 'k8s/prod');
    expect(set.sourceType).toBe('Kustomize');
    expect(set.objects[0]?.object.metadata.namespace).toBe('comms');
    const why = set.objects[0]?.why(image) ?? [];
    const [newest, before] = [why[0], why.at(-1)];
    expect(newest).toMatchObject({
      file: 'k8s/prod/kustomization.yaml',
      line: 6,
      value: 'registry.corp.io/web:2',
    });
    expect(before).toMatchObject({ file: 'k8s/base/web.yaml', line: 11, value: 'registry.corp.io/web:1' });
  });

  it('takes plain manifests as they are, each field with its line', async () => {
    const set = await render({ 'app/a.yaml': `${deployment}---\n${service}`, 'app/b.txt': 'x' }, './app/');
    expect([set.sourceType, ...names(set)]).toEqual(['Directory', 'Deployment/web', 'Service/web']);
    expect(set.objects[0]?.why(image)[0]).toMatchObject({ file: 'app/a.yaml', line: 11 });
    expect(set.objects[1]?.why(['spec', 'selector'])[0]).toMatchObject({ file: 'app/a.yaml', line: 18 });
    expect(set.objects[1]?.why(['spec', 'nothing'])).toEqual([]);
  });

  it('looks into folders below only when asked to, and takes apart lists', async () => {
    const list = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }],
    });
    const files = { 'web.yaml': deployment, 'more/list.json': list, 'more/old.yaml': service };
    expect(names(await render(files, '.'))).toEqual(['Deployment/web']);
    const asked = { directory: { recurse: true, exclude: '{more/old.yaml,*.md}' } };
    expect(names(await render(files, '.', asked))).toEqual(['ConfigMap/c', 'Deployment/web']);
  });

  it('leaves files alone that hold no manifest, and refuses a broken one', async () => {
    const other = {
      'app/landfall.yaml': 'environments: [a]\n',
      'app/web.yaml': deployment,
      'app/ci.yml': 'a: {{ b }}\n',
    };
    expect(names(await render(other, 'app'))).toEqual(['Deployment/web']);
    const broken = await render({ 'app/web.yaml': deployment.replace('replicas: 3', 'replicas: [3') }, 'app');
    expect(broken.objects).toEqual([]);
    expect(broken.failure?.where).toMatch(/^app\/web\.yaml:\d+:\d+$/);
    const half = await render({ 'app/web.yaml': `${deployment}---\nkind: Service\n` }, 'app');
    expect(half.failure).toMatchObject({
      code: 'not-a-manifest',
      where: expect.stringMatching(/^app\/web.yaml:13/) as string,
    });
    for (const text of [
      'kind: Service\nmetadata: { name: s }\n',
      'apiVersion: v1\nmetadata: { name: s }\n',
    ]) {
      const missing = await render({ 'app/web.yaml': deployment, 'app/service.yaml': text }, 'app');
      expect(missing.failure).toMatchObject({ code: 'not-a-manifest', where: 'app/service.yaml:1:1' });
    }
  });

  it('is a failure with its place when a kustomization names a file that is not there', async () => {
    const set = await render(
      { ...overlay, 'k8s/base/kustomization.yaml': 'resources:\n- gone.yaml\n' },
      'k8s/prod',
    );
    expect(set.failure?.message).toContain('gone.yaml');
    expect(set.objects).toEqual([]);
  });

  it('is a failure when the path does not exist', async () => {
    expect((await render(overlay, 'k8s/staging')).failure).toMatchObject({ code: 'path-missing' });
  });

  it.each([
    [
      'options of the Application',
      overlay,
      'k8s/prod',
      { kustomize: { openapi: { path: 'x' } } },
      'source-options-unsupported',
    ],
    ['a plugin', overlay, 'k8s/prod', { plugin: {} }, 'plugin-unsupported'],
    [
      'a remote resource',
      { 'k/kustomization.yaml': 'resources:\n- https://example.com/x.yaml\n' },
      'k',
      undefined,
      'remote-refused',
    ],
  ])(
    'says that %s cannot be rendered here, rather than rendering nothing',
    async (_, files, path, source, code) => {
      await expect(render(files as Record<string, string>, path, source)).rejects.toMatchObject({
        kind: 'unavailable',
        code,
      });
    },
  );

  it('says that a Helm chart cannot be rendered where helm is not installed', async () => {
    const files = tree({ 'chart/Chart.yaml': 'name: x' });
    await expect(
      renderApplication(files, 'chart', { helm: { command: '/nowhere/helm' } }),
    ).rejects.toMatchObject({ kind: 'unavailable', code: 'helm-missing' });
  });

  it('reads globs as Argo CD does', () => {
    expect([globPattern('*.yaml').test('a.yaml'), globPattern('*.yaml').test('b/a.yaml')]).toEqual([
      true,
      false,
    ]);
    expect([globPattern('{a,b}/**').test('b/c/d'), globPattern('a.b').test('aXb')]).toEqual([true, false]);
  });
});

describe('the render boundary', () => {
  const tracked: Reading<TrackedRevision> = read({
    repository: 'r',
    revision: 'main',
    commit: 'c'.repeat(40),
    path: 'k8s/prod',
    pathExists: true,
  });
  const facts: ImageFacts = {
    reference: 'registry.corp.io/web:2',
    registry: 'registry.corp.io',
    repository: 'registry.corp.io/web',
    tag: '2',
    pinned: undefined,
    origin: { file: 'k8s/prod/kustomization.yaml', line: 6 },
    uses: [],
    answer: { state: 'absent', why: '' },
    build: { state: 'absent', why: '' },
    ours: true,
    readAt: '2026-01-01T00:00:00Z',
  };
  const check = (set: Reading<RenderedSet>, images: ImageFacts[] = [facts]) =>
    decideRender(set, tracked, images, '2026-01-01T00:00:00Z');

  it('is proven by objects that hold the images, with the line that asks for them', async () => {
    const report = check(read(await render(overlay, 'k8s/prod')));
    expect(report).toMatchObject({
      state: 'proven',
      headline: ':2',
      detail: '1 object by Kustomize from cccccccc',
      where: 'k8s/prod/kustomization.yaml:6',
    });
    expect(report.claims).toMatchObject([
      { subject: 'Deployment/comms/web/web', value: 'registry.corp.io/web:2', source: { line: 6 } },
    ]);
  });

  it('is broken with the place when the files do not render', async () => {
    const set = await render({ 'app/web.yaml': deployment.replace('replicas: 3', 'replicas: [3') }, 'app');
    expect(check(read(set))).toMatchObject({
      state: 'broken',
      headline: 'does not render',
      where: expect.stringMatching(/^app\/web\.yaml:\d+:\d+$/) as string,
    });
  });

  it('is never proven by nothing', async () => {
    const empty = await render({ 'app/notes.md': 'x' }, 'app');
    expect(check(read(empty), [])).toMatchObject({ state: 'broken', reason: 'empty-render' });
  });

  it('is broken when an images entry means an image of the set and changes none', async () => {
    const files = {
      ...overlay,
      'k8s/prod/kustomization.yaml': overlay['k8s/prod/kustomization.yaml'].replace(
        'registry.corp.io/web',
        'web',
      ),
    };
    expect(check(read(await render(files, 'k8s/prod')))).toMatchObject({
      state: 'broken',
      reason: 'image-entry-without-effect',
      where: expect.stringMatching(/^k8s\/prod\/kustomization\.yaml:\d+$/) as string,
    });
  });

  it('is unknown with the reason when it could not be rendered here', () => {
    const unread: Reading<RenderedSet> = {
      state: 'unreadable',
      why: 'charts are not rendered',
      code: 'helm-unsupported',
    };
    expect(check(unread)).toMatchObject({
      state: 'unknown',
      reason: 'helm-unsupported',
      detail: 'charts are not rendered',
    });
  });
});
