import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getNumber, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { loadKubeClient } from '../../kube/index.ts';
import { serveGit } from '../../git/test-support.ts';
import { startCluster } from '../../drydock/index.ts';
import { configMap } from '../delivery.fixture.ts';
import { condition, openFlux, where } from './flux.fixture.ts';
import type { FluxStage } from './flux.fixture.ts';
import { GIT_REPOSITORY, KUSTOMIZATION } from './kinds.ts';

let flux: FluxStage;
const inApps = '  namespace: apps\n';

beforeAll(async () => {
  flux = await openFlux(startCluster, serveGit, {
    'ignored/a.yaml': configMap('one', 'a', inApps),
    'ignored/b.yaml': configMap('two', 'a', inApps),
    'plain/a.yaml': configMap('plain', 'a', inApps),
  });
});

afterAll(async () => {
  await flux.close();
});

describe('a Kustomization', { timeout: 300_000 }, () => {
  it('leaves fields that a rule ignores to whoever wrote them, whatever else it writes', async () => {
    await flux.kustomization('ignoring', {
      path: './ignored',
      ignore: [{ paths: ['/data/key'], target: { kind: 'ConfigMap', name: 'o.e' } }],
    });
    await flux.ready(KUSTOMIZATION, 'ignoring');
    const write = (name: string) =>
      flux.scene.client.patch({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'apps', name }, 'merge', {
        data: { key: 'by hand' },
      });
    await write('one');
    await write('two');
    await flux.until(
      () => flux.data('two'),
      (data) => data?.['key'] === 'a',
    );
    expect(await flux.data('one')).toEqual({ key: 'by hand' });
    await flux.repository.commit({ 'ignored/a.yaml': configMap('one', 'b\n  other: c', inApps) });
    await flux.ask('main', GIT_REPOSITORY);
    await flux.until(
      () => flux.data('one'),
      (data) => data?.['other'] === 'c',
    );
    expect(await flux.data('one')).toEqual({ key: 'by hand', other: 'c' });
  });

  it('keeps a history that counts', async () => {
    await flux.kustomization('counted', { path: './plain' });
    const object = await flux.ready(KUSTOMIZATION, 'counted');
    const [entry] = getArray(object, 'status', 'history');
    expect(entry).toMatchObject({
      digest: expect.stringMatching(/^sha256:/) as string,
      lastReconciledStatus: 'ReconciliationSucceeded',
      totalReconciliations: 1,
    });
    await flux.scene.client.patch({ ...KUSTOMIZATION, ...where, name: 'counted' }, 'merge', {
      spec: { interval: '20m' },
    });
    const again = await flux.until(
      () => flux.read(KUSTOMIZATION, 'counted'),
      (found) => getNumber(getArray(found, 'status', 'history')[0], 'totalReconciliations') === 2,
    );
    expect(getArray(again, 'status', 'history')).toHaveLength(1);
  });

  it('goes into the cluster that each key of a Secret leads to', async () => {
    const clusters = await Promise.all([
      startCluster({ nodes: 1, clock: flux.clock }),
      startCluster({ nodes: 1, clock: flux.clock }),
    ]);
    try {
      const encoded = (text: string) => Buffer.from(text).toString('base64');
      await flux.scene.client.create({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'clusters', ...where },
        data: Object.fromEntries(clusters.map((one, at) => [`number${at}`, encoded(one.kubeconfig())])),
      });
      for (const [at, cluster] of clusters.entries()) {
        const file = join(flux.scene.folder, `cluster-${at}`);
        await cluster.writeKubeconfig(file);
        const client = await loadKubeClient({ kubeconfig: file });
        await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'apps' } });
        await flux.kustomization(`remote${at}`, {
          path: './plain',
          namePrefix: `remote${at}-`,
          kubeConfig: { secretRef: { name: 'clusters', key: `number${at}` } },
        });
        await flux.ready(KUSTOMIZATION, `remote${at}`);
        const { items } = await client.list({ apiVersion: 'v1', kind: 'ConfigMap' }, { namespace: 'apps' });
        const names = items.map(({ metadata }) => metadata.name).filter((name) => name.endsWith('-plain'));
        expect(names).toEqual([`remote${at}-plain`]);
        client.close();
      }
    } finally {
      await Promise.all(clusters.map((cluster) => cluster.close()));
    }
  });

  it.each<[string, JsonObject, string, string]>([
    [
      'a cloud',
      { kubeConfig: { configMapRef: { name: 'eks' } } },
      'Unsupported',
      'spec.kubeConfig.configMapRef',
    ],
    [
      'another decryption',
      { decryption: { provider: 'kms' } },
      'Unsupported',
      "spec.decryption.provider 'kms'",
    ],
    ['what nobody knows', { holograms: 3 }, 'Unsupported', 'spec.holograms is not known'],
    [
      'an expression that is none',
      { healthCheckExprs: [{ apiVersion: 'a/v1', kind: 'A', current: 'status..x' }] },
      'InvalidCELExpression',
      'configuration error',
    ],
    [
      'an artifact of somebody else',
      { sourceRef: { kind: 'ExternalArtifact', name: 'x' } },
      'ArtifactFailed',
      'only GitRepository and OCIRepository are',
    ],
  ])('is stalled by %s', async (what, spec, reason, text) => {
    const name = what.replaceAll(' ', '-');
    await flux.kustomization(name, { path: './plain', ...spec });
    const object = await flux.ready(KUSTOMIZATION, name, 'False', text);
    expect(condition(object, 'Stalled')).toMatchObject({ status: 'True', reason });
    expect(getNumber(object, 'status', 'observedGeneration')).toBe(object.metadata.generation);
    expect(getString(object, 'status', 'lastAppliedRevision')).toBeUndefined();
  });
});
