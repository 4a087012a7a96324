import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startRegistry, type Registry, type RegistryOptions } from '../drydock/registry/index.ts';
import { LandfallError, manualClock, type ManualClock } from '../kernel/index.ts';
import { buildImage, type BuiltImage } from './build-image.ts';
import { createRegistryClient, type RegistryClient, type RegistryClientOptions } from './client.ts';
import { digestOf } from './digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from './media-types.ts';
import { pushImage } from './push-image.ts';

const { signal } = new AbortController();
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function registry(options: RegistryOptions = {}): Promise<Registry> {
  const started = await startRegistry(options);
  cleanups.push(() => started.close());
  return started;
}

function client(options: RegistryClientOptions = {}): RegistryClient {
  const made = createRegistryClient({ retries: 0, ...options });
  cleanups.push(() => made.close());
  return made;
}

/** A client for which `registry.corp.io` is `of`. */
function clientOf(of: Registry, options: RegistryClientOptions = {}): RegistryClient {
  return client({ mirrors: { 'registry.corp.io': { url: of.url, standIn: true } }, ...options });
}

async function server(listener: RequestListener): Promise<string> {
  const made = createServer(listener);
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    made.closeAllConnections();
    made.close();
  });
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

async function image(text = 'hello', revision = 'c0ffee'): Promise<BuiltImage> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-image-'));
  try {
    await writeFile(join(folder, 'server.js'), text);
    return await buildImage(
      {
        folder,
        entrypoint: ['node', 'server.js'],
        labels: { revision, version: '2.5.0' },
        created: '2026-01-31T12:00:00Z',
        platforms: [
          { os: 'linux', architecture: 'amd64' },
          { os: 'linux', architecture: 'arm64', variant: 'v8' },
        ],
      },
      signal,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function failure(work: Promise<unknown>): Promise<LandfallError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof LandfallError) return error;
    throw error;
  }
  throw new Error('It did not fail.');
}

describe('a reference that is resolved', () => {
  it('gives index, platform manifests, configs, labels and times', async () => {
    const clock = manualClock(Date.UTC(2026, 5, 1));
    const of = await registry({ clock });
    const built = await image();
    const on = clientOf(of, { clock });
    const pushed = await pushImage(on, built, 'registry.corp.io/team/app:2.5.0', signal, { clock });
    expect(pushed.index).toBe(built.index.digest);
    await clock.advance(60_000);
    const found = await on.resolve('registry.corp.io/team/app:2.5.0', signal);
    expect(found).toMatchObject({
      reference: 'registry.corp.io/team/app:2.5.0',
      registry: 'registry.corp.io',
      repository: 'team/app',
      tag: '2.5.0',
      digest: built.index.digest,
      kind: 'index',
      mediaType: OCI_INDEX,
      answeredBy: of.url,
      resolvedAt: '2026-06-01T00:01:00.000Z',
      lastModified: '2026-06-01T00:00:00.000Z',
    });
    expect(found.manifests).toEqual(
      built.platforms.map(({ platform, manifest, config }) => ({
        ...platform,
        digest: manifest.digest,
        configDigest: config.digest,
        created: '2026-01-31T12:00:00.000Z',
        labels: {
          'org.opencontainers.image.created': '2026-01-31T12:00:00.000Z',
          'org.opencontainers.image.revision': 'c0ffee',
          'org.opencontainers.image.version': '2.5.0',
        },
      })),
    );
    const asked = of.requests().filter(({ url }) => url.endsWith('/manifests/2.5.0'));
    expect(asked.map(({ method }) => method)).toEqual(['PUT', 'GET']);
  });

  it('asks for the other platforms only when they are wanted', async () => {
    const of = await registry();
    const on = clientOf(of);
    await pushImage(on, await image(), 'registry.corp.io/app', signal);
    const before = of.requests().length;
    const platforms = [{ os: 'linux', architecture: 'arm64' }];
    const found = await on.resolve('registry.corp.io/app', signal, { platforms });
    expect(found.manifests.map(({ architecture }) => architecture)).toEqual(['arm64']);
    expect(of.requests().length - before).toBe(3);
    const none = on.resolve('registry.corp.io/app', signal, {
      platforms: [{ os: 'linux', architecture: 's390x' }],
    });
    expect(await failure(none)).toMatchObject({ kind: 'not-found', code: 'platform-not-found' });
  });

  it('leaves attestations out, by platform and by annotation', async () => {
    const of = await registry();
    const on = clientOf(of);
    const built = await image();
    const pushed = await pushImage(on, built, 'registry.corp.io/app:1', signal);
    const [first, second] = built.platforms;
    if (first === undefined || second === undefined) throw new Error('two platforms were built');
    const describe1 = (part: typeof first.manifest) => ({
      mediaType: part.mediaType,
      digest: part.digest,
      size: part.bytes.length,
    });
    const index = {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [
        { ...describe1(first.manifest), platform: first.platform },
        { ...describe1(second.manifest), platform: { os: 'unknown', architecture: 'unknown' } },
        {
          ...describe1(second.manifest),
          platform: second.platform,
          annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
        },
      ],
    };
    const bytes = Buffer.from(JSON.stringify(index));
    await on.putManifest('registry.corp.io/app:attested', { mediaType: OCI_INDEX, bytes }, signal);
    const found = await on.resolve('registry.corp.io/app:attested', signal);
    expect(found.manifests.map(({ digest }) => digest)).toEqual([first.manifest.digest]);
    expect(found.digest).not.toBe(pushed.index);
  });

  it('takes a manifest without an index, and reads its platform from the config', async () => {
    const of = await registry();
    const on = clientOf(of);
    const built = await image();
    await pushImage(on, built, 'registry.corp.io/app:1', signal);
    const digest = built.platforms[1]?.manifest.digest ?? '';
    const found = await on.resolve(`registry.corp.io/app@${digest}`, signal);
    expect(found).toMatchObject({
      kind: 'manifest',
      digest,
      manifests: [{ architecture: 'arm64', variant: 'v8' }],
    });
    expect(found.tag).toBeUndefined();
  });

  it('is no image when it is an artifact, and the error says what it is', async () => {
    const of = await registry();
    const on = clientOf(of);
    const config = Buffer.from('{}');
    await on.pushBlob('registry.corp.io/chart', config, signal);
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: {
        mediaType: 'application/vnd.cncf.helm.config.v1+json',
        digest: digestOf(config),
        size: config.length,
      },
      layers: [],
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    await on.putManifest('registry.corp.io/chart:1', { mediaType: OCI_MANIFEST, bytes }, signal);
    const error = await failure(on.resolve('registry.corp.io/chart:1', signal));
    expect(error).toMatchObject({ kind: 'invalid-input', code: 'not-an-image' });
    expect(error.message).toContain('helm');
  });

  it('sends all four manifest types, because they decide which digest is answered', async () => {
    let accept = '';
    const url = await server((request, response) => {
      accept = request.headers.accept ?? '';
      response.writeHead(404).end();
    });
    await failure(
      client({ mirrors: { 'registry.corp.io': { url, standIn: true } } }).resolve(
        'registry.corp.io/app',
        signal,
      ),
    );
    expect(accept.split(', ')).toEqual([
      'application/vnd.oci.image.index.v1+json',
      'application/vnd.oci.image.manifest.v1+json',
      'application/vnd.docker.distribution.manifest.list.v2+json',
      'application/vnd.docker.distribution.manifest.v2+json',
    ]);
  });
});

describe('content that is not what was asked for', () => {
  it('is refused: bytes changed on the way, for a tag and for a digest', async () => {
    const of = await registry();
    const on = clientOf(of);
    const { index } = await pushImage(on, await image(), 'registry.corp.io/app:1', signal);
    of.fail({ effect: { type: 'corrupt' }, operation: 'manifest' });
    expect(await failure(on.resolve('registry.corp.io/app:1', signal))).toMatchObject({
      kind: 'unavailable',
      code: 'registry-digest-mismatch',
    });
    // One platform, so that no second request is left over when the first one fails.
    const platforms = [{ os: 'linux', architecture: 'amd64' }];
    of.fail({ effect: { type: 'corrupt' }, operation: 'blob' });
    expect(await failure(on.resolve(`registry.corp.io/app@${index}`, signal, { platforms }))).toMatchObject({
      code: 'registry-digest-mismatch',
    });
    of.fail({ effect: { type: 'truncate' }, operation: 'blob' });
    expect(await failure(on.resolve('registry.corp.io/app:1', signal, { platforms }))).toMatchObject({
      code: 'registry-unavailable',
    });
    expect((await on.resolve('registry.corp.io/app:1', signal)).digest).toBe(index);
  });

  it('is refused without a digest header too, and a missing header alone is no error', async () => {
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }));
    const url = await server((_, response) => {
      response.writeHead(200, { 'content-type': OCI_INDEX }).end(body);
    });
    const on = client({ mirrors: { 'registry.corp.io': { url, standIn: true } } });
    expect((await on.getManifest('registry.corp.io/app:1', signal)).digest).toBe(digestOf(body));
    expect((await on.head('registry.corp.io/app:1', signal)).digest).toBe(digestOf(body));
    const other = `sha256:${'1'.repeat(64)}`;
    expect(await failure(on.getManifest(`registry.corp.io/app@${other}`, signal))).toMatchObject({
      code: 'registry-digest-mismatch',
    });
  });

  it('is refused when it is endless, too large, or no manifest', async () => {
    let answer: (write: (text: string) => void) => void = () => {};
    const url = await server((_, response) => {
      response.writeHead(200, { 'content-type': OCI_INDEX });
      answer((text) => response.write(text));
      response.end();
    });
    const on = client({ mirrors: { 'registry.corp.io': { url, standIn: true } } });
    answer = (write) => write('x'.repeat(5 * 1024 * 1024));
    expect((await failure(on.resolve('registry.corp.io/app', signal))).message).toContain('larger than');
    answer = (write) => write('<html>login</html>');
    expect(await failure(on.resolve('registry.corp.io/app', signal))).toMatchObject({
      kind: 'invalid-input',
    });
    answer = (write) => write('{"schemaVersion":1,"fsLayers":[]}');
    expect((await failure(on.resolve('registry.corp.io/app', signal))).message).toContain(
      'schemaVersion is 1',
    );
    answer = (write) => write('{"schemaVersion":2,"manifests":[{"digest":"sha256:x"}]}');
    expect(await failure(on.resolve('registry.corp.io/app', signal))).toMatchObject({
      code: 'manifest-invalid',
    });
  });

  it('is noticed at a push: the digest of the answer is compared with the bytes', async () => {
    const url = await server((request, response) => {
      request.resume();
      response.writeHead(201, { 'docker-content-digest': `sha256:${'2'.repeat(64)}` }).end();
    });
    const on = client({ mirrors: { 'registry.corp.io': { url, standIn: true } } });
    const bytes = Buffer.from('{}');
    const put = on.putManifest('registry.corp.io/app:1', { mediaType: OCI_INDEX, bytes }, signal);
    expect(await failure(put)).toMatchObject({ code: 'registry-digest-mismatch' });
  });
});

describe('a registry that does not answer', () => {
  it.each([
    [401, 'denied', 'registry-unauthorized'],
    [403, 'denied', 'registry-unauthorized'],
    [404, 'not-found', 'registry-not-found'],
    [429, 'unavailable', 'registry-rate-limited'],
    [500, 'unavailable', 'registry-unavailable'],
    [503, 'unavailable', 'registry-unavailable'],
  ])('as it should but with %i is %s, with a hint', async (status, kind, code) => {
    const of = await registry({ faults: [{ effect: { type: 'status', status }, times: Infinity }] });
    const error = await failure(clientOf(of).resolve('registry.corp.io/app:1', signal));
    expect(error).toMatchObject({ kind, code, object: 'registry.corp.io/app:1' });
    expect(error.message).toContain(String(status));
    expect(error.message).toContain(of.url);
    expect(error.hint).toBeTruthy();
  });

  it('and listens nowhere is unavailable', async () => {
    const of = await startRegistry();
    await of.close();
    const error = await failure(clientOf(of).resolve('registry.corp.io/app:1', signal));
    expect(error).toMatchObject({ kind: 'unavailable', code: 'registry-unavailable' });
    expect(error.hint).toContain('listens');
  });

  it('is given up after the time without progress, on the clock', async () => {
    const clock = manualClock();
    const of = await registry({ faults: [{ effect: { type: 'hang' }, times: Infinity }] });
    const pending = failure(
      clientOf(of, { clock, fetchTimeoutMs: 5000 }).resolve('registry.corp.io/app', signal),
    );
    await passTime(clock, pending);
    expect(await pending).toMatchObject({ kind: 'unavailable', code: 'registry-unavailable' });
    expect((await pending).message).toContain('5 s');
  });

  it('can be waited for by many on one signal, without a leak of listeners', async () => {
    const of = await registry();
    const on = clientOf(of);
    const warnings: string[] = [];
    const listener = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', listener);
    try {
      const controller = new AbortController();
      const all = Array.from({ length: 30 }, () =>
        failure(on.head('registry.corp.io/app', controller.signal)),
      );
      await Promise.all(all);
      of.fail({ effect: { type: 'hang' }, times: Infinity });
      const hanging = Array.from({ length: 30 }, () =>
        failure(on.head('registry.corp.io/app', controller.signal)),
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      controller.abort();
      const kinds = new Set((await Promise.all(hanging)).map(({ kind }) => kind));
      expect([...kinds]).toEqual(['cancelled']);
      expect(warnings).toEqual([]);
    } finally {
      process.off('warning', listener);
    }
  });

  it('can be left: an aborted signal ends the wait as cancelled', async () => {
    const of = await registry({ faults: [{ effect: { type: 'hang' }, times: Infinity }] });
    const controller = new AbortController();
    const pending = failure(clientOf(of).resolve('registry.corp.io/app', controller.signal));
    await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort();
    expect(await pending).toMatchObject({ kind: 'cancelled' });
    expect(await failure(clientOf(of).resolve('registry.corp.io/app', controller.signal))).toMatchObject({
      kind: 'cancelled',
    });
  });

  it('and cuts the connection is asked again, within bounds', async () => {
    const of = await registry();
    const clock = manualClock();
    const on = clientOf(of, { retries: 2, clock });
    const { index } = await pushImage(on, await image(), 'registry.corp.io/app:1', signal);
    of.fail({ effect: { type: 'reset' }, times: 2 });
    const head = on.head('registry.corp.io/app:1', signal);
    await passTime(clock, head);
    expect((await head).digest).toBe(index);
    of.fail({ effect: { type: 'reset' }, times: Infinity });
    const before = of.requests().length;
    const lost = failure(on.head('registry.corp.io/app:1', signal));
    await passTime(clock, lost);
    expect(await lost).toMatchObject({ kind: 'unavailable' });
    expect(of.requests().length - before).toBeLessThanOrEqual(6);
  });

  it('and asks to wait is given the time it asks for, and not more than is allowed', async () => {
    const clock = manualClock();
    const of = await registry();
    const on = clientOf(of, { clock, retries: 1, maxWaitMs: 10_000 });
    const { index } = await pushImage(on, await image(), 'registry.corp.io/app:1', signal);
    of.fail({ effect: { type: 'status', status: 429, retryAfterSeconds: 7 } });
    const head = on.head('registry.corp.io/app:1', signal);
    const before = clock.now();
    await passTime(clock, head);
    expect((await head).digest).toBe(index);
    expect(clock.now() - before).toBeGreaterThanOrEqual(7000);

    of.fail({ effect: { type: 'status', status: 429, retryAfterSeconds: 3600 } });
    const error = await failure(on.head('registry.corp.io/app:1', signal));
    expect(error.code).toBe('registry-rate-limited');
    expect(error.hint).toContain('3600 s');
  });
});

/** Moves the clock on until `pending` has settled, letting the network have its turns. */
async function passTime(clock: ManualClock, pending: Promise<unknown>): Promise<void> {
  const settled = pending.then(
    () => true,
    () => true,
  );
  for (let turn = 0; turn < 2000; turn += 1) {
    const turned = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 2));
    if (await Promise.race([settled, turned])) return;
    await clock.advance(500);
  }
  throw new Error('It never settled.');
}

describe('a mirror', () => {
  it('is asked first, and the registry when the mirror does not have it or does not answer', async () => {
    const origin = await registry();
    const mirror = await registry();
    const direct = client();
    const built = await image();
    await pushImage(direct, built, `${origin.host}/app:1`, signal);
    const on = client({ mirrors: { [origin.host]: { url: mirror.url } } });
    expect((await on.resolve(`${origin.host}/app:1`, signal)).answeredBy).toBe(origin.url);
    expect(mirror.requests().length).toBeGreaterThan(0);
    await pushImage(direct, built, `${mirror.host}/app:1`, signal);
    expect((await on.resolve(`${origin.host}/app:1`, signal)).answeredBy).toBe(mirror.url);
    mirror.fail({ effect: { type: 'status', status: 500 }, times: Infinity });
    expect((await on.resolve(`${origin.host}/app:1`, signal)).answeredBy).toBe(origin.url);
  });

  it('gets no pushes, a stand-in gets them all and the registry is never asked', async () => {
    const origin = await registry();
    const other = await registry();
    const built = await image();
    const mirrored = client({ mirrors: { [origin.host]: { url: other.url } } });
    await pushImage(mirrored, built, `${origin.host}/app:1`, signal);
    expect(other.requests()).toEqual([]);
    const seen = origin.requests().length;
    const replaced = client({ mirrors: { [origin.host]: { url: other.url, standIn: true } } });
    await pushImage(replaced, built, `${origin.host}/app:2`, signal);
    expect(await failure(replaced.resolve(`${origin.host}/app:1`, signal))).toMatchObject({
      kind: 'not-found',
    });
    expect(origin.requests().length).toBe(seen);
  });

  it('without TLS is refused unless it is on this machine or allowed', async () => {
    const on = client({ mirrors: { 'registry.corp.io': { url: 'http://mirror.corp.io' } } });
    expect(await failure(on.resolve('registry.corp.io/app', signal))).toMatchObject({
      kind: 'invalid-input',
      code: 'mirror-invalid',
    });
    const secret = client({ mirrors: { 'registry.corp.io': { url: 'https://me:hunter2@mirror.corp.io' } } });
    const error = await failure(secret.resolve('registry.corp.io/app', signal));
    expect(error.code).toBe('mirror-invalid');
    expect(error.message).not.toContain('hunter2');
  });

  it('is the only way to plain HTTP elsewhere: a registry by name is asked with TLS', async () => {
    const on = client();
    const error = await failure(on.resolve('registry.invalid/app', signal));
    expect(error.kind).toBe('unavailable');
    expect(error.message).toContain('https://registry.invalid');
  });
});

describe('tags', () => {
  it('are collected over all pages', async () => {
    const of = await registry();
    const on = clientOf(of);
    const built = await image();
    await pushImage(on, built, 'registry.corp.io/app:v1', signal);
    const wanted = Array.from({ length: 1203 }, (_, n) => `sha-${String(n).padStart(5, '0')}`);
    for (const tag of wanted) {
      await fetch(`${of.url}/v2/app/manifests/${tag}`, {
        method: 'PUT',
        headers: { 'content-type': OCI_INDEX },
        body: built.index.bytes,
      });
    }
    expect(await on.tags('registry.corp.io/app', signal)).toEqual([...wanted, 'v1']);
    const pages = of.requests().filter(({ url }) => url.includes('/tags/list'));
    expect(pages.map(({ url }) => url)).toEqual([
      '/v2/app/tags/list?n=1000',
      '/v2/app/tags/list?n=1000&last=sha-00999',
    ]);
  });

  it('end in an error when the pages go in a circle or never end', async () => {
    let next = '/v2/app/tags/list?n=1000';
    const url = await server((request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        link: `<${next === '' ? `${request.url ?? ''}&again` : next}>; rel="next"`,
      });
      response.end('{"name":"app","tags":["a"]}');
    });
    const on = client({ mirrors: { 'registry.corp.io': { url, standIn: true } } });
    expect(await failure(on.tags('registry.corp.io/app', signal))).toMatchObject({
      kind: 'unavailable',
      code: 'registry-endless-list',
    });
    next = 'https://elsewhere.example.com/v2/app/tags/list?last=a';
    expect((await failure(on.tags('registry.corp.io/app', signal))).code).toBe('registry-endless-list');
  });

  it('are followed under a path, and past a mirror that may know fewer', async () => {
    const asked: string[] = [];
    const url = await server((request, response) => {
      asked.push(request.url ?? '');
      const next =
        request.url?.includes('last') === true ? {} : { link: '</hub/v2/app/tags/list?last=a>; rel=next' };
      response.writeHead(200, { 'content-type': 'application/json', ...next });
      response.end(`{"name":"app","tags":["${asked.length}"]}`);
    });
    const standIn = client({ mirrors: { 'registry.corp.io': { url: `${url}/hub/`, standIn: true } } });
    expect(await standIn.tags('registry.corp.io/app', signal)).toEqual(['1', '2']);
    expect(asked).toEqual(['/hub/v2/app/tags/list?n=1000', '/hub/v2/app/tags/list?last=a']);
    const of = await registry();
    await pushImage(client(), await image(), `${of.host}/app:v1`, signal);
    const mirrored = client({ mirrors: { [of.host]: { url } } });
    expect(await mirrored.tags(`${of.host}/app`, signal)).toEqual(['v1']);
    expect(asked).toHaveLength(2);
  });

  it('of a repository that is not there are not found, not an empty list', async () => {
    const of = await registry();
    expect(await failure(clientOf(of).tags('registry.corp.io/app', signal))).toMatchObject({
      kind: 'not-found',
    });
  });
});

describe('a push', () => {
  it('sends what is missing and nothing else', async () => {
    const of = await registry();
    const on = clientOf(of);
    const built = await image();
    const first = await pushImage(on, built, 'registry.corp.io/app:1', signal);
    expect(first.uploadedBytes).toBeGreaterThan(0);
    const again = await pushImage(on, built, 'registry.corp.io/app:2', signal);
    expect(again.uploadedBytes).toBe(0);
    expect(again.index).toBe(first.index);
  });

  it('mounts what another repository has', async () => {
    const of = await registry();
    const on = clientOf(of);
    const built = await image();
    await pushImage(on, built, 'registry.corp.io/dev/app:1', signal);
    const pushed = await pushImage(on, built, 'registry.corp.io/prod/app:1', signal, {
      mountFrom: 'dev/app',
    });
    expect(pushed.uploadedBytes).toBe(0);
    const layer = built.layers[0]?.bytes ?? Buffer.alloc(0);
    const options = { mountFrom: 'nowhere/else' };
    const pushedLayer = await on.pushBlob('registry.corp.io/third', layer, signal, options);
    expect(pushedLayer.outcome).toBe('uploaded');
  });

  it('carries large blobs whole', async () => {
    const of = await registry();
    const on = clientOf(of);
    const bytes = Buffer.alloc(20 * 1024 * 1024, 'landfall');
    const { digest } = await on.pushBlob('registry.corp.io/app', bytes, signal);
    expect(await on.hasBlob('registry.corp.io/app', digest, signal)).toBe(true);
    const back = await on.getBlob('registry.corp.io/app', digest, signal);
    expect(back.equals(bytes)).toBe(true);
    const small = on.getBlob('registry.corp.io/app', digest, signal, { maxBytes: 1000 });
    expect((await failure(small)).message).toContain('larger than 1000 bytes');
  });

  it('to a digest is refused: what is pushed decides it', async () => {
    const digest = `sha256:${'3'.repeat(64)}`;
    const push = pushImage(client(), await image(), `registry.corp.io/app@${digest}`, signal);
    expect(await failure(push)).toMatchObject({ kind: 'invalid-input', code: 'push-to-digest' });
  });

  it('can be taken back: a deleted manifest is not found', async () => {
    const of = await registry();
    const on = clientOf(of);
    const { index } = await pushImage(on, await image(), 'registry.corp.io/app:1', signal);
    await on.deleteManifest(`registry.corp.io/app@${index}`, signal);
    expect(await failure(on.head('registry.corp.io/app:1', signal))).toMatchObject({ kind: 'not-found' });
  });
});
