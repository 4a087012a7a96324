import { mkdir, readdir, utimes } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../kernel/index.ts';
import { createGitMirrors } from './index.ts';
import { commitAll, createRepository, git, publish, serveGit, temporaryFolder } from './test-support.ts';

const LONG_AGO = Date.UTC(2026, 0, 1);

async function age(...file: string[]): Promise<void> {
  await utimes(path.join(...file), LONG_AGO / 1000, LONG_AGO / 1000);
}

it('tells when a branch moved, however old the commit is that it moved to', { timeout: 60_000 }, async () => {
  await using temporary = await temporaryFolder();
  const root = path.join(temporary.path, 'served');
  await mkdir(root);
  const work = await createRepository(path.join(temporary.path, 'work'));
  const first = await commitAll(work, { 'a.txt': 'one\n' });
  await git(work, 'branch', 'prod');
  await commitAll(work, { 'a.txt': 'two\n' });
  const bare = await publish(work, root, 'app.git');
  await using server = await serveGit(root);
  const cache = path.join(temporary.path, 'cache');
  const mirrors = createGitMirrors({ folder: cache, clock: systemClock });
  try {
    // What is seen for the first time is there since now, as far as anybody here can tell.
    const mirror = mirrors.open(`${server.url}/app.git`);
    await mirror.fetch();
    expect(await mirror.movedAt('prod')).toBeGreaterThan(LONG_AGO);
    const [folder = ''] = (await readdir(cache)).filter((name) => name.endsWith('.git'));
    await age(cache, folder, 'packed-refs');
    expect(await mirror.movedAt('prod')).toBe(LONG_AGO);
    await mirror.fetch();
    expect(await mirror.movedAt('prod')).toBe(LONG_AGO);
    await git(work, 'push', '--quiet', bare, 'main:prod');
    await mirror.fetch();
    expect(await mirror.movedAt('prod')).toBeGreaterThan(LONG_AGO);
    expect(await mirror.movedAt('main')).toBe(LONG_AGO);
    expect(await mirror.movedAt(first)).toBeUndefined();

    const local = mirrors.open(work);
    await age(work, '.git', 'refs', 'heads', 'main');
    expect(await local.movedAt('HEAD')).toBe(LONG_AGO);
    await git(work, 'checkout', '--quiet', '-B', 'main', 'prod');
    expect(await local.movedAt('main')).toBeGreaterThan(LONG_AGO);
  } finally {
    mirrors.close();
  }
});
