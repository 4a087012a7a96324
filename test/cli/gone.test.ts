import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { openBinary } from './binary.ts';
import type { Binary } from './binary.ts';

// The installed program where its person, its reader or its cluster goes away.
let landfall: Binary;

const MINUTE = 60_000;

beforeAll(async () => {
  landfall = await openBinary();
}, 2 * MINUTE);

afterAll(() => landfall.remove());

/** A shell's own words for a pipe: exit code of the program, and what both said. */
function piped(args: string, reader: string): Promise<{ readonly out: string; readonly err: string }> {
  const command = `set -o pipefail; '${process.execPath}' '${landfall.script}' ${args} | ${reader}; echo "code \${PIPESTATUS[0]}"`;
  const env = { PATH: process.env['PATH'] ?? '', HOME: landfall.home, TMPDIR: landfall.temporary };
  return new Promise((resolve) => {
    execFile('bash', ['-c', command], { env, cwd: landfall.home }, (_error, out, err) =>
      resolve({ out, err }),
    );
  });
}

describe('a reader that goes away', () => {
  it.each([
    ['help', 'head -1'],
    ['apply --help', 'head -1'],
    ['completion bash', 'head -1'],
    ['render many', 'head -1'],
    ['render many -o json', 'head -1'],
    ['prove shop -o json', 'true'],
    ['prov -o json', 'true'],
  ])('of %s | %s ends it quietly', { timeout: MINUTE }, async (args, reader) => {
    const folder = path.join(landfall.home, 'many');
    await mkdir(folder, { recursive: true });
    const map = (index: number) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: m${index} }\ndata: { text: ${'x'.repeat(500)} }\n`;
    await writeFile(
      path.join(folder, 'all.yaml'),
      Array.from({ length: 500 }, (_, at) => map(at)).join('---\n'),
    );
    await writeFile(path.join(folder, 'kustomization.yaml'), 'resources: [all.yaml]\n');
    const { out, err } = await piped(args, reader);
    expect(err).not.toMatch(/EPIPE|\n\s+at |This is a bug/);
    // As if it had been read, or as a program that a closed pipe ends.
    expect(out).toMatch(/code (?:0|3|141)\n$/);
  });
});

describe('Ctrl-C where a cluster takes connections and says nothing', () => {
  it.each([
    'prove shop',
    'status',
    'apply many --name many',
    'recover',
    'serve',
    'sync shop',
    'holds put shop --reason x',
  ])('ends %s at once, by one signal', { timeout: MINUTE }, async (words) => {
    const server = createServer((socket) => socket.on('error', () => {}));
    const met = new Promise((resolve) => server.once('connection', resolve));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const kubeconfig = path.join(landfall.home, 'silent');
    await writeFile(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: '' } }],
        'current-context': 'c',
      }),
    );
    const started = landfall.start(words.split(' '), { env: { KUBECONFIG: kubeconfig } });
    await met;
    const before = systemClock.now();
    started.kill('SIGINT');
    expect(await started.ended).toEqual({ code: 130, signal: null });
    // The silence would have lasted thirty seconds.
    expect(systemClock.now() - before).toBeLessThan(20_000);
    expect(started.err()).toMatch(/stopped\n$/);
    server.close();
    expect(await landfall.leftovers()).toEqual([]);
  });
});
