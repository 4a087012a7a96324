import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { registry } from '../../../test/registries.ts';
import { getArray, getIn, getString, manualClock, type JsonValue } from '../../kernel/index.ts';
import { startRegistry, type Registry } from './index.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const ZEROS = `sha256:${'0'.repeat(64)}`;
function sha(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: JsonValue | undefined;
  /** The first error's code. */
  readonly code: string | undefined;
}

async function ask(of: Registry, method: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(new URL(path, of.url), { method, ...init });
  const text = await response.text();
  let json: JsonValue | undefined;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch {
    json = undefined;
  }
  return {
    status: response.status,
    headers: response.headers,
    text,
    json,
    code: getString(json, 'errors', 0, 'code'),
  };
}

async function pushBlob(of: Registry, name: string, content: string | Buffer): Promise<string> {
  const digest = sha(content);
  const answer = await ask(of, 'POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: content });
  expect(answer.status).toBe(201);
  return digest;
}

function descriptor(content: string, mediaType: string): Record<string, unknown> {
  return { mediaType, digest: sha(content), size: Buffer.byteLength(content) };
}

function imageManifest(config: string, fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor(config, CONFIG),
    layers: [],
    ...fields,
  });
}

function put(of: Registry, path: string, body: string, type = MANIFEST): Promise<Answer> {
  return ask(of, 'PUT', path, { body, headers: { 'content-type': type } });
}

/** Pushes an image without layers and answers with its manifest's digest. */
async function pushImage(of: Registry, name: string, tag: string, config = '{}'): Promise<string> {
  await pushBlob(of, name, config);
  const manifest = imageManifest(config);
  expect((await put(of, `/v2/${name}/manifests/${tag}`, manifest)).status).toBe(201);
  return sha(manifest);
}

describe('a manifest', () => {
  it('comes back by tag and by digest, byte for byte, with its digest and type', async () => {
    const clock = manualClock(Date.UTC(2026, 0, 31, 12));
    const of = await registry({ clock });
    const digest = await pushImage(of, 'team/app', 'v1');
    for (const reference of ['v1', digest]) {
      const found = await ask(of, 'GET', `/v2/team/app/manifests/${reference}`);
      expect(found.status).toBe(200);
      expect(sha(found.text)).toBe(digest);
      expect(found.headers.get('content-type')).toBe(MANIFEST);
      expect(found.headers.get('docker-content-digest')).toBe(digest);
      expect(found.headers.get('last-modified')).toBe('Sat, 31 Jan 2026 12:00:00 GMT');
      const head = await ask(of, 'HEAD', `/v2/team/app/manifests/${reference}`);
      expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(found.text)));
      expect(head.headers.get('docker-content-digest')).toBe(digest);
      expect(head.text).toBe('');
    }
  });

  it('says for a tag when the tag moved, which the manifest itself does not', async () => {
    const clock = manualClock(Date.UTC(2026, 0, 31, 12));
    const of = await registry({ clock });
    const first = await pushImage(of, 'app', 'latest');
    await clock.advance(60_000);
    await pushImage(of, 'app', 'latest', '{"second":1}');
    await clock.advance(60_000);
    await put(of, '/v2/app/manifests/latest', imageManifest('{}'));
    const time = async (reference: string) =>
      (await ask(of, 'HEAD', `/v2/app/manifests/${reference}`)).headers.get('last-modified');
    expect(await time('latest')).toBe('Sat, 31 Jan 2026 12:02:00 GMT');
    expect(await time(first)).toBe('Sat, 31 Jan 2026 12:00:00 GMT');
    await clock.advance(60_000);
    await put(of, '/v2/app/manifests/latest', imageManifest('{}'));
    expect(await time('latest')).toBe('Sat, 31 Jan 2026 12:02:00 GMT');
  });

  it('is answered only in a type that is accepted, and not again to who has it', async () => {
    const of = await registry();
    const digest = await pushImage(of, 'app', 'v1');
    const get = (headers: Record<string, string>) => ask(of, 'GET', '/v2/app/manifests/v1', { headers });
    expect((await get({ accept: MANIFEST })).status).toBe(200);
    expect((await get({ accept: `${INDEX}, ${MANIFEST};q=0.5` })).status).toBe(200);
    expect((await get({ accept: 'application/*' })).status).toBe(200);
    expect(await get({ accept: INDEX })).toMatchObject({ status: 404, code: 'MANIFEST_UNKNOWN' });
    expect(await get({ accept: `${MANIFEST};q=0` })).toMatchObject({ status: 404 });
    expect(await get({ 'if-none-match': `"${digest}"` })).toMatchObject({ status: 304, text: '' });
    expect((await get({ 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('is refused when a part of it is not there, in this repository', async () => {
    const of = await registry();
    await pushBlob(of, 'other', '{}');
    expect(await put(of, '/v2/app/manifests/v1', imageManifest('{}'))).toMatchObject({
      status: 400,
      code: 'MANIFEST_BLOB_UNKNOWN',
    });
    const index = JSON.stringify({ schemaVersion: 2, manifests: [descriptor('{}', MANIFEST)] });
    expect(await put(of, '/v2/app/manifests/v1', index, INDEX)).toMatchObject({
      status: 400,
      code: 'MANIFEST_BLOB_UNKNOWN',
    });
    expect((await ask(of, 'GET', '/v2/app/manifests/v1')).status).toBe(404);
  });

  it('may name layers that are kept elsewhere', async () => {
    const of = await registry();
    await pushBlob(of, 'app', '{}');
    const foreign = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    const layers = [{ ...descriptor('far away', foreign), urls: ['https://example.com/layer'] }];
    expect((await put(of, '/v2/app/manifests/v1', imageManifest('{}', { layers }))).status).toBe(201);
  });

  it.each<[string, string, string | undefined]>([
    ['is no JSON', '{', MANIFEST],
    ['is no object', '[]', MANIFEST],
    ['is of an old schema', '{"schemaVersion":1}', MANIFEST],
    ['has no config', '{"schemaVersion":2,"layers":[]}', MANIFEST],
    ['has no layers', imageManifest('{}', { layers: undefined }), MANIFEST],
    [
      'has a layer without a digest',
      imageManifest('{}', { layers: [{ size: 1, mediaType: 'x' }] }),
      MANIFEST,
    ],
    [
      'has a layer of a negative size',
      imageManifest('{}', { layers: [{ ...descriptor('a', 'x'), size: -1 }] }),
      MANIFEST,
    ],
    ['has a subject that is none', imageManifest('{}', { subject: { digest: 'x' } }), MANIFEST],
    ['has an annotation that is no text', imageManifest('{}', { annotations: { a: 1 } }), MANIFEST],
    ['is sent as another type than it says', imageManifest('{}'), INDEX],
    ['is of a type that is not stored', '{"schemaVersion":2}', 'application/json'],
    ['is an index without manifests', '{"schemaVersion":2}', INDEX],
  ])('that %s is invalid', async (_, body, type) => {
    const of = await registry();
    await pushBlob(of, 'app', '{}');
    expect(await put(of, '/v2/app/manifests/v1', body, type)).toMatchObject({
      status: 400,
      code: 'MANIFEST_INVALID',
    });
  });

  it('has the digest it is pushed by, and at most 4 MiB', async () => {
    const of = await registry();
    await pushBlob(of, 'app', '{}');
    expect(await put(of, `/v2/app/manifests/${ZEROS}`, imageManifest('{}'))).toMatchObject({
      status: 400,
      code: 'DIGEST_INVALID',
    });
    const large = imageManifest('{}', { annotations: { a: 'x'.repeat(5 * 1024 * 1024) } });
    expect(await put(of, '/v2/app/manifests/v1', large)).toMatchObject({ status: 413, code: 'SIZE_INVALID' });
  });

  it('stays when its tag is deleted, and takes its tags along when it is deleted itself', async () => {
    const of = await registry();
    const digest = await pushImage(of, 'app', 'v1');
    await put(of, '/v2/app/manifests/v2', imageManifest('{}'));
    expect((await ask(of, 'DELETE', '/v2/app/manifests/v1')).status).toBe(202);
    expect((await ask(of, 'GET', '/v2/app/manifests/v1')).status).toBe(404);
    expect((await ask(of, 'GET', `/v2/app/manifests/${digest}`)).status).toBe(200);
    expect((await ask(of, 'DELETE', `/v2/app/manifests/${digest}`)).status).toBe(202);
    expect((await ask(of, 'GET', '/v2/app/manifests/v2')).status).toBe(404);
    expect((await ask(of, 'DELETE', `/v2/app/manifests/${digest}`)).status).toBe(404);
  });
});

describe('a blob', () => {
  it('goes in whole, in chunks, and by a mount, and comes out whole and in ranges', async () => {
    const of = await registry();
    const large = Buffer.alloc(3 * 1024 * 1024, 'abcdefg');
    const digest = await pushBlob(of, 'dev/app', large);
    const mount = await ask(of, 'POST', `/v2/prod/app/blobs/uploads/?mount=${digest}&from=dev/app`);
    expect(mount).toMatchObject({ status: 201 });
    expect(mount.headers.get('location')).toBe(`/v2/prod/app/blobs/${digest}`);
    const response = await fetch(`${of.url}/v2/prod/app/blobs/${digest}`);
    expect(sha(Buffer.from(await response.arrayBuffer()))).toBe(digest);
    const range = async (header: string) => {
      const part = await ask(of, 'GET', `/v2/dev/app/blobs/${digest}`, { headers: { range: header } });
      return [part.status, part.headers.get('content-range'), part.text];
    };
    expect(await range('bytes=0-6')).toEqual([206, `bytes 0-6/${large.length}`, 'abcdefg']);
    const size = large.length;
    expect((await range('bytes=-3')).slice(0, 2)).toEqual([206, `bytes ${size - 3}-${size - 1}/${size}`]);
    expect((await range(`bytes=${size}-`))[0]).toBe(416);
    expect((await range('lines=1-2'))[0]).toBe(200);
  });

  it('that cannot be mounted opens an upload instead', async () => {
    const of = await registry();
    const answer = await ask(of, 'POST', `/v2/app/blobs/uploads/?mount=${ZEROS}&from=dev/app`);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toMatch(/^\/v2\/app\/blobs\/uploads\/[0-9a-f-]{36}$/);
  });

  it('of the wrong digest is refused and its upload is over', async () => {
    const of = await registry();
    const { headers } = await ask(of, 'POST', '/v2/app/blobs/uploads/');
    const location = headers.get('location') ?? '';
    expect(await ask(of, 'PUT', `${location}?digest=${ZEROS}`, { body: 'hello' })).toMatchObject({
      status: 400,
      code: 'DIGEST_INVALID',
    });
    expect(await ask(of, 'GET', location)).toMatchObject({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' });
    expect((await ask(of, 'HEAD', `/v2/app/blobs/${sha('hello')}`)).status).toBe(404);
  });

  it('takes its chunks in order only, and tells where it is', async () => {
    const of = await registry();
    const location = (await ask(of, 'POST', '/v2/app/blobs/uploads/')).headers.get('location') ?? '';
    const patch = (range: string, body: string) =>
      ask(of, 'PATCH', location, { body, headers: { 'content-range': range } });
    expect((await patch('0-4', 'hello')).headers.get('range')).toBe('0-4');
    const gap = await patch('7-11', 'world');
    expect([gap.status, gap.headers.get('range')]).toEqual([416, '0-4']);
    expect((await patch('5-10', ' world')).status).toBe(202);
    const digest = sha('hello world');
    expect((await ask(of, 'PUT', `${location}?digest=${digest}`)).status).toBe(201);
    expect((await ask(of, 'GET', `/v2/app/blobs/${digest}`)).text).toBe('hello world');
  });

  it('can be given up, and is forgotten when nothing comes for an hour', async () => {
    const clock = manualClock();
    const of = await registry({ clock });
    const open = async () => (await ask(of, 'POST', '/v2/app/blobs/uploads/')).headers.get('location') ?? '';
    const first = await open();
    expect((await ask(of, 'DELETE', first)).status).toBe(204);
    expect((await ask(of, 'GET', first)).status).toBe(404);
    const second = await open();
    await clock.advance(59 * 60_000);
    expect((await ask(of, 'GET', second)).status).toBe(204);
    await clock.advance(2 * 60_000);
    expect((await ask(of, 'GET', second)).status).toBe(404);
  });

  it('that is too large is refused, and the registry goes on', async () => {
    const of = await registry({ maxBlobBytes: 1000 });
    const digest = sha('x'.repeat(2000));
    const sent = await ask(of, 'POST', `/v2/app/blobs/uploads/?digest=${digest}`, { body: 'x'.repeat(2000) });
    expect(sent).toMatchObject({ status: 413, code: 'SIZE_INVALID' });
    await pushBlob(of, 'app', 'x'.repeat(1000));
  });

  it('that is deleted is gone from its repository and stays in others', async () => {
    const of = await registry();
    const digest = await pushBlob(of, 'one', 'shared');
    await pushBlob(of, 'two', 'shared');
    expect((await ask(of, 'DELETE', `/v2/one/blobs/${digest}`)).status).toBe(202);
    expect((await ask(of, 'GET', `/v2/one/blobs/${digest}`)).status).toBe(404);
    expect((await ask(of, 'GET', `/v2/two/blobs/${digest}`)).text).toBe('shared');
    await ask(of, 'DELETE', `/v2/two/blobs/${digest}`);
    await pushBlob(of, 'two', 'shared');
    expect((await ask(of, 'GET', `/v2/two/blobs/${digest}`)).text).toBe('shared');
  });

  it('may be written by many at once, the same and others', async () => {
    const of = await registry();
    const contents = Array.from({ length: 24 }, (_, n) => Buffer.alloc(1_200_000, String(n % 3)));
    const digests = await Promise.all(contents.map((content) => pushBlob(of, 'app', content)));
    for (const digest of new Set(digests)) {
      const response = await fetch(`${of.url}/v2/app/blobs/${digest}`);
      expect(sha(Buffer.from(await response.arrayBuffer()))).toBe(digest);
    }
  });
});

describe('lists', () => {
  it('of tags come in order and in pages, as long as there are more', async () => {
    const of = await registry();
    const digest = await pushImage(of, 'app', 'b');
    for (const tag of ['d', 'a', 'c', 'e']) await put(of, `/v2/app/manifests/${tag}`, imageManifest('{}'));
    const pages: (readonly JsonValue[])[] = [];
    let path: string | undefined = '/v2/app/tags/list?n=2';
    while (path !== undefined) {
      const { json, headers } = await ask(of, 'GET', path);
      pages.push(getArray(json, 'tags'));
      path = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
    }
    expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect((await ask(of, 'GET', '/v2/app/tags/list')).json).toEqual({
      name: 'app',
      tags: ['a', 'b', 'c', 'd', 'e'],
    });
    expect((await ask(of, 'GET', '/v2/app/tags/list?last=d')).json).toMatchObject({ tags: ['e'] });
    expect((await ask(of, 'GET', '/v2/app/tags/list?n=0')).json).toMatchObject({ tags: [] });
    expect(await ask(of, 'GET', '/v2/app/tags/list?n=-1')).toMatchObject({
      status: 400,
      code: 'PAGINATION_NUMBER_INVALID',
    });
    await ask(of, 'DELETE', `/v2/app/manifests/${digest}`);
    expect((await ask(of, 'GET', '/v2/app/tags/list')).json).toEqual({ name: 'app', tags: [] });
  });

  it('of repositories name those that hold something', async () => {
    const of = await registry();
    await pushImage(of, 'b', 'v1');
    await pushImage(of, 'a/x', 'v1');
    await ask(of, 'POST', '/v2/empty/blobs/uploads/');
    expect((await ask(of, 'GET', '/v2/_catalog')).json).toEqual({ repositories: ['a/x', 'b'] });
  });

  it('of referrers know who refers to a digest, before and after it is there', async () => {
    const of = await registry();
    await pushBlob(of, 'app', '{}');
    const subject = imageManifest('{}');
    const refers = (artifactType: string) =>
      imageManifest('{}', {
        artifactType,
        subject: descriptor(subject, MANIFEST),
        annotations: { who: artifactType },
      });
    const put1 = (body: string) => put(of, `/v2/app/manifests/${sha(body)}`, body);
    const early = await put1(refers('application/sbom'));
    expect(early.status).toBe(201);
    expect(early.headers.get('oci-subject')).toBe(sha(subject));
    await put1(subject);
    await put1(refers('application/signature'));
    const path = `/v2/app/referrers/${sha(subject)}`;
    const all = await ask(of, 'GET', path);
    expect(all.headers.get('content-type')).toBe(INDEX);
    const types = getArray(all.json, 'manifests').map((entry) => getString(entry, 'artifactType') ?? '');
    expect(types.sort()).toEqual(['application/sbom', 'application/signature']);
    const filtered = await ask(of, 'GET', `${path}?artifactType=application/sbom`);
    expect(filtered.headers.get('oci-filters-applied')).toBe('artifactType');
    expect(getArray(filtered.json, 'manifests')).toHaveLength(1);
    expect(getIn(filtered.json, 'manifests', 0, 'annotations', 'who')).toBe('application/sbom');
    const [first] = getArray(filtered.json, 'manifests');
    await ask(of, 'DELETE', `/v2/app/manifests/${getString(first, 'digest') ?? ''}`);
    expect(getArray((await ask(of, 'GET', path)).json, 'manifests')).toHaveLength(1);
    expect((await ask(of, 'GET', `/v2/nowhere/referrers/${ZEROS}`)).json).toMatchObject({ manifests: [] });
  });
});

describe('bad requests', () => {
  it.each([
    ['GET', '/', 404, 'UNSUPPORTED'],
    ['GET', '/v2/app', 404, 'UNSUPPORTED'],
    ['PUT', '/v2/app/manifests/', 400, 'TAG_INVALID'],
    ['PUT', '/v2/app/manifests/.hidden', 400, 'TAG_INVALID'],
    ['PUT', '/v2/app/manifests/sha512:00', 400, 'DIGEST_INVALID'],
    // Asked for by the specification's own tests.
    ['GET', '/v2/app/manifests/.INVALID', 404, 'NAME_UNKNOWN'],
    ['HEAD', '/v2/app/manifests/.INVALID', 404, undefined],
    ['GET', '/v2/App/manifests/v1', 400, 'NAME_INVALID'],
    ['GET', '/v2/a%2F..%2Fb/manifests/v1', 400, 'NAME_INVALID'],
    ['PUT', '/v2/app/manifests/v1%00', 400, 'TAG_INVALID'],
    ['GET', '/v2/app/manifests/%zz', 400, 'NAME_INVALID'],
    ['GET', `/v2/${'a'.repeat(300)}/manifests/v1`, 400, 'NAME_INVALID'],
    ['PUT', `/v2/app/manifests/${'a'.repeat(129)}`, 400, 'TAG_INVALID'],
    ['GET', '/v2/app/blobs/sha512:00', 400, 'DIGEST_INVALID'],
    ['GET', '/v2/app/blobs/uploads/../../x', 404, 'UNSUPPORTED'],
    ['GET', `/v2/app/blobs/${ZEROS}`, 404, 'BLOB_UNKNOWN'],
    ['GET', '/v2/app/manifests/v1', 404, 'NAME_UNKNOWN'],
    ['GET', '/v2/app/tags/list', 404, 'NAME_UNKNOWN'],
    ['POST', '/v2/app/tags/list', 405, 'UNSUPPORTED'],
    ['POST', '/v2/app/manifests/v1', 405, 'UNSUPPORTED'],
    ['PUT', '/v2/app/blobs/uploads/', 405, 'UNSUPPORTED'],
    ['POST', '/v2/app/blobs/uploads/?mount=x', 400, 'DIGEST_INVALID'],
    ['GET', '/token', 404, 'UNSUPPORTED'],
  ])('%s %s is answered %i %s', async (method, path, status, code) => {
    const of = await registry();
    expect(await ask(of, method, path)).toMatchObject({ status, code });
    expect((await ask(of, 'GET', '/v2/')).status).toBe(200);
  });

  it('that are not HTTP, or end half way, leave nothing behind', async () => {
    const of = await registry();
    const port = Number(of.host.split(':')[1]);
    for (const text of [
      '\0\0\0\0',
      'GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n',
      'PUT /v2/app/manifests/v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"half',
      `POST /v2/app/blobs/uploads/?digest=${ZEROS} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf`,
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(text, () => socket.resetAndDestroy()));
        socket.on('close', () => resolve());
        socket.on('error', () => {});
      });
    }
    expect((await ask(of, 'GET', '/v2/')).status).toBe(200);
    expect((await ask(of, 'GET', '/v2/_catalog')).json).toEqual({ repositories: [] });
  });
});

describe('the registry', () => {
  it('removes its temporary files when it closes, uploads in progress included', async () => {
    const at = await mkdtemp(join(tmpdir(), 'landfall-tmp-'));
    onTestFinished(() => rm(at, { recursive: true, force: true }));
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = at;
    try {
      const of = await startRegistry();
      await pushBlob(of, 'app', Buffer.alloc(100, 'small'));
      expect(await readdir(at)).toEqual([]);
      await pushBlob(of, 'app', Buffer.alloc(2_000_000, 'large'));
      const location = (await ask(of, 'POST', '/v2/app/blobs/uploads/')).headers.get('location') ?? '';
      await ask(of, 'PATCH', location, { body: Buffer.alloc(2_000_000, 'open') });
      expect(await readdir(at)).toHaveLength(1);
      await of.close();
      expect(await readdir(at)).toEqual([]);
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });

  it('says that a port is taken, and by which number', async () => {
    const of = await registry();
    const port = Number(of.host.split(':')[1]);
    await expect(startRegistry({ port })).rejects.toMatchObject({
      kind: 'conflict',
      code: 'port-in-use',
      object: `127.0.0.1:${port}`,
    });
  });

  it('keeps of a request what happened, and nothing of what proves who asked', async () => {
    const of = await registry();
    await ask(of, 'GET', '/v2/', { headers: { authorization: 'Basic c2VjcmV0' } });
    expect(of.requests()).toEqual([{ method: 'GET', url: '/v2/', status: 200, authorization: 'basic' }]);
    expect(JSON.stringify(of.requests())).not.toContain('c2VjcmV0');
  });
});
