import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../kernel/index.ts';
import { imageStore } from './image-store.ts';
import { tarOf } from './image-fixture.ts';
import { pullImage } from './pull.ts';
import { parseReference } from './reference.ts';
import { registryClient, sha256 } from './registry-client.ts';

/** A registry that answers exactly what it is told to, right or wrong. */
let answers: Map<string, { status?: number; type?: string; body: Buffer }>;
let asked: string[];
let server: Server;
let url: string;
let folder: string;

beforeEach(async () => {
  answers = new Map();
  asked = [];
  folder = mkdtempSync(path.join(os.tmpdir(), 'pull-'));
  server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const answer = answers.get(request.url ?? '');
    response.statusCode = answer?.status ?? (answer === undefined ? 404 : 200);
    if (answer?.type !== undefined) response.setHeader('content-type', answer.type);
    if (answer !== undefined) response.setHeader('docker-content-digest', sha256(answer.body));
    response.end(request.method === 'HEAD' ? undefined : answer?.body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  rmSync(folder, { recursive: true, force: true });
});

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

function blob(content: Buffer): object {
  const digest = sha256(content);
  answers.set(`/v2/app/blobs/${digest}`, { body: content });
  return { mediaType: 'x', digest, size: content.length };
}

function manifest(name: string, document: object, type = MANIFEST): string {
  const body = Buffer.from(JSON.stringify(document));
  const digest = sha256(body);
  for (const reference of [name, digest]) answers.set(`/v2/app/manifests/${reference}`, { body, type });
  return digest;
}

function image(name: string, text: string): { digest: string; size: number } {
  const layer = gzipSync(tarOf([{ path: 'text', content: text }]));
  const config = Buffer.from(JSON.stringify({ config: { Cmd: [text], Env: null, WorkingDir: '' } }));
  const digest = manifest(name, { config: blob(config), layers: [blob(layer)] });
  return { digest, size: 1 };
}

function pull(isExecutable: (digests: readonly string[]) => boolean = () => true, text = 'r.io/app:v1') {
  const client = registryClient(
    () => url,
    () => undefined,
    systemClock,
  );
  const store = imageStore();
  const options = { client, store, folder, architecture: 'amd64', isExecutable };
  return pullImage(options, parseReference(text), new AbortController().signal).then((pulled) => ({
    pulled,
    store,
    options,
  }));
}

describe('pulling', () => {
  it('takes the manifest of its platform out of an index, and reports the digest of the index', async () => {
    const platform = (architecture: string, descriptor: object) => ({
      ...descriptor,
      platform: { os: 'linux', architecture },
    });
    const arm = image('arm', 'arm');
    const amd = image('amd', 'amd');
    const attestation = { ...image('att', 'att'), platform: { os: 'unknown', architecture: 'unknown' } };
    const index = manifest(
      'v1',
      { manifests: [attestation, platform('arm64', arm), platform('amd64', amd)] },
      INDEX,
    );
    const { pulled, store } = await pull();
    expect(pulled.config.cmd).toEqual(['amd']);
    expect(pulled.digests.slice(0, 2)).toEqual([index, amd.digest]);
    expect(readFileSync(path.join(pulled.root ?? '', 'text'), 'utf8')).toBe('amd');
    expect(store.reported(pulled.configDigest, 'r.io/app:v1')).toEqual({
      image: 'r.io/app:v1',
      imageID: `r.io/app@${index}`,
    });
  });

  it('does not fetch again what the node has under another name', async () => {
    image('v1', 'same');
    const { options } = await pull();
    answers.set('/v2/app/manifests/v2', answers.get('/v2/app/manifests/v1') ?? { body: Buffer.alloc(0) });
    asked = [];
    const again = await pullImage(options, parseReference('r.io/app:v2'), new AbortController().signal);
    expect(again.config.cmd).toEqual(['same']);
    expect(asked).toEqual(['HEAD /v2/app/manifests/v2']);
  });

  it('unpacks nothing that may not be executed, and does once it may', async () => {
    image('v1', 'later');
    let allowed = false;
    const { pulled, options } = await pull(() => allowed);
    expect(pulled.root).toBeUndefined();
    expect(asked.filter((request) => request.includes('blobs'))).toHaveLength(1);
    allowed = true;
    const again = await pullImage(options, parseReference('r.io/app:v1'), new AbortController().signal);
    expect(existsSync(again.root ?? '')).toBe(true);
  });

  it('believes no digest that it did not compute', async () => {
    const { digest } = image('v1', 'good');
    const entry = answers.get(`/v2/app/manifests/${digest}`);
    answers.set(`/v2/app/manifests/${digest}`, { body: Buffer.from('{}'), type: entry?.type ?? '' });
    await expect(pull()).rejects.toThrow('has the digest');
  });

  it('refuses layers and configs with other bytes than their digest', async () => {
    image('v1', 'good');
    for (const path of answers.keys())
      if (path.includes('blobs')) answers.set(path, { body: Buffer.from('evil') });
    await expect(pull()).rejects.toThrow('the blob that was answered for');
  });

  it.each([
    [
      {
        manifests: [
          { digest: `sha256:${'0'.repeat(64)}`, size: 1, platform: { os: 'windows', architecture: 'amd64' } },
        ],
      },
      INDEX,
      'no match for platform',
    ],
    [{ config: { digest: 'md5:1', size: 1 }, layers: [] }, MANIFEST, 'no sha256 digest'],
    [{ config: { digest: `sha256:${'0'.repeat(64)}` } }, MANIFEST, 'no size'],
  ])('says what is wrong with %j', async (document, type, message) => {
    manifest('v1', document, type);
    await expect(pull()).rejects.toThrow(message);
  });

  it.each([
    [401, 'authorization failed: 401 Unauthorized'],
    [404, 'r.io/app:v1: not found'],
    [429, 'unexpected status from HEAD request'],
    [500, 'unexpected status from HEAD request'],
  ])('tells of the answer %i as containerd does', async (status, message) => {
    answers.set('/v2/app/manifests/v1', { status, body: Buffer.alloc(0) });
    await expect(pull()).rejects.toThrow(message);
  });

  it('leaves no half of an image behind', async () => {
    const config = Buffer.from('{}');
    const bad = gzipSync(tarOf([{ path: '../evil', content: 'x' }]));
    manifest('v1', { config: blob(config), layers: [blob(bad)] });
    await expect(pull()).rejects.toThrow('leaves the image');
    expect(existsSync(path.join(folder, 'images', sha256(config).replace(':', '-')))).toBe(false);
  });
});
