import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { commitFiles, createGitMirrors, withTrailers } from './index.ts';
import { change, failure, remoteStage } from './remote.fixture.ts';
import { commitAll, git } from './test-support.ts';

const stage = remoteStage();

/** Somebody else commits to main right before each of the next pushes is answered. */
function busy(times: number): void {
  let left = times;
  stage.server.onRequest = async (request) => {
    if (!request.endsWith('git-receive-pack') || left === 0) return;
    left -= 1;
    await commitAll(stage.folder, { 'theirs.yaml': `${left}\n` }, `Theirs ${left}`);
    await git(stage.folder, 'push', '--quiet', stage.bare, 'main');
  };
}

describe('a push to a busy repository', () => {
  test('that is rejected ten times is computed again each time, with pauses that grow', async () => {
    busy(10);
    const parents: string[] = [];
    const made = await stage.mirror.commit({
      ...change(''),
      files: async (tree, parent) => {
        parents.push(parent);
        const theirs = Buffer.from((await tree.readFile('theirs.yaml')) ?? []).toString();
        return { 'a.yaml': `seen: ${theirs}` };
      },
    });
    expect(new Set(parents).size).toBe(11);
    // What was written rests on the last state, and none of the others' commits is lost.
    expect(await git(stage.bare, 'show', 'main:a.yaml')).toBe('seen: 0\n');
    expect(await stage.subjects()).toEqual([
      'Pin the image',
      ...Array.from({ length: 10 }, (_, at) => `Theirs ${at}`),
      'First',
    ]);
    expect(made.parent).toBe(parents.at(-1));
    expect(stage.pauses).toHaveLength(9);
    expect(Math.max(...stage.pauses)).toBeLessThanOrEqual(7500);
    expect(stage.pauses.at(-1)).toBeGreaterThan(stage.pauses[0] ?? 0);
  }, 180_000);

  test('gives up after as many attempts as were asked for, and leaves nothing', async () => {
    busy(100);
    const error = await failure(stage.mirror.commit({ ...change('x\n'), attempts: 3 }));
    expect(error).toMatchObject({ kind: 'conflict', code: 'git-branch-busy' });
    expect(error.message).toMatch(/moved on 3 times/);
    expect(await stage.subjects()).not.toContain('Pin the image');
  });

  test('ends its pause when it is cancelled', async () => {
    const cancel = new AbortController();
    let pushes = 0;
    const waiting = createGitMirrors({
      folder: path.join(stage.temporary, 'waiting'),
      clock: { now: () => Date.now(), after: () => ({ cancel: () => {} }) },
    });
    try {
      stage.server.onRequest = async (request) => {
        if (!request.endsWith('git-receive-pack')) return;
        pushes += 1;
        await commitAll(stage.folder, { 'theirs.yaml': `${pushes}\n` }, 'Theirs');
        await git(stage.folder, 'push', '--quiet', stage.bare, 'main');
        // The second rejection is followed by a pause, which this clock never ends.
        if (pushes === 2) setTimeout(() => cancel.abort(), 500);
      };
      const committing = waiting.open(stage.url).commit(change('x\n'), cancel.signal);
      expect((await failure(committing)).kind).toBe('cancelled');
    } finally {
      waiting.close();
    }
  });
});

describe('a commit that is to be made once', () => {
  const once = { key: 'Landfall-Update', value: 'update-42' };

  test('is found by its trailer when it is asked for again', async () => {
    const made = await stage.mirror.commit({ ...change('two\n'), once });
    expect(await git(stage.bare, 'log', '-1', '--format=%B', 'main')).toBe(
      'Pin the image\n\nLandfall-Update: update-42\n\n',
    );
    await commitAll(stage.folder, { 'b.yaml': 'later\n' }, 'Later');
    await git(stage.folder, 'pull', '--quiet', '--rebase', stage.bare, 'main');
    await git(stage.folder, 'push', '--quiet', stage.bare, 'main');
    const again = await stage.mirror.commit({ ...change('three\n'), once });
    expect(again).toEqual({ ...made, found: true });
    expect(await git(stage.bare, 'show', 'main:a.yaml')).toBe('two\n');
    expect((await stage.mirror.findTrailer('main', { trailer: once }))?.commit).toBe(made.commit);
    expect(
      await stage.mirror.findTrailer('main', { trailer: { ...once, value: 'update-4' } }),
    ).toBeUndefined();
    expect(await stage.mirror.findTrailer('main', { trailer: once, since: made.commit })).toBeUndefined();
    expect((await stage.mirror.findTrailer('main', { trailer: once, since: stage.first }))?.commit).toBe(
      made.commit,
    );
    expect(await stage.mirror.findTrailer('other', { trailer: once })).toBeUndefined();
  });

  test('is made once when the answer to its push was lost', async () => {
    // The server took the push; whoever pushed never heard of it.
    let lost = false;
    stage.server.onRequest = async (request) => {
      if (!request.endsWith('git-receive-pack') || lost) return;
      lost = true;
      const made = await mirrorBeside();
      expect(made.changed).toBe(true);
    };
    const mirrorBeside = async () => {
      const others = createGitMirrors({ folder: path.join(stage.temporary, `beside`), clock: stage.clock });
      try {
        return await others.open(stage.url).commit({ ...change('two\n'), once });
      } finally {
        others.close();
      }
    };
    const made = await stage.mirror.commit({ ...change('two\n'), once });
    expect(made.found).toBe(true);
    expect(await stage.subjects()).toEqual(['Pin the image', 'First']);
  });

  test('is not taken for a commit that names it in its text', async () => {
    await commitAll(
      stage.folder,
      { 'b.yaml': 'c\n' },
      'About\n\nLandfall-Update: update-42\n\nis what it was',
    );
    await git(stage.folder, 'push', '--quiet', stage.bare, 'main');
    expect(await stage.mirror.findTrailer('main', { trailer: once })).toBeUndefined();
  });

  test.each([
    ['Subject', 'Subject\n\nA: 1\n'],
    ['Subject\n\nBody.\n', 'Subject\n\nBody.\n\nA: 1\n'],
    ['Subject\n\nB: 2\n', 'Subject\n\nB: 2\nA: 1\n'],
    ['Subject\n\nA: 1\n', 'Subject\n\nA: 1\n'],
    ['A: 0', 'A: 0\n\nA: 1\n'],
  ])('the trailers of %j', (message, wanted) => {
    expect(withTrailers(message, [{ key: 'A', value: '1' }])).toBe(wanted);
  });

  test('has no trailer that could be something else', () => {
    for (const value of ['', ' x', 'a\nB: 1', 'x'.repeat(600)]) {
      expect(() => withTrailers('s', [{ key: 'A', value }])).toThrow(/cannot be a trailer/);
    }
    expect(() => withTrailers('s', [{ key: 'a b', value: '1' }])).toThrow(/cannot be a trailer/);
  });
});

describe('a push that the server refuses', () => {
  test('says what the server said', async () => {
    const hook = path.join(stage.bare, 'hooks', 'update');
    await mkdir(path.dirname(hook), { recursive: true });
    await writeFile(
      hook,
      '#!/bin/sh\necho "GH006: Protected branch update failed, and fetch stage.first is no help" >&2\nexit 1\n',
    );
    await chmod(hook, 0o755);
    const error = await failure(stage.mirror.commit(change('x\n')));
    expect(error).toMatchObject({ kind: 'denied', code: 'git-push-refused', object: 'refs/heads/main' });
    expect(error.message).toMatch(/hook declined \(GH006: Protected branch update failed/);
    expect(error.hint).toMatch(/pull request/);
  });
});

test('a commit can take files out', async () => {
  const made = await commitFiles({
    repository: stage.folder,
    ...change(''),
    clock: stage.clock,
    files: () => Promise.resolve({ texts: { 'c.yaml': 'c\n' }, deleted: ['b.yaml', 'not-there.yaml'] }),
  });
  expect(await git(stage.folder, 'ls-tree', '--name-only', made.commit)).toBe('a.yaml\nc.yaml\n');
  expect(await git(stage.folder, 'status', '--porcelain')).toBe('');
});
