import { describe, expect, test } from 'vitest';
import { LandfallError } from '../../kernel/index.ts';
import { deployment, edit, NEW, OLD, type Files } from './edits.fixture.ts';
import type { ImageChange, WriteTarget } from './index.ts';

const app: ImageChange = { image: 'shop/app', tag: 'v2', digest: NEW };
const sidecar: ImageChange = { image: 'sidecar', tag: '5', digest: OLD };

const base: Files = {
  'base/kustomization.yaml': 'resources: [api.yaml]\n',
  'base/api.yaml': deployment('api', 'shop/app:v0', 'sidecar:0'),
  'prod/kustomization.yaml': 'resources: [../base]\nimages:\n- name: sidecar\n  newTag: "3"\n',
};

interface Asked {
  readonly files?: Files;
  readonly changes?: readonly ImageChange[];
  readonly target?: WriteTarget;
  readonly folder?: string;
}

/** Makes the change twice: the second time there is nothing to do. */
async function changed(overrides: Files, asked: Asked = {}): Promise<Files> {
  const { changes = [app], folder = 'prod', target = { kind: 'auto' } } = asked;
  const files = { ...(asked.files ?? base), ...overrides };
  const asking = { folder, changes, target, application: 'shop' };
  const made = await edit({ files, ...asking });
  const again = await edit({ files: { ...files, ...made.files }, ...asking });
  expect(again).toEqual({ files: {}, edits: [], warnings: [] });
  return made.files;
}

const refusal = (overrides: Files, asked?: Asked) =>
  changed(overrides, asked).then(
    (made) => `not refused: ${JSON.stringify(made)}`,
    (error: unknown) => (error instanceof LandfallError ? `${error.message} ${error.hint}` : String(error)),
  );

const FILE = 'prod/.argocd-source-shop.yaml';

describe('an image that Argo CD overrides in Git is changed in the override', () => {
  test.each<[string, string, string]>([
    ['a tag', 'shop/app:v1', `shop/app=shop/app:v2@${NEW}`],
    ['a digest', `shop/app@${OLD}`, `shop/app=shop/app:v2@${NEW}`],
    ['both', `shop/app:v1@${OLD}`, `shop/app=shop/app:v2@${NEW}`],
    ['another name', 'shop/app=eu.io:5000/app:v1', `shop/app=eu.io:5000/app:v2@${NEW}`],
    ['another name alone', 'shop/app=eu.io/app', `shop/app=eu.io/app:v2@${NEW}`],
    ['the name that is there', 'shop/app=*:v1', `shop/app=shop/app:v2@${NEW}`],
  ])('that gives %s', async (_, from, to) => {
    const text = (entry: string) => `kustomize:\n  images:\n  - ${entry}\n`;
    expect(await changed({ [FILE]: text(from) })).toEqual({ [FILE]: text(to) });
  });

  test('with its comments, quotes and line ends, and the entries of others', async () => {
    const lines = [
      '\uFEFF# written by the updater',
      'kustomize: # overrides',
      '    images:',
      '    # the shop',
      '    -   "shop/app:v1"   # pinned',
      "    - 'sidecar:4'",
      '    namePrefix: p-',
      '',
    ];
    const text = lines.join('\r\n');
    const file = { [FILE]: text };
    expect(await changed(file)).toEqual({
      [FILE]: text.replace('shop/app:v1', `shop/app=shop/app:v2@${NEW}`),
    });
    expect(await changed(file, { changes: [app, sidecar] })).toEqual({
      [FILE]: text
        .replace('shop/app:v1', `shop/app=shop/app:v2@${NEW}`)
        .replace('sidecar:4', `sidecar=sidecar:5@${OLD}`),
    });
    const flow = '{"kustomize": {"images": ["shop/app:v1", "sidecar:4"]}}\n';
    expect(await changed({ [FILE]: flow })).toEqual({
      [FILE]: flow.replace('shop/app:v1', `shop/app=shop/app:v2@${NEW}`),
    });
  });

  test('while the other image goes where it comes from', async () => {
    const text = 'kustomize:\n  images:\n  - shop/app:v1\n';
    expect(await changed({ [FILE]: text }, { changes: [app, sidecar] })).toEqual({
      [FILE]: text.replace('shop/app:v1', `shop/app=shop/app:v2@${NEW}`),
      'prod/kustomization.yaml': base['prod/kustomization.yaml']?.replace(
        'newTag: "3"',
        `newTag: "5"\n  digest: ${OLD}`,
      ),
    });
    expect(Object.keys(await changed({ [FILE]: text }, { changes: [sidecar] }))).toEqual([
      'prod/kustomization.yaml',
    ]);
  });

  test('at the root of the repository, too, and beside a kustomization in braces', async () => {
    const files = {
      'kustomization.yaml': '{resources: [api.yaml], images: [{name: sidecar, newTag: "3"}]}\n',
      'api.yaml': base['base/api.yaml'] ?? '',
    };
    const text = 'kustomize:\n  images:\n  - shop/app:v1\n';
    const made = await changed(
      { '.argocd-source-shop.yaml': text },
      { files, folder: '', changes: [app, sidecar] },
    );
    expect(made).toEqual({
      '.argocd-source-shop.yaml': text.replace('shop/app:v1', `shop/app=shop/app:v2@${NEW}`),
      'kustomization.yaml': files['kustomization.yaml'].replace('newTag: "3"', `newTag: "5", digest: ${OLD}`),
    });
  });

  test('in the file that counts: of the application, else of all, and of no other one', async () => {
    const all = 'kustomize:\n  images: ["shop/app:v1"]\n';
    const wanted = all.replace('shop/app:v1', `shop/app=shop/app:v2@${NEW}`);
    const general = 'prod/.argocd-source.yaml';
    expect(await changed({ [general]: all })).toEqual({ [general]: wanted });
    expect(await changed({ [general]: all, [FILE]: 'kustomize: {namePrefix: p-}\n' })).toEqual({
      [general]: wanted,
    });
    expect(await changed({ [general]: all, [FILE]: all })).toEqual({ [FILE]: wanted });
    const entry = base['prod/kustomization.yaml'] + `- name: shop/app\n  newTag: v2\n  digest: ${NEW}\n`;
    for (const files of [
      { 'prod/.argocd-source-other.yaml': all },
      { [general]: all, [FILE]: 'kustomize: {images: null}\n' },
      { [general]: all, [FILE]: 'kustomize:\n' },
    ]) {
      expect(await changed(files)).toEqual({ 'prod/kustomization.yaml': entry });
    }
  });

  test('by the name that the kustomization below gives it', async () => {
    const files = {
      ...base,
      'base/kustomization.yaml': `${base['base/kustomization.yaml']}images: [{name: shop/app, newName: corp.io/app}]\n`,
    };
    const text = 'kustomize:\n  images:\n  - shop/app:v9\n  - corp.io/app:v1\n';
    expect(await changed({ [FILE]: text }, { files, changes: [{ ...app, image: 'corp.io/app' }] })).toEqual({
      [FILE]: text.replace('corp.io/app:v1', `corp.io/app=corp.io/app:v2@${NEW}`),
    });
  });

  test('with a repository of another name, and with the digest alone', async () => {
    const text = 'kustomize:\n  images:\n  - shop/app:v1\n';
    expect(await changed({ [FILE]: text }, { changes: [{ ...app, newName: 'eu.io/app' }] })).toEqual({
      [FILE]: text.replace('shop/app:v1', `shop/app=eu.io/app:v2@${NEW}`),
    });
    const digest = { ...app, tag: undefined };
    expect(await changed({ [FILE]: text.replace(':v1', `@${OLD}`) }, { changes: [digest] })).toEqual({
      [FILE]: text.replace(':v1', `@${NEW}`),
    });
  });

  test('and the edit says its line, what stood there and what does', async () => {
    const text = '# ours\nkustomize:\n  images:\n  - shop/app:v1\n';
    const made = await edit({
      files: { ...base, [FILE]: text },
      folder: 'prod',
      changes: [app],
      application: 'shop',
    });
    expect(made.edits).toEqual([
      { file: FILE, line: 4, image: 'shop/app', from: 'shop/app:v1', to: `shop/app=shop/app:v2@${NEW}` },
    ]);
  });
});

describe('an override that cannot be changed alone is refused', () => {
  test('where it takes a part from a variable', async () => {
    const text = 'kustomize:\n  images:\n  - shop/app:$ARGOCD_APP_REVISION\n';
    expect(await refusal({ [FILE]: text })).toMatch(/shop\.yaml:3: .*from a variable/);
  });

  test('where it is an anchor', async () => {
    const text = 'x: &i shop/app:v1\nkustomize:\n  images:\n  - *i\n';
    expect(await refusal({ [FILE]: text })).toMatch(/kustomize\.images\[0\] cannot be set here/);
  });

  test('where another place is named, which it wins over', async () => {
    const text = 'kustomize:\n  images:\n  - shop/app:v1\n';
    const target = { kind: 'kustomization', folder: 'prod' } as const;
    expect(await refusal({ [FILE]: text }, { target })).toMatch(/wins over its kustomization/);
  });
});
