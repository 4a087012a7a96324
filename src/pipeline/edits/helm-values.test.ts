import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { renderApplication } from '../../boundaries/index.ts';
import type { RenderedSet } from '../../boundaries/index.ts';
import type { FileTree } from '../../git/index.ts';
import { getString, parseYaml } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { WriteTarget } from './contract.ts';
import { edit, NEW, OLD, treeOf } from './edits.fixture.ts';

const change = { image: 'shop/app', tag: 'v2', digest: NEW };
type Target = Omit<Extract<WriteTarget, { kind: 'helm-values' }>, 'kind' | 'file'>;

type Template = (values: JsonValue | undefined) => { image: string; labels?: Record<string, string> };

/** What a chart does, told as a function of its values: one Deployment, without the lines that a render of Helm lacks, too. */
function chart(template: Template): (tree: FileTree) => Promise<RenderedSet> {
  return async (tree) => {
    const text = Buffer.from((await tree.readFile('values.yaml')) ?? []).toString();
    const { image, labels = {} } = template(parseYaml(text, 'values.yaml')[0]);
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'app', labels },
      spec: { template: { spec: { containers: [{ name: 'app', image }] } } },
    };
    return { sourceType: 'Helm', objects: [{ object, why: () => [] }], findings: [], warnings: [] };
  };
}

const plain: Template = (values) => ({
  image: `${getString(values, 'image', 'repository') ?? 'shop/app'}:${getString(values, 'image', 'tag') ?? 'v0'}`,
});
const labelled: Template = (values) => ({
  ...plain(values),
  labels: { version: getString(values, 'image', 'tag') ?? 'v0' },
});
const withDigest: Template = (values) => {
  const digest = getString(values, 'image', 'digest') ?? '';
  return { image: `${plain(values).image}${digest === '' ? '' : `@${digest}`}` };
};

async function write(text: string, paths: Target, template: Template = plain, given = change) {
  const made = await edit({
    files: { 'values.yaml': text },
    folder: '',
    changes: [given],
    target: { kind: 'helm-values', file: 'values.yaml', ...paths },
    render: chart(template),
  });
  return { text: made.files['values.yaml'], edits: made.edits, warnings: made.warnings };
}

const values = 'image:\n  repository: shop/app # ours\n  tag: v1 # bot\nreplicas: 1\n';

describe('an image in the values of a chart', () => {
  test('has its digest in a value of its own', async () => {
    const paths = { name: 'image.repository', tag: 'image.tag', digest: 'image.digest' };
    const { text, edits } = await write(values, paths, withDigest);
    expect(text).toBe(
      `image:\n  repository: shop/app # ours\n  tag: v2 # bot\n  digest: ${NEW}\nreplicas: 1\n`,
    );
    expect(edits.map(({ line, from, to }) => [line, from, to])).toEqual([
      [3, 'v1', 'v2'],
      [4, '', NEW],
    ]);
    expect((await write(text ?? '', paths, withDigest)).text).toBeUndefined();
    const stale = values.replace('tag: v1', `digest: "${OLD}"\n  tag: v1`);
    expect((await write(stale, paths, withDigest)).text).toBe(
      values.replace('tag: v1', `digest: "${NEW}"\n  tag: v2`),
    );
  });

  test('has its digest behind the tag where the chart renders that', async () => {
    const { text, warnings } = await write(values, { name: 'image.repository', tag: 'image.tag' });
    expect(text).toBe(values.replace('tag: v1', `tag: v2@${NEW}`));
    expect(warnings).toEqual([]);
    expect((await write(text ?? '', { tag: 'image.tag' })).text).toBeUndefined();
  });

  test('has its tag alone, and a warning, where the chart shows the tag in a label', async () => {
    const { text, warnings } = await write(values, { tag: 'image.tag' }, labelled);
    expect(text).toBe(values.replace('tag: v1', 'tag: v2'));
    expect(warnings).toEqual([expect.stringContaining('no path for the digest of shop/app')]);
    // A label may change with the tag that it shows, and with nothing else.
    const elsewhere: Template = (given) => ({
      ...plain(given),
      labels: { hash: String(getString(given, 'image', 'tag')?.length) },
    });
    await expect(write(values, { tag: 'image.tag' }, elsewhere, { ...change, tag: 'v200' })).rejects.toThrow(
      /metadata\.labels\.hash of Deployment\/app would become "4"/,
    );
  });

  test('is one whole reference where a spec is named', async () => {
    const whole: Template = (given) => ({ image: getString(given, 'image') ?? 'shop/app:v0' });
    const { text } = await write('image: shop/app:v1\n', { spec: 'image' }, whole);
    expect(text).toBe(`image: shop/app:v2@${NEW}\n`);
    expect((await write('{}\n', { spec: 'image' }, whole)).text).toBe(`{image: shop/app:v2@${NEW}}\n`);
  });

  test('takes another name, in the short form that the chart completes', async () => {
    const registry: Template = (given) => ({ image: `eu.io/${plain(given).image}` });
    const paths = { name: 'image.repository', tag: 'image.tag' };
    const moved = { ...change, image: 'eu.io/shop/app', newName: 'eu.io/new/app' };
    expect((await write(values, paths, registry, moved)).text).toContain('repository: new/app # ours');
    const elsewhere = { ...moved, newName: 'us.io/new/app' };
    await expect(write(values, paths, registry, elsewhere)).rejects.toThrow(
      /would be "eu\.io\/us\.io\/new\/app/,
    );
  });

  test('brings in what is missing, and the file, too', async () => {
    const paths = { name: 'image.repository', tag: 'image.tag', digest: 'image.digest' };
    expect((await write('', paths, withDigest)).text).toBe(
      `image:\n  repository: shop/app\n  tag: v2\n  digest: ${NEW}\n`,
    );
  });

  test('has values of its own where another place uses the same image', async () => {
    const two = (tree: FileTree) =>
      chart((given) => ({ image: `shop/app:${getString(given, 'api', 'tag') ?? ''}` }))(tree).then(
        async (set) => {
          const other = await chart((given) => ({
            image: `shop/app:${getString(given, 'async', 'tag') ?? ''}`,
          }))(tree);
          return { ...set, objects: [...set.objects, ...other.objects] };
        },
      );
    const given = (file: string, tag: string) => ({
      files: { 'values.yaml': file },
      folder: '',
      changes: [change],
      target: { kind: 'helm-values' as const, file: 'values.yaml', tag },
      render: two,
    });
    const first = await edit(given('api: {tag: v1}\nasync: {tag: v1}\n', 'api.tag'));
    expect(first.files).toEqual({ 'values.yaml': `api: {tag: v2@${NEW}}\nasync: {tag: v1}\n` });
    const second = await edit(given(first.files['values.yaml'] ?? '', 'async.tag'));
    expect(second.files).toEqual({ 'values.yaml': `api: {tag: v2@${NEW}}\nasync: {tag: v2@${NEW}}\n` });
    await expect(edit(given(second.files['values.yaml'] ?? '', 'unused.tag'))).rejects.toThrow(
      /does not use these values/,
    );
  });

  test('is found under a key with dots', async () => {
    const dotted: Template = (given) => ({ image: `shop/app:${getString(given, 'image.tag') ?? 'v0'}` });
    expect((await write('image.tag: "1"\n', { tag: 'image.tag' }, dotted)).text).toBe(
      `image.tag: "v2@${NEW}"\n`,
    );
    await expect(write('image.tag: v1\nimage: {tag: v1}\n', { tag: 'image.tag' }, dotted)).rejects.toThrow(
      /which is meant is not known/,
    );
  });

  test('by digest alone keeps its tag', async () => {
    const given = { ...change, tag: undefined };
    expect((await write(values, { tag: 'image.tag' }, plain, given as never)).text).toBe(
      values.replace('tag: v1', `tag: v1@${NEW}`),
    );
  });
});

describe('an image of a chart whose values nobody named', () => {
  const auto = (files: Readonly<Record<string, string>>, render: (tree: FileTree) => Promise<RenderedSet>) =>
    edit({ files, folder: '', changes: [change], render });

  test('is found beside the chart, in the file that wins', async () => {
    const both: Template = (given) => ({ ...plain(given), labels: {} });
    const own = {
      'values.yaml': values,
      'values-prod.yaml': 'image:\n  repository: shop/app\n  tag: v1 # prod\n',
    };
    const overridden = async (tree: FileTree) => {
      const text = Buffer.from((await tree.readFile('values-prod.yaml')) ?? []).toString();
      return chart(both)(treeOf({ 'values.yaml': text }));
    };
    expect((await auto(own, overridden)).files).toEqual({
      'values-prod.yaml': own['values-prod.yaml'].replace('tag: v1', `tag: v2@${NEW}`),
    });
    expect((await auto(own, chart(both))).files).toEqual({
      'values.yaml': values.replace('tag: v1', `tag: v2@${NEW}`),
    });
  });

  test('is changed in every place that uses it, with the digest where it has one', async () => {
    const two =
      'api:\n  image: {registry: eu.io, repository: shop/app, tag: v1, digest: ""}\njobs:\n- image: eu.io/shop/app:v1\n';
    const template: Template = (given) => {
      const at = (key: string) => getString(given, 'api', 'image', key) ?? '';
      const digest = at('digest') === '' ? '' : `@${at('digest')}`;
      return { image: `${at('registry')}/${at('repository')}:${at('tag')}${digest}` };
    };
    const job: Template = (given) => ({ image: getString(given, 'jobs', 0, 'image') ?? '' });
    const render = async (tree: FileTree) => {
      const [first, second] = [await chart(template)(tree), await chart(job)(tree)];
      return { ...first, objects: [...first.objects, ...second.objects] };
    };
    const made = await edit({
      files: { 'values.yaml': two },
      folder: '',
      changes: [{ ...change, image: 'eu.io/shop/app' }],
      render,
    });
    expect(made.files['values.yaml']).toBe(
      two.replace('tag: v1, digest: ""', `tag: v2, digest: "${NEW}"`).replace('app:v1', `app:v2@${NEW}`),
    );
  });

  test('is refused where no value holds it', async () => {
    await expect(
      auto(
        { 'values.yaml': 'a: 1\n' },
        chart(() => ({ image: 'shop/app:v1' })),
      ),
    ).rejects.toThrow(/values\.yaml hold no map with its name and tag/);
  });
});

const helm = await promisify(execFile)('helm', ['version', '--short']).then(
  () => true,
  () => false,
);

describe.skipIf(!helm)('with the helm program', () => {
  const template = (labels: string) =>
    `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\n  labels: {${labels}}\nspec:\n  selector:\n    matchLabels: {app: app}\n  template:\n    metadata:\n      labels: {app: app}\n    spec:\n      containers:\n      - name: app\n        image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"\n`;
  const files = (labels: string) => ({
    'chart/Chart.yaml': 'apiVersion: v2\nname: chart\nversion: 0.1.0\nappVersion: "1.0"\n',
    'chart/values.yaml': values,
    'chart/templates/deployment.yaml': template(labels),
  });
  const target = { kind: 'helm-values', file: 'chart/values.yaml', tag: 'image.tag' } as const;

  test('the digest stands behind the tag', async () => {
    const made = await edit({ files: files('app: app'), folder: 'chart', changes: [change], target });
    expect(made.files['chart/values.yaml']).toBe(values.replace('tag: v1', `tag: v2@${NEW}`));
    const auto = await edit({ files: files('app: app'), folder: 'chart', changes: [change] });
    expect(auto.files).toEqual(made.files);
  });

  test('the tag stands alone where a label shows it', async () => {
    const shown = files('version: "{{ .Values.image.tag }}"');
    const made = await edit({ files: shown, folder: 'chart', changes: [change], target });
    expect(made.files['chart/values.yaml']).toBe(values.replace('tag: v1', 'tag: v2'));
    expect(made.warnings).toHaveLength(1);
  });
});

describe('an edit of values is refused', () => {
  test.each([
    ['without a path of tag, digest or spec', { name: 'image.repository' }, /neither the path of its tag/],
    ['for a value that the chart does not use', { tag: 'other.tag' }, /would be "shop\/app:v1"/],
    ['for a path that makes no sense', { tag: 'image[x]' }, /not a path/],
    ['for a list that is none', { tag: 'image[0].tag' }, /image is a map/],
  ] as const)('%s', async (_, paths, message) => {
    await expect(write(values, paths)).rejects.toThrow(message);
  });

  test('when what renders it cannot run: then nothing is proven', async () => {
    const files = { 'Chart.yaml': 'apiVersion: v2\nname: c\nversion: 0.1.0\n', 'values.yaml': values };
    await expect(
      edit({
        files,
        folder: '',
        changes: [change],
        target: { kind: 'helm-values', file: 'values.yaml', tag: 'image.tag' },
        render: (tree) => renderApplication(tree, '', { helm: { command: 'helm-that-is-not-there' } }),
      }),
    ).rejects.toMatchObject({ kind: 'unavailable', code: 'helm-missing' });
    expect(await treeOf(files).kind('values.yaml')).toBe('file');
  });

  test('when several images were to be written to the paths of one', async () => {
    await expect(
      edit({
        files: { 'values.yaml': values },
        folder: '',
        changes: [change, { ...change, image: 'other' }],
        target: { kind: 'helm-values', file: 'values.yaml', tag: 'image.tag' },
        render: chart(plain),
      }),
    ).rejects.toThrow(/belong to one image, and 2/);
  });
});
