import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { serveGit } from '../../git/test-support.ts';
import { startCluster } from '../../drydock/index.ts';
import { configMap, makeRepository } from '../delivery.fixture.ts';
import type { Repository } from '../delivery.fixture.ts';
import { condition, openFlux, where } from './flux.fixture.ts';
import type { FluxStage } from './flux.fixture.ts';
import { GIT_REPOSITORY, KUSTOMIZATION } from './kinds.ts';

const run = promisify(execFile);
const inApps = '  namespace: apps\n';

let flux: FluxStage;
let other: Repository & { readonly first: string };

/** Of a repository beside the stage's own. */
const urlOf = (name: string) => flux.url.replace('/repo/', `/${name}/`);

const git = async (cwd: string, ...args: readonly string[]) =>
  (await run('git', ['-c', 'user.name=T', '-c', 'user.email=t@corp.io', ...args], { cwd })).stdout.trim();

beforeAll(async () => {
  flux = await openFlux(startCluster, serveGit, {
    'app/a.yaml': configMap('own', 'a', inApps),
    'elsewhere/b.yaml': configMap('elsewhere', 'b', inApps),
    'top.yaml': configMap('top', 'c', inApps),
  });
  other = await makeRepository(join(flux.scene.folder, 'other'), {
    'deploy/included.yaml': configMap('included', 'one', inApps),
    'deploy/.sourceignore': 'ignored.yaml\n',
    'deploy/ignored.yaml': configMap('ignored', 'x', inApps),
  });
  await flux.create(GIT_REPOSITORY, 'other', {
    url: urlOf('other'),
    interval: '10m',
    ref: { branch: 'main' },
  });
});

afterAll(async () => {
  await flux.close();
});

const make = (name: string, spec: JsonObject, url = flux.url) =>
  flux.create(GIT_REPOSITORY, name, { url, interval: '10m', ref: { branch: 'main' }, ...spec });

const reasonOf = async (name: string, text = '') =>
  condition(await flux.ready(GIT_REPOSITORY, name, 'False', text), 'Ready');

describe('what a GitRepository is made of', { timeout: 300_000 }, () => {
  it('holds what it includes, as that was packed, and follows it', async () => {
    await make('including', {
      include: [{ repository: { name: 'other' }, fromPath: 'deploy', toPath: 'app/included' }],
    });
    const object = await flux.ready(GIT_REPOSITORY, 'including');
    expect(getString(getArray(object, 'status', 'includedArtifacts')[0], 'revision')).toBe(
      `main@sha1:${other.first}`,
    );
    await flux.kustomization('including', {
      path: './app',
      sourceRef: { kind: 'GitRepository', name: 'including' },
    });
    await flux.ready(KUSTOMIZATION, 'including');
    expect([await flux.data('own'), await flux.data('included'), await flux.data('ignored')]).toEqual([
      { key: 'a' },
      { key: 'one' },
      undefined,
    ]);
    const before = getString(object, 'status', 'artifact', 'digest');
    await other.commit({ 'deploy/included.yaml': configMap('included', 'two', inApps) });
    await flux.ask('other', GIT_REPOSITORY);
    await flux.until(
      () => flux.data('included'),
      (data) => data?.['key'] === 'two',
    );
    const after = await flux.read(GIT_REPOSITORY, 'including');
    expect(getString(after, 'status', 'artifact', 'revision')).toBe(
      getString(object, 'status', 'artifact', 'revision'),
    );
    expect(getString(after, 'status', 'artifact', 'digest')).not.toBe(before);
  });

  it('waits for what it includes, and is refused where something is there already', async () => {
    await make('waiting', { include: [{ repository: { name: 'nobody' } }] });
    expect(await reasonOf('waiting', 'nobody')).toMatchObject({ reason: 'NotFound' });
    expect(condition(await flux.read(GIT_REPOSITORY, 'waiting'), 'IncludeUnavailable')['status']).toBe(
      'True',
    );
    await make('covering', { include: [{ repository: { name: 'other' }, toPath: 'elsewhere' }] });
    expect(await reasonOf('covering')).toMatchObject({
      reason: 'CopyFailure',
      message: expect.stringContaining('there is something at elsewhere already') as string,
    });
  });

  it('holds the folders of a sparse checkout only, which have to be there', async () => {
    await make('sparse', { sparseCheckout: ['./app'] });
    await flux.ready(GIT_REPOSITORY, 'sparse');
    await flux.kustomization('sparse', { path: './', sourceRef: { kind: 'GitRepository', name: 'sparse' } });
    const object = await flux.ready(KUSTOMIZATION, 'sparse');
    expect(JSON.stringify(getArray(object, 'status', 'inventory', 'entries'))).toMatch(/own(?!.*elsewhere)/);
    expect(await flux.data('top')).toBeUndefined();
    await make('nowhere', { sparseCheckout: ['charts'] });
    expect(await reasonOf('nowhere')).toMatchObject({
      reason: 'GitOperationFailed',
      message: expect.stringContaining("'charts' does not exist") as string,
    });
  });

  it('follows submodules where it is asked to, and leaves their folders empty where not', async () => {
    const outer = await makeRepository(join(flux.scene.folder, 'outer'), {
      'app/a.yaml': configMap('outer', 'a', inApps),
      '.gitmodules': '[submodule "sub"]\n\tpath = app/sub\n\turl = ../../other/.git\n',
    });
    await mkdir(join(outer.path, 'app/sub'));
    await git(outer.path, 'update-index', '--add', '--cacheinfo', `160000,${other.first},app/sub`);
    await outer.commit({ 'app/b.yaml': configMap('outer-b', 'b', inApps) });
    await make('flat', {}, urlOf('outer'));
    await flux.kustomization('flat', { path: './app', sourceRef: { kind: 'GitRepository', name: 'flat' } });
    await flux.ready(KUSTOMIZATION, 'flat');
    await make('deep', { recurseSubmodules: true }, urlOf('outer'));
    await flux.kustomization('deep', {
      path: './app/sub/deploy',
      sourceRef: { kind: 'GitRepository', name: 'deep' },
      namePrefix: 'sub-',
    });
    await flux.ready(KUSTOMIZATION, 'deep');
    expect(await flux.data('sub-included')).toEqual({ key: 'one' });
  });

  it('reads no folder of the machine that the controller runs on, unless it is told to', async () => {
    await make('local', {}, join(flux.scene.folder, 'repo'));
    expect(await reasonOf('local')).toMatchObject({ reason: 'URLInvalid' });
    const evil = await makeRepository(join(flux.scene.folder, 'evil'), {
      '.gitmodules': `[submodule "sub"]\n\tpath = sub\n\turl = ${join(flux.scene.folder, 'repo')}\n`,
    });
    await mkdir(join(evil.path, 'sub'));
    await git(evil.path, 'update-index', '--add', '--cacheinfo', `160000,${flux.repository.first},sub`);
    await evil.commit({});
    await make('evil', { recurseSubmodules: true }, urlOf('evil'));
    expect(await reasonOf('evil')).toMatchObject({
      message: expect.stringContaining('is none of http, https or ssh') as string,
    });
  });

  it('follows a reference that is neither branch nor tag', async () => {
    await git(flux.repository.path, 'update-ref', 'refs/pull/7/head', flux.repository.first);
    await make('pull', { ref: { name: 'refs/pull/7/head' } });
    const object = await flux.ready(GIT_REPOSITORY, 'pull');
    expect(getString(object, 'status', 'artifact', 'revision')).toBe(
      `refs/pull/7/head@sha1:${flux.repository.first}`,
    );
    const next = await flux.repository.commit({ 'app/c.yaml': configMap('later', 'c', inApps) });
    await git(flux.repository.path, 'update-ref', 'refs/pull/7/head', next);
    await flux.ask('pull', GIT_REPOSITORY);
    await flux.ready(GIT_REPOSITORY, 'pull', 'True', next);
    await git(flux.repository.path, 'update-ref', '-d', 'refs/pull/7/head');
    await flux.ask('pull', GIT_REPOSITORY);
    expect(await reasonOf('pull')).toMatchObject({ reason: 'GitOperationFailed' });
  });

  it('goes through the proxy of its Secret', async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(`${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`);
      const known = request.headers['proxy-authorization'] !== undefined;
      response
        .writeHead(known ? 502 : 407, known ? {} : { 'proxy-authenticate': 'Basic realm="proxy"' })
        .end();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = proxy.address() as AddressInfo;
      const encoded = (text: string) => Buffer.from(text).toString('base64');
      await flux.scene.client.create({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'proxy', ...where },
        data: {
          address: encoded(`http://127.0.0.1:${port}`),
          username: encoded('jo'),
          password: encoded('sesame'),
        },
      });
      await make('proxied', { proxySecretRef: { name: 'proxy' } }, 'http://git.corp.io/app.git');
      const object = await flux.ready(GIT_REPOSITORY, 'proxied', 'False');
      expect(asked[0]).toMatch(/^http:\/\/git\.corp\.io\/app\.git/);
      expect(asked.join('\n')).toContain(`Basic ${encoded('jo:sesame')}`);
      expect(JSON.stringify([object, flux.scene.lines])).not.toContain('sesame');
    } finally {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });

  it('is refused with what it asks for and is not done, and lets go what Flux held', async () => {
    await make('cloudy', { provider: 'azure' });
    expect(await reasonOf('cloudy')).toMatchObject({ reason: 'Unsupported' });
    await make('futuristic', { hologram: { depth: 3 } });
    expect(await reasonOf('futuristic')).toMatchObject({
      message: 'spec.hologram is not known to this controller; nothing is done while it is there',
    });
    await flux.create(
      GIT_REPOSITORY,
      'adopted',
      { url: flux.url, interval: '10m', ref: { branch: 'main' } },
      { finalizers: ['finalizers.fluxcd.io'] },
    );
    await flux.ready(GIT_REPOSITORY, 'adopted');
    const ref = { ...GIT_REPOSITORY, ...where, name: 'adopted' };
    await flux.scene.client.delete(ref);
    await flux.until(
      () => flux.scene.client.get(ref),
      (found) => found === undefined,
    );
  });
});

const has = (program: string, flag: string) =>
  run(program, [flag]).then(
    () => true,
    (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT'),
  );
const [hasSsh, hasGpg] = await Promise.all([has('ssh-keygen', '-?'), has('gpg', '--version')]);

describe('spec.verify', { timeout: 300_000 }, () => {
  const secret = (name: string, data: Readonly<Record<string, string>>) =>
    flux.scene.client.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, ...where },
      data: Object.fromEntries(
        Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
      ),
    });

  const sshKey = async (name: string) => {
    const file = join(flux.scene.folder, name);
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
    return { file, text: await readFile(`${file}.pub`, 'utf8') };
  };

  it.skipIf(!hasSsh)(
    'takes what one of the SSH keys has signed, commit and tag, and nothing else',
    async () => {
      const repository = await makeRepository(join(flux.scene.folder, 'ssh-signed'), { 'a.yaml': 'a: 1\n' });
      const [trusted, stranger] = [await sshKey('trusted'), await sshKey('stranger')];
      const signs = (key: string) => ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${key}`];
      await git(
        repository.path,
        ...signs(trusted.file),
        'commit',
        '-q',
        '--allow-empty',
        '-S',
        '-m',
        'signed',
      );
      await git(repository.path, ...signs(trusted.file), 'tag', '-s', '-m', 'v1', 'v1.0.0');
      await git(repository.path, 'tag', 'v1.1.0');
      await secret('ssh-keys', { 'ada.sshpub': trusted.text });
      const verify = (mode: string) => ({ verify: { mode, secretRef: { name: 'ssh-keys' } } });
      await make('signed', verify('HEAD'), urlOf('ssh-signed'));
      const object = await flux.ready(GIT_REPOSITORY, 'signed');
      expect(condition(object, 'SourceVerified')).toMatchObject({
        status: 'True',
        message: expect.stringMatching(
          /^verified signature of\n\t- commit '\w+' with key 'SHA256:/,
        ) as string,
      });
      await make('tagged', { ...verify('TagAndHEAD'), ref: { tag: 'v1.0.0' } }, urlOf('ssh-signed'));
      const tagged = await flux.ready(GIT_REPOSITORY, 'tagged');
      expect(getString(condition(tagged, 'SourceVerified'), 'message')).toMatch(
        /tag 'v1\.0\.0' .*\n\t- commit/,
      );
      expect(getString(tagged, 'status', 'sourceVerificationMode')).toBe('TagAndHEAD');
      await make('lightweight', { ...verify('Tag'), ref: { tag: 'v1.1.0' } }, urlOf('ssh-signed'));
      expect(await reasonOf('lightweight')).toMatchObject({ reason: 'InvalidGitObject' });
      await make('branch', verify('Tag'), urlOf('ssh-signed'));
      expect(await reasonOf('branch')).toMatchObject({ reason: 'InvalidVerificationMode' });
      expect(condition(await flux.read(GIT_REPOSITORY, 'branch'), 'Stalled')['status']).toBe('True');
      // A commit of somebody else: what was taken before stays.
      await git(
        repository.path,
        ...signs(stranger.file),
        'commit',
        '-q',
        '--allow-empty',
        '-S',
        '-m',
        'strange',
      );
      await flux.ask('signed', GIT_REPOSITORY);
      expect(await reasonOf('signed')).toMatchObject({
        reason: 'InvalidCommitSignature',
        message: expect.stringContaining('none of the given keys has made it') as string,
      });
      const after = await flux.read(GIT_REPOSITORY, 'signed');
      expect(getString(after, 'status', 'artifact', 'revision')).toBe(
        getString(object, 'status', 'artifact', 'revision'),
      );
      await git(repository.path, 'commit', '-q', '--allow-empty', '-m', 'unsigned');
      await flux.ask('signed', GIT_REPOSITORY);
      expect(await reasonOf('signed', 'not signed')).toMatchObject({ reason: 'InvalidCommitSignature' });
    },
  );

  it.skipIf(!hasGpg)('takes what a PGP key has signed, asking gpg in a home of its own', async () => {
    const home = join(flux.scene.folder, 'gnupg');
    await mkdir(home, { mode: 0o700 });
    const env = { ...process.env, GNUPGHOME: home };
    const gpg = async (...args: readonly string[]) =>
      (await run('gpg', ['--batch', '--quiet', ...args], { env })).stdout;
    await gpg(
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      '',
      '--quick-gen-key',
      'ada@corp.io',
      'ed25519',
      'sign',
    );
    const program = join(home, 'gpg-here');
    await writeFile(program, `#!/bin/sh\nGNUPGHOME='${home}' exec gpg "$@"\n`);
    await chmod(program, 0o755);
    try {
      const repository = await makeRepository(join(flux.scene.folder, 'pgp-signed'), { 'a.yaml': 'a: 1\n' });
      const signs = [
        '-c',
        'gpg.format=openpgp',
        '-c',
        'user.signingKey=ada@corp.io',
        '-c',
        `gpg.program=${program}`,
      ];
      await git(repository.path, ...signs, 'commit', '-q', '--allow-empty', '-S', '-m', 'signed');
      await secret('pgp-keys', { 'ada.asc': await gpg('--armor', '--export', 'ada@corp.io') });
      await secret('no-keys', { 'ada.asc': 'this is no key' });
      const verify = (name: string) => ({ verify: { mode: 'HEAD', secretRef: { name } } });
      await make('pgp', verify('pgp-keys'), urlOf('pgp-signed'));
      const object = await flux.ready(GIT_REPOSITORY, 'pgp');
      expect(getString(condition(object, 'SourceVerified'), 'message')).toMatch(/with key '[0-9A-F]{16}'/);
      await make('keyless', verify('no-keys'), urlOf('pgp-signed'));
      expect(await reasonOf('keyless')).toMatchObject({
        reason: 'InvalidCommitSignature',
        message: expect.stringContaining('no PGP key is given') as string,
      });
      await make('secretless', verify('nowhere'), urlOf('pgp-signed'));
      expect(await reasonOf('secretless')).toMatchObject({ reason: 'VerificationError' });
    } finally {
      await run('gpgconf', ['--kill', 'all'], { env }).catch(() => {});
    }
  });
});
