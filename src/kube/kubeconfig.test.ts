import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LandfallError, manualClock } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import { loadKubeClient } from './load.ts';
import type { LoadOptions } from './load.ts';
import { sendJson, sendStatus, startTestServer } from './testing-server.ts';

let folder: string;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-kubeconfig-'));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: JsonValue | string): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const config = (parts: { [key: string]: JsonValue }): JsonValue => ({
  apiVersion: 'v1',
  kind: 'Config',
  ...parts,
});
const context = (name: string, cluster: string, user: string, extra = {}) => ({
  name,
  context: { cluster, user, ...extra },
});
const cluster = (name: string, server: string, extra = {}) => ({ name, cluster: { server, ...extra } });

async function load(options: LoadOptions) {
  const client = await loadKubeClient({ env: { HOME: folder, PATH: process.env['PATH'] }, ...options });
  cleanups.push(() => client.close());
  return client;
}

async function refusal(options: LoadOptions): Promise<LandfallError> {
  const thrown = await load(options).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof LandfallError) return thrown;
  throw new Error('a refusal was expected');
}

/** A server that answers a version to whoever has the right Authorization header, and 401 to others. */
async function guarded(accepts: (authorization: string | undefined) => boolean) {
  const server = await startTestServer((request, response) => {
    if (accepts(request.headers.authorization))
      sendJson(response, 200, { major: '1', minor: '32', gitVersion: 'v1.32.13' });
    else sendStatus(response, 401, 'Unauthorized', 'Unauthorized');
  });
  cleanups.push(() => server.stop());
  return server;
}

describe('a kubeconfig', () => {
  it('is merged from several files: the first that names something wins, and missing files are skipped', async () => {
    const first = await file(
      'a',
      config({
        'current-context': 'one',
        contexts: [context('one', 'c', 'u', { namespace: 'comms' })],
        users: [],
      }),
    );
    const second = await file(
      'b',
      config({
        'current-context': 'two',
        contexts: [context('one', 'other', 'u'), context('two', 'c', 'u')],
        clusters: [cluster('c', 'https://b.example:6443')],
        users: [{ name: 'u', user: {} }],
      }),
    );
    const env = { KUBECONFIG: [first, join(folder, 'absent'), second].join(':') };
    const client = await load({ env });
    expect([client.context, client.server, client.namespace]).toEqual([
      'one',
      'https://b.example:6443',
      'comms',
    ]);
    expect((await load({ env, context: 'two' })).namespace).toBe('default');
  });

  it('is read from the home folder when nothing else is said, as YAML', async () => {
    await file(
      '.kube/config',
      `apiVersion: v1
kind: Config
current-context: home
contexts: [{name: home, context: {cluster: c, user: ""}}]
clusters:
- name: c
  cluster:
    server: http://127.0.0.1:1/prefix/
    extensions:
    - name: registry-mirrors
      extension: {registry.corp.io: "http://127.0.0.1:5000"}
`,
    );
    const client = await load({});
    expect(client.server).toBe('http://127.0.0.1:1/prefix');
    expect(client.registryMirrors).toEqual({ 'registry.corp.io': 'http://127.0.0.1:5000' });
  });

  it('that is absent is refused with what to do, and one that is named must exist', async () => {
    expect(await refusal({})).toMatchObject({ kind: 'not-found', code: 'no-kubeconfig' });
    expect((await refusal({ kubeconfig: join(folder, 'nope') })).message).toContain('there is no such file');
  });

  it('that lacks the context, or that needs a proxy or a removed provider, is refused', async () => {
    const path = await file(
      'c',
      config({
        contexts: [context('one', 'c', 'u'), context('two', 'c', 'old'), context('three', 'proxied', 'u')],
        clusters: [cluster('c', 'https://x'), cluster('proxied', 'https://x', { 'proxy-url': 'socks5://p' })],
        users: [
          { name: 'u', user: {} },
          { name: 'old', user: { 'auth-provider': { name: 'gcp' } } },
        ],
      }),
    );
    expect((await refusal({ kubeconfig: path })).hint).toContain('one, two, three');
    expect((await refusal({ kubeconfig: path, context: 'four' })).message).toContain("no context 'four'");
    expect((await refusal({ kubeconfig: path, context: 'two' })).code).toBe('kubeconfig-auth-provider');
    expect((await refusal({ kubeconfig: path, context: 'three' })).code).toBe('kubeconfig-proxy');
  });

  it('that does not parse is refused with its line', async () => {
    const path = await file('broken', 'kind: Config\ncontexts: [a\n');
    expect((await refusal({ kubeconfig: path })).message).toMatch(/broken:\d+:\d+/);
  });

  it('gives basic credentials and a token from a file, which is read again when the server refuses it', async () => {
    let wanted = 'Bearer one';
    const server = await guarded((header) => header === wanted);
    await file('token', 'one\n');
    const path = await file(
      'd',
      config({
        'current-context': 'x',
        contexts: [context('x', 'c', 'file'), context('y', 'c', 'basic')],
        clusters: [cluster('c', server.url)],
        users: [
          { name: 'file', user: { tokenFile: 'token' } },
          { name: 'basic', user: { username: 'ann', password: 'pass' } },
        ],
      }),
    );
    const client = await load({ kubeconfig: path });
    expect((await client.version()).gitVersion).toBe('v1.32.13');
    await file('token', 'two');
    wanted = 'Bearer two';
    expect((await client.version()).minor).toBe('32');
    wanted = `Basic ${Buffer.from('ann:pass').toString('base64')}`;
    expect((await (await load({ kubeconfig: path, context: 'y' })).version()).major).toBe('1');
  });
});

describe('a credential plugin', () => {
  const plugin = (extra = {}) => ({
    apiVersion: 'client.authentication.k8s.io/v1',
    command: './plugin',
    args: ['$(touch pwned)', '; echo'],
    env: [{ name: 'STAGE', value: 'prod' }],
    provideClusterInfo: true,
    interactiveMode: 'IfAvailable',
    ...extra,
  });

  async function withPlugin(server: string, script: string, exec: JsonValue): Promise<string> {
    const path = await file('plugin', `#!/usr/bin/env node\n${script}`);
    await chmod(path, 0o755);
    return file(
      'e',
      config({
        'current-context': 'x',
        contexts: [context('x', 'c', 'u')],
        clusters: [cluster('c', server)],
        users: [{ name: 'u', user: { exec } }],
      }),
    );
  }

  const answering = `
const fs = require('node:fs');
const log = __dirname + '/calls';
fs.appendFileSync(log, JSON.stringify([process.argv.slice(2), process.env.STAGE, JSON.parse(process.env.KUBERNETES_EXEC_INFO).spec.cluster.server]) + '\\n');
const calls = fs.readFileSync(log, 'utf8').trim().split('\\n').length;
console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential',
  status: { token: 'token-' + calls, expirationTimestamp: '2026-01-01T01:00:00Z' } }));`;

  it('runs without a shell, once until its answer expires', async () => {
    const server = await guarded((header) => header?.startsWith('Bearer token-') === true);
    const kubeconfig = await withPlugin(server.url, answering, plugin());
    const clock = manualClock(Date.UTC(2026, 0, 1));
    const client = await load({ kubeconfig, clock });
    await client.version();
    await client.version();
    const calls = async () => (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n');
    expect(await calls()).toEqual([JSON.stringify([['$(touch pwned)', '; echo'], 'prod', server.url])]);
    await clock.advance(3600_000);
    await client.version();
    expect(await calls()).toHaveLength(2);
    expect(server.seen.at(-1)?.headers.authorization).toBe('Bearer token-2');
  });

  it('is asked again when the server refuses its token', async () => {
    const server = await guarded((header) => header === 'Bearer token-2');
    const client = await load({
      kubeconfig: await withPlugin(server.url, answering, plugin()),
      clock: manualClock(Date.UTC(2026, 0, 1)),
    });
    expect((await client.version()).minor).toBe('32');
  });

  it('that fails or answers nonsense is named, and what it printed is not', async () => {
    const failing = await load({
      kubeconfig: await withPlugin(
        'http://127.0.0.1:1',
        'console.error("log in first"); process.exit(3)',
        plugin(),
      ),
    });
    await expect(failing.version()).rejects.toThrow(/exit code 3: log in first/);
    const nonsense = await load({
      kubeconfig: await withPlugin('http://127.0.0.1:1', 'console.log("secret-token")', plugin()),
    });
    await expect(nonsense.version()).rejects.toMatchObject({
      kind: 'denied',
      message: expect.not.stringContaining('secret-token') as string,
    });
  });

  it.each([
    [{ apiVersion: 'client.authentication.k8s.io/v1alpha1' }, 'exec-plugin-version'],
    [{ interactiveMode: 'Always' }, 'exec-plugin-interactive'],
    [{ command: '' }, 'exec-plugin-command'],
  ])('%j is refused', async (extra, code) => {
    const kubeconfig = await withPlugin('http://127.0.0.1:1', '', plugin(extra));
    expect((await refusal({ kubeconfig })).code).toBe(code);
  });
});
