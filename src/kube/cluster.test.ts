import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../kernel/index.ts';
import { localCertificate } from '../drydock/api/index.ts';
import { startCluster } from '../drydock/index.ts';
import type { Cluster } from '../drydock/index.ts';
import type { KubeClient } from './client.ts';
import { loadKubeClient } from './load.ts';
import type { KubeObject } from './object.ts';
import { startReflector } from './reflector.ts';

let cluster: Cluster;
let client: KubeClient;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-kube-cluster-'));
  cluster = await startCluster({ nodes: 1, registryMirrors: { 'registry.corp.io': 'drydock' } });
  await cluster.writeKubeconfig(join(folder, 'config'));
  client = await loadKubeClient({ kubeconfig: join(folder, 'config') });
});

afterAll(async () => {
  client.close();
  await cluster.close();
  await rm(folder, { recursive: true, force: true });
});

const map = (name: string, data: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});
const ref = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name });

describe('the client on a cluster, over HTTPS', () => {
  it('knows the version, the registry mirrors, and what it may do', async () => {
    expect((await client.version()).minor).toMatch(/^\d+$/);
    expect(client.registryMirrors['registry.corp.io']).toMatch(/^http/);
    expect((await client.canI('create', { group: 'apps', resource: 'deployments' }, 'default')).allowed).toBe(
      true,
    );
    const resource = await client.resource({ apiVersion: 'apps/v1', kind: 'Deployment' });
    expect(resource).toMatchObject({ resource: 'deployments', namespaced: true });
    expect(resource.subresources).toEqual(expect.arrayContaining(['status', 'scale']));
  });

  it('refuses a certificate that it was not given', async () => {
    const text = cluster.kubeconfig().replace(/certificate-authority-data: \S+/, '');
    await writeFile(join(folder, 'untrusted'), text);
    const stranger = await loadKubeClient({ kubeconfig: join(folder, 'untrusted') });
    await expect(stranger.version()).rejects.toMatchObject({ kind: 'unavailable', code: 'kube-tls' });
    stranger.close();
  });

  it('shows its client certificate, from a file and from data, and refuses one that cannot be used', async () => {
    const own = localCertificate('127.0.0.1');
    const { certificate: cert, privateKey: key } = own;
    // The certificate is not one for clients, so the server only looks whether it was shown.
    const server = createServer(
      { cert, key, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const shown = (request.socket as TLSSocket).getPeerCertificate().fingerprint256;
        response.writeHead(shown === new X509Certificate(cert).fingerprint256 ? 200 : 401);
        response.end('{"major":"1","minor":"32","gitVersion":"v1.32.0"}');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    await writeFile(join(folder, 'client.crt'), cert);
    const config = (keyData: string) => ({
      kind: 'Config',
      'current-context': 'x',
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      clusters: [
        {
          name: 'c',
          cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': base64(cert) },
        },
      ],
      users: [
        { name: 'u', user: { 'client-certificate': 'client.crt', 'client-key-data': base64(keyData) } },
      ],
    });
    const load = async (name: string, keyData: string) => {
      await writeFile(join(folder, name), JSON.stringify(config(keyData)));
      return loadKubeClient({ kubeconfig: join(folder, name) });
    };
    const known = await load('mutual', key);
    expect((await known.version()).gitVersion).toBe('v1.32.0');
    known.close();
    const broken = await load('broken-key', 'no key at all');
    await expect(broken.version()).rejects.toMatchObject({
      kind: 'invalid-input',
      code: 'kubeconfig-certificate',
    });
    broken.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it('refuses to go on with a wrong token, and does not print it', async () => {
    await writeFile(
      join(folder, 'wrong'),
      cluster.kubeconfig().replace(/token: .*/, 'token: "not-the-token"'),
    );
    const stranger = await loadKubeClient({ kubeconfig: join(folder, 'wrong') });
    await expect(stranger.get(ref('x'))).rejects.toMatchObject({
      kind: 'denied',
      code: 'kube-unauthorized',
      message: expect.not.stringContaining('not-the-token') as string,
    });
    stranger.close();
  });

  it('creates, reads, patches, updates and deletes', async () => {
    await client.create(map('crud', { a: '1' }), { fieldManager: 'test' });
    await expect(client.create(map('crud'))).rejects.toMatchObject({
      kind: 'conflict',
      code: 'kube-already-exists',
    });
    const patched = await client.patch(ref('crud'), 'merge', { data: { b: '2' } });
    expect(patched['data']).toEqual({ a: '1', b: '2' });
    const old = { ...patched, data: { c: '3' } };
    await client.patch(ref('crud'), 'json', [{ op: 'remove', path: '/data/b' }]);
    await expect(client.update(old)).rejects.toMatchObject({ kind: 'conflict', code: 'kube-conflict' });
    expect(await client.delete(ref('crud'))).toBe(true);
    expect(await client.delete(ref('crud'))).toBe(false);
    expect(await client.get(ref('crud'))).toBeUndefined();
  });

  it('tells created, changed and unchanged, in a dry run as for real', async () => {
    const apply = async (value: string, dryRun: boolean) =>
      (await client.apply(map('applied', { a: value }), { fieldManager: 'test', force: true, dryRun }))
        .outcome;
    expect(await apply('1', true)).toBe('created');
    expect(await client.get(ref('applied'))).toBeUndefined();
    expect(await apply('1', false)).toBe('created');
    expect([await apply('1', true), await apply('1', false)]).toEqual(['unchanged', 'unchanged']);
    expect([await apply('2', true), await apply('2', false)]).toEqual(['changed', 'changed']);
    await client.delete(ref('applied'));
  });

  it('says which field another manager owns', async () => {
    await client.apply(map('owned', { a: '1' }), { fieldManager: 'one' });
    const taking = client.apply(map('owned', { a: '2' }), { fieldManager: 'two' });
    await expect(taking).rejects.toMatchObject({
      kind: 'conflict',
      message: expect.stringContaining('.data.a') as string,
    });
    await client.delete(ref('owned'));
  });

  it('refuses a field that the kind does not have, with its path', async () => {
    const wrong: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'wrong', namespace: 'default' },
      spec: { replicaz: 3 },
    };
    await expect(client.apply(wrong, { fieldManager: 'test', dryRun: true })).rejects.toMatchObject({
      kind: 'invalid-input',
      message: expect.stringContaining('replicaz') as string,
    });
  });

  it('follows a kind from its first list on', async () => {
    await client.create(map('before'));
    const seen: string[] = [];
    const reflector = startReflector(
      client,
      { apiVersion: 'v1', kind: 'ConfigMap' },
      {
        clock: systemClock,
        namespace: 'default',
        onChange: ({ key, gone }) => {
          seen.push(`${gone ? '-' : '+'}${key}`);
        },
      },
    );
    await reflector.ready;
    expect(seen).toContain('+default/before');
    await client.create(map('after'));
    await client.delete(ref('after'));
    for (let turn = 0; turn < 500 && !seen.includes('-default/after'); turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(seen).toEqual(expect.arrayContaining(['+default/after', '-default/after']));
    await reflector.close();
    await client.delete(ref('before'));
  });
});
