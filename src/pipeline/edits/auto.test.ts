import { describe, expect, test } from 'vitest';
import { renderApplication } from '../../boundaries/index.ts';
import { deployment, edit, NEW, OLD, treeOf, type Files } from './edits.fixture.ts';
import { editImages } from './index.ts';

const change = { image: 'shop/app', tag: 'v2', digest: NEW };
const wanted = `shop/app:v2@${NEW}`;

async function changed(files: Files, folder = 'prod', changes = [change]): Promise<Files> {
  const made = await edit({ files, folder, changes });
  const again = await edit({ files: { ...files, ...made.files }, folder, changes });
  expect(again).toEqual({ files: {}, edits: [], warnings: [] });
  return made.files;
}

const refusal = async (files: Files, folder = 'prod') =>
  edit({ files, folder, changes: [change] }).then(
    (made) => `not refused: ${JSON.stringify(made)}`,
    (error: unknown) => (error instanceof Error ? error.message : ''),
  );

const base: Files = {
  'base/kustomization.yaml': 'resources: [api.yaml]\n',
  'base/api.yaml': deployment('api', 'shop/app:v1', 'sidecar:1'),
};

const patchOf = (image: string) =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      containers:\n      - name: c0\n        image: ${image}\n`;

describe('the image is changed where it comes from', () => {
  test('in plain manifests: every document and every container that has it', async () => {
    const files = {
      'prod/all.yaml': `# all of ours\r\n${deployment('api', '"shop/app:v1" # now', 'sidecar:1')}---\r\n${deployment('async', `'shop/app:v1@${OLD}'`, 'shop/app')}`,
      'prod/values.txt': 'shop/app:v1',
    };
    expect(await changed(files)).toEqual({
      'prod/all.yaml': files['prod/all.yaml']
        .replace('"shop/app:v1"', `"${wanted}"`)
        .replace(`'shop/app:v1@${OLD}'`, `'${wanted}'`)
        .replace('image: shop/app\n', `image: ${wanted}\n`),
    });
  });

  test('in a flow map and in JSON, and only in the field of the image', async () => {
    const files = {
      'prod/a.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: shop/app:v1}, {name: b, image: "shop/app:v1"}]} # x\n',
      'prod/b.json':
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b","annotations":{"from":"shop/app:v1"}},"spec":{"containers":[{"name":"a","image":"shop/app:v1"}]}}\n',
    };
    expect(await changed(files)).toEqual({
      'prod/a.yaml': files['prod/a.yaml'].replaceAll('shop/app:v1', wanted),
      'prod/b.json': files['prod/b.json'].replace('"image":"shop/app:v1"', `"image":"${wanted}"`),
    });
  });

  test('in a strategic merge patch', async () => {
    const files = {
      ...base,
      'prod/kustomization.yaml': 'resources: [../base]\npatches:\n- path: image.yaml\n',
      'prod/image.yaml': patchOf('shop/app:v1 # pinned by us'),
    };
    expect(await changed(files)).toEqual({ 'prod/image.yaml': patchOf(`${wanted} # pinned by us`) });
  });

  test.each([
    ['YAML', '- op: replace\n  path: /spec/template/spec/containers/0/image\n  value: shop/app:v1\n'],
    ['JSON', '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "shop/app:v1"}]'],
  ])('in a JSON patch written as %s, in a file and inline', async (_, patch) => {
    const kustomization = (rest: string) =>
      `resources: [../base]\npatches:\n- target: {kind: Deployment}\n  ${rest}`;
    const file = {
      ...base,
      'prod/kustomization.yaml': kustomization('path: p.json\n'),
      'prod/p.json': patch,
    };
    expect(await changed(file)).toEqual({ 'prod/p.json': patch.replace('shop/app:v1', wanted) });
    const block = kustomization(`patch: |-\n${patch.trimEnd().replaceAll(/^/gm, '    ')}\n`);
    const inline = { ...base, 'prod/kustomization.yaml': block };
    expect(await changed(inline)).toEqual({
      'prod/kustomization.yaml': block.replace('shop/app:v1', wanted),
    });
    const quoted = kustomization(`patch: ${JSON.stringify(patch)}\n`);
    expect(await changed({ ...base, 'prod/kustomization.yaml': quoted })).toEqual({
      'prod/kustomization.yaml': quoted.replace('shop/app:v1', wanted),
    });
  });

  test('in an inline patch, while the comment beside it stays', async () => {
    const text = `resources: [../base]\npatches:\n- patch: |-\n${patchOf('shop/app:v1 # was shop/app:v1').replaceAll(/^(?=.)/gm, '    ')}`;
    expect(await changed({ ...base, 'prod/kustomization.yaml': text })).toEqual({
      'prod/kustomization.yaml': text.replace('image: shop/app:v1', `image: ${wanted}`),
    });
  });

  test('in the entry that sets it, below a folder of the environment, too', async () => {
    const files = {
      'prod/kustomization.yaml': 'resources: [app]\n',
      'prod/app/kustomization.yaml':
        'resources: [a.yaml]\nimages:\n- name: app\n  newName: shop/app\n  newTag: v1\n',
      'prod/app/a.yaml': deployment('api', 'app'),
    };
    expect(await changed(files)).toEqual({
      'prod/app/kustomization.yaml': `resources: [a.yaml]\nimages:\n- name: app\n  newName: shop/app\n  newTag: v2\n  digest: ${NEW}\n`,
    });
  });

  test('of a base that others share it is overridden, and the base stays', async () => {
    const files = { ...base, 'prod/kustomization.yaml': 'resources: [../base]\n' };
    expect(await changed(files)).toEqual({
      'prod/kustomization.yaml': `resources: [../base]\nimages:\n  - name: shop/app\n    newTag: v2\n    digest: ${NEW}\n`,
    });
  });

  test('of two places that set it, in both', async () => {
    const files = {
      ...base,
      'prod/kustomization.yaml': 'resources: [../base, job.yaml]\npatches:\n- path: image.yaml\n',
      'prod/image.yaml': patchOf('shop/app:v1'),
      'prod/job.yaml':
        'apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n    spec:\n      containers:\n      - image: shop/app:v0\n        name: j\n',
    };
    const made = await changed(files);
    expect(made['prod/image.yaml']).toBe(patchOf(wanted));
    expect(made['prod/job.yaml']).toBe(files['prod/job.yaml'].replace('shop/app:v0', wanted));
    expect(Object.keys(made)).toHaveLength(2);
  });

  test('with another name, and with the port of its registry', async () => {
    const files = { 'prod/a.yaml': deployment('a', 'localhost:5000/shop/app:v1') };
    const made = await changed(files, 'prod', [
      { ...change, image: 'localhost:5000/shop/app', newName: 'eu.io/app' } as never,
    ]);
    expect(made['prod/a.yaml']).toContain(`image: eu.io/app:v2@${NEW}\n`);
  });

  test('behind a byte order mark, which stays', async () => {
    const files = { 'prod/a.yaml': `\uFEFF${deployment('a', 'shop/app:v1')}` };
    expect((await changed(files))['prod/a.yaml']).toBe(`\uFEFF${deployment('a', wanted)}`);
  });

  test('and what a ConfigMap calls an image is data, which stays', async () => {
    const data = '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {image: "shop/app:v1"}\n';
    const files = { 'prod/a.yaml': `${deployment('a', 'shop/app:v1')}${data}` };
    expect(await changed(files)).toEqual({ 'prod/a.yaml': `${deployment('a', wanted)}${data}` });
  });

  test('in an anchored container that is used twice, on its one line', async () => {
    const files = {
      'prod/a.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  initContainers:\n  - &c\n    name: a\n    image: shop/app:v1\n  containers:\n  - *c\n',
    };
    expect((await changed(files))['prod/a.yaml']).toBe(files['prod/a.yaml'].replace('shop/app:v1', wanted));
  });
});

describe('what cannot be changed alone is refused with its place', () => {
  test.each([
    ['an alias', 'x: &i shop/app:v1\n', '*i', /a\.yaml:\d+: the image shop\/app cannot be changed here/],
    ['an anchor', '', '&i shop/app:v1', /a\.yaml:9: .*an alias, an anchor/],
    ['a value over several lines', '', '>-\n          shop/app:v1', /a\.yaml:\d+: .*several lines/],
  ])('%s', async (_, head, image, message) => {
    const text = deployment('a', image).replace('metadata: {name: a}\n', `metadata: {name: a}\n${head}`);
    expect(await refusal({ 'prod/a.yaml': text })).toMatch(message);
  });

  test('an image that a transformer of its own sets', async () => {
    const files = {
      'prod/kustomization.yaml': 'resources: [a.yaml]\ntransformers: [tag.yaml]\n',
      'prod/a.yaml': deployment('a', 'shop/app'),
      'prod/tag.yaml':
        'apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: t}\nimageTag:\n  name: shop/app\n  newTag: v1\n',
    };
    expect(await refusal(files)).toMatch(/is set in prod\/tag\.yaml:6, by a transformer of its own/);
  });

  test('an image that nothing renders', async () => {
    expect(await refusal({ 'prod/a.yaml': deployment('a', 'shop/ap:1') })).toMatch(/there is shop\/ap/);
  });

  test('text that is not UTF-8', async () => {
    const tree = treeOf({ ...base, 'prod/kustomization.yaml': 'resources: [../base]\n' });
    const bytes = Buffer.from([0x23, 0xe9, 0x0a]);
    const broken = {
      ...tree,
      readFile: (path: string) => (path.startsWith('prod/') ? Promise.resolve(bytes) : tree.readFile(path)),
    };
    const editing = editImages({
      tree: broken,
      folder: 'prod',
      changes: [change],
      target: { kind: 'kustomization', folder: 'prod' },
      // Rendered as if it could be read, so that it is the edit that refuses.
      render: () => renderApplication(tree, 'prod'),
      signal: new AbortController().signal,
    });
    await expect(editing).rejects.toThrow(/not UTF-8/);
  });
});
