import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterFixture } from '../../src/drydock/cluster/cluster-fixture.ts';
import type { ClusterFixture } from '../../src/drydock/cluster/cluster-fixture.ts';
import { MINUTE } from './scenarios.ts';
import { openWitness, saying } from './witness.ts';
import type { Witness } from './witness.ts';

// A Kustomization that delivers with a kubeconfig: what is called the same over here says nothing.

const SETTINGS = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {level: info}\n';
const FLUX = 'flux-system';

let witness: Witness;
let other: ClusterFixture;

beforeAll(async () => {
  [witness, other] = await Promise.all([openWitness(['argocd', 'flux']), clusterFixture()]);
}, 2 * MINUTE);

afterAll(async () => {
  await witness?.close();
  await other?.close();
}, MINUTE);

async function kubeconfigSecret(): Promise<void> {
  const { url, token, caCertificate } = other.cluster;
  const ca = Buffer.from(caCertificate).toString('base64');
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'eu',
    contexts: [{ name: 'eu', context: { cluster: 'eu', user: 'eu' } }],
    clusters: [{ name: 'eu', cluster: { server: url, 'certificate-authority-data': ca } }],
    users: [{ name: 'eu', user: { token } }],
  };
  await witness.kube.create(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'eu', namespace: FLUX },
      stringData: { value: JSON.stringify(kubeconfig) },
    },
    {},
  );
}

describe('a Kustomization with spec.kubeConfig', () => {
  it('is looked at over there', { timeout: 2 * MINUTE }, async () => {
    const { kube } = witness;
    for (const name of [FLUX, 'far'])
      await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, {});
    const revision = await witness.commit('far', SETTINGS);
    await witness.apply('far', SETTINGS);
    await kube.create(
      {
        apiVersion: 'source.toolkit.fluxcd.io/v1',
        kind: 'GitRepository',
        metadata: { name: 'far', namespace: FLUX },
        spec: { url: witness.repository('far'), interval: '1m', ref: { branch: 'main' } },
      },
      {},
    );
    await kube.create(
      {
        apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
        kind: 'Kustomization',
        metadata: { name: 'far', namespace: FLUX },
        spec: {
          interval: '10m',
          prune: true,
          path: './far',
          sourceRef: { kind: 'GitRepository', name: 'far' },
          kubeConfig: { secretRef: { name: 'eu' } },
        },
      },
      {},
    );
    await kube.patch(
      { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization', namespace: FLUX, name: 'far' },
      'merge',
      {
        status: {
          observedGeneration: 1,
          lastAppliedRevision: `main@sha1:${revision}`,
          conditions: [
            {
              type: 'Ready',
              status: 'True',
              reason: 'ReconciliationSucceeded',
              message: 'Applied',
              lastTransitionTime: new Date().toISOString(),
            },
          ],
        },
      },
      { fieldManager: 'kustomize-controller', subresource: 'status' },
    );
    expect(saying(await witness.look('far'))).toBe('unproven at live: unreadable');

    await kubeconfigSecret();
    expect(saying(await witness.look('far'))).toBe('stopped at live: missing');

    await other.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'far' } }, 'namespaces');
    await other.create(
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'settings', namespace: 'far' },
        data: { level: 'info' },
      },
      'configmaps',
    );
    expect(saying(await witness.look('far'))).toBe('landed');
  });
});
