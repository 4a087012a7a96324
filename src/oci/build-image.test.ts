import { execFileSync } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';

import { startRegistry } from '../drydock/registry/index.ts';
import { getString, type JsonObject } from '../kernel/index.ts';
import { buildImage, type ImageRecipe } from './build-image.ts';
import { attachBuildRecord, readBuildRecords, type BuildRecord } from './build-record.ts';
import { createRegistryClient } from './client.ts';
import { digestOf } from './digest.ts';
import { pushImage } from './push-image.ts';

const { signal } = new AbortController();
async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'landfall-build-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function sources(): Promise<string> {
  const at = await folder();
  await mkdir(join(at, 'lib', 'd'.repeat(120)), { recursive: true });
  await writeFile(join(at, 'server.js'), 'console.log("hello");\n');
  await writeFile(join(at, 'empty'), '');
  await writeFile(join(at, 'lib', 'd'.repeat(120), 'größe.js'), 'x'.repeat(1000));
  await writeFile(join(at, 'run.sh'), '#!/bin/sh\n');
  await chmod(join(at, 'run.sh'), 0o700);
  await symlink('../server.js', join(at, 'lib', 'main.js'));
  await mkdir(join(at, '.git'));
  await writeFile(join(at, '.git', 'HEAD'), 'ref: refs/heads/main');
  return at;
}

function recipe(at: string, fields: Partial<ImageRecipe> = {}): ImageRecipe {
  return {
    folder: at,
    entrypoint: ['node', 'server.js'],
    env: { PORT: '8080', A: '1' },
    exposedPorts: [8080, '8125/udp'],
    labels: { revision: 'c0ffee', version: '2.5.0', source: 'https://git.corp.io/app' },
    created: '2026-01-31T12:00:00Z',
    platforms: [{ os: 'linux', architecture: 'amd64' }],
    ...fields,
  };
}

describe('an image that is built', () => {
  it('is the same bytes again, whatever the times, the modes and the order of files on disk', async () => {
    const first = await buildImage(recipe(await sources()), signal);
    const other = await sources();
    await utimes(join(other, 'server.js'), 1, 1);
    await chmod(join(other, 'server.js'), 0o600);
    await chmod(join(other, 'run.sh'), 0o775);
    await rm(join(other, '.git'), { recursive: true });
    const second = await buildImage(recipe(other), signal);
    expect(second.index.digest).toBe(first.index.digest);
    expect(second.layers[0]?.bytes.equals(first.layers[0]?.bytes ?? Buffer.alloc(0))).toBe(true);
  });

  it('does not tell on which system it was built', async () => {
    const at = await folder();
    await writeFile(join(at, 'server.js'), 'hello');
    const { layers, platforms } = await buildImage(recipe(at), signal);
    // RFC 1952: no name, no time, and 255 for an unknown operating system.
    expect([...(layers[0]?.bytes.subarray(0, 10) ?? [])]).toEqual([31, 139, 8, 0, 0, 0, 0, 0, 2, 255]);
    // Written down once: a change of it would make every image new.
    expect(platforms[0]?.config.digest).toBe(
      'sha256:d7ffd4886d26bafd20e03f799dc06ac569e93f323b98e9e2491ea7c02c437689',
    );
  });

  it('is another one when the content, the time, the commit or the environment is', async () => {
    const at = await sources();
    const configs = new Set<string | undefined>();
    const build = async (fields: Partial<ImageRecipe> = {}) =>
      configs.add((await buildImage(recipe(at, fields), signal)).platforms[0]?.config.digest);
    await build();
    await build({ labels: { revision: 'decaf' } });
    await build({ created: '2026-01-31T12:00:01Z' });
    await build({ env: {} });
    await writeFile(join(at, 'server.js'), 'console.log("bye");\n');
    await build();
    expect(configs.size).toBe(5);
  });

  it('unpacks with tar to the files that went in, owned by root', async () => {
    const { layers } = await buildImage(recipe(await sources()), signal);
    const to = await folder();
    const archive = join(to, 'layer.tar.gz');
    await writeFile(archive, layers[0]?.bytes ?? '');
    const listed = execFileSync('tar', ['tvzf', archive, '--numeric-owner', '--full-time', '--utc'], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' },
    });
    const entries = listed.trim().split('\n');
    expect(entries.every((line) => line.includes(' 0/0 ') && line.includes('2026-01-31 12:00:00'))).toBe(
      true,
    );
    expect(entries.map((line) => line.slice(0, 10))).toEqual([
      'drwxr-xr-x',
      '-rw-r--r--',
      'drwxr-xr-x',
      'drwxr-xr-x',
      '-rw-r--r--',
      'lrwxrwxrwx',
      '-rwxr-xr-x',
      '-rw-r--r--',
    ]);
    expect(listed).not.toContain('.git');
    execFileSync('tar', ['xzf', archive, '-C', to]);
    expect(await readFile(join(to, 'app', 'server.js'), 'utf8')).toBe('console.log("hello");\n');
    expect(await readFile(join(to, 'app', 'lib', 'd'.repeat(120), 'größe.js'), 'utf8')).toBe(
      'x'.repeat(1000),
    );
    expect(await readlink(join(to, 'app', 'lib', 'main.js'))).toBe('../server.js');
    expect((await stat(join(to, 'app', 'run.sh'))).mode & 0o111).toBeGreaterThan(0);
  });

  it('says in its config what to start and where it comes from', async () => {
    const { platforms, layers } = await buildImage(recipe(await sources()), signal);
    const config = JSON.parse(platforms[0]?.config.bytes.toString() ?? '') as JsonObject;
    expect(config).toMatchObject({
      architecture: 'amd64',
      os: 'linux',
      created: '2026-01-31T12:00:00.000Z',
      config: {
        Entrypoint: ['node', 'server.js'],
        Env: ['A=1', 'PORT=8080'],
        WorkingDir: '/app',
        ExposedPorts: { '8080/tcp': {}, '8125/udp': {} },
        Labels: {
          'org.opencontainers.image.revision': 'c0ffee',
          'org.opencontainers.image.version': '2.5.0',
          'org.opencontainers.image.source': 'https://git.corp.io/app',
          'org.opencontainers.image.created': '2026-01-31T12:00:00.000Z',
        },
      },
    });
    const unpacked = gunzipSync(layers[0]?.bytes ?? Buffer.alloc(0));
    expect(config['rootfs']).toEqual({ type: 'layers', diff_ids: [digestOf(unpacked)] });
  });

  it('publishes no credentials that stand in the URL of its repository', async () => {
    const at = await sources();
    const source = async (url: string) => {
      const built = await buildImage(recipe(at, { labels: { revision: 'c0ffee', source: url } }), signal);
      const config = JSON.parse(built.platforms[0]?.config.bytes.toString() ?? '') as JsonObject;
      return getString(config, 'config', 'Labels', 'org.opencontainers.image.source');
    };
    expect(await source('https://ci:hunter2@git.corp.io/app.git')).toBe('https://git.corp.io/app.git');
    expect(await source('https://hunter2@git.corp.io/app.git')).toBe('https://git.corp.io/app.git');
    expect(await source('ssh://git:hunter2@git.corp.io/app')).toBe('ssh://git@git.corp.io/app');
    expect(await source('git@git.corp.io:app.git')).toBe('git@git.corp.io:app.git');
  });

  it('takes names of every length', async () => {
    const at = await folder();
    const names = [98, 99, 100, 101, 155, 255].map((length) => 'n'.repeat(length));
    for (const name of names) await writeFile(join(at, name), name);
    const { layers } = await buildImage(recipe(at, { workingDir: '/' }), signal);
    const to = await folder();
    execFileSync('tar', ['xz', '-C', to], { input: layers[0]?.bytes });
    for (const name of names) expect(await readFile(join(to, name), 'utf8')).toBe(name);
  });
});

describe('a folder that cannot become an image', () => {
  it.each([
    ['../outside', 'outside of the folder'],
    ['/etc/passwd', 'outside of the folder'],
    ['lib/../../outside', 'outside of the folder'],
  ])('is refused for a link to %s', async (target, why) => {
    const at = await folder();
    await mkdir(join(at, 'lib'));
    await symlink(target, join(at, 'link'));
    await expect(buildImage(recipe(at), signal)).rejects.toMatchObject({
      kind: 'invalid-input',
      code: 'image-content-refused',
      object: join(at, 'link'),
      message: expect.stringContaining(why) as string,
    });
  });

  it('is refused for a socket, too many files, too many bytes, and when it is not there', async () => {
    const at = await folder();
    await writeFile(join(at, 'a'), 'x'.repeat(1000));
    await writeFile(join(at, 'b'), 'x');
    await expect(buildImage(recipe(at, { maxFiles: 1 }), signal)).rejects.toMatchObject({
      code: 'image-content-refused',
    });
    await expect(buildImage(recipe(at, { maxBytes: 1000 }), signal)).rejects.toMatchObject({
      code: 'image-content-refused',
    });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(at, 'socket'), resolve));
    onTestFinished(() => void server.close());
    await expect(buildImage(recipe(at), signal)).rejects.toMatchObject({
      object: join(at, 'socket'),
    });
    await expect(buildImage(recipe(join(at, 'absent')), signal)).rejects.toMatchObject({
      kind: 'not-found',
      code: 'folder-unreadable',
    });
  });

  it.each<[string, Partial<ImageRecipe>]>([
    ['created', { created: 'yesterday' }],
    ['entrypoint', { entrypoint: [] }],
    ['revision', { labels: { revision: '' } }],
    ['workingDir', { workingDir: 'app' }],
    ['workingDir', { workingDir: '/app/../..' }],
    ['port', { exposedPorts: [70_000] }],
    ['variable', { env: { 'A=B': '1' } }],
    ['platform', { platforms: [] }],
  ])('is refused for a wrong %s', async (what, fields) => {
    const at = await sources();
    await expect(buildImage(recipe(at, fields), signal)).rejects.toMatchObject({
      kind: 'invalid-input',
      code: 'image-recipe-invalid',
      message: expect.stringContaining(what) as string,
    });
  });

  it('can be left: an aborted build stops', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(buildImage(recipe(await sources()), controller.signal)).rejects.toMatchObject({
      kind: 'cancelled',
    });
  });
});

describe('the record of a build', () => {
  it.each([
    ['by the referrers API', true],
    ['by the tag schema, where the registry has no such API', false],
  ])('is found at the image %s', async (_, referrers) => {
    const of = await startRegistry({ referrers });
    onTestFinished(() => of.close());
    const client = createRegistryClient({
      mirrors: { 'registry.corp.io': { url: of.url, standIn: true } },
    });
    onTestFinished(() => client.close());
    const built = await buildImage(recipe(await sources()), signal);
    const pushed = await pushImage(client, built, 'registry.corp.io/team/app:2.5.0', signal);
    const record: BuildRecord = {
      repository: 'https://git.corp.io/app',
      commit: 'c0ffee',
      ref: 'refs/tags/v2.5.0',
      version: '2.5.0',
      image: pushed.reference,
      digest: pushed.index,
      index: pushed.index,
      manifests: pushed.manifests,
      configs: pushed.configs,
      builtAt: built.created,
      pushedAt: '2026-02-01T00:00:00.000Z',
      builder: 'landfall',
    };
    const resolved = await client.resolve('registry.corp.io/team/app:2.5.0', signal);
    expect(await readBuildRecords(client, resolved, signal)).toEqual([]);
    await attachBuildRecord(client, record, signal);
    const later = { ...record, builder: 'again', pushedAt: '2026-03-01T00:00:00.000Z' };
    await Promise.all([attachBuildRecord(client, record, signal), attachBuildRecord(client, later, signal)]);
    const found = await readBuildRecords(client, resolved, signal);
    expect(found.map((entry) => entry.record)).toEqual([later, record]);
  });

  it.each([
    ['by the referrers API', true],
    ['by the tag schema', false],
  ])('is among the oldest and the newest where there are very many, %s', async (_, referrers) => {
    const of = await startRegistry({ referrers });
    onTestFinished(() => of.close());
    const client = createRegistryClient();
    onTestFinished(() => client.close());
    const built = await buildImage(recipe(await sources()), signal);
    const pushed = await pushImage(client, built, `${of.host}/app:1`, signal);
    for (let n = 0; n < 60; n += 1) {
      const record: BuildRecord = {
        repository: 'https://ci:hunter2@git.corp.io/app',
        commit: 'c0ffee',
        ref: 'refs/heads/main',
        image: pushed.reference,
        digest: pushed.index,
        manifests: pushed.manifests,
        configs: pushed.configs,
        builtAt: built.created,
        pushedAt: new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString(),
        builder: String(n),
      };
      await attachBuildRecord(client, record, signal);
    }
    const resolved = await client.resolve(`${of.host}/app:1`, signal);
    const found = await readBuildRecords(client, resolved, signal);
    const numbers = (from: number, to: number) =>
      Array.from({ length: to - from }, (__, n) => String(to - 1 - n));
    expect(found.map(({ record }) => record.builder)).toEqual([...numbers(20, 60), ...numbers(0, 10)]);
    expect(found[0]?.record.repository).toBe('https://git.corp.io/app');
  });

  it('about another image is not believed, wherever it is attached', async () => {
    const of = await startRegistry();
    onTestFinished(() => of.close());
    const client = createRegistryClient();
    onTestFinished(() => client.close());
    const first = await buildImage(recipe(await sources()), signal);
    const second = await buildImage(recipe(await sources(), { labels: { revision: 'decaf' } }), signal);
    const one = await pushImage(client, first, `${of.host}/app:1`, signal);
    const two = await pushImage(client, second, `${of.host}/app:2`, signal);
    const lie: BuildRecord = {
      repository: 'https://git.corp.io/app',
      commit: 'decaf',
      ref: 'refs/heads/main',
      image: one.reference,
      digest: one.index,
      manifests: {},
      configs: {},
      builtAt: first.created,
      pushedAt: one.pushedAt,
      builder: 'somebody',
    };
    const digest = await attachBuildRecord(client, lie, signal);
    // The same layer, now said to be about the other image.
    const { json } = await client.getManifest(`${of.host}/app@${digest}`, signal);
    const subject = await client.getManifest(`${of.host}/app@${two.index}`, signal);
    const moved = {
      ...json,
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.bytes.length },
    };
    const bytes = Buffer.from(JSON.stringify(moved));
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const artifactType = 'application/vnd.landfall.build.v1+json';
    await client.attach(`${of.host}/app@${two.index}`, { mediaType, artifactType, bytes }, signal);
    const resolved = await client.resolve(`${of.host}/app:2`, signal);
    expect(await client.referrers(`${of.host}/app@${two.index}`, signal)).toHaveLength(1);
    expect(await readBuildRecords(client, resolved, signal)).toEqual([]);
  });
});
