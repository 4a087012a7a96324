import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { change, failure, remoteStage } from './remote.fixture.ts';
import { commitAll, git } from './test-support.ts';

const stage = remoteStage();

describe('a revert', () => {
  const onto = async () => (await stage.mirror.resolve('main')).commit;
  const push = async () => {
    await git(stage.folder, 'push', '--quiet', stage.bare, 'main');
    await stage.mirror.fetch();
  };
  const ten = (third: string, tenth = 'j') => `a\nb\n${third}\nd\ne\nf\ng\nh\ni\n${tenth}\n`;

  test('takes back what came, went and changed, and keeps what others did since', async () => {
    await commitAll(stage.folder, { 'long.txt': ten('c'), 'gone.txt': 'here\n' }, 'Before');
    await git(stage.folder, 'rm', '--quiet', 'gone.txt');
    const bad = await commitAll(
      stage.folder,
      { 'a.yaml': 'image: two\n', 'new.txt': 'n\n', 'long.txt': ten('C') },
      'Bad',
    );
    await commitAll(stage.folder, { 'b.yaml': 'later\n', 'long.txt': ten('C', 'J') }, 'Later');
    await push();
    const made = await stage.mirror.commit({
      ...change(''),
      message: 'Revert "Bad"',
      files: (_tree, parent) => stage.mirror.revertChanges({ commit: bad, onto: parent }),
    });
    expect(made.changed).toBe(true);
    const texts = await Promise.all(
      ['a.yaml', 'gone.txt', 'long.txt', 'b.yaml'].map((file) => git(stage.bare, 'show', `main:${file}`)),
    );
    expect(texts).toEqual(['image: one\n', 'here\n', ten('c', 'J'), 'later\n']);
    await expect(git(stage.bare, 'show', 'main:new.txt')).rejects.toThrow();
    // Nothing is left to take back.
    expect(await stage.mirror.revertChanges({ commit: bad, onto: await onto() })).toEqual({
      texts: {},
      deleted: [],
    });
  });

  test('of a merge takes back what it brought', async () => {
    await git(stage.folder, 'checkout', '--quiet', '-b', 'side');
    await commitAll(stage.folder, { 'a.yaml': 'image: side\n' }, 'Side');
    await git(stage.folder, 'checkout', '--quiet', 'main');
    await commitAll(stage.folder, { 'b.yaml': 'main\n' }, 'Main');
    await git(stage.folder, 'merge', '--quiet', '--no-ff', '-m', 'Merge', 'side');
    await push();
    const tip = await onto();
    expect(await stage.mirror.revertChanges({ commit: tip, onto: tip })).toEqual({
      texts: { 'a.yaml': 'image: one\n' },
      deleted: [],
    });
  });

  test('that conflicts is refused with every path, and gives nothing', async () => {
    const bad = await commitAll(
      stage.folder,
      { 'a.yaml': 'image: two\n', 'b.yaml': 'x\n', 'new.txt': 'n\n' },
      'Bad',
    );
    await commitAll(stage.folder, { 'a.yaml': 'image: three\n', 'new.txt': 'm\n' }, 'Later');
    await push();
    const error = await failure(stage.mirror.revertChanges({ commit: bad, onto: await onto() }));
    expect(error).toMatchObject({ kind: 'conflict', code: 'git-revert-conflict' });
    expect(error.message).toMatch(/a\.yaml, new\.txt \(changed since it was added\)/);
    expect((await failure(stage.mirror.revertChanges({ commit: stage.first, onto: bad }))).message).toMatch(
      /first commit/,
    );
  });

  test('of what is no text, or no ordinary file, is refused', async () => {
    await writeFile(path.join(stage.folder, 'image.bin'), Buffer.from([0, 1, 2]));
    await commitAll(stage.folder, {}, 'Binary');
    await writeFile(path.join(stage.folder, 'image.bin'), Buffer.from([0, 1, 3]));
    const bad = await commitAll(stage.folder, {}, 'Other binary');
    await push();
    expect((await failure(stage.mirror.revertChanges({ commit: bad, onto: bad }))).message).toMatch(
      /image\.bin/,
    );
    expect((await stat(path.join(stage.folder, 'image.bin'))).size).toBe(3);
  });
});
