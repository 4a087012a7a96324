import { describe, expect, it } from 'vitest';
import { treeOfFiles } from '../../git/index.ts';
import { withoutIgnored } from './source-ignore.ts';

function tree(files: Readonly<Record<string, string>>, patterns?: readonly string[]) {
  const content = new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));
  return withoutIgnored(treeOfFiles(content), patterns);
}

/** Every file that is left. */
async function left(
  files: Readonly<Record<string, string>>,
  patterns?: readonly string[],
): Promise<readonly string[]> {
  const packed = tree(files, patterns);
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const name of (await packed.list(folder)) ?? []) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if ((await packed.kind(path)) === 'directory') await walk(path);
      else found.push(path);
    }
  };
  await walk('');
  return found;
}

const plain = { 'a.yaml': '', '.github/w.yaml': '', 'deploy/b.yaml': '', 'deploy/x/c.yaml': '', 'p.jpg': '' };

describe('what a source leaves out', () => {
  it('is what Flux leaves out by itself, as long as nobody says anything', async () => {
    expect(await left(plain)).toEqual(['a.yaml', 'deploy/b.yaml', 'deploy/x/c.yaml']);
  });

  it('is decided by .sourceignore alone once there is one, but for what belongs to Git', async () => {
    const files = { ...plain, '.sourceignore': '# all\n/*\n!/deploy\n', '.gitignore': 'x' };
    expect(await left(files)).toEqual(['deploy/b.yaml', 'deploy/x/c.yaml']);
    expect(await left({ ...plain, '.sourceignore': 'deploy/x/\n' })).toEqual([
      '.github/w.yaml',
      '.sourceignore',
      'a.yaml',
      'deploy/b.yaml',
      'p.jpg',
    ]);
  });

  it('may be said in a folder for what is below it; elsewhere the usual is left out', async () => {
    const files = { ...plain, 'deploy/.sourceignore': '*.yaml\n!b.yaml\n' };
    expect(await left(files)).toEqual(['a.yaml', 'deploy/.sourceignore', 'deploy/b.yaml']);
  });

  it('is what spec.ignore says last', async () => {
    const files = { ...plain, '.sourceignore': '*.yaml\n' };
    expect(await left(files, ['!a.yaml', 'p.jpg'])).toEqual(['.sourceignore', 'a.yaml']);
  });

  it.each([
    ['a', 'x/a', true],
    ['a/', 'a', false],
    ['a/', 'a/b', true],
    ['/a', 'x/a', false],
    ['x/a', 'y/x/a', false],
    ['**/a', 'y/x/a', true],
    ['x/**', 'x/y/a', true],
    ['x/**/a', 'x/a', true],
    ['*.y?ml', 'a.yaml', true],
    ['[ab].txt', 'b.txt', true],
    ['[!ab].txt', 'b.txt', false],
    [String.raw`\!a`, '!a', true],
  ])('by %s: %s is left out: %s', async (pattern, path, out) => {
    expect((await tree({ [path]: '' }, [pattern]).readFile(path)) === undefined).toBe(out);
  });
});
