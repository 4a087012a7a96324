import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getObject, getString, parseYaml } from '../kernel/index.ts';
import { applicationStatus } from '../boundaries/sync/index.ts';
import { startCluster } from '../drydock/index.ts';
import type { Cluster } from '../drydock/index.ts';
import { secret } from './delivery.fixture.ts';
import { config, startStage } from './sync/stage.fixture.ts';
import type { Delivery, Stage } from './sync/stage.fixture.ts';

let cluster: Cluster | undefined;
let stage: Stage;
let at: Delivery;

beforeAll(async () => {
  stage = await startStage(async (options) => (cluster = await startCluster(options)));
});
afterAll(() => stage.close());
beforeEach(() => {
  at = stage.next();
});
afterEach(() => stage.clear());

const POLICY = { automated: {}, syncOptions: ['CreateNamespace=true'] };

/** Server and authority of the cluster that tests run on. */
async function placeOfCluster(): Promise<{ readonly server: string; readonly ca: string }> {
  const file = join(tmpdir(), `landfall-unreadable-${process.pid}`);
  await cluster?.writeKubeconfig(file);
  const [kubeconfig] = parseYaml(await readFile(file, 'utf8'), file);
  await rm(file);
  const found = getObject(kubeconfig, 'clusters', 0, 'cluster');
  return {
    server: (getString(found, 'server') ?? '').replace('127.0.0.1', 'localhost'),
    ca: getString(found, 'certificate-authority-data') ?? '',
  };
}

describe('a cluster that cannot be read', { timeout: 120_000 }, () => {
  it('is named by its applications once it has been away for a while, and others are delivered', async () => {
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    const data = { name: 'far', server: 'https://127.0.0.1:1', config: '{"bearerToken":"open sesame"}' };
    await at.client.create(secret('far', 'cluster', data));
    await at.begin();
    const destination = { name: 'far', namespace: 'x' };
    const lost = await at.register(path, POLICY, { destination });
    const other = await at.register(path, POLICY);
    await at.ended(other, 'Succeeded');
    expect((await at.application(lost))['status']).toBeUndefined();
    const status = async () => applicationStatus(await at.application(lost));
    await at.until('it says so', async () => (await status()).conditions.length > 0);
    expect(await status()).toMatchObject({
      sync: 'Unknown',
      health: 'Unknown',
      conditions: [
        {
          type: 'ComparisonError',
          message: expect.stringMatching(
            /^Failed to load live state: .*https:\/\/127\.0\.0\.1:1: the connection was refused/,
          ) as string,
        },
      ],
    });
    expect(JSON.stringify(await at.application(lost))).not.toContain('sesame');
    await at.client.delete({ apiVersion: 'v1', kind: 'Secret', namespace: 'argocd', name: 'far' });
  });

  it('because it does not accept the credentials any more is named at once', async () => {
    const { path } = await at.repository({ 'k8s/one.yaml': config('one', 'a') });
    const { server, ca } = await placeOfCluster();
    const access = { bearerToken: 'expired', tlsClientConfig: { caData: ca } };
    await at.client.create(
      secret('expired', 'cluster', { name: 'expired', server, config: JSON.stringify(access) }),
    );
    await at.begin();
    const name = await at.register(path, POLICY, { destination: { name: 'expired', namespace: 'x' } });
    await at.until('it says so', async () =>
      applicationStatus(await at.application(name)).conditions.some(
        ({ type, message }) =>
          type === 'ComparisonError' && message.startsWith('Failed to load live state: '),
      ),
    );
    expect(applicationStatus(await at.application(name)).sync).toBe('Unknown');
    await at.client.delete({ apiVersion: 'v1', kind: 'Secret', namespace: 'argocd', name: 'expired' });
  });
});
