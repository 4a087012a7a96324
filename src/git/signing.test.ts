import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { author, change, failure, remoteStage } from './remote.fixture.ts';
import { git } from './test-support.ts';

const stage = remoteStage();

async function sshKey(): Promise<string> {
  const key = path.join(await mkdtemp(path.join(stage.temporary, 'key-')), 'key');
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'landfall', '-f', key]);
  return key;
}

const tools = await Promise.all(
  [
    ['ssh-keygen', '-?'],
    ['gpg', '--version'],
  ].map(([program = '', flag = '']) =>
    promisify(execFile)(program, [flag]).then(
      () => true,
      (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT'),
    ),
  ),
);

describe('a signature', () => {
  test.skipIf(!tools[0])('with an ssh key is one that git verifies, of commits and of tags', async () => {
    const key = await sshKey();
    const sign = { format: 'ssh', key } as const;
    const made = await stage.mirror.commit({ ...change('two\n'), sign });
    const tag = { name: 'v1.0.0', commit: made.commit, message: 'v1.0.0', tagger: author, sign };
    await stage.mirror.createTag(tag);
    const allowed = path.join(stage.temporary, `allowed`);
    await writeFile(allowed, `landfall@example.com ${await readFile(`${key}.pub`, 'utf8')}`);
    const config = ['-c', `gpg.ssh.allowedSignersFile=${allowed}`];
    await git(stage.bare, ...config, 'verify-commit', 'main');
    await git(stage.bare, ...config, 'verify-tag', 'v1.0.0');
    await stage.mirror.commit(change('three\n'));
    await expect(git(stage.bare, ...config, 'verify-commit', 'main')).rejects.toThrow();
  });

  test.skipIf(!tools[1])('with gpg is one that git verifies', async () => {
    const home = path.join(stage.temporary, `gnupg`);
    await mkdir(home, { mode: 0o700 });
    const env = { ...process.env, GNUPGHOME: home };
    await promisify(execFile)(
      'gpg',
      [
        '--batch',
        '--quiet',
        '--pinentry-mode',
        'loopback',
        '--passphrase',
        '',
        '--quick-gen-key',
        author.email,
        'ed25519',
        'sign',
      ],
      { env },
    );
    // The program as a mounted wrapper: git hands it the home that holds the key.
    const program = path.join(home, 'gpg-here');
    await writeFile(program, `#!/bin/sh\nGNUPGHOME='${home}' exec gpg "$@"\n`);
    await chmod(program, 0o755);
    try {
      await stage.mirror.commit({
        ...change('two\n'),
        sign: { format: 'openpgp', key: author.email, program },
      });
      await git(stage.bare, '-c', `gpg.program=${program}`, 'verify-commit', 'main');
    } finally {
      await promisify(execFile)('gpgconf', ['--kill', 'all'], { env }).catch(() => {});
    }
  });

  test.skipIf(!tools[0])('whose key is not there is told, and nothing is committed', async () => {
    const missing = path.join(stage.temporary, 'no-such-key');
    const error = await failure(
      stage.mirror.commit({ ...change('x\n'), sign: { format: 'ssh', key: missing } }),
    );
    expect(error).toMatchObject({ kind: 'denied', code: 'git-signing' });
    for (const sign of [
      { format: 'ssh', key: '-oProxyCommand=x' },
      { format: 'ssh', key: 'a\nb' },
      { format: 'openpgp', key: 'x', program: 'sh -c' },
    ] as const) {
      expect((await failure(stage.mirror.commit({ ...change('x\n'), sign }))).code).toBe('git-signing-key');
    }
    expect(await stage.subjects()).toEqual(['First']);
  });
});
