import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { applicationSource, renderApplication } from '../../boundaries/index.ts';
import type { RenderedSet } from '../../boundaries/index.ts';
import type { FileTree } from '../../git/index.ts';
import { getArray, getString, parseYaml } from '../../kernel/index.ts';
import { edit, NEW, OLD, type Files } from './edits.fixture.ts';
import type { ImageChange } from './index.ts';

const app: ImageChange = { image: 'shop/app', tag: 'v2', digest: NEW };
const FILE = 'chart/.argocd-source-shop.yaml';

/** A value of a chart: of the parameters that override it, else of its file of values. */
type Values = (path: string) => string | undefined;
type Template = (value: Values) => {
  readonly images: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
};

/** What a chart does, told as a function of its values, without the lines that a render of Helm lacks, too. */
function chart(template: Template): (tree: FileTree) => Promise<RenderedSet> {
  return async (tree) => {
    const read = async (file: string) =>
      parseYaml(Buffer.from((await tree.readFile(file)) ?? []).toString(), file)[0] ?? {};
    const [values, overrides] = [await read('chart/values.yaml'), await read(FILE)];
    const parameters = getArray(overrides, 'helm', 'parameters');
    const { images, labels = {} } = template(
      (path) =>
        getString(
          parameters.findLast((each) => getString(each, 'name') === path),
          'value',
        ) ?? getString(values, ...path.split('.')),
    );
    const containers = images.map((image, at) => ({ name: `c${at}`, image }));
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'app', labels },
      spec: { template: { spec: { containers } } },
    };
    return { sourceType: 'Helm', objects: [{ object, why: () => [] }], findings: [], warnings: [] };
  };
}

const part = (value: Values, at: string): string => {
  const digest = value(`${at}.digest`) ?? '';
  return `${value(`${at}.repository`) ?? value(`${at}.name`)}:${value(`${at}.tag`)}${digest === '' ? '' : `@${digest}`}`;
};
const plain: Template = (value) => ({ images: [part(value, 'image')] });
const two: Template = (value) => ({ images: [part(value, 'api'), part(value, 'web')] });

async function changed(
  files: Files,
  changes: readonly ImageChange[] = [app],
  template: Template = plain,
): Promise<{ readonly files: Files; readonly warnings: readonly string[] }> {
  const asked = { folder: 'chart', changes, application: 'shop', render: chart(template) };
  const made = await edit({ files, ...asked });
  expect((await edit({ files: { ...files, ...made.files }, ...asked })).files).toEqual({});
  return { files: made.files, warnings: made.warnings };
}

const values = 'image:\n  repository: shop/app\n  tag: v0\n';
const parameters = (...pairs: readonly (readonly [string, string])[]) =>
  `helm:\n  parameters:\n${pairs.map(([name, value]) => `  - name: ${name}\n    value: ${value}\n    forcestring: true\n`).join('')}`;

describe('an image that parameters in Git override is changed in them', () => {
  test('by their usual names, while the values stay', async () => {
    const text = parameters(['image.name', 'shop/app'], ['image.tag', 'v1']);
    const made = await changed({ 'chart/values.yaml': values, [FILE]: text });
    expect(made).toEqual({ files: { [FILE]: text.replace('v1', `v2@${NEW}`) }, warnings: [] });
  });

  test('by the names that annotations give: of name and tag, of the tag alone, of the whole', async () => {
    const odd: Template = (value) => ({
      images: [`${value('where') ?? 'shop/app'}:${value('which') ?? 'v0'}`],
    });
    const both = parameters(['which', 'v1'], ['where', 'shop/app'], ['other', 'v1']);
    const named = { ...app, parameters: { name: 'where', tag: 'which' } };
    expect((await changed({ [FILE]: both }, [named], odd)).files).toEqual({
      [FILE]: both.replace('v1', `v2@${NEW}`),
    });
    expect((await changed({ [FILE]: both }, [{ ...named, newName: 'eu.io/app' }], odd)).files).toEqual({
      [FILE]: both.replace('v1', `v2@${NEW}`).replace('shop/app', 'eu.io/app'),
    });
    const tag = parameters(['which', 'v1']);
    expect((await changed({ [FILE]: tag }, [{ ...app, parameters: { tag: 'which' } }], odd)).files).toEqual({
      [FILE]: tag.replace('v1', `v2@${NEW}`),
    });
    const whole: Template = (value) => ({ images: [value('run') ?? 'shop/app:v0'] });
    const spec = parameters(['run', 'shop/app:v1']);
    for (const change of [app, { ...app, parameters: { spec: 'run' } }]) {
      expect((await changed({ [FILE]: spec }, [change], whole)).files).toEqual({
        [FILE]: spec.replace('v1', `v2@${NEW}`),
      });
    }
  });

  test('with comments, quotes and line ends, and with a digest of its own', async () => {
    const text = [
      '# by the updater',
      'helm:',
      '  parameters: # of ours',
      '  - {name: image.tag, value: "v1"} # tag',
      "  - value: '' # none yet",
      '    name: image.digest',
      '',
    ].join('\r\n');
    const made = await changed({ 'chart/values.yaml': values, [FILE]: text });
    expect(made.files).toEqual({ [FILE]: text.replace('"v1"', '"v2"').replace("''", `'${NEW}'`) });
  });

  test('two of one file, and one there with the other in the values', async () => {
    const twoValues = 'api: {repository: shop/app, tag: v0}\nweb: {repository: web, tag: "3"}\n';
    const web: ImageChange = { image: 'web', tag: '5', digest: OLD };
    const both = parameters(
      ['api.repository', 'shop/app'],
      ['api.tag', 'v1'],
      ['web.repository', 'web'],
      ['web.tag', '"4"'],
    );
    const files = { 'chart/values.yaml': twoValues, [FILE]: both };
    expect((await changed(files, [app, web], two)).files).toEqual({
      [FILE]: both.replace('v1', `v2@${NEW}`).replace('"4"', `"5@${OLD}"`),
    });
    const one = parameters(['api.repository', 'shop/app'], ['api.tag', 'v1']);
    const mixed = await changed({ ...files, [FILE]: one }, [web, app], two);
    expect(mixed.files).toEqual({
      [FILE]: one.replace('v1', `v2@${NEW}`),
      'chart/values.yaml': twoValues.replace('"3"', `"5@${OLD}"`),
    });
  });

  test('with the tag alone, and a warning, where the chart shows the tag in a label', async () => {
    const labelled: Template = (value) => ({
      ...plain(value),
      labels: { version: value('image.tag') ?? '' },
    });
    const text = parameters(['image.tag', 'v1']);
    const made = await changed({ 'chart/values.yaml': values, [FILE]: text }, [app], labelled);
    expect(made.files).toEqual({ [FILE]: text.replace('v1', 'v2') });
    expect(made.warnings).toEqual([
      expect.stringContaining(`${FILE} has no path for the digest of shop/app`),
    ]);
  });

  test('in the last of a name, which is the one that counts', async () => {
    const text = parameters(['image.tag', 'v9'], ['image.tag', 'v1']);
    expect((await changed({ 'chart/values.yaml': values, [FILE]: text })).files).toEqual({
      [FILE]: text.replace('v1', `v2@${NEW}`),
    });
  });
});

describe('an image that no parameter sets is changed in the values', () => {
  test.each([
    ['where there are none', 'helm: {releaseName: x}\n'],
    ['where one of another image says the same tag', parameters(['web.tag', 'v0'])],
    ['where two others do', parameters(['web.tag', 'v0'], ['job.tag', 'v0'])],
  ])('%s', async (_, text) => {
    const template: Template = (value) => ({
      images: [part(value, 'image'), `web:${value('web.tag') ?? '3'}`],
    });
    const made = await changed({ 'chart/values.yaml': values, [FILE]: text }, [app], template);
    expect(made.files).toEqual({ 'chart/values.yaml': values.replace('v0', `v2@${NEW}`) });
  });
});

/** Stands in for the helm program, which is not there where these tests run: what `--set` says of one Deployment. */
const STAND_IN = `#!/usr/bin/env node
const values = JSON.parse(require('node:fs').readFileSync('values.yaml', 'utf8'));
process.argv.forEach((arg, at, all) => {
  if (!/^--set(-string)?$/.test(all[at - 1] ?? '')) return;
  const [path, ...value] = arg.split('=');
  const keys = path.split('.');
  const last = keys.pop();
  keys.reduce((map, key) => map[key], values)[last] = value.join('=');
});
const { repository, tag } = values.image;
console.log(JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'app' },
  spec: { template: { spec: { containers: [{ name: 'app', image: repository + ':' + tag }] } } } }));
`;

describe('the renderer of an Application', () => {
  let folder: string;
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('gives the chart what is written', async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-parameters-'));
    const command = join(folder, 'helm');
    await writeFile(command, STAND_IN);
    await chmod(command, 0o755);
    const text = parameters(['image.tag', 'v1']);
    const made = await edit({
      files: {
        'chart/Chart.yaml': 'name: app\nversion: 1.0.0\n',
        'chart/values.yaml': '{"image": {"repository": "shop/app", "tag": "v0"}}\n',
        [FILE]: text,
      },
      folder: 'chart',
      changes: [app],
      application: 'shop',
      render: (tree) =>
        renderApplication(tree, 'chart', {
          source: applicationSource({ repoURL: 'https://git.corp.io/deploy', path: 'chart' }),
          application: { name: 'shop', namespace: 'shop', project: 'default', revision: '' },
          helm: { command },
        }),
    });
    expect(made.files).toEqual({ [FILE]: text.replace('v1', `v2@${NEW}`) });
  });
});
