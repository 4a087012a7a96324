import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { author, change, failure, remoteStage } from './remote.fixture.ts';
import { commitAll, git } from './test-support.ts';

const stage = remoteStage();

describe('a branch for a pull request', () => {
  const start = { from: 'main' } as const;
  const request = (text: string, more = {}) => ({
    ...change(text),
    branch: 'landfall/update',
    start,
    ...more,
  });

  test('begins at its base with the commit, and goes on where it is', async () => {
    const made = await stage.mirror.commit(request('two\n'));
    expect(made).toMatchObject({ parent: stage.first, changed: true, ref: 'refs/heads/landfall/update' });
    expect(await stage.subjects('main')).toEqual(['First']);
    const more = await stage.mirror.commit(request('three\n', { message: 'More' }));
    expect(more.parent).toBe(made.commit);
    expect(await stage.subjects('landfall/update')).toEqual(['More', 'Pin the image', 'First']);
  });

  test('is begun anew on the base of today, or refused, where that is wanted', async () => {
    const old = await stage.mirror.commit(request('two\n'));
    await commitAll(stage.folder, { 'b.yaml': 'later\n' }, 'Later');
    await git(stage.folder, 'push', '--quiet', stage.bare, 'main');
    const refused = await failure(
      stage.mirror.commit(request('x\n', { start: { from: 'main', existing: 'refuse' } })),
    );
    expect(refused).toMatchObject({ kind: 'conflict', code: 'git-branch-exists' });
    await stage.mirror.commit(request('three\n', { start: { from: 'main', existing: 'replace' } }));
    expect(await stage.subjects('landfall/update')).toEqual(['Pin the image', 'Later', 'First']);
    expect(await git(stage.bare, 'branch', '--contains', old.commit)).toBe('');
  });

  test('needs a base that is there', async () => {
    const error = await failure(stage.mirror.commit(request('x\n', { start: { from: 'mian' } })));
    expect(error).toMatchObject({ kind: 'not-found', hint: 'Did you mean: main?' });
  });

  test('is deleted when its commits are not lost by it', async () => {
    const made = await stage.mirror.commit(request('two\n'));
    const branch = 'landfall/update';
    expect(await failure(stage.mirror.deleteBranch({ branch, mergedInto: 'main' }))).toMatchObject({
      kind: 'conflict',
      code: 'git-branch-not-merged',
    });
    expect((await failure(stage.mirror.deleteBranch({ branch, at: stage.first }))).code).toBe(
      'git-branch-not-merged',
    );
    expect(await stage.mirror.deleteBranch({ branch, at: made.commit })).toBe(true);
    expect(await stage.mirror.deleteBranch({ branch, at: made.commit })).toBe(false);
    await stage.mirror.commit(request('two\n'));
    const tip = (await git(stage.bare, 'rev-parse', branch)).trim();
    await stage.mirror.fastForward({ branch: 'main', to: tip });
    expect(await stage.mirror.deleteBranch({ branch, mergedInto: 'main' })).toBe(true);
    expect(await git(stage.bare, 'branch', '--list', branch)).toBe('');
    expect((await failure(stage.mirror.deleteBranch({ branch: 'main', at: tip }))).code).toBe(
      'git-branch-head',
    );
  });
});

describe("an environment's branch", () => {
  test('moves forward, and never back or aside', async () => {
    const second = await commitAll(stage.folder, { 'b.yaml': 'c\n' }, 'Second');
    await git(stage.folder, 'push', '--quiet', stage.bare, 'main');
    const missing = await failure(stage.mirror.fastForward({ branch: 'env/prod', to: stage.first }));
    expect(missing.kind).toBe('not-found');
    expect(await stage.mirror.fastForward({ branch: 'env/prod', to: stage.first, create: true })).toEqual({
      from: undefined,
      to: stage.first,
      changed: true,
    });
    expect(await stage.mirror.fastForward({ branch: 'env/prod', to: second, expect: stage.first })).toEqual({
      from: stage.first,
      to: second,
      changed: true,
    });
    expect((await stage.mirror.fastForward({ branch: 'env/prod', to: second })).changed).toBe(false);
    expect((await failure(stage.mirror.fastForward({ branch: 'env/prod', to: stage.first }))).code).toBe(
      'git-not-forward',
    );
    expect(
      (await failure(stage.mirror.fastForward({ branch: 'main', to: stage.first, expect: stage.first })))
        .code,
    ).toBe('git-branch-moved');
    expect((await git(stage.bare, 'rev-parse', 'env/prod')).trim()).toBe(second);
  });

  test('follows even when somebody moves it forward at the same time', async () => {
    await git(stage.bare, 'branch', 'env/prod', stage.first);
    const second = await commitAll(stage.folder, { 'b.yaml': 'c\n' }, 'Second');
    const third = await commitAll(stage.folder, { 'b.yaml': 'd\n' }, 'Third');
    await git(stage.folder, 'push', '--quiet', stage.bare, 'main');
    stage.server.onRequest = async (request) => {
      if (!request.endsWith('git-receive-pack')) return;
      stage.server.onRequest = undefined;
      await git(stage.bare, 'branch', '--force', 'env/prod', second);
    };
    expect(await stage.mirror.fastForward({ branch: 'env/prod', to: third })).toMatchObject({
      from: second,
      changed: true,
    });
  });

  test('in a folder takes its checked-out files along', async () => {
    const local = stage.mirrors.open(stage.folder);
    await git(stage.folder, 'checkout', '--quiet', '-b', 'next');
    const second = await commitAll(stage.folder, { 'b.yaml': 'c\n' }, 'Second');
    await git(stage.folder, 'checkout', '--quiet', 'main');
    await local.fastForward({ branch: 'main', to: second });
    expect(await readFile(path.join(stage.folder, 'b.yaml'), 'utf8')).toBe('c\n');
    expect(await git(stage.folder, 'status', '--porcelain')).toBe('');
    expect(await local.deleteBranch({ branch: 'next', mergedInto: 'main' })).toBe(true);
  });
});

describe('a tag', () => {
  const tag = (commit: string) => ({
    name: 'v1.2.3',
    commit,
    message: 'v1.2.3\n\nAll of it.',
    tagger: author,
  });

  test.each(['remote', 'folder'])('is made once, with its message, and never moves: %s', async (where) => {
    const [at, repository] =
      where === 'remote' ? [stage.mirror, stage.bare] : [stage.mirrors.open(stage.folder), stage.folder];
    expect(await at.createTag(tag(stage.first))).toEqual({
      ref: 'refs/tags/v1.2.3',
      commit: stage.first,
      created: true,
    });
    expect(await git(repository, 'cat-file', 'tag', 'v1.2.3')).toMatch(
      /type commit\ntag v1\.2\.3\ntagger Landfall <landfall@example\.com> \d+ \+0000\n\nv1\.2\.3\n\nAll of it\.\n/,
    );
    expect((await at.createTag(tag(stage.first))).created).toBe(false);
    const made = await at.commit(change('two\n'));
    expect(await failure(at.createTag(tag(made.commit)))).toMatchObject({
      kind: 'conflict',
      code: 'git-tag-exists',
    });
    expect((await at.resolve('v1.2.3')).commit).toBe(stage.first);
  });

  test('that the server refuses is not left behind', async () => {
    const hook = path.join(stage.bare, 'hooks', 'update');
    await mkdir(path.dirname(hook), { recursive: true });
    await writeFile(hook, '#!/bin/sh\nexit 1\n');
    await chmod(hook, 0o755);
    expect((await failure(stage.mirror.createTag(tag(stage.first)))).code).toBe('git-push-refused');
    expect(await stage.mirror.tags()).toEqual([]);
  });
});
