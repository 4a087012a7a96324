import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { serveGit } from '../../git/test-support.ts';
import { startCluster, startRegistry } from '../../drydock/index.ts';
import type { Registry } from '../../drydock/index.ts';
import { configMap } from '../delivery.fixture.ts';
import { pushArtifact } from '../../../test/push-artifact.ts';
import { condition, openFlux, where } from './flux.fixture.ts';
import type { FluxStage } from './flux.fixture.ts';
import { GIT_REPOSITORY, KUSTOMIZATION, OCI_REPOSITORY } from './kinds.ts';

let registry: Registry;
let flux: FluxStage;

beforeAll(async () => {
  registry = await startRegistry();
  flux = await openFlux(startCluster, serveGit, { 'README.md': 'nothing' }, async ({ folder }) => {
    const sops = join(folder, 'sops');
    await writeFile(sops, STAND_IN);
    await chmod(sops, 0o755);
    return { sops };
  });
});

afterAll(async () => {
  await flux.close();
  await registry.close();
});

/** Stands in for sops, which is not there where these tests run: what it closes, it turns round. */
const STAND_IN = `#!/usr/bin/env node
const fs = require('node:fs');
if (process.env.SOPS_AGE_KEY !== 'AGE-SECRET-KEY-1') { console.error('no key for hunter2'); process.exit(128); }
const open = (value) => typeof value === 'string' ? value.replace(/^ENC\\[(.*)\\]$/, (_, text) => [...text].reverse().join(''))
  : Array.isArray(value) ? value.map(open)
  : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, open(item)])) : value;
const text = fs.readFileSync(0, 'utf8');
if (process.argv.includes('dotenv')) {
  console.log(text.split('\\n').filter((line) => !line.startsWith('sops_')).map((line) => line.replace(/ENC\\[(.*)\\]/, (_, item) => open('ENC[' + item + ']'))).join('\\n'));
} else {
  const { sops, ...plain } = JSON.parse(text);
  console.log(JSON.stringify(open(plain)));
}
`;

describe('what SOPS has closed', { timeout: 300_000 }, () => {
  const closed = {
    'closed/secret.yaml': `apiVersion: v1
kind: Secret
metadata: { name: closed, namespace: apps }
stringData: { password: "ENC[2retnuh]" }
sops: { mac: "ENC[x]", lastmodified: "2026-01-01T00:00:00Z" }
`,
    'closed/kustomization.yaml': `resources: [secret.yaml]
secretGenerator:
  - { name: generated, namespace: apps, envs: [secret.env], options: { disableNameSuffixHash: true } }
`,
    'closed/secret.env': 'token=ENC[terces]\nsops_mac=ENC[x]\n',
  };
  const secret = async (name: string, key: string) => {
    const found = await flux.scene.client.get({ apiVersion: 'v1', kind: 'Secret', namespace: 'apps', name });
    return Buffer.from(getString(found, 'data', key) ?? '', 'base64').toString('utf8');
  };

  it('is refused where nobody said how to open it, and where the key is not the one', async () => {
    await flux.repository.commit(closed);
    await flux.ask('main', GIT_REPOSITORY);
    await flux.kustomization('closed', { path: './closed' });
    expect(
      condition(await flux.ready(KUSTOMIZATION, 'closed', 'False', 'SOPS encrypted'), 'Ready'),
    ).toMatchObject({
      reason: 'BuildFailed',
    });
    await flux.scene.client.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys', ...where },
      data: { 'id.agekey': Buffer.from('another key').toString('base64') },
    });
    await flux.scene.client.patch({ ...KUSTOMIZATION, ...where, name: 'closed' }, 'merge', {
      spec: { decryption: { provider: 'sops', secretRef: { name: 'keys' } } },
    });
    const object = await flux.ready(KUSTOMIZATION, 'closed', 'False', 'could not open it');
    expect(JSON.stringify(object)).not.toMatch(/hunter2|another key/);
  });

  it('is opened with the key of the Secret, manifests and what generators read, and shown nowhere', async () => {
    await flux.scene.client.patch({ apiVersion: 'v1', kind: 'Secret', ...where, name: 'keys' }, 'merge', {
      data: { 'id.agekey': Buffer.from('AGE-SECRET-KEY-1\n').toString('base64') },
    });
    await flux.ask('closed', KUSTOMIZATION);
    const object = await flux.ready(KUSTOMIZATION, 'closed');
    expect([await secret('closed', 'password'), await secret('generated', 'token')]).toEqual([
      'hunter2',
      'secret',
    ]);
    const { items } = await flux.scene.client.list({ apiVersion: 'v1', kind: 'Event' }, where);
    expect(JSON.stringify([object, items, flux.scene.lines])).not.toMatch(/hunter2|AGE-SECRET/);
  });
});

describe('an OCIRepository', { timeout: 300_000 }, () => {
  it('is fetched by semantic version, and a Kustomization of it delivered, .sourceignore obeyed', async () => {
    const artifact = (value: string) => ({
      'deploy/a.yaml': configMap('from-registry', value, '  namespace: apps\n'),
      'deploy/broken.yaml': 'no: [manifest',
      '.sourceignore': 'broken.yaml\n',
    });
    const first = await pushArtifact(`${registry.host}/manifests/shop`, '1.2.0', artifact('a'));
    await flux.scene.client.create({
      ...OCI_REPOSITORY,
      metadata: { name: 'shop', ...where },
      spec: { url: `oci://${registry.host}/manifests/shop`, interval: '10m', ref: { semver: '1.x' } },
    });
    await flux.kustomization('registry', {
      path: './deploy',
      sourceRef: { kind: 'OCIRepository', name: 'shop' },
    });
    const object = await flux.ready(KUSTOMIZATION, 'registry');
    expect(getString(object, 'status', 'lastAppliedRevision')).toBe(`1.2.0@${first}`);
    expect(await flux.data('from-registry')).toEqual({ key: 'a' });
    const second = await pushArtifact(`${registry.host}/manifests/shop`, '1.10.0', artifact('b'));
    await pushArtifact(`${registry.host}/manifests/shop`, '2.0.0', artifact('c'));
    await flux.ask('shop', OCI_REPOSITORY);
    await flux.until(
      () => flux.read(KUSTOMIZATION, 'registry'),
      (found) => getString(found, 'status', 'lastAppliedRevision') === `1.10.0@${second}`,
    );
    expect(await flux.data('from-registry')).toEqual({ key: 'b' });
  });

  it('says what it cannot do: a tag that is not there, a signature that is to be checked, a bucket', async () => {
    const make = (name: string, spec: JsonObject) =>
      flux.scene.client.create({
        ...OCI_REPOSITORY,
        metadata: { name, ...where },
        spec: { url: `oci://${registry.host}/manifests/shop`, interval: '10m', ...spec },
      });
    await make('tagless', { ref: { tag: 'nowhere' } });
    await make('signed', { verify: { provider: 'cosign' } });
    await make('schemeless', { url: 'https://registry.corp.io/x' });
    const reason = async (name: string) => {
      const object = await flux.ready(OCI_REPOSITORY, name, 'False');
      return getString(condition(object, 'Ready'), 'reason');
    };
    expect([await reason('tagless'), await reason('signed'), await reason('schemeless')]).toEqual([
      'OCIArtifactPullFailed',
      'Unsupported',
      'URLInvalid',
    ]);
    await flux.kustomization('bucket', { path: './', sourceRef: { kind: 'Bucket', name: 'shop' } });
    expect(condition(await flux.ready(KUSTOMIZATION, 'bucket', 'False'), 'Ready')).toMatchObject({
      reason: 'ArtifactFailed',
      message: expect.stringContaining("kind 'Bucket' is not fetched by this controller") as string,
    });
  });
});
