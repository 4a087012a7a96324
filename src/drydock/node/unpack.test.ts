import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tarOf } from './image-fixture.ts';
import type { FixtureFile } from './image-fixture.ts';
import { applyLayer, decompressLayer } from './unpack.ts';

let folder: string;
let root: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'unpack-'));
  root = path.join(folder, 'root');
  mkdirSync(root);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function apply(...files: FixtureFile[]): void {
  applyLayer(root, tarOf(files));
}

const read = (name: string) => readFileSync(path.join(root, name), 'utf8');

describe('a layer', () => {
  it('brings files, folders, modes and links', () => {
    apply(
      { path: 'app', type: '5', mode: 0o755 },
      { path: 'app/main.js', content: 'one', mode: 0o755 },
      { path: 'deep/in/side', content: 'two' },
      { path: 'app/same', type: '1', link: 'app/main.js' },
      { path: 'app/link', type: '2', link: '../deep/in/side' },
    );
    expect(read('app/main.js')).toBe('one');
    expect(lstatSync(path.join(root, 'app/main.js')).mode & 0o777).toBe(0o755);
    expect(read('app/same')).toBe('one');
    expect(read('app/link')).toBe('two');
  });

  it('replaces what a layer below brought, a folder by a file as well', () => {
    apply({ path: 'a/b', content: 'old' }, { path: 'c', content: 'old' });
    apply({ path: 'a', content: 'new' }, { path: 'c/d', content: 'new' }, { path: 'c', type: '5' });
    expect(read('a')).toBe('new');
  });

  it('hides by whiteouts one name or all of a folder', () => {
    apply(
      { path: 'a/one', content: '1' },
      { path: 'a/two', content: '2' },
      { path: 'b/three', content: '3' },
    );
    apply({ path: 'a/.wh.one' }, { path: 'b/.wh..wh..opq' }, { path: 'b/four', content: '4' });
    expect(readdirSync(path.join(root, 'a'))).toEqual(['two']);
    expect(readdirSync(path.join(root, 'b'))).toEqual(['four']);
  });

  it('writes through a link of the image as if the image were the whole disk', () => {
    apply({ path: 'usr/bin/tool', content: 'x' }, { path: 'bin', type: '2', link: '/usr/bin' });
    apply({ path: 'bin/other', content: 'y' });
    expect(read('usr/bin/other')).toBe('y');
    expect(path.isAbsolute(readlinkSync(path.join(root, 'bin')))).toBe(false);
  });

  it.each([
    ['a name that climbs out', [{ path: '../evil', content: 'x' }], 'leaves the image'],
    ['a whiteout that climbs out', [{ path: 'a/.wh...' }], 'hides nothing'],
    [
      'a relative link that climbs out',
      [{ path: 'l', type: '2', link: '../../etc' }],
      'outside of the image',
    ],
    ['a hard link to nothing', [{ path: 'l', type: '1', link: 'etc/passwd' }], 'no file of the image'],
    ['a hard link that climbs out', [{ path: 'l', type: '1', link: '../outside' }], 'leaves the image'],
  ] satisfies [string, FixtureFile[], string][])('refuses %s', (_title, files, message) => {
    expect(() => apply(...files)).toThrow(message);
    expect(existsSync(path.join(folder, 'evil'))).toBe(false);
  });

  it('never follows an absolute link out of the image', () => {
    apply({ path: 'out', type: '2', link: folder }, { path: 'out/evil', content: 'x' });
    expect(readdirSync(folder)).toEqual(['root']);
  });

  it('refuses a loop of links', () => {
    apply({ path: 'a', type: '2', link: 'b' }, { path: 'b', type: '2', link: 'a' });
    expect(() => apply({ path: 'a/file', content: 'x' })).toThrow('too many links');
  });

  it('is refused when it is cut off, damaged or has too many entries', () => {
    const tar = tarOf([{ path: 'file', content: 'x'.repeat(2000) }]);
    expect(() => applyLayer(root, tar.subarray(0, 1024))).toThrow('longer than the archive');
    tar[0] = 0x7a;
    expect(() => applyLayer(root, tar)).toThrow('wrong checksum');
    const limits = { layerBytes: 1000, entries: 1 };
    expect(() => applyLayer(root, tarOf([{ path: 'a' }, { path: 'b' }]), limits)).toThrow(
      'more than 1 entries',
    );
    expect(() => decompressLayer(gzipSync(Buffer.alloc(5000)), '', limits)).toThrow(
      'could not be decompressed',
    );
    expect(() => decompressLayer(Buffer.from('x'), 'application/x.tar+zstd')).toThrow(
      'zstd is not supported',
    );
  });
});
