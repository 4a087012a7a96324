import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LandfallError, manualClock, systemClock } from '../kernel/index.ts';
import { commitFiles, createGitMirrors, type GitMirrors } from './index.ts';
import {
  commitAll,
  createRepository,
  git,
  publish,
  serveGit,
  temporaryFolder,
  type GitServer,
  type TestFolder,
} from './test-support.ts';

const author = { name: 'Landfall', email: 'landfall@example.com' };
const clock = manualClock(Date.UTC(2026, 4, 1, 12));

let temporary: TestFolder;
let count = 0;
let root: string;
let server: GitServer;
let mirrors: GitMirrors;
let folder: string;
let first: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  root = path.join(temporary.path, 'served');
  await mkdir(root);
  server = await serveGit(root);
  mirrors = createGitMirrors({ folder: path.join(temporary.path, 'cache'), clock });
});

afterAll(async () => {
  mirrors.close();
  await server[Symbol.asyncDispose]();
  await temporary[Symbol.asyncDispose]();
});

beforeEach(async () => {
  folder = await createRepository(path.join(temporary.path, `repo-${count++}`));
  first = await commitAll(
    folder,
    { 'a.yaml': 'image: one\n', 'b.yaml': 'b\n', 'dir/run.sh': 'echo\n' },
    'First',
  );
});

async function failure(attempt: Promise<unknown>): Promise<LandfallError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LandfallError) return error;
  throw new Error(`a LandfallError was expected, and this came: ${String(error)}`);
}

const change = (files: Readonly<Record<string, string>>) => ({
  branch: 'main',
  files,
  message: 'Pin the image',
  author,
  clock,
});

describe('a commit to a repository on this machine', () => {
  test('moves the branch, its files and its index together', async () => {
    const made = await commitFiles({
      repository: folder,
      ...change({ 'a.yaml': 'image: two\n', 'new/c.yaml': 'c\n' }),
    });
    expect(made).toMatchObject({ parent: first, changed: true, ref: 'refs/heads/main' });
    expect((await git(folder, 'rev-parse', 'main')).trim()).toBe(made.commit);
    expect(await readFile(path.join(folder, 'a.yaml'), 'utf8')).toBe('image: two\n');
    expect(await readFile(path.join(folder, 'new/c.yaml'), 'utf8')).toBe('c\n');
    expect(await git(folder, 'status', '--porcelain')).toBe('');
    expect((await git(folder, 'log', '-1', '--format=%an %ae %s %cI')).trim()).toBe(
      'Landfall landfall@example.com Pin the image 2026-05-01T12:00:00+00:00',
    );
  });

  test('leaves changes in other files alone, and refuses when the file itself has some', async () => {
    await writeFile(path.join(folder, 'b.yaml'), 'mine\n');
    await commitFiles({ repository: folder, ...change({ 'a.yaml': 'image: two\n' }) });
    expect(await readFile(path.join(folder, 'b.yaml'), 'utf8')).toBe('mine\n');
    expect((await git(folder, 'status', '--porcelain')).trim()).toBe('M b.yaml');
    await writeFile(path.join(folder, 'a.yaml'), 'image: by hand\n');
    const before = await git(folder, 'rev-parse', 'main');
    const error = await failure(
      commitFiles({ repository: folder, ...change({ 'a.yaml': 'image: three\n' }) }),
    );
    expect(error).toMatchObject({ kind: 'conflict', code: 'git-dirty-files', object: 'a.yaml' });
    expect(await readFile(path.join(folder, 'a.yaml'), 'utf8')).toBe('image: by hand\n');
    expect(await git(folder, 'rev-parse', 'main')).toBe(before);
  });

  test('goes on where a process died between the files and the branch, and only there', async () => {
    const wanted = change({ 'a.yaml': 'image: two\n', 'new.yaml': 'c\n' });
    await writeFile(path.join(folder, 'a.yaml'), 'image: two\n');
    await writeFile(path.join(folder, 'new.yaml'), 'c\n');
    await git(folder, 'add', 'a.yaml', 'new.yaml');
    await writeFile(path.join(folder, 'new.yaml'), 'c by hand\n');
    const error = await failure(commitFiles({ repository: folder, ...wanted }));
    expect(error.code).toBe('git-dirty-files');
    await writeFile(path.join(folder, 'new.yaml'), 'c\n');
    const made = await commitFiles({ repository: folder, ...wanted });
    expect((await git(folder, 'rev-parse', 'main')).trim()).toBe(made.commit);
    expect(await git(folder, 'status', '--porcelain')).toBe('');
  });

  test('never overwrites a file that git does not know', async () => {
    await writeFile(path.join(folder, 'new.yaml'), 'precious\n');
    const error = await failure(commitFiles({ repository: folder, ...change({ 'new.yaml': 'x\n' }) }));
    expect(error.code).toBe('git-dirty-files');
    expect(await readFile(path.join(folder, 'new.yaml'), 'utf8')).toBe('precious\n');
  });

  test('touches no files when another branch is checked out, nor in a bare repository', async () => {
    await git(folder, 'checkout', '--quiet', '-b', 'other');
    await writeFile(path.join(folder, 'a.yaml'), 'image: by hand\n');
    const made = await commitFiles({ repository: folder, ...change({ 'a.yaml': 'image: two\n' }) });
    expect(await readFile(path.join(folder, 'a.yaml'), 'utf8')).toBe('image: by hand\n');
    expect((await git(folder, 'show', `${made.commit}:a.yaml`)).trim()).toBe('image: two');
    const bare = await publish(folder, root, `bare-${count}.git`);
    const again = await commitFiles({ repository: bare, ...change({ 'a.yaml': 'image: three\n' }) });
    expect((await git(bare, 'rev-parse', 'main')).trim()).toBe(again.commit);
  });

  test('keeps the mode of a script, and refuses links, folders and paths that lead out', async () => {
    await chmod(path.join(folder, 'dir/run.sh'), 0o755);
    await symlink('a.yaml', path.join(folder, 'link'));
    await commitAll(folder, {}, 'Modes');
    const made = await commitFiles({ repository: folder, ...change({ 'dir/run.sh': 'echo 2\n' }) });
    expect(await git(folder, 'ls-tree', made.commit, 'dir/run.sh')).toMatch(/^100755/);
    for (const file of [
      'link',
      'dir',
      'link/x',
      'a.yaml/x',
      'a.yaml/x/y/z',
      '../x',
      '/x',
      '.git/config',
      'dir/.GIT/x',
      'a//b',
      '',
    ]) {
      const error = await failure(commitFiles({ repository: folder, ...change({ [file]: 'x' }) }));
      expect(error, file).toMatchObject({ kind: 'invalid-input', code: 'git-path' });
    }
  });

  test('changes nothing when nothing differs', async () => {
    const made = await commitFiles({ repository: folder, ...change({ 'a.yaml': 'image: one\n' }) });
    expect(made).toEqual({ commit: first, parent: first, changed: false, ref: 'refs/heads/main' });
  });

  test('expects the parent that it is told to expect', async () => {
    const second = await commitAll(folder, { 'b.yaml': 'c\n' }, 'Second');
    const error = await failure(
      commitFiles({ repository: folder, ...change({ 'a.yaml': 'x\n' }), expectParent: first }),
    );
    expect(error).toMatchObject({ kind: 'conflict', code: 'git-branch-moved' });
    const made = await commitFiles({
      repository: folder,
      ...change({ 'a.yaml': 'x\n' }),
      expectParent: second,
    });
    expect(made.parent).toBe(second);
  });

  test('of several at once loses none', async () => {
    const made = await Promise.allSettled(
      ['p', 'q', 'r'].map((name) =>
        // They wait for one another, which takes real time.
        commitFiles({ repository: folder, ...change({ [`${name}.yaml`]: name }), clock: systemClock }),
      ),
    );
    expect(made.map((each) => each.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect((await git(folder, 'log', '--format=%s')).trim().split('\n')).toHaveLength(4);
    expect(await git(folder, 'status', '--porcelain')).toBe('');
  });

  test('runs none of the hooks of the repository', async () => {
    const hook = path.join(folder, '.git', 'hooks', 'reference-transaction');
    await mkdir(path.dirname(hook), { recursive: true });
    await writeFile(hook, '#!/bin/sh\nexit 1\n');
    await chmod(hook, 0o755);
    const made = await commitFiles({ repository: folder, ...change({ 'a.yaml': 'image: two\n' }) });
    expect(made.changed).toBe(true);
  });

  test('needs a branch that exists, a message and an author', async () => {
    const branch = await failure(
      commitFiles({ repository: folder, ...change({ 'a.yaml': 'x' }), branch: 'mian' }),
    );
    expect(branch.hint).toContain('main');
    const message = await failure(
      commitFiles({ repository: folder, ...change({ 'a.yaml': 'x' }), message: ' ' }),
    );
    expect(message.code).toBe('git-message');
    const name = { name: 'A <b>', email: 'x@example.com' };
    expect(
      (await failure(commitFiles({ repository: folder, ...change({ 'a.yaml': 'x' }), author: name }))).code,
    ).toBe('git-author');
  });
});

describe('a commit to a remote repository', () => {
  test('is pushed, and computed again when somebody else was faster', async () => {
    const name = `remote-${count}.git`;
    const bare = await publish(folder, root, name);
    const mirror = mirrors.open(`${server.url}/${name}`);
    let calls = 0;
    const made = await commitFiles({
      repository: mirror,
      ...change({}),
      files: async (tree) => {
        calls += 1;
        if (calls === 1) {
          await commitAll(folder, { 'a.yaml': 'image: theirs\n' }, 'Theirs');
          await git(folder, 'push', '--quiet', bare, 'main');
        }
        const text = Buffer.from((await tree.readFile('a.yaml')) ?? []).toString();
        return { 'a.yaml': `${text}pinned: true\n` };
      },
    });
    expect(calls).toBe(2);
    expect(await git(bare, 'show', 'main:a.yaml')).toBe('image: theirs\npinned: true\n');
    expect((await mirror.resolve('main')).commit).toBe(made.commit);
  });

  test('of texts goes on top of other files, and is a conflict on the same file', async () => {
    const name = `texts-${count}.git`;
    const bare = await publish(folder, root, name);
    const mirror = mirrors.open(`${server.url}/${name}`);
    await mirror.fetch();
    const theirs = async (file: string) => {
      await commitAll(folder, { [file]: `theirs ${file}\n` }, 'Theirs');
      await git(folder, 'push', '--quiet', bare, 'main');
    };
    server.onRequest = async (request) => {
      if (!request.endsWith('git-receive-pack')) return;
      server.onRequest = undefined;
      await theirs('b.yaml');
    };
    await commitFiles({ repository: mirror, ...change({ 'a.yaml': 'mine\n' }) });
    expect(await git(bare, 'show', 'main:b.yaml')).toBe('theirs b.yaml\n');
    expect(await git(bare, 'show', 'main:a.yaml')).toBe('mine\n');
    await git(folder, 'fetch', '--quiet', bare, 'main');
    await git(folder, 'reset', '--quiet', '--hard', 'FETCH_HEAD');
    server.onRequest = async (request) => {
      if (!request.endsWith('git-receive-pack')) return;
      server.onRequest = undefined;
      await theirs('a.yaml');
    };
    const error = await failure(commitFiles({ repository: mirror, ...change({ 'a.yaml': 'mine again\n' }) }));
    expect(error).toMatchObject({ kind: 'conflict', code: 'git-branch-moved' });
    expect(await git(bare, 'show', 'main:a.yaml')).toBe('theirs a.yaml\n');
  });

  test('that the server refuses says that the branch may be protected', async () => {
    const name = `refused-${count}.git`;
    const bare = await publish(folder, root, name);
    const hook = path.join(bare, 'hooks', 'pre-receive');
    await mkdir(path.dirname(hook), { recursive: true });
    await writeFile(hook, '#!/bin/sh\nexit 1\n');
    await chmod(hook, 0o755);
    const error = await failure(
      commitFiles({ repository: mirrors.open(`${server.url}/${name}`), ...change({ 'a.yaml': 'x\n' }) }),
    );
    expect(error).toMatchObject({ kind: 'denied', code: 'git-push-refused' });
  });
});
