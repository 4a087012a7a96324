import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRenderCache, folderTree, memoryTree, render } from './index.ts';

const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n';

function refused(files: Record<string, string | Uint8Array>, dir = '') {
  return render(memoryTree(files), dir).then(
    () => {
      throw new Error('nothing was refused');
    },
    (error: { kind: string; code: string; message: string }) => error,
  );
}

describe('hostile and broken input ends in an error with file and line', () => {
  test.each([
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `${String.fromCharCode(98 + i)}: &${String.fromCharCode(98 + i)} [${`*${String.fromCharCode(97 + i)},`.repeat(9)}]\n`).join('')}${map}`,
      /^a\.yaml:\d+|a\.yaml:\d+:\d+/,
    ],
    ['an alias inside of itself', `${map}x: &x [*x]\n`, /a\.yaml:7/],
    ['a NUL', `${map}x: \0\n`, /a\.yaml:7/],
    ['deep nesting', `${map}x: ${'['.repeat(3000)}\n`, /a\.yaml:7/],
    ['a tab as indentation', `${map}x:\n\ty: 1\n`, /a\.yaml:8/],
    ['no kind', 'metadata:\n  name: a\n', /a\.yaml:1/],
    ['no name', 'apiVersion: v1\nkind: ConfigMap\n', /a\.yaml:1/],
    ['a key twice', `${map}kind: ConfigMap\n`, /a\.yaml:7/],
    ['text after a separator', `${map}--- foo\n${map}`, /a\.yaml:7/],
  ])('%s', async (_, content, message) => {
    const error = await refused({ 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': content });
    expect(error.kind).toBe('invalid-input');
    expect(error.message).toMatch(message);
  });

  test('bytes that are not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from(map), Buffer.from([0x78, 0x3a, 0x20, 0xff, 0xfe, 0x0a])]);
    const error = await refused({ 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': bytes });
    expect(error).toMatchObject({ kind: 'invalid-input', code: 'not-utf8' });
    expect(error.message).toContain('a.yaml:7');
  });

  test('kustomizations that lead to each other', async () => {
    const error = await refused(
      { 'a/kustomization.yaml': 'resources: [../b]\n', 'b/kustomization.yaml': 'resources: [../a]\n' },
      'a',
    );
    expect(error).toMatchObject({ code: 'cycle' });
  });

  test.each([
    ['../secret.yaml', 'outside-root'],
    ['/etc/passwd', 'absolute-path'],
  ])('a resource %s', async (path, code) => {
    expect(await refused({ 'kustomization.yaml': `resources: [${path}]\n` })).toMatchObject({ code });
  });

  test('a remote resource without permission, and a program as plugin', async () => {
    expect(
      await refused({ 'kustomization.yaml': 'resources: ["https://example.com/a.yaml"]\n' }),
    ).toMatchObject({ kind: 'denied', code: 'remote-refused' });
    const plugin = 'apiVersion: someteam.example.com/v1\nkind: Chart\nmetadata:\n  name: x\n';
    expect(await refused({ 'kustomization.yaml': 'generators: [p.yaml]\n', 'p.yaml': plugin })).toMatchObject(
      { kind: 'denied', code: 'plugin-refused' },
    );
    expect(await refused({ 'kustomization.yaml': 'helmCharts:\n- name: x\n' })).toMatchObject({
      kind: 'denied',
      code: 'helm-disabled',
    });
  });

  test('a patch from outside of its own kustomization, unless that is allowed', async () => {
    const files = {
      'shared/p.yaml': map.replace('k: v', 'k: w'),
      'over/a.yaml': map,
      'over/kustomization.yaml': 'resources: [a.yaml]\npatches: [{path: ../shared/p.yaml}]\n',
    };
    expect(await refused(files, 'over')).toMatchObject({ kind: 'denied', code: 'load-restricted' });
    const allowed = await render(memoryTree(files), 'over', { loadRestrictor: 'none' });
    expect(allowed.yaml).toContain('k: w');
  });

  test('a pattern that would take forever', async () => {
    const name = 'a'.repeat(60);
    const error = await refused({
      'a.yaml': map.replace('name: a', `name: ${name}`),
      'kustomization.yaml':
        'resources: [a.yaml]\npatches:\n- target: {name: "(a+)+b"}\n  patch: "[]"\n'.replace(
          '"[]"',
          `'[{"op": "add", "path": "/x", "value": 1}]'`,
        ),
    });
    expect(error).toMatchObject({ kind: 'invalid-input', code: 'pattern-invalid' });
  });

  test('a misspelled field is answered with the right one', async () => {
    expect(await refused({ 'kustomization.yaml': 'resource: [a.yaml]\n' })).toMatchObject({
      code: 'unknown-field',
      hint: 'Did you mean resources?',
    });
  });
});

test('Windows line ends and a byte-order mark change nothing', async () => {
  const kustomization = 'resources: [a.yaml]\n';
  const plain = await render(memoryTree({ 'kustomization.yaml': kustomization, 'a.yaml': map }), '');
  const odd = await render(
    memoryTree({ 'kustomization.yaml': kustomization, 'a.yaml': `\uFEFF${map.replaceAll('\n', '\r\n')}` }),
    '',
  );
  expect(odd.yaml).toBe(plain.yaml);
});

describe('a folder on disk', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-safety-'));
    mkdirSync(join(folder, 'root/inner'), { recursive: true });
    writeFileSync(join(folder, 'outside.yaml'), map);
    writeFileSync(join(folder, 'root/inner/a.yaml'), map);
    writeFileSync(join(folder, 'root/kustomization.yaml'), 'resources: [a.yaml]\n');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('a symbolic link that leads out is refused, one inside of the kustomization is followed', async () => {
    symlinkSync(join(folder, 'outside.yaml'), join(folder, 'root/a.yaml'));
    await expect(render(folderTree(join(folder, 'root')), '')).rejects.toMatchObject({
      code: 'outside-root',
    });
    rmSync(join(folder, 'root/a.yaml'));
    symlinkSync('inner/a.yaml', join(folder, 'root/a.yaml'));
    expect((await render(folderTree(join(folder, 'root')), '')).yaml).toContain('name: a');
  });

  test('an unchanged folder is not rendered again; content, and a file that appears, are noticed', async () => {
    writeFileSync(join(folder, 'root/a.yaml'), map);
    const tree = folderTree(join(folder, 'root'));
    const cache = createRenderCache();
    const first = await cache.render(tree, '');
    expect(await cache.render(tree, '')).toBe(first);
    expect(cache.statistics).toMatchObject({ hits: 1, misses: 1 });
    writeFileSync(join(folder, 'root/a.yaml'), map.replace('k: v', 'k: w'));
    expect((await cache.render(tree, '')).yaml).toContain('k: w');
    // A second kustomization file was looked for and missing; now it is there, and that is an error.
    writeFileSync(join(folder, 'root/Kustomization'), 'resources: []\n');
    await expect(cache.render(tree, '')).rejects.toMatchObject({ code: 'several-kustomizations' });
  });
});

test('every file that was looked for is listed, also those that are missing', async () => {
  const { inputs } = await render(
    memoryTree({ 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': map }),
    '',
  );
  expect(inputs).toContainEqual({ path: 'a.yaml', present: true });
  expect(inputs).toContainEqual({ path: 'Kustomization', present: false });
});
