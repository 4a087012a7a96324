import { chmod, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBinary } from './binary.ts';
import type { Binary } from './binary.ts';

// What the installed program keeps of its compiled code makes it start faster, and is never a reason to fail.
describe('compiled code that is kept', () => {
  let binary: Binary;
  let cache: string;
  let wanted: string;

  beforeAll(async () => {
    binary = await openBinary();
    cache = path.join(binary.home, '.cache', 'landfall', 'code');
  });
  afterAll(() => binary.remove());
  beforeEach(async () => {
    await rm(cache, { recursive: true, force: true });
    wanted = await help();
  });

  async function help(env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, out, err } = await binary.run(['help'], { env });
    expect([code, err]).toEqual([0, '']);
    return out;
  }

  async function keptFile(name = 'help'): Promise<string> {
    const [build = ''] = await readdir(cache);
    return path.join(cache, build, `${name}.bin`);
  }

  it('is written once and then used', async () => {
    const { mtimeMs, size } = await stat(await keptFile());
    expect(size).toBeGreaterThan(10_000);
    expect(await help()).toBe(wanted);
    expect((await stat(await keptFile())).mtimeMs).toBe(mtimeMs);
  });

  it('is used by a command that tells the engine how long it lives', async () => {
    const folder = path.join(binary.home, 'rendered');
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'kustomization.yaml'), 'namePrefix: a-\n');
    const render = () => binary.run(['render', folder]);
    expect((await render()).code).toBe(0);
    const { mtimeMs } = await stat(await keptFile('render'));
    expect((await render()).code).toBe(0);
    expect((await stat(await keptFile('render'))).mtimeMs).toBe(mtimeMs);
  });

  it('is replaced where it is damaged', async () => {
    const file = await keptFile();
    const whole = await readFile(file);
    await writeFile(file, Buffer.concat([whole.subarray(0, whole.length >> 1), Buffer.alloc(99)]));
    expect(await help()).toBe(wanted);
    expect((await readFile(file)).length).toBeGreaterThan(whole.length >> 1);
  });

  it('is replaced where this Node does not accept it', async () => {
    const file = await keptFile();
    const { mtimeMs } = await stat(file);
    // Code belongs to the flags that it was compiled with; Node warns of this one.
    const { code, out } = await binary.run(['help'], { env: { NODE_OPTIONS: '--jitless' } });
    expect([code, out]).toEqual([0, wanted]);
    expect((await stat(file)).mtimeMs).not.toBe(mtimeMs);
  });

  it('is not needed: a home that cannot be written, a wrong word, positions in sources', async () => {
    await rm(cache, { recursive: true });
    expect(await help({ XDG_CACHE_HOME: '/dev/null' })).toBe(wanted);
    expect((await binary.run(['no-such-command'])).code).toBe(3);
    await expect(readdir(cache)).rejects.toThrow('ENOENT');
    expect(await help({ NODE_OPTIONS: '--enable-source-maps' })).toBe(wanted);
  });

  it('is not taken from a file that others may write', async () => {
    const file = await keptFile();
    await chmod(file, 0o666);
    expect(await help()).toBe(wanted);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});
