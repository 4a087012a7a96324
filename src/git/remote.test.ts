import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LandfallError, systemClock } from '../kernel/index.ts';
import { createGitMirrors, type GitMirrors } from './index.ts';
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

let temporary: TestFolder;
let root: string;
let work: string;
let bare: string;
let server: GitServer;
let mirrors: GitMirrors;
let cache: string;
let first: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  root = path.join(temporary.path, 'served');
  await mkdir(root);
  work = await createRepository(path.join(temporary.path, 'work'));
  first = await commitAll(work, { 'a.txt': 'one\n' }, 'First');
  await git(work, 'tag', '-a', '-m', 'One', 'v1');
  bare = await publish(work, root, 'app.git');
  await git(work, 'remote', 'add', 'origin', bare);
  server = await serveGit(root);
  cache = path.join(temporary.path, 'cache');
  mirrors = createGitMirrors({ folder: cache, clock: systemClock });
});

afterAll(async () => {
  mirrors.close();
  await server[Symbol.asyncDispose]();
  await temporary[Symbol.asyncDispose]();
});

/** Pushes by the folder's path, which the product's own git command never does. */
async function push(...refs: string[]): Promise<void> {
  await git(work, 'push', '--quiet', '--force', bare, ...refs);
}

async function failure(attempt: Promise<unknown>): Promise<LandfallError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LandfallError) return error;
  throw new Error(`a LandfallError was expected, and this came: ${String(error)}`);
}

describe('a mirror', () => {
  test('answers from its last fetch, and sees a push after the next', async () => {
    const mirror = mirrors.open(`${server.url}/app.git`);
    expect(await mirror.resolve('main')).toEqual({ commit: first, ref: 'refs/heads/main' });
    expect(await mirror.resolve('v1')).toEqual({ commit: first, ref: 'refs/tags/v1' });
    expect(await mirror.resolve('HEAD')).toEqual({ commit: first, ref: 'refs/heads/main' });
    const second = await commitAll(work, { 'a.txt': 'two\n' }, 'Second');
    await push('main');
    expect((await mirror.resolve('main')).commit).toBe(first);
    await mirror.fetch();
    expect((await mirror.resolve('main')).commit).toBe(second);
    expect(Buffer.from((await mirror.tree(second).readFile('a.txt')) ?? []).toString()).toBe('two\n');
    expect((await mirror.log({ limit: 5 })).map((entry) => entry.subject)).toEqual(['Second', 'First']);
  });

  test('follows a branch that was rewritten, one that was deleted, and a new default branch', async () => {
    const mirror = mirrors.open(`${server.url}/app.git`);
    await git(work, 'checkout', '--quiet', '-b', 'side', first);
    const side = await commitAll(work, { 'side.txt': '1' }, 'Side');
    await push('side');
    await mirror.fetch();
    expect((await mirror.resolve('side')).commit).toBe(side);
    await git(work, 'commit', '--quiet', '--amend', '-m', 'Side, again');
    await push('side');
    await mirror.fetch();
    expect((await mirror.resolve('side')).commit).not.toBe(side);
    await git(bare, 'symbolic-ref', 'HEAD', 'refs/heads/side');
    await mirror.fetch();
    expect((await mirror.resolve('HEAD')).ref).toBe('refs/heads/side');
    await git(bare, 'symbolic-ref', 'HEAD', 'refs/heads/main');
    await push(':side');
    await mirror.fetch();
    expect((await failure(mirror.resolve('side'))).code).toBe('git-revision-not-found');
    await git(work, 'checkout', '--quiet', 'main');
  });

  test('asks the server for a commit that no branch leads to', async () => {
    await git(bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
    await git(work, 'checkout', '--quiet', '--detach');
    const hidden = await commitAll(work, { 'hidden.txt': 'h' }, 'Hidden');
    await push(`${hidden}:refs/pull/7/head`);
    await git(work, 'checkout', '--quiet', 'main');
    const mirror = mirrors.open(`${server.url}/app.git`);
    expect(await mirror.resolve(hidden)).toEqual({ commit: hidden });
    expect(await mirror.tree(hidden).kind('hidden.txt')).toBe('file');
  });

  test('is fetched once for callers of the same moment, and again for one who comes later', async () => {
    const mirror = mirrors.open(`${server.url}/app.git`);
    await mirror.fetch();
    const before = server.advertisements();
    await Promise.all([mirror.fetch(), mirror.fetch(), mirror.fetch()]);
    expect(server.advertisements() - before).toBe(1);
    let late: Promise<void> | undefined;
    server.onRequest = () => {
      late ??= mirror.fetch();
    };
    await mirror.fetch();
    await late;
    server.onRequest = undefined;
    expect(server.advertisements() - before).toBe(3);
  });

  test('is kept by the next process, and a half clone is thrown away', async () => {
    const url = `${server.url}/app.git`;
    await mirrors.open(url).fetch();
    const [name] = (await readdir(cache)).filter((entry) => entry.endsWith('.git'));
    const half = path.join(cache, `${name}.abc.tmp`);
    await mkdir(half, { recursive: true });
    await rm(path.join(cache, name ?? ''), { recursive: true });
    await mkdir(path.join(cache, name ?? '', 'objects'), { recursive: true });
    const again = createGitMirrors({ folder: cache, clock: systemClock });
    await again.open(url).fetch();
    expect((await readdir(cache)).filter((entry) => entry !== name)).toEqual([]);
    expect((await again.open(url).resolve('v1')).commit).toBe(first);
    again.close();
  });

  test('that is damaged is made anew', async () => {
    const url = `${server.url}/app.git`;
    await mirrors.open(url).fetch();
    const [name = ''] = (await readdir(cache)).filter((entry) => entry.endsWith('.git'));
    await writeFile(path.join(cache, name, 'HEAD'), 'nonsense\n');
    await mirrors.open(url).fetch();
    expect((await mirrors.open(url).resolve('v1')).commit).toBe(first);
  });

  test('takes over the lock of a process that died, and a lock file that git left', async () => {
    const url = `${server.url}/app.git`;
    await mirrors.open(url).fetch();
    const [name = ''] = (await readdir(cache)).filter((entry) => entry.endsWith('.git'));
    const { hostname } = await import('node:os');
    await writeFile(path.join(cache, `${name}.lock`), `999999999 ${hostname()} dead`);
    await writeFile(path.join(cache, name, 'packed-refs.lock'), '');
    await commitAll(work, { 'a.txt': `${Date.now()}` }, 'More');
    await git(work, 'branch', '--force', 'gone');
    await push('main', 'gone');
    await mirrors.open(url).fetch();
    await push(':gone');
    await mirrors.open(url).fetch();
    expect((await readdir(cache)).filter((entry) => entry.endsWith('.lock'))).toEqual([]);
  });

  test('of one URL is not cloned by two at the same time', async () => {
    const other = path.join(temporary.path, 'cache-2');
    const both = [1, 2].map(() => createGitMirrors({ folder: other, clock: systemClock }));
    await Promise.all(both.map((each) => each.open(`${server.url}/app.git`).fetch()));
    expect((await readdir(other)).length).toBe(1);
    for (const each of both) each.close();
  });
});

describe('a server that refuses or is not there', () => {
  test('leaves what was fetched before readable by commit, and every name unknown', async () => {
    const gone = await serveGit(root);
    const url = `${gone.url}/app.git`;
    const before = createGitMirrors({ folder: path.join(temporary.path, 'cache-3'), clock: systemClock });
    const { commit } = await before.open(url).resolve('v1');
    before.close();
    await gone[Symbol.asyncDispose]();
    const after = createGitMirrors({ folder: path.join(temporary.path, 'cache-3'), clock: systemClock });
    expect(await after.open(url).resolve(commit)).toEqual({ commit });
    expect(await after.open(url).tree(commit).kind('a.txt')).toBe('file');
    expect((await failure(after.open(url).resolve('v1'))).kind).toBe('unavailable');
    expect((await failure(after.open(url).fetch())).kind).toBe('unavailable');
    after.close();
  });

  test('wants credentials: denied, and the password in a URL is never shown', async () => {
    await using locked = await serveGit(root, 'secret-1');
    const without = await failure(mirrors.open(`${locked.url}/app.git`).resolve('main'));
    expect(without).toMatchObject({ kind: 'denied', code: 'git-authentication' });
    const wrong = locked.url.replace('//', '//ci:hunter2@');
    const refused = await failure(mirrors.open(`${wrong}/app.git`).resolve('main'));
    expect(refused.kind).toBe('denied');
    expect(`${refused.message} ${refused.hint} ${refused.object}`).not.toMatch(/hunter2|ci:/);
    expect(mirrors.open(`${wrong}/app.git`).display).toBe(`${locked.url}/app.git`);
    const right = mirrors.open(`${locked.url.replace('//', '//ci:secret-1@')}/app.git`);
    expect((await right.resolve('v1')).commit).toBe(first);
    const kept = await promisify(execFile)('grep', ['-r', 'secret-1', cache]).catch(() => ({ stdout: '' }));
    expect(kept.stdout).toBe('');
  });

  test('has no such repository', async () => {
    const error = await failure(mirrors.open(`${server.url}/none.git`).resolve('main'));
    expect(error).toMatchObject({ kind: 'not-found', code: 'git-repository-not-found' });
  });

  test('has an unknown name, or nothing listens', async () => {
    const unknown = await failure(mirrors.open('http://no-such-host.invalid/app.git').resolve('main'));
    expect(unknown).toMatchObject({ kind: 'unavailable', code: 'git-host-unknown' });
    const closed = await failure(mirrors.open('http://127.0.0.1:9/app.git').resolve('main'));
    expect(closed).toMatchObject({ kind: 'unavailable', code: 'git-unreachable' });
  });

  test('never answers: the caller can stop waiting', async () => {
    const sockets: Socket[] = [];
    const silent = await new Promise<Server>((resolve) => {
      const listening = createServer((socket) => sockets.push(socket.on('error', () => {})));
      listening.listen(0, '127.0.0.1', () => resolve(listening));
    });
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const controller = new AbortController();
    const waiting = failure(mirrors.open(`http://127.0.0.1:${port}/x.git`).fetch(controller.signal));
    setTimeout(() => controller.abort(), 100);
    expect((await waiting).kind).toBe('cancelled');
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => silent.close(() => resolve()));
  });

  test('has a repository without a commit', async () => {
    await createRepository(path.join(root, 'empty.git'), '--bare');
    const mirror = mirrors.open(`${server.url}/empty.git`);
    expect((await failure(mirror.resolve('main'))).code).toBe('git-empty-repository');
    expect((await failure(mirror.resolve('HEAD'))).code).toBe('git-empty-repository');
  });
});

test('without git on PATH the message says to install it', async () => {
  const before = process.env['PATH'];
  process.env['PATH'] = path.join(temporary.path, 'nothing');
  try {
    const error = await failure(mirrors.open(`${server.url}/other.git`).resolve('main'));
    expect(error).toMatchObject({ code: 'program-missing', kind: 'not-found' });
    expect(error.hint).toContain('Install git');
  } finally {
    process.env['PATH'] = before;
  }
});
