import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { tarEnd, tarEntry } from './tar.ts';
import { untar } from './untar.ts';

const LIMITS = { maxBytes: 100_000, maxFiles: 3 };
const file = (path: string, text: string) =>
  tarEntry({ type: 'file', path, executable: false, bytes: Buffer.from(text) }, 0);
const archive = (...entries: readonly Buffer[]) => Buffer.concat([...entries, tarEnd()]);
const texts = async (bytes: Buffer) =>
  [...(await untar(bytes, LIMITS, 'the artifact'))].map(([path, content]) => [
    path,
    content.toString('utf8'),
  ]);

describe('an archive', () => {
  const long = `${'folder/'.repeat(30)}ä.yaml`;

  it('gives its files, packed or not, with long names, and leaves links and folders out', async () => {
    const bytes = archive(
      tarEntry({ type: 'directory', path: 'deploy' }, 0),
      file('deploy/a.yaml', 'a: 1\n'),
      tarEntry({ type: 'symlink', path: 'deploy/link', target: '/etc/passwd' }, 0),
      file(long, ''),
    );
    const wanted = [
      ['deploy/a.yaml', 'a: 1\n'],
      [long, ''],
    ];
    expect(await texts(bytes)).toEqual(wanted);
    expect(await texts(gzipSync(bytes))).toEqual(wanted);
  });

  it.each(['../a', 'a/../../b', '/etc/a', String.raw`a\..\b`])('that names %s is refused', async (path) => {
    await expect(texts(archive(file(path, 'x')))).rejects.toMatchObject({
      code: 'archive-invalid',
      message: expect.stringContaining('leads out of it') as string,
    });
  });

  it('that is too large, holds too much, is cut off or damaged is refused', async () => {
    const many = ['1', '2', '3', '4'].map((name) => file(name, name));
    await expect(texts(archive(...many))).rejects.toThrow('more than 3 files');
    const large = file('a', 'x'.repeat(200_000));
    await expect(texts(archive(large))).rejects.toThrow('more than 100000 bytes');
    await expect(texts(gzipSync(archive(large)))).rejects.toThrow('more than 100000 bytes');
    const whole = archive(file('a', 'x'.repeat(3000)));
    await expect(texts(whole.subarray(0, 1024))).rejects.toThrow('goes on after its end');
    await expect(texts(gzipSync(whole).subarray(0, 50))).rejects.toThrow('its compression is broken');
    const damaged = Buffer.from(whole);
    damaged[0] = 99;
    await expect(texts(damaged)).rejects.toThrow('damaged');
  });
});
