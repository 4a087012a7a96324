import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { symlink, writeFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LandfallError, systemClock } from '../kernel/index.ts';
import { createGitMirrors, findRepository, findRoot, type GitMirror, type GitMirrors } from './index.ts';
import { createObjectReader } from './objects.ts';
import { commitAll, createRepository, git, temporaryFolder, type TestFolder } from './test-support.ts';

let temporary: TestFolder;
let mirrors: GitMirrors;
let folder: string;
let mirror: GitMirror;
let first: string;
let second: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  mirrors = createGitMirrors({ folder: path.join(temporary.path, 'cache'), clock: systemClock });
  folder = await createRepository(path.join(temporary.path, 'repo'));
  first = await commitAll(
    folder,
    { 'a.txt': 'one\n', 'dir/b.txt': 'b\n', 'dir/deep/c.txt': 'c\n' },
    'First\n\nWhy it is.',
  );
  await git(folder, 'tag', '-a', '-m', 'Release', 'v1.0.0');
  await symlink('dir/b.txt', path.join(folder, 'link'));
  await symlink('deep/../../a.txt', path.join(folder, 'dir', 'up'));
  await symlink('dir', path.join(folder, 'linked'));
  await symlink('/etc/passwd', path.join(folder, 'absolute'));
  await symlink('../../etc/passwd', path.join(folder, 'dir', 'outside'));
  await symlink('circle', path.join(folder, 'circle'));
  second = await commitAll(folder, { 'a.txt': 'two\n' }, 'Second');
  await git(folder, 'branch', 'feature/x', first);
  mirror = mirrors.open(folder);
});

afterAll(async () => {
  mirrors.close();
  await temporary[Symbol.asyncDispose]();
});

async function failure(work: Promise<unknown>): Promise<LandfallError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LandfallError) return error;
  throw new Error(`a LandfallError was expected, and this came: ${String(error)}`);
}

describe('a revision', () => {
  test('is a branch, an annotated tag, a full or short commit, or HEAD', async () => {
    expect(await mirror.resolve('main')).toEqual({ commit: second, ref: 'refs/heads/main' });
    expect(await mirror.resolve('feature/x')).toEqual({ commit: first, ref: 'refs/heads/feature/x' });
    expect(await mirror.resolve('v1.0.0')).toEqual({ commit: first, ref: 'refs/tags/v1.0.0' });
    expect(await mirror.resolve('refs/tags/v1.0.0')).toEqual({ commit: first, ref: 'refs/tags/v1.0.0' });
    expect(await mirror.resolve(first)).toEqual({ commit: first });
    expect(await mirror.resolve(second.slice(0, 8))).toEqual({ commit: second });
    expect(await mirror.resolve('HEAD')).toEqual({ commit: second, ref: 'refs/heads/main' });
  });

  test('that does not exist is answered with the nearest names', async () => {
    const error = await failure(mirror.resolve('v1.0.1'));
    expect(error.kind).toBe('not-found');
    expect(error.hint).toContain('v1.0.0');
    expect((await failure(mirror.resolve('mian'))).hint).toContain('main');
    expect((await failure(mirror.resolve('0'.repeat(40)))).code).toBe('git-revision-not-found');
  });

  test.each([
    '--upload-pack=touch x',
    '-n',
    'a..b',
    'main~1',
    'main^{tree}',
    'a b',
    '@{-1}',
    'x\n',
    '',
    ':/Second',
  ])('that could be an option or an expression is refused: %j', async (revision) => {
    expect((await failure(mirror.resolve(revision))).code).toBe('git-revision');
  });

  test('that is a tag of a tree and no commit says so', async () => {
    await git(folder, 'tag', 'a-tree', `${first}^{tree}`);
    expect((await failure(mirror.resolve('a-tree'))).code).toBe('git-not-a-commit');
  });
});

describe('the files of a commit', () => {
  test('are those of that commit, not of the work tree', async () => {
    await writeFile(path.join(folder, 'not-committed.txt'), 'x');
    const read = async (commit: string, file: string) => {
      const bytes = await mirror.tree(commit).readFile(file);
      return bytes && Buffer.from(bytes).toString();
    };
    expect(await read(first, 'a.txt')).toBe('one\n');
    expect(await read(second, 'a.txt')).toBe('two\n');
    expect(await read(second, 'not-committed.txt')).toBeUndefined();
    expect(await read(second, 'dir')).toBeUndefined();
    expect(await mirror.tree(first).list('')).toEqual(['a.txt', 'dir']);
    expect(await mirror.tree(first).list('dir')).toEqual(['b.txt', 'deep']);
    expect(await mirror.tree(first).kind('dir/deep')).toBe('directory');
    expect(await mirror.tree(first).kind('dir/b.txt')).toBe('file');
    expect(await mirror.tree(first).kind('dir/b.txt/x')).toBeUndefined();
    expect(await mirror.tree(first).kind('none')).toBeUndefined();
    expect(await mirror.tree(first).list('none')).toBeUndefined();
    expect(await mirror.tree(first).list('a.txt')).toBeUndefined();
  });

  test('are reached through symbolic links inside of it', async () => {
    const tree = mirror.tree(second);
    const text = async (file: string) => Buffer.from((await tree.readFile(file)) ?? []).toString();
    expect(await text('link')).toBe('b\n');
    expect(await text('linked/b.txt')).toBe('b\n');
    expect(await text('linked/deep/c.txt')).toBe('c\n');
    expect(await text('dir/up')).toBe('two\n');
    expect(await text('dir/deep/../b.txt')).toBe('b\n');
    expect(await tree.kind('linked')).toBe('directory');
    expect(await tree.resolve('linked/deep/../b.txt')).toBe('dir/b.txt');
    expect(await tree.resolve('dir/up')).toBe('a.txt');
    expect(await tree.resolve('linked')).toBe('dir');
    expect(await tree.identity('link')).toBe(await tree.identity('dir/b.txt'));
  });

  test.each([
    ['../x', 'outside-root'],
    ['dir/../../x', 'outside-root'],
    ['/etc/passwd', 'git-path'],
    ['absolute', 'outside-root'],
    ['dir/outside', 'outside-root'],
    ['circle', 'git-symlink-loop'],
  ])('never lie outside of it: %s', async (file, code) => {
    expect((await failure(mirror.tree(second).readFile(file))).code).toBe(code);
  });

  test('in a submodule are refused by name', async () => {
    const other = await createRepository(path.join(temporary.path, 'with-submodule'));
    await commitAll(other, { 'x.txt': 'x' });
    await git(other, 'update-index', '--add', '--cacheinfo', `160000,${first},lib`);
    await git(other, 'commit', '--quiet', '-m', 'Add a submodule');
    const opened = mirrors.open(other);
    const { commit } = await opened.resolve('HEAD');
    expect((await failure(opened.tree(commit).readFile('lib/x'))).code).toBe('git-submodule');
    expect(await opened.tree(commit).list('')).toEqual(['lib', 'x.txt']);
  });

  test('are read in numbers at once, and large ones whole', async () => {
    const big = 'x'.repeat(3_000_000);
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`n/${index}.txt`, `${index}`]),
    );
    const commit = await commitAll(folder, { ...many, 'big.bin': big }, 'Many');
    const tree = mirror.tree(commit);
    const names = await tree.list('n');
    const texts = await Promise.all((names ?? []).map((name) => tree.readFile(`n/${name}`)));
    expect(texts.map((bytes) => Buffer.from(bytes ?? []).toString())).toEqual(
      names?.map((name) => name.replace('.txt', '')),
    );
    expect((await tree.readFile('big.bin'))?.length).toBe(big.length);
  });

  test('of a commit that is not there are not an empty folder', async () => {
    expect((await failure(mirror.tree('1'.repeat(40)).list(''))).code).toBe('git-commit-not-found');
  });

  test.skipIf(process.platform !== 'linux')('are read by one process, however many there are', async () => {
    const children = async () => {
      const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '--ppid', String(process.pid)]);
      return stdout.split('\n').filter((line) => line.includes('cat-file') && line.includes(folder)).length;
    };
    mirror.close();
    const tree = mirror.tree(first);
    for (const file of ['a.txt', 'dir/b.txt', 'dir/deep/c.txt', 'a.txt']) await tree.readFile(file);
    expect(await children()).toBe(1);
    await Promise.all(Array.from({ length: 200 }, () => tree.readFile('a.txt')));
    expect(await children()).toBe(1);
  });

  test('can be read again after the process that reads them has died', async () => {
    const reader = createObjectReader({
      gitDir: path.join(folder, '.git'),
      display: folder,
      clock: systemClock,
      maxObject: 1000,
    });
    expect((await reader.read(first))?.type).toBe('commit');
    const big = (await git(folder, 'hash-object', '-w', path.join(folder, 'big.bin'))).trim();
    expect((await failure(reader.read(big))).code).toBe('git-object-too-large');
    expect((await reader.read(second))?.type).toBe('commit');
    expect(await reader.read('4'.repeat(40))).toBeUndefined();
    reader.close();
  });

  test('can be read again after the reader was closed', async () => {
    mirror.close();
    expect(await mirror.tree(first).kind('a.txt')).toBe('file');
  });
});

describe('the history', () => {
  test('is told newest first, and for one path', async () => {
    const log = await mirror.log({ from: second, limit: 10 });
    expect(log.map((entry) => entry.subject)).toEqual(['Second', 'First']);
    expect(log[1]).toMatchObject({ commit: first, body: 'Why it is.', parents: [], author: { name: 'Ada' } });
    expect(
      (await mirror.log({ from: second, path: 'dir/b.txt', limit: 10 })).map((entry) => entry.commit),
    ).toEqual([first]);
    expect(await mirror.commitInfo(second)).toMatchObject({ parents: [first], subject: 'Second' });
    expect((await failure(mirror.commitInfo('2'.repeat(40)))).code).toBe('git-commit-not-found');
  });

  test('says which commit comes before which, and what differs', async () => {
    expect(await mirror.isAncestor(first, second)).toBe(true);
    expect(await mirror.isAncestor(second, first)).toBe(false);
    const changes = await mirror.diffFiles(first, second);
    expect(changes).toContainEqual({ path: 'a.txt', change: 'modified' });
    expect(changes).toContainEqual({ path: 'link', change: 'added' });
    expect((await failure(mirror.isAncestor(first, '3'.repeat(40)))).code).toBe('git-commit-not-found');
  });
});

describe('a path that is no repository', () => {
  test('is refused with what it is', async () => {
    const missing = await failure(mirrors.open(path.join(temporary.path, 'nowhere')).resolve('main'));
    expect(missing).toMatchObject({ kind: 'not-found', code: 'git-repository-not-found' });
    expect(missing.message).toContain('no such folder');
    await mkdir(path.join(temporary.path, 'plain'));
    const plain = await failure(mirrors.open(path.join(temporary.path, 'plain')).resolve('main'));
    expect(plain.hint).toContain('init');
    const inside = await failure(mirrors.open(path.join(folder, 'dir')).resolve('main'));
    expect(inside.hint).toContain(folder);
    const file = await failure(mirrors.open(path.join(folder, 'a.txt')).resolve('main'));
    expect(file.message).toContain('it is a file');
  });

  test('or a repository without a commit, too', async () => {
    const empty = await createRepository(path.join(temporary.path, 'empty'));
    expect((await failure(mirrors.open(empty).resolve('main'))).code).toBe('git-empty-repository');
    expect((await failure(mirrors.open(empty).resolve('HEAD'))).code).toBe('git-empty-repository');
  });

  test.each([
    ['ext::sh -c touch% x', 'ext:: run programs'],
    ['fd::17', 'not allowed'],
    ['-oProxyCommand=x', 'starts with "-"'],
    ['ssh://-oProxyCommand=x/y', 'is not a repository'],
    ['ftp://host/x', 'scheme'],
    ['git@-host:x', '"-"'],
  ])('and dangerous URLs are refused before git sees them: %s', (url, text) => {
    expect(() => mirrors.open(url)).toThrow(text);
  });
});

test('a repository of SHA-256 objects is read like any other', async () => {
  const other = await createRepository(path.join(temporary.path, 'sha256'), '--object-format=sha256');
  const commit = await commitAll(other, { 'x/y.txt': 'y' });
  expect(commit).toHaveLength(64);
  const opened = mirrors.open(`file://${other}`);
  expect(await opened.resolve(commit.slice(0, 10))).toEqual({ commit });
  expect(Buffer.from((await opened.tree(commit).readFile('x/y.txt')) ?? []).toString()).toBe('y');
});

test('the repository around a folder is found, with its remotes but not their passwords', async () => {
  await git(folder, 'remote', 'add', 'origin', 'https://ci:hunter2@git.example.com/team/app.git');
  const found = await findRepository(path.join(folder, 'dir'));
  expect(found).toMatchObject({
    root: folder,
    bare: false,
    branch: 'main',
    remotes: { origin: 'https://git.example.com/team/app.git' },
  });
  expect(await findRepository(temporary.path)).toBeUndefined();
});

test('the root around a folder is found from wherever one looks, and where there is none without git', async () => {
  expect((await findRoot(path.join(folder, 'dir')))?.root).toBe(folder);
  expect(await findRoot(path.join(folder, '.git', 'objects'))).toMatchObject({ bare: false });
  const bare = path.join(temporary.path, 'bare.git');
  await git(temporary.path, 'init', '--quiet', '--bare', bare);
  expect(await findRoot(path.join(bare, 'refs'))).toEqual({ root: bare, gitDir: bare, bare: true });
  const { PATH } = process.env;
  process.env['PATH'] = '/nowhere';
  try {
    expect(await findRoot(temporary.path)).toBeUndefined();
    await expect(findRoot(folder)).rejects.toThrow("'git' could not be started");
  } finally {
    process.env['PATH'] = PATH;
  }
});

test('an object whose content does not match its name is never used', async () => {
  const other = await createRepository(path.join(temporary.path, 'damaged'));
  const commit = await commitAll(other, { 'x.txt': 'x' });
  const { createHash } = await import('node:crypto');
  const { deflateSync } = await import('node:zlib');
  const { chmod } = await import('node:fs/promises');
  const forged = Buffer.from(`blob 6\0forged`);
  const blob = (await git(other, 'rev-parse', `${commit}:x.txt`)).trim();
  expect(createHash('sha1').update(forged).digest('hex')).not.toBe(blob);
  const file = path.join(other, '.git', 'objects', blob.slice(0, 2), blob.slice(2));
  await chmod(file, 0o644);
  await writeFile(file, deflateSync(forged));
  const error = await failure(mirrors.open(other).tree(commit).readFile('x.txt'));
  expect(error.kind).toBe('unavailable');
  expect(error.message).not.toContain('forged');
});
