import { afterEach, describe, expect, it } from 'vitest';
import { startRegistry } from '../../../drydock/registry/index.ts';
import { manualClock, systemClock } from '../../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import { createRegistryClients } from './index.ts';

const { signal } = new AbortController();
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A cluster that has Secrets only. */
function holding(secrets: Map<string, KubeObject>): { readonly kube: KubeClient; asked: number } {
  const made = {
    asked: 0,
    kube: {
      get: (reference: { readonly name: string }) => {
        made.asked += 1;
        return Promise.resolve(secrets.get(reference.name));
      },
    } as unknown as KubeClient,
  };
  return made;
}

function secret(name: string, type: string, data: Record<string, string>, version = '1'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'argocd', uid: name, resourceVersion: version },
    type,
    data,
  };
}

async function registry(password: string) {
  const server = await startRegistry({
    auth: { type: 'basic', users: [{ name: 'ci', password }] },
  });
  cleanups.push(() => server.close());
  return server;
}

describe('clients of registries', () => {
  it('show the pull secret of an image, a Docker configuration or a field, and nothing without one', async () => {
    const server = await registry('s3cret');
    const auths = JSON.stringify({ auths: { [server.host]: { auth: base64('ci:s3cret') } } });
    const secrets = new Map([
      ['docker', secret('docker', 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': base64(auths) })],
      ['field', secret('field', 'Opaque', { login: base64('ci:s3cret\n') })],
      ['wrong', secret('wrong', 'Opaque', { login: base64('s3cret') })],
    ]);
    const clients = createRegistryClients(holding(secrets).kube, { clock: systemClock, retries: 0 });
    cleanups.push(() => clients.close());
    const tags = async (reference: Parameters<typeof clients.of>[0]) =>
      (await clients.of(reference, signal)).tags(`${server.host}/app`, signal);
    // Who is let in learns that there is nothing; who is not learns nothing.
    const docker = { namespace: 'argocd', name: 'docker' };
    await expect(tags(docker)).rejects.toMatchObject({ code: 'registry-not-found' });
    const field = { namespace: 'argocd', name: 'field', field: 'login' };
    await expect(tags(field)).rejects.toMatchObject({ code: 'registry-not-found' });
    await expect(tags(undefined)).rejects.toMatchObject({ code: 'registry-unauthorized' });
    const wrong = tags({ namespace: 'argocd', name: 'wrong', field: 'login' });
    await expect(wrong).rejects.toMatchObject({ code: 'pull-secret-invalid' });
    await expect(wrong).rejects.not.toThrow('s3cret');
    const missing = tags({ namespace: 'argocd', name: 'nothing' });
    await expect(missing).rejects.toMatchObject({ code: 'pull-secret-missing' });
  });

  it('follow a secret that changes, and do not read one again at once', async () => {
    const secrets = new Map([['a', secret('a', 'Opaque', { login: base64('ci:old') })]]);
    const cluster = holding(secrets);
    const clock = manualClock();
    const clients = createRegistryClients(cluster.kube, { clock });
    cleanups.push(() => clients.close());
    const reference = { namespace: 'argocd', name: 'a', field: 'login' };
    const first = await clients.of(reference, signal);
    expect(await clients.of(reference, signal)).toBe(first);
    expect(cluster.asked).toBe(1);
    await clock.advance(31_000);
    expect(await clients.of(reference, signal)).toBe(first);
    secrets.set('a', secret('a', 'Opaque', { login: base64('ci:new') }, '2'));
    await clock.advance(31_000);
    expect(await clients.of(reference, signal)).not.toBe(first);
  });
});
