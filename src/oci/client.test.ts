import { describe, expect, it } from 'vitest';
import { image, registry, client, clientOf, server, failure } from '../../test/registries.ts';
import { manualClock } from '../kernel/index.ts';
import { digestOf } from './digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from './media-types.ts';
import { pushImage } from './push-image.ts';

const { signal } = new AbortController();

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
