import { describe, expect, test } from 'vitest';
import { deployment, edit, NEW, OLD, type Files } from './edits.fixture.ts';

const base: Files = {
  'base/kustomization.yaml': 'resources: [api.yaml, async.yaml]\n',
  'base/api.yaml': deployment('api', 'shop/app', 'sidecar:1'),
  'base/async.yaml': deployment('async', 'shop/app'),
};
const target = { kind: 'kustomization', folder: 'prod' } as const;
const change = { image: 'shop/app', tag: 'v2', digest: NEW };

function kustomization(text: string): Files {
  return { ...base, 'prod/kustomization.yaml': `resources: [../base]\n${text}` };
}

const written = async (text: string, changes = [change]) => {
  const { files } = await edit({ files: kustomization(text), folder: 'prod', changes, target });
  return files['prod/kustomization.yaml']?.replace('resources: [../base]\n', '');
};

describe('an image in the kustomization of an overlay', () => {
  test('is written once, and every place that uses it runs it', async () => {
    const files = kustomization('images:\n- name: shop/app\n  newTag: v1\n');
    const made = await edit({ files, folder: 'prod', changes: [change], target });
    expect(made).toEqual({
      files: {
        'prod/kustomization.yaml': `resources: [../base]\nimages:\n- name: shop/app\n  newTag: v2\n  digest: ${NEW}\n`,
      },
      edits: [
        {
          file: 'prod/kustomization.yaml',
          line: 4,
          image: 'shop/app',
          from: 'shop/app:v1',
          to: `shop/app:v2@${NEW}`,
        },
      ],
      warnings: [],
    });
    const again = await edit({
      files: { ...files, ...made.files },
      folder: 'prod',
      changes: [change],
      target,
    });
    expect(again).toEqual({ files: {}, edits: [], warnings: [] });
  });

  test('that is named by what it is renamed to is found in that entry', async () => {
    const entry = (tag: string) => `images:\n- name: shop/app\n  newName: eu.io/shop\n  newTag: ${tag}\n`;
    const renamed = { ...change, image: 'eu.io/shop' };
    expect(await written(entry('v1'), [renamed])).toBe(`${entry('v2')}  digest: ${NEW}\n`);
    expect(await written(entry('v1'))).toBe(`${entry('v2')}  digest: ${NEW}\n`);
    expect(await written(`${entry('v2')}  digest: ${NEW}\n`, [renamed])).toBeUndefined();
  });

  test('is written where it is set, when one entry renames what another one tags', async () => {
    const text = 'images:\n- name: shop/app\n  newName: eu.io/shop\n- name: eu.io/shop\n  newTag: v1\n';
    expect(await written(text)).toBe(`${text.replace('v1', 'v2')}  digest: ${NEW}\n`);
  });

  test('takes another name, and is found under it again', async () => {
    const changes = [{ ...change, newName: 'us.io/shop' }];
    const text = await written('images:\n- name: shop/app\n  newTag: v1\n', changes);
    expect(text).toBe(`images:\n- name: shop/app\n  newTag: v2\n  newName: us.io/shop\n  digest: ${NEW}\n`);
    expect(await written(text ?? '', changes)).toBeUndefined();
  });

  test('has no stale digest beside its new tag', async () => {
    expect(await written(`images:\n- name: shop/app\n  newTag: v1\n  digest: ${OLD}\n`)).toBe(
      `images:\n- name: shop/app\n  newTag: v2\n  digest: ${NEW}\n`,
    );
    expect(await written(`images:\n- name: shop/app\n  newTag: "v1@${OLD}"\n`)).toBe(
      `images:\n- name: shop/app\n  newTag: "v2"\n  digest: ${NEW}\n`,
    );
  });

  test('is changed together with others, and each edit has its own line', async () => {
    const files = kustomization('images:\n- name: sidecar\n  newTag: "2"\n# end\n');
    const { files: made, edits } = await edit({
      files,
      folder: 'prod',
      changes: [change, { image: 'sidecar', tag: '3', digest: NEW }],
      target,
    });
    const lines = (made['prod/kustomization.yaml'] ?? '').split('\n');
    expect(edits.map(({ image, line }) => [image, lines[line - 1]])).toEqual([
      ['shop/app', '- name: shop/app'],
      ['sidecar', '  newTag: "3"'],
    ]);
  });

  test('is named as the manifests name it where there is no entry yet', async () => {
    const files = { 'k/kustomization.yaml': 'resources: [a.yaml]\n', 'k/a.yaml': deployment('a', 'nginx:1') };
    const { files: made } = await edit({
      files,
      folder: 'k',
      changes: [{ image: 'docker.io/library/nginx', tag: '1.27', digest: NEW }],
      target: { kind: 'kustomization', folder: 'k' },
    });
    expect(made['k/kustomization.yaml']).toContain(`- name: nginx\n    newTag: "1.27"\n    digest: ${NEW}\n`);
  });

  test('by digest alone keeps its tag', async () => {
    expect(
      await written('images:\n- name: shop/app\n  newTag: v1\n', [{ ...change, tag: undefined } as never]),
    ).toBe(`images:\n- name: shop/app\n  newTag: v1\n  digest: ${NEW}\n`);
  });

  test('keeps its generators', async () => {
    const text = 'generators:\n- gen.yaml # ours\nimages:\n- {name: shop/app, newTag: v1}\n';
    const files = {
      ...kustomization(text),
      'prod/gen.yaml':
        'apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nliterals: [a=b]\n',
    };
    const made = await edit({ files, folder: 'prod', changes: [change], target });
    expect(made.files['prod/kustomization.yaml']).toBe(
      `resources: [../base]\n${text.replace('newTag: v1', `newTag: v2, digest: ${NEW}`)}`,
    );
  });
});

describe('an edit is refused', () => {
  const refusal = async (files: Files, changes = [change], folder = 'prod') =>
    edit({ files, folder, changes, target: { kind: 'kustomization', folder } }).then(
      () => 'not refused',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    );

  test('when a place that uses the image would go on with the old one', async () => {
    const patched = {
      ...base,
      'base/kustomization.yaml':
        'resources: [api.yaml, async.yaml]\nimages:\n- {name: shop/app, newTag: v1}\n',
      'prod/kustomization.yaml':
        'resources: [../base]\npatches:\n- path: p.yaml\nreplacements:\n- source: {kind: ConfigMap, name: c, fieldPath: data.image}\n  targets:\n  - select: {kind: Deployment, name: api}\n    fieldPaths: [spec.template.spec.containers.0.image]\nimages:\n- name: shop/app\n  newTag: v1\n',
      'prod/p.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 2}\n',
    };
    const files = {
      ...patched,
      'base/kustomization.yaml': 'resources: [api.yaml, async.yaml, c.yaml]\n',
      'base/c.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {image: "shop/app:frozen"}\n',
    };
    expect(await refusal(files)).toMatch(/image of Deployment\/api would be "shop\/app:frozen"/);
  });

  test('when another image would change with it', async () => {
    // Names of entries are patterns: this one fits both.
    const files = {
      'prod/kustomization.yaml': 'resources: [a.yaml]\nimages:\n- name: shop.app\n  newTag: v1\n',
      'prod/a.yaml': deployment('a', 'shop.app', 'shop-app'),
    };
    expect(await refusal(files, [{ ...change, image: 'shop.app' }])).toMatch(
      /containers\[1\]\.image of Deployment\/a would become "shop-app:v2@sha256:\w+" instead of "shop-app:v1"/,
    );
  });

  test('when nothing uses the image, with what is there', async () => {
    expect(await refusal(kustomization(''), [{ ...change, image: 'shop/ap' }])).toMatch(
      /nothing that is rendered uses the image shop\/ap; there is shop\/app/,
    );
  });

  test('when it does not render as it is', async () => {
    expect(await refusal({ 'prod/kustomization.yaml': 'resources: [gone.yaml]\n' })).toMatch(
      /does not render as it is/,
    );
  });

  test('when there is no kustomization, or more than one', async () => {
    const plain = { 'prod/a.yaml': deployment('a', 'shop/app') };
    expect(await refusal(plain)).toMatch(/there is none/);
    const target = { kind: 'kustomization', folder: 'other' } as const;
    const two = {
      ...kustomization(''),
      'other/kustomization.yml': 'resources: []\n',
      'other/Kustomization': '',
    };
    await expect(edit({ files: two, folder: 'prod', changes: [change], target })).rejects.toThrow(
      /other has 2 kustomizations/,
    );
  });

  test.each([
    [[{ ...change, tag: 'a b' }], /cannot be the tag/],
    [[{ ...change, digest: 'sha256:1' }], /cannot be the digest/],
    [[{ ...change, image: 'app:v1' }], /without tag and digest/],
    [[{ ...change, newName: '-x' }], /without tag and digest/],
    [[change, { ...change, image: 'docker.io/shop/app' }], /changed twice/],
    [[], /No image was named/],
  ])('when what is asked makes no sense: %j', async (changes, message) => {
    expect(await refusal(kustomization(''), changes as never)).toMatch(message);
  });
});
