import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import { applicationsOf } from './applications.ts';
import type { ClusterFacts, GeneratorSources } from './generators.ts';

const FOLDERS = ['apps', 'apps/web', 'apps/shop', 'apps/shop/old', 'apps/Mail_2', 'infra'];
const FILES = new Map([
  ['envs/dev/config.json', '{"env":{"name":"dev","size":2},"hosts":["a","b"]}'],
  ['envs/prod/config.json', '[{"env":{"name":"eu","size":3}},{"env":{"name":"us","size":4}}]'],
  ['envs/spare/config.json', ''],
]);

function cluster(name: string, labels: Record<string, string>): ClusterFacts {
  return { name, server: `https://${name}`, project: '', labels, annotations: { owner: 'team-a' } };
}

const CLUSTERS = [cluster('One_Prod', { env: 'prod', region: 'eu' }), cluster('two', { env: 'dev' })];

const sources: GeneratorSources = {
  directories: () => Promise.resolve(FOLDERS),
  files: (_url, _revision, pattern) =>
    Promise.resolve(
      new Map([...FILES].filter(([file]) => pattern === 'envs/*/config.json' || file === pattern)),
    ),
  clusters: () => Promise.resolve(CLUSTERS),
};

/** The names of what a set stands for, each with the text that its template has as the path. */
async function made(spec: JsonObject, name: string, path = 'x'): Promise<readonly string[]> {
  const result = await applicationsOf(
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'ApplicationSet',
      metadata: { name: 'set', namespace: 'argocd' },
      spec: {
        ...spec,
        template: { metadata: { name }, spec: { source: { repoURL: 'r', path }, destination: {} } },
      },
    },
    sources,
  );
  if ('error' in result) return [`${result.reason}: ${result.error.message}`];
  return result.applications.map(({ metadata, spec: made }) => {
    const source = (made as { source: { path: string } }).source;
    return path === 'x' ? metadata.name : `${metadata.name} ${source.path}`;
  });
}

const git = (body: JsonObject): JsonObject => ({ git: { repoURL: 'r', revision: 'main', ...body } });
const list = (...elements: JsonObject[]): JsonObject => ({ list: { elements } });

describe('the generators of an ApplicationSet', () => {
  it('take folders that one pattern fits and none excludes, in either order', async () => {
    const directories = [{ path: 'apps/shop', exclude: true }, { path: 'apps/*' }, { path: 'apps/[' }];
    const generators = [git({ directories })];
    expect(await made({ generators }, '{{path.basenameNormalized}}', '{{path}} {{path[1]}}')).toEqual([
      'web apps/web web',
      'mail-2 apps/Mail_2 Mail_2',
    ]);
    expect(
      await made(
        { goTemplate: true, generators },
        '{{.path.basenameNormalized}}',
        '{{index .path.segments 0}}',
      ),
    ).toEqual(['web apps', 'mail-2 apps']);
  });

  it('read files, one or several sets of parameters each, and leave excluded ones out', async () => {
    const generators = [
      git({
        files: [{ path: 'envs/*/config.json' }, { path: 'envs/spare/config.json', exclude: true }],
        values: { at: '{{path.filename}}' },
      }),
    ];
    expect(
      await made({ generators }, '{{env.name}}-{{env.size}}', '{{path.basename}} {{values.at}} {{hosts.1}}'),
    ).toEqual([
      'dev-2 dev config.json b',
      'eu-3 prod config.json {{hosts.1}}',
      'us-4 prod config.json {{hosts.1}}',
    ]);
  });

  it('put what they say of a path below a prefix', async () => {
    const generators = [
      {
        matrix: {
          generators: [
            git({ pathParamPrefix: 'app', directories: [{ path: 'apps/web' }] }),
            git({ pathParamPrefix: 'env', files: [{ path: 'envs/dev/config.json' }] }),
          ],
        },
      },
    ];
    expect(await made({ generators }, '{{app.path.basename}}-{{env.path.basename}}')).toEqual(['web-dev']);
    expect(
      await made({ goTemplate: true, generators }, '{{.app.path.basename}}-{{.env.path.basename}}'),
    ).toEqual(['web-dev']);
  });

  it('choose clusters by labels; the one without a Secret has none', async () => {
    const of = (clusters: JsonObject) => made({ generators: [{ clusters }] }, '{{nameNormalized}}');
    expect(await of({})).toEqual(['one-prod', 'two', 'in-cluster']);
    expect(await of({ selector: { matchLabels: { env: 'prod' } } })).toEqual(['one-prod']);
    const not = { key: 'env', operator: 'NotIn', values: ['prod'] };
    expect(await of({ selector: { matchExpressions: [not] } })).toEqual(['two']);
    const values = { size: '{{metadata.labels.region}}-{{metadata.annotations.owner}}' };
    expect(
      await made(
        { generators: [{ clusters: { values, selector: { matchLabels: { env: 'prod' } } } }] },
        '{{name}}',
        '{{values.size}}',
      ),
    ).toEqual(['One_Prod eu-team-a']);
  });

  it('choose among what they made by any parameter, nested ones by their dotted names', async () => {
    const selector = { matchExpressions: [{ key: 'env.name', operator: 'In', values: ['eu', 'us'] }] };
    const generators = [{ ...git({ files: [{ path: 'envs/*/config.json' }] }), selector }];
    expect(await made({ generators }, '{{env.name}}')).toEqual(['eu', 'us']);
    expect(await made({ goTemplate: true, generators }, '{{.env.name}}')).toEqual(['eu', 'us']);
  });

  it('combine two, the second with what the first says', async () => {
    const generators = [
      {
        matrix: {
          generators: [
            list({ env: 'dev', only: 'two' }, { env: 'prod', only: 'One_Prod' }),
            {
              clusters: { selector: { matchLabels: { env: '{{env}}' } }, values: { of: '{{env}}/{{name}}' } },
            },
          ],
        },
      },
    ];
    expect(await made({ generators }, '{{env}}', '{{name}} {{values.of}}')).toEqual([
      'dev two dev/two',
      'prod One_Prod prod/One_Prod',
    ]);
    const clash = [{ matrix: { generators: [list({ name: 'a' }), list({ name: 'b' })] } }];
    expect((await made({ generators: clash }, '{{name}}'))[0]).toContain('found duplicate key name');
    const three = [{ matrix: { generators: [list({}), list({}), list({})] } }];
    expect((await made({ generators: three }, 'x'))[0]).toContain('more than two generators');
  });

  it('merge by keys: the first says which there are, later ones what they are', async () => {
    const merge = (mergeKeys: string[], ...generators: JsonObject[]) => [
      { merge: { mergeKeys, generators } },
    ];
    const base = list({ id: 'a', size: '1', tier: 'low' }, { id: 'b', size: '1', tier: 'low' });
    const generators = merge(
      ['id'],
      base,
      list({ id: 'b', size: '9' }, { id: 'c', size: '5' }),
      list({ id: 'b', tier: 'top' }),
    );
    expect(await made({ generators }, '{{id}}', '{{size}}{{tier}}')).toEqual(['a 1low', 'b 9top']);
    expect(await made({ goTemplate: true, generators }, '{{.id}}', '{{.size}}{{.tier}}')).toEqual([
      'a 1low',
      'b 9top',
    ]);
    expect((await made({ generators: merge([], base, base) }, 'x'))[0]).toContain('no merge keys');
    expect((await made({ generators: merge(['size'], base, base) }, 'x'))[0]).toContain(
      'Duplicate key was {"size":"1"}',
    );
  });

  it('are refused without any effect where they cannot be read', async () => {
    expect((await made({ generators: [list({ n: 1 })] }, '{{n}}'))[0]).toContain(
      'error parsing value as string',
    );
    const strict = {
      goTemplate: true,
      goTemplateOptions: ['missingkey=error'],
      generators: [list({ a: 1 })],
    };
    expect((await made(strict, '{{.b}}'))[0]).toContain('map has no entry for key "b"');
    expect(await made({ ...strict, goTemplateOptions: [] }, '{{.b}}')).toEqual(['<no value>']);
  });
});

describe('the template of an ApplicationSet', () => {
  async function one(spec: JsonObject) {
    const result = await applicationsOf(
      { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', metadata: { name: 'set' }, spec },
      sources,
    );
    if ('error' in result) throw result.error;
    return result.applications[0];
  }
  const template = {
    metadata: { name: 'a-{{name}}', labels: { 'for-{{name}}': 'yes' } },
    spec: { project: 'p', source: { repoURL: 'r', path: 'x' }, destination: { namespace: 'n' } },
  };

  it('is completed by the generator, and patched but for the project', async () => {
    const own = { metadata: {}, spec: { destination: { namespace: 'own' }, source: { path: '' } } };
    const application = await one({
      generators: [{ list: { elements: [{ name: 'b' }], template: own } }],
      template,
      templatePatch:
        'metadata: {annotations: {who: "{{name}}"}}\nspec: {project: other, source: {path: null, chart: c}}',
    });
    expect(application).toMatchObject({
      metadata: { name: 'a-b', labels: { 'for-b': 'yes' }, annotations: { who: 'b' } },
      spec: { project: 'p', source: { repoURL: 'r', chart: 'c' }, destination: { namespace: 'own' } },
    });
    expect(application?.['spec']).not.toHaveProperty('source.path');
  });

  it('gets a finalizer where it has none; a patch adds to them and takes none away', async () => {
    const cascade = 'resources-finalizer.argocd.argoproj.io';
    const generators = [list({ name: 'b' })];
    const finalizers = async (more: JsonObject) =>
      (await one({ generators, template, ...more }))?.metadata.finalizers;
    expect(await finalizers({})).toEqual([cascade]);
    expect(await finalizers({ syncPolicy: { preserveResourcesOnDeletion: true } })).toBeUndefined();
    const templatePatch = 'metadata: {finalizers: [mine/hold]}';
    expect(await finalizers({ templatePatch })).toEqual([cascade, 'mine/hold']);
  });
});
