import { describe, expect, test } from 'vitest';
import { deployment, edit, NEW, OLD, type Files } from './edits.fixture.ts';
import { markersIn } from './setters.ts';

const change = { image: 'shop/app', tag: 'v2', digest: NEW };
const mark = (part = '', policy = 'flux-system:app') => `# {"$imagepolicy": "${policy}${part}"}`;

async function changed(files: Files, folder = 'prod', given = change) {
  const target = { kind: 'setters', folder, policy: 'flux-system:app' } as const;
  return edit({ files, folder: 'prod', changes: [given], target });
}

describe('the values that a policy marks', () => {
  test('are set, and those of other policies are not', async () => {
    // The same image under another policy, which chose another release for it.
    const both = deployment('a', `shop/app:v1 ${mark()}`, `shop/app:v1 ${mark('', 'other:app')}`);
    expect((await changed({ 'prod/a.yaml': both })).files).toEqual({
      'prod/a.yaml': both.replace('app:v1', `app:v2@${NEW}`),
    });
    const files = {
      'prod/a.yaml': deployment('a', `"shop/app:v1@${OLD}"  ${mark()}`, `other:v1 ${mark('', 'other:app')}`),
    };
    const made = await changed(files);
    expect(made.files).toEqual({ 'prod/a.yaml': files['prod/a.yaml'].replace(`v1@${OLD}`, `v2@${NEW}`) });
    expect(made.edits).toEqual([
      {
        file: 'prod/a.yaml',
        line: 9,
        image: 'shop/app',
        from: `shop/app:v1@${OLD}`,
        to: `shop/app:v2@${NEW}`,
      },
    ]);
    expect((await changed({ ...files, ...made.files })).files).toEqual({});
  });

  test('in a kustomization: tag and digest each in their place', async () => {
    const files = {
      'prod/kustomization.yaml': `resources: [a.yaml]\nimages:\n- name: app\n  newName: shop/app ${mark(':name')}\n  newTag: v1 ${mark(':tag')}\n  digest: ${OLD} ${mark(':digest')}\n`,
      'prod/a.yaml': deployment('a', 'app'),
    };
    expect((await changed(files)).files).toEqual({
      'prod/kustomization.yaml': files['prod/kustomization.yaml'].replace('v1 #', 'v2 #').replace(OLD, NEW),
    });
  });

  test('have the digest behind the tag where that is all they have', async () => {
    const files = {
      'prod/kustomization.yaml': `resources: [a.yaml]\nimages:\n- name: shop/app\n  newTag: v1 ${mark(':tag')}\n`,
      'prod/a.yaml': deployment('a', 'shop/app'),
    };
    const made = await changed(files);
    expect(made.files['prod/kustomization.yaml']).toContain(`newTag: v2@${NEW} ${mark(':tag')}\n`);
    expect(made.warnings).toEqual([]);
  });

  test('of a HelmRelease have the tag alone, since nothing shows how its chart renders it', async () => {
    const release = `apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  values:\n    app:\n      repository: shop/app ${mark(':name')}\n      tag: 1.9 ${mark(':tag')}\n`;
    const made = await changed({ 'prod/a.yaml': release }, 'prod', { ...change, tag: '1.10' });
    expect(made.files['prod/a.yaml']).toBe(release.replace('1.9', '"1.10"'));
    expect(made.warnings).toEqual([expect.stringContaining('no marker for the digest')]);
    const pinned = release.replace(/tag: 1\.9(.*)\n/, `tag: 1.9$1\n      digest: "" ${mark(':digest')}\n`);
    const both = await changed({ 'prod/a.yaml': pinned }, 'prod', { ...change, tag: '1.10' });
    expect(both.files['prod/a.yaml']).toBe(
      pinned.replace('1.9', '"1.10"').replace('digest: ""', `digest: "${NEW}"`),
    );
    expect(both.warnings).toEqual([]);
  });

  test('are looked for below the folder of the automation alone, in the files that Flux reads', async () => {
    const marked = deployment('a', `shop/app:v1 ${mark()}`);
    const files = {
      'prod/a.yaml': marked,
      'prod/template.yaml.tpl': `image: shop/app:v1 ${mark()}\n`,
      'other/a.yaml': marked,
    };
    expect(Object.keys((await changed(files)).files)).toEqual(['prod/a.yaml']);
    expect(Object.keys((await changed(files, 'prod/a.yaml')).files)).toEqual(['prod/a.yaml']);
    await expect(changed(files, 'none')).rejects.toThrow(/Nothing below 'none' has a marker/);
  });

  test('in files that are no YAML are left, and told', async () => {
    const files = {
      'prod/kustomization.yaml': 'resources: [a.yaml]\n',
      'prod/a.yaml': deployment('a', `shop/app:v1 ${mark()}`),
      'prod/chart/b.yaml': `{{- if .Values.image }}\nimage: x ${mark()}\n`,
    };
    const made = await changed(files);
    expect(Object.keys(made.files)).toEqual(['prod/a.yaml']);
    expect(made.warnings).toEqual([expect.stringContaining('prod/chart/b.yaml has markers and is no YAML')]);
  });

  test('are refused together with what else would change', async () => {
    const files = {
      'prod/kustomization.yaml': 'resources: [a.yaml]\nconfigMapGenerator:\n- name: c\n  files: [b.yaml]\n',
      'prod/a.yaml': deployment('a', `shop/app:v1 ${mark()}`),
      'prod/b.yaml': `image: shop/app:v1 ${mark()}\n`,
    };
    await expect(changed(files)).rejects.toThrow(/v1 ConfigMap\/c-\w+ would go/);
  });
});

describe('a marker', () => {
  const found = (text: string) =>
    markersIn(text, 'a.yaml').map(({ policy, part, place }) => [policy, part, place.value]);

  test.each([
    ['behind a value', `a: x:1 ${mark()}\n`, [['flux-system:app', 'image', 'x:1']]],
    ['of a part', `a: v1 #{"$imagepolicy":"ns:p:tag"}\r\n`, [['ns:p', 'tag', 'v1']]],
    ['behind an item', `l:\n- x:1 ${mark()}\n`, [['flux-system:app', 'image', 'x:1']]],
    ['above an item', `l:\n${mark()}\n- x:1\n`, [['flux-system:app', 'image', 'x:1']]],
    ['above a field, where it means nothing', `${mark()}\na: x:1\n`, []],
    ['inside of a text', `a: |\n  b: x:1 ${mark()}\n`, []],
    ['of an unknown part', `a: v1 ${mark(':other')}\n`, []],
    ['without a name', `a: v1 # {"$imagepolicy": "ns"}\n`, []],
    ['that is no JSON', `a: v1 # {$imagepolicy: "ns:p"}\n`, []],
  ])('%s', (_, text, markers) => expect(found(text)).toEqual(markers));
});
