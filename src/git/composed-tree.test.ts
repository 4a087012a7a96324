import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { treeBelow, treeOfFiles, treeOfFolders, treeWithMounts } from './index.ts';
import type { FileTree } from './index.ts';
import { submoduleUrl } from './submodules.ts';

const tree = (files: Readonly<Record<string, string>>) =>
  treeOfFiles(new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])));

const text = async (from: FileTree, path: string) => {
  const bytes = await from.readFile(path);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
};

/** Every file that walking finds, with its content. */
async function walked(from: FileTree, folder = ''): Promise<Record<string, string | undefined>> {
  const found: Record<string, string | undefined> = {};
  for (const name of (await from.list(folder)) ?? []) {
    const path = folder === '' ? name : `${folder}/${name}`;
    if ((await from.kind(path)) === 'directory') Object.assign(found, await walked(from, path));
    else found[path] = await text(from, path);
  }
  return found;
}

const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => `${parts.join('/')}/f`);
const files = fc.dictionary(path, fc.constantFrom('1', '2', '3'), { maxKeys: 6 });
const folder = fc.array(name, { minLength: 1, maxLength: 2 }).map((parts) => parts.join('/'));

describe('a tree with others mounted', () => {
  test('holds at each folder what is mounted there, and everywhere else what it had', async () => {
    await fc.assert(
      fc.asyncProperty(files, files, folder, async (outer, inner, at) => {
        const composed = treeWithMounts(tree(outer), new Map([[at, tree(inner)]]));
        const wanted = {
          ...Object.fromEntries(Object.entries(outer).filter(([file]) => !file.startsWith(`${at}/`))),
          ...Object.fromEntries(Object.entries(inner).map(([file, content]) => [`${at}/${file}`, content])),
        };
        expect(await walked(composed)).toEqual(wanted);
        expect(await walked(treeBelow(composed, at))).toEqual(inner);
      }),
    );
  });

  test('keeps one that lies in another', async () => {
    const composed = treeWithMounts(
      tree({ 'x/f': 'outer' }),
      new Map([
        ['m', tree({ f: 'one', 'n/f': 'hidden' })],
        ['m/n', tree({ f: 'two' })],
      ]),
    );
    expect(await walked(composed)).toEqual({ 'x/f': 'outer', 'm/f': 'one', 'm/n/f': 'two' });
    expect([await composed.kind('m'), await composed.resolve('./m/../m/n/f')]).toEqual([
      'directory',
      'm/n/f',
    ]);
  });
});

describe('a tree of some folders', () => {
  test('holds them whole, and nothing beside them', async () => {
    await fc.assert(
      fc.asyncProperty(files, fc.array(folder, { minLength: 1, maxLength: 2 }), async (all, folders) => {
        const kept = Object.fromEntries(
          Object.entries(all).filter(([file]) => folders.some((one) => file.startsWith(`${one}/`))),
        );
        expect(await walked(treeOfFolders(tree(all), folders))).toEqual(kept);
      }),
    );
  });
});

test.each([
  ['https://git.corp.io/org/app.git', '../lib.git', 'https://git.corp.io/org/lib.git'],
  ['https://git.corp.io/org/app.git/', '../../other/lib', 'https://git.corp.io/other/lib'],
  ['ssh://git@git.corp.io/org/app', './lib', 'ssh://git@git.corp.io/org/app/lib'],
  ['https://git.corp.io/org/app.git', 'https://elsewhere.io/lib', 'https://elsewhere.io/lib'],
])('a submodule of %s at %s is %s', (repository, url, whole) => {
  expect(submoduleUrl(url, repository)).toBe(whole);
});
