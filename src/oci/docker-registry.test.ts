import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRegistry } from '../drydock/registry/index.ts';
import { LandfallError } from '../kernel/index.ts';
import { buildImage } from './build-image.ts';
import { attachBuildRecord, readBuildRecords } from './build-record.ts';
import { createRegistryClient, type RegistryClient } from './client.ts';
import type { CredentialSource } from './credentials.ts';
import { pushImage } from './push-image.ts';

/** Debian's package of the distribution registry, the implementation that others are measured by. */
const installed = spawnSync('docker-registry', ['--version']).status === 0;
const required = process.env['CI'] === 'true';
const why = installed ? '' : ' (skipped: docker-registry is not installed; apt-get install docker-registry)';
const { signal } = new AbortController();
const cleanups: (() => Promise<void> | void)[] = [];

interface Place {
  readonly name: string;
  /** Host and port. */
  readonly open: string;
  readonly basic: string;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** bcrypt of `secret`; htpasswd files take nothing else there. */
const HTPASSWD = 'ci:$2y$05$VEQQSjDBUO.DZsp7ikBTeO1PF37z2rSa41I0ZUHWTA39ZAfyUXfW6\n';

async function startDocker(auth: boolean): Promise<string> {
  const at = await mkdtemp(join(tmpdir(), 'landfall-docker-registry-'));
  const port = await freePort();
  await writeFile(join(at, 'htpasswd'), HTPASSWD);
  const config = [
    'version: 0.1',
    'log: { level: error, accesslog: { disabled: true } }',
    `storage: { filesystem: { rootdirectory: ${join(at, 'data')} }, delete: { enabled: true } }`,
    `http: { addr: "127.0.0.1:${port}" }`,
    ...(auth ? [`auth: { htpasswd: { realm: r, path: ${join(at, 'htpasswd')} } }`] : []),
    '',
  ];
  await writeFile(join(at, 'config.yml'), config.join('\n'));
  const child = spawn('docker-registry', ['serve', join(at, 'config.yml')], { stdio: 'ignore' });
  cleanups.push(async () => {
    const exited = once(child, 'exit');
    if (child.kill('SIGKILL')) await exited;
    await rm(at, { recursive: true, force: true });
  });
  for (let turn = 0; turn < 500; turn += 1) {
    const answered = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      (response) => response.status,
      () => 0,
    );
    if (answered !== 0) return `127.0.0.1:${port}`;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('docker-registry did not start.');
}

async function startOwn(auth: boolean): Promise<string> {
  const registry = await startRegistry({
    referrers: false,
    ...(auth ? { auth: { type: 'basic', users: [{ name: 'ci', password: 'secret' }] } } : {}),
  });
  cleanups.push(() => registry.close());
  return registry.host;
}

function client(credentials?: CredentialSource): RegistryClient {
  const made = createRegistryClient({ retries: 0, ...(credentials === undefined ? {} : { credentials }) });
  cleanups.push(() => made.close());
  return made;
}

/** What a piece of work comes to: its answer, or the kind and code of its failure. */
async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof LandfallError) return { kind: error.kind, code: error.code };
    throw error;
  }
}

/** Everything that the client does, as one list of outcomes that no address or time is in. */
async function exercise({ open, basic }: Place): Promise<readonly unknown[]> {
  const on = client();
  const folder = await mkdtemp(join(tmpdir(), 'landfall-compare-'));
  const results: unknown[] = [];
  try {
    await writeFile(join(folder, 'server.js'), 'console.log(1)');
    const build = (revision: string) =>
      buildImage(
        {
          folder,
          entrypoint: ['node', 'server.js'],
          labels: { revision },
          created: '2026-01-31T12:00:00Z',
          platforms: [
            { os: 'linux', architecture: 'amd64' },
            { os: 'linux', architecture: 'arm64' },
          ],
        },
        signal,
      );
    const image = await build('c0ffee');
    const stable = (value: object) =>
      JSON.parse(
        JSON.stringify(value)
          .replaceAll(open, 'HOST')
          .replaceAll(/"(?:pushedAt|resolvedAt|lastModified)":"[^"]*",?/g, '')
          .replaceAll(',}', '}'),
      ) as unknown;
    const pushed = await pushImage(on, image, `${open}/team/app:v1`, signal);
    results.push(stable(pushed));
    results.push((await pushImage(on, image, `${open}/team/app:v2`, signal)).uploadedBytes);
    const mounted = await pushImage(on, image, `${open}/prod/app:v1`, signal, { mountFrom: 'team/app' });
    results.push(mounted.uploadedBytes);
    const resolved = await on.resolve(`${open}/team/app:v1`, signal);
    results.push(stable(resolved));
    results.push(stable(await on.resolve(`${open}/team/app@${resolved.manifests[0]?.digest}`, signal)));
    results.push(stable(await on.head(`${open}/team/app:v1`, signal)));
    results.push([...(await on.tags(`${open}/team/app`, signal))].sort());
    for (const missing of ['team/app:v9', 'nowhere/app:v1', `team/app@sha256:${'0'.repeat(64)}`]) {
      results.push(await outcome(on.resolve(`${open}/${missing}`, signal)));
      results.push(await outcome(on.head(`${open}/${missing}`, signal)));
    }
    results.push(await outcome(on.tags(`${open}/nowhere/app`, signal)));
    results.push(await on.hasBlob(`${open}/team/app`, `sha256:${'0'.repeat(64)}`, signal));
    const blob = Buffer.alloc(3 * 1024 * 1024, 'x');
    const { digest } = await on.pushBlob(`${open}/team/app`, blob, signal);
    results.push((await on.getBlob(`${open}/team/app`, digest, signal)).equals(blob));

    // A manifest whose parts are not there.
    const other = await build('decaf');
    results.push(await outcome(on.putManifest(`${open}/empty/app:v1`, other.index, signal)));
    const [platform] = other.platforms;
    if (platform === undefined) throw new Error('two platforms were built');
    results.push(await outcome(on.putManifest(`${open}/empty/app:v1`, platform.manifest, signal)));

    const record = {
      repository: 'https://git.corp.io/app',
      commit: 'c0ffee',
      ref: 'refs/heads/main',
      image: pushed.reference,
      digest: pushed.index,
      manifests: pushed.manifests,
      configs: pushed.configs,
      builtAt: '2026-01-31T12:00:00.000Z',
      pushedAt: '2026-01-31T12:00:00.000Z',
      builder: 'landfall',
    };
    await attachBuildRecord(on, record, signal);
    const records = await readBuildRecords(on, resolved, signal);
    results.push(stable(records.map((entry) => entry.record)));

    await on.deleteManifest(`${open}/prod/app@${pushed.index}`, signal);
    results.push(await outcome(on.head(`${open}/prod/app:v1`, signal)));

    for (const password of ['secret', 'wrong']) {
      const as = client(() => Promise.resolve({ type: 'basic', username: 'ci', password }));
      results.push(await outcome(pushImage(as, image, `${basic}/app:v1`, signal).then(({ index }) => index)));
    }
    results.push(await outcome(client().head(`${basic}/app:v1`, signal)));
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('the distribution registry and our own', () => {
  let docker: Place;
  let own: Place;

  beforeAll(async () => {
    if (!installed) return;
    docker = { name: 'docker-registry', open: await startDocker(false), basic: await startDocker(true) };
    own = { name: 'drydock', open: await startOwn(false), basic: await startOwn(true) };
  });

  afterAll(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  it.runIf(required)('are both there where the whole suite must run', () => {
    expect(installed).toBe(true);
  });

  it.skipIf(!installed)(`answer the same client alike${why}`, async () => {
    const theirs = await exercise(docker);
    const ours = await exercise(own);
    expect(theirs.length).toBeGreaterThan(20);
    expect(ours).toEqual(theirs);
  });

  it.skipIf(!installed)(`answer plain HTTP alike where it matters${why}`, async () => {
    const probe = async (host: string) => {
      const seen: string[] = [];
      const ask = async (
        method: string,
        path: string,
        headers: Record<string, string> = {},
        body?: string,
      ) => {
        const response = await fetch(`http://${host}${path}`, {
          method,
          headers,
          ...(body === undefined ? {} : { body }),
        });
        const text = method === 'HEAD' ? '' : await response.text();
        const code = /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? '';
        // Distribution signs the state of an upload and complains of that; it knows no referrers, so no code for them.
        const shown = /uploads|referrers/.test(path) ? '' : code;
        seen.push(`${method} ${path} -> ${response.status} ${shown}`);
        return response;
      };
      const zeros = `sha256:${'0'.repeat(64)}`;
      const oci = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
      await ask('GET', '/v2/');
      await ask('GET', '/v2/team/app/blobs/sha256:short');
      await ask('HEAD', `/v2/team/app/blobs/${zeros}`);
      await ask('GET', `/v2/team/app/blobs/${zeros}`);
      await ask('PUT', '/v2/team/app/manifests/v5', oci, '{');
      await ask('PUT', `/v2/team/app/manifests/${zeros}`, oci, '{"schemaVersion":2}');
      await ask('DELETE', `/v2/team/app/blobs/${zeros}`);
      await ask('DELETE', `/v2/team/app/manifests/${zeros}`);
      await ask('PATCH', '/v2/team/app/blobs/uploads/6f1cbd5c-57b5-4d76-9a3e-5e1f5f0e8f3a');
      await ask('GET', `/v2/team/app/referrers/${zeros}`);
      const etag = (await ask('HEAD', '/v2/team/app/manifests/v1', ACCEPT)).headers.get('etag') ?? '';
      await ask('GET', '/v2/team/app/manifests/v1', { ...ACCEPT, 'if-none-match': etag });
      await ask('GET', '/v2/team/app/manifests/v1', { accept: oci['content-type'] });
      return seen;
    };
    const ACCEPT = { accept: 'application/vnd.oci.image.index.v1+json' };
    expect(await probe(own.open)).toEqual(await probe(docker.open));
  });

  it.skipIf(!installed)(`both take a blob in chunks${why}`, async () => {
    const chunked = async (host: string) => {
      const url = `http://${host}`;
      const opened = await fetch(`${url}/v2/team/app/blobs/uploads/`, { method: 'POST' });
      const seen = [opened.status, opened.headers.get('range')];
      let location = new URL(opened.headers.get('location') ?? '', url);
      let offset = 0;
      for (const chunk of ['hello ', 'chunked ', 'world']) {
        const response = await fetch(location, {
          method: 'PATCH',
          headers: {
            'content-type': 'application/octet-stream',
            'content-range': `${offset}-${offset + chunk.length - 1}`,
          },
          body: chunk,
        });
        offset += chunk.length;
        seen.push(response.status, response.headers.get('range'));
        location = new URL(response.headers.get('location') ?? '', url);
      }
      const status = await fetch(location);
      seen.push(status.status, status.headers.get('range'));
      const digest = execFileSync('sha256sum', { input: 'hello chunked world', encoding: 'utf8' }).slice(
        0,
        64,
      );
      location.searchParams.set('digest', `sha256:${digest}`);
      const put = await fetch(location, { method: 'PUT' });
      seen.push(put.status, put.headers.get('docker-content-digest'));
      return seen;
    };
    expect(await chunked(own.open)).toEqual(await chunked(docker.open));
  });
});
