import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getIn, getObject, textOf } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import { memoryTree } from '../../kustomize/index.ts';
import { applicationSource } from '../sync/index.ts';
import { renderHelm, resolveChart } from './helm.ts';
import { renderApplication } from './render-application.ts';
import { buildEnvironment, expandEnvironment } from './source-environment.ts';

const FOR = { name: 'shop-prod', namespace: 'shop', project: 'default', revision: '0123456789abcdef' };

function treeOf(files: Record<string, string>): FileTree {
  const memory = memoryTree(files);
  return {
    ...memory,
    list: async (path) => memory.list?.(path),
    identity: () => Promise.resolve(undefined),
    resolve: (path) => Promise.resolve(path),
  };
}

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: { app: web }
  template:
    metadata:
      labels: { app: web }
    spec:
      containers:
        - name: web
          image: web:1
`;
const BASE = {
  'k8s/kustomization.yaml': 'resources:\n  - web.yaml\nimages:\n  - name: web\n    newTag: "2"\n',
  'k8s/web.yaml': DEPLOYMENT,
};

async function kustomized(options: JsonObject, files: Record<string, string> = BASE) {
  const source = applicationSource({ repoURL: 'r', path: 'k8s', kustomize: options });
  return renderApplication(treeOf(files), 'k8s', { source, application: FOR });
}

async function one(options: JsonObject, files: Record<string, string> = BASE) {
  const set = await kustomized(options, files);
  expect(set.failure).toBeUndefined();
  const [first] = set.objects;
  if (first === undefined) throw new Error('nothing was rendered');
  return first;
}

describe('the kustomize options of a source', () => {
  it.each<[string, JsonObject, readonly (string | number)[], unknown]>([
    ['namePrefix', { namePrefix: 'a-' }, ['metadata', 'name'], 'a-web'],
    ['nameSuffix', { nameSuffix: '-z' }, ['metadata', 'name'], 'web-z'],
    ['namespace', { namespace: 'there' }, ['metadata', 'namespace'], 'there'],
    ['replicas', { replicas: [{ name: 'web', count: '4' }] }, ['spec', 'replicas'], 4],
    [
      'images with a name and a tag',
      { images: ['web=corp.io/web:3'] },
      ['spec', 'template', 'spec', 'containers', 0, 'image'],
      'corp.io/web:3',
    ],
    [
      'images that keep the tag of the kustomization',
      { images: ['web=corp.io/web:*'] },
      ['spec', 'template', 'spec', 'containers', 0, 'image'],
      'corp.io/web:2',
    ],
    [
      'images with a tag and a digest',
      { images: ['web:3@sha256:abc'] },
      ['spec', 'template', 'spec', 'containers', 0, 'image'],
      'web:3@sha256:abc',
    ],
    [
      'images with the port of a registry, a tag and a digest',
      { images: ['web=corp.io:5000/web:3@sha256:abc'] },
      ['spec', 'template', 'spec', 'containers', 0, 'image'],
      'corp.io:5000/web:3@sha256:abc',
    ],
    [
      'images that keep their name, with another tag and a digest',
      { images: ['web=*:3@sha256:abc'] },
      ['spec', 'template', 'spec', 'containers', 0, 'image'],
      'web:3@sha256:abc',
    ],
    [
      'images with the revision',
      { images: ['web:$ARGOCD_APP_REVISION_SHORT'] },
      ['spec', 'template', 'spec', 'containers', 0, 'image'],
      'web:0123456',
    ],
    [
      'commonLabels in selectors',
      { commonLabels: { team: '${ARGOCD_APP_NAME}' } },
      ['spec', 'selector', 'matchLabels', 'team'],
      'shop-prod',
    ],
    [
      'labels without selectors',
      { commonLabels: { team: 'x' }, labelWithoutSelector: true },
      ['spec', 'selector', 'matchLabels', 'team'],
      undefined,
    ],
    [
      'labels in templates',
      { commonLabels: { team: 'x' }, labelWithoutSelector: true, labelIncludeTemplates: true },
      ['spec', 'template', 'metadata', 'labels', 'team'],
      'x',
    ],
    [
      'commonAnnotations as written',
      { commonAnnotations: { a: '$ARGOCD_APP_NAME' } },
      ['metadata', 'annotations', 'a'],
      '$ARGOCD_APP_NAME',
    ],
    [
      'commonAnnotations with variables',
      { commonAnnotations: { a: '$ARGOCD_APP_NAME' }, commonAnnotationsEnvsubst: true },
      ['metadata', 'annotations', 'a'],
      'shop-prod',
    ],
    [
      'patches',
      {
        patches: [
          { target: { kind: 'Deployment' }, patch: '- op: replace\n  path: /spec/replicas\n  value: 7' },
        ],
      },
      ['spec', 'replicas'],
      7,
    ],
  ])('%s', async (_, options, path, wanted) => {
    const { object } = await one(options);
    expect(getIn(object, ...path)).toEqual(wanted);
  });

  it('add components, and skip missing ones where that is asked for', async () => {
    const files = {
      ...BASE,
      'k8s/more/kustomization.yaml':
        'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: more-\n',
    };
    const options = { components: ['more', 'gone'], ignoreMissingComponents: true };
    expect((await one(options, files)).object.metadata.name).toBe('more-web');
    expect((await kustomized({ components: ['gone'] }, files)).failure?.message).toContain('gone');
  });

  it('refuse to overwrite a label without force, as kustomize edit does', async () => {
    const files = { ...BASE, 'k8s/kustomization.yaml': 'resources: [web.yaml]\ncommonLabels: { team: a }\n' };
    expect((await kustomized({ commonLabels: { team: 'b' } }, files)).failure?.message).toContain(
      'label team already in kustomization file',
    );
    const forced = { commonLabels: { team: 'b' }, forceCommonLabels: true };
    expect((await one(forced, files)).object.metadata.labels).toEqual({ team: 'b' });
  });

  it('leave the lines of what they do not change, and name themselves for what they do', async () => {
    const { why } = await one({ replicas: [{ name: 'web', count: 4 }] });
    expect(why(['spec', 'replicas'])[0]).toMatchObject({ file: 'spec.source.kustomize' });
    expect(why(['spec', 'template', 'spec', 'containers', 0, 'image'])[0]).toMatchObject({
      file: 'k8s/kustomization.yaml',
      line: 5,
    });
  });

  it('are joined by the overrides that an image updater commits', async () => {
    const files = {
      ...BASE,
      'k8s/.argocd-source-shop-prod.yaml': 'kustomize:\n  images:\n    - web:9\nrepoURL: elsewhere\n',
      'k8s/.argocd-source-other.yaml': 'kustomize: { namePrefix: wrong- }\n',
    };
    const { object, why } = await one({ nameSuffix: '-z' }, files);
    expect(why(['spec', 'template', 'spec', 'containers', 0, 'image'])[0]).toMatchObject({
      file: 'k8s/.argocd-source-shop-prod.yaml',
      line: 3,
    });
    expect([
      object.metadata.name,
      getIn(object, 'spec', 'template', 'spec', 'containers', 0, 'image'),
    ]).toEqual(['web-z', 'web:9']);
  });

  it('are joined by the overrides that are named after the namespace of an application elsewhere', async () => {
    const files = {
      ...BASE,
      // Of an application of that name in Argo CD's own namespace.
      'k8s/.argocd-source-shop-prod.yaml': 'kustomize:\n  images:\n    - web:8\n',
      'k8s/.argocd-source-team-a_shop-prod.yaml': 'kustomize:\n  images:\n    - web:9\n',
    };
    const source = applicationSource({ repoURL: 'r', path: 'k8s', kustomize: {} });
    const images = async (home?: string, instance?: string) => {
      const application = {
        ...FOR,
        ...(home === undefined ? {} : { home }),
        ...(instance === undefined ? {} : { instance }),
      };
      const [first] = (await renderApplication(treeOf(files), 'k8s', { source, application })).objects;
      const at = ['spec', 'template', 'spec', 'containers', 0, 'image'] as const;
      return [first && getIn(first.object, ...at), first?.why(at)[0]?.file];
    };
    expect(await images('team-a')).toEqual(['web:9', 'k8s/.argocd-source-team-a_shop-prod.yaml']);
    expect(await images('argocd')).toEqual(['web:8', 'k8s/.argocd-source-shop-prod.yaml']);
    expect(await images()).toEqual(['web:8', 'k8s/.argocd-source-shop-prod.yaml']);
    // Where it is known that the namespace is not Argo CD's own, the file of the other application is no guess.
    expect(await images('team-a', 'team-a_shop-prod')).toEqual([
      'web:9',
      'k8s/.argocd-source-team-a_shop-prod.yaml',
    ]);
    expect((await images('team-b', 'team-b_shop-prod'))[0]).not.toBe('web:8');
  });

  it('fail where there is no kustomization to change', async () => {
    const set = await kustomized({ namePrefix: 'a-' }, { 'k8s/web.yaml': DEPLOYMENT });
    expect(set.failure?.message).toContain('Missing kustomization file');
  });
});

/** Stands in for the helm program, which is not there where these tests run: prints its arguments as an object. */
const STAND_IN = `#!/usr/bin/env node
const fs = require('node:fs');
const args = process.argv.slice(2);
fs.appendFileSync(process.env.STAND_IN_LOG ?? '/dev/null', JSON.stringify(args) + '\\n');
if (args[0] === 'show') { console.log('name: redis\\nversion: 1.4.2'); process.exit(0); }
if (args[0] === 'repo' || args[0] === 'pull') {
  if (args[0] === 'pull') {
    const at = args[args.indexOf('--untardir') + 1] + '/redis';
    fs.mkdirSync(at, { recursive: true });
    fs.writeFileSync(at + '/Chart.yaml', 'name: redis');
  }
  process.exit(0);
}
if (!fs.existsSync('Chart.yaml')) { console.error('Chart.yaml is missing'); process.exit(1); }
const values = args.flatMap((arg, at) => args[at - 1] === '--values' ? [fs.readFileSync(arg, 'utf8').trim()] : []);
console.log('---\\n# Source: x\\n' + JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap',
  metadata: { name: 'rendered', annotations: { 'helm.sh/hook': 'pre-install' } },
  data: { args: JSON.stringify(args), values: JSON.stringify(values) } }));
`;

describe('a Helm source', () => {
  let folder: string;
  let command: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-helm-test-'));
    command = join(folder, 'helm');
    await writeFile(command, STAND_IN);
    await chmod(command, 0o755);
    process.env['STAND_IN_LOG'] = join(folder, 'log');
  });

  afterEach(async () => {
    delete process.env['STAND_IN_LOG'];
    await rm(folder, { recursive: true, force: true });
  });

  const files = {
    'charts/web/Chart.yaml': 'name: web',
    'charts/web/values-prod.yaml': 'a: prod',
    'charts/shared.yaml': 'a: shared',
  };

  async function charted(helm: JsonObject, refs?: ReadonlyMap<string, FileTree>, more = {}) {
    const source = applicationSource({ repoURL: 'r', path: 'charts/web', helm });
    const set = await renderApplication(treeOf({ ...files, ...more }), 'charts/web', {
      source,
      application: FOR,
      helm: { command, kubeVersion: '1.32.0', apiVersions: ['v1', 'v1/ConfigMap'] },
      ...(refs === undefined ? {} : { refs }),
    });
    if (set.failure !== undefined) return { failure: set.failure.message, args: [], values: [] };
    const data = getObject(set.objects[0]?.object, 'data') ?? {};
    return {
      failure: undefined,
      args: JSON.parse(textOf(data['args'])) as string[],
      values: JSON.parse(textOf(data['values'])) as string[],
    };
  }

  it('is rendered with the flags of Argo CD', async () => {
    const { args } = await charted({
      parameters: [
        { name: 'list', value: 'a,b' },
        { name: 'tag', value: '1.0', forceString: true },
        { name: 'set', value: '{a,b}' },
        { name: 'app', value: '$ARGOCD_APP_NAME' },
      ],
      skipTests: true,
    });
    expect(args.join(' ')).toBe(
      [
        'template . --name-template shop-prod --namespace shop --kube-version 1.32.0',
        String.raw`--set list=a\,b --set set={a,b} --set app=shop-prod --set-string tag=1.0`,
        '--api-versions v1 --api-versions v1/ConfigMap --include-crds --skip-tests',
      ].join(' '),
    );
  });

  it('takes parameters that an image updater commits, in its spelling', async () => {
    const overrides = {
      'charts/web/.argocd-source-shop-prod.yaml':
        'helm:\n  parameters:\n  - name: image.tag\n    value: "1.0"\n    forcestring: true\n',
    };
    const given = { parameters: [{ name: 'image.tag', value: '0.9' }] };
    const { args } = await charted(given, undefined, overrides);
    expect(args.join(' ')).toContain('--set-string image.tag=1.0 ');
    expect(args.join(' ')).not.toContain('0.9');
  });

  it('takes value files in their order, and its own values last', async () => {
    const { values, args } = await charted({
      releaseName: 'mine',
      skipCrds: true,
      valueFiles: ['values-prod.yaml', '../shared.yaml', '/charts/shared.yaml'],
      values: 'ignored: true',
      valuesObject: { b: 1 },
    });
    expect(values).toEqual(['a: prod', 'a: shared', 'b: 1']);
    expect(args).toContain('mine');
    expect(args).not.toContain('--include-crds');
  });

  it('reads value files of another source', async () => {
    const refs = new Map([['$values', treeOf({ 'env/prod.yaml': 'c: ref' })]]);
    expect((await charted({ valueFiles: ['$values/env/prod.yaml'] }, refs)).values).toEqual(['c: ref']);
    expect((await charted({ valueFiles: ['$other/env/prod.yaml'] }, refs)).failure).toContain(
      'not one of the available sources',
    );
    expect((await charted({ valueFiles: ['$values/../../x.yaml'] }, refs)).failure).toContain(
      'outside repository root',
    );
  });

  it('says which value file is missing, unless that is allowed', async () => {
    expect((await charted({ valueFiles: ['gone.yaml'] })).failure).toContain('gone.yaml');
    const ignored = await charted({ valueFiles: ['gone.yaml'], ignoreMissingValueFiles: true });
    expect(ignored.values).toEqual([]);
  });

  it('keeps the password of a repository out of every argument', async () => {
    const place = {
      kind: 'repository',
      url: 'https://charts.corp.io',
      chart: 'redis',
      version: '^1',
    } as const;
    const program = { command, access: { username: 'ci', password: 'hunter2-secret' } };
    const version = await resolveChart(place, program);
    const source = applicationSource({ repoURL: place.url, chart: 'redis', targetRevision: '^1' });
    await renderHelm({
      place: { ...place, version },
      source,
      application: FOR,
      environment: buildEnvironment(FOR, source),
      refs: new Map(),
      program,
      signal: undefined,
    });
    const log = await readFile(join(folder, 'log'), 'utf8');
    expect(version).toBe('1.4.2');
    expect(log).toContain('source/redis');
    expect(log).not.toContain('hunter2');
  });

  it('is unknown where the program is not installed', async () => {
    const rendering = renderApplication(treeOf(files), 'charts/web', {
      helm: { command: join(folder, 'no-such-helm') },
    });
    await expect(rendering).rejects.toMatchObject({ kind: 'unavailable', code: 'helm-missing' });
  });
});

it('expands variables as Go does', () => {
  expect(expandEnvironment('$A-${B}-$$-$C.', { A: '1', B: '2' })).toBe('1-2-$-.');
});
