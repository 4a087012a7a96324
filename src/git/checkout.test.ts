import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../kernel/index.ts';
import { createGitMirrors } from './mirror.ts';
import { commitAll, createRepository, git, publish, serveGit, temporaryFolder } from './test-support.ts';

const signal = new AbortController().signal;

it('writes exactly the commit, from a remote or a folder, and runs nothing that the repository brings', async () => {
  await using folder = await temporaryFolder();
  const at = (...parts: string[]) => path.join(folder.path, ...parts);
  const source = await createRepository(at('source'));
  const first = await commitAll(source, {
    'a.txt': 'one\n',
    'big.bin': 'pointer\n',
    '.gitattributes': '*.bin filter=lfs\n',
  });
  await commitAll(source, { 'a.txt': 'two\n' });
  await publish(source, folder.path, 'source.git');
  for (const hook of ['post-checkout', 'pre-commit']) {
    await writeFile(at('source/.git/hooks', hook), '#!/bin/sh\ntouch ran\n').catch(() => undefined);
    await chmod(at('source/.git/hooks', hook), 0o755).catch(() => undefined);
  }
  await using server = await serveGit(folder.path);
  const mirrors = createGitMirrors({ folder: at('cache'), clock: systemClock });
  try {
    for (const [name, url] of [
      ['remote', `${server.url}/source.git`],
      ['local', source],
    ] as const) {
      const made = await mirrors.open(url).checkout(first, at(name), signal);
      expect(await readFile(at(name, 'a.txt'), 'utf8')).toBe('one\n');
      expect(made).toMatchObject({ lfs: ['big.bin'], submodules: [] });
      expect((await git(at(name), 'log', '--format=%H')).trim()).toBe(first);
      expect(await git(at(name), 'status', '--porcelain')).toBe('');
      await expect(stat(at(name, 'ran'))).rejects.toMatchObject({ code: 'ENOENT' });
      // Never into something that is there.
      await expect(mirrors.open(url).checkout(first, at(name), signal)).rejects.toMatchObject({
        code: 'git-checkout-folder',
      });
    }
    await expect(mirrors.open(source).checkout('--force', at('x'), signal)).rejects.toMatchObject({
      code: 'git-commit-name',
    });
  } finally {
    mirrors.close();
  }
});

it('lists branches and tags with the commits that they lead to, newest first', async () => {
  await using folder = await temporaryFolder();
  const source = await createRepository(path.join(folder.path, 'source'));
  const commit = await commitAll(source, { a: '1' });
  await git(source, 'tag', 'plain');
  await git(source, 'tag', '-a', '-m', 'A release', 'v1.0.0');
  await git(source, 'tag', 'of-a-tree', `${commit}^{tree}`);
  const mirrors = createGitMirrors({ folder: path.join(folder.path, 'cache'), clock: systemClock });
  try {
    const refs = await mirrors.open(source).refs(signal);
    expect(
      refs.map(({ ref, commit: oid }) => [ref, oid] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ).toEqual([
      ['refs/heads/main', commit],
      ['refs/tags/plain', commit],
      ['refs/tags/v1.0.0', commit],
    ]);
    expect(await mirrors.open(source).commitInfo(commit)).toMatchObject({
      author: { name: 'Ada', email: 'ada@example.com' },
      committer: { name: 'Ada', email: 'ada@example.com' },
    });
  } finally {
    mirrors.close();
  }
});
