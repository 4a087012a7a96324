import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster } from '../src/drydock/index.ts';
import type { Cluster } from '../src/drydock/index.ts';
import { createGitMirrors } from '../src/git/index.ts';
import { manualClock } from '../src/kernel/index.ts';
import type { JsonObject } from '../src/kernel/index.ts';
import { loadKubeClient } from '../src/kube/index.ts';
import { createRegistryClient } from '../src/oci/index.ts';
import { prove } from '../src/verdict/index.ts';
import type { Proof, Sources } from '../src/verdict/index.ts';
import { hasHelm } from './lab/charts-stage.ts';

// What needs the helm program, where there is none, and where it reaches nobody.
const NOBODY = 'http://127.0.0.1:1/charts';
const SOURCE = 'source.toolkit.fluxcd.io/v1';
const RELEASE = 'helm.toolkit.fluxcd.io/v2';
const READY = {
  type: 'Ready',
  status: 'True',
  reason: 'InstallSucceeded',
  message: 'Helm install succeeded',
};

let cluster: Cluster;
let sources: Sources;
let folder: string;

const proofOf = async (application: string, more: Partial<Sources> = {}): Promise<Proof> => {
  const declared = { environment: undefined, source: undefined, images: [], observe: [] };
  const question = { application, declaredBy: () => declared };
  return (await prove({ ...sources, ...more }, question, new AbortController().signal)).proof;
};
const boundary = (proof: Proof, name: string) => proof.boundaries.find((report) => report.boundary === name);

async function create(apiVersion: string, kind: string, name: string, spec: JsonObject, status?: JsonObject) {
  const ref = { apiVersion, kind, namespace: 'apps', name };
  await sources.kube.create({ apiVersion, kind, metadata: { name, namespace: 'apps' }, spec });
  if (status !== undefined) {
    await sources.kube.patch(ref, 'merge', { status }, { subresource: 'status' });
  }
}

beforeAll(async () => {
  const clock = manualClock(Date.now());
  folder = await mkdtemp(path.join(tmpdir(), 'landfall-no-helm-'));
  cluster = await startCluster({ nodes: 1, clock, definitions: ['argocd', 'flux'] });
  await cluster.writeKubeconfig(path.join(folder, 'config'));
  const kube = await loadKubeClient({ kubeconfig: path.join(folder, 'config') });
  const git = createGitMirrors({ folder: path.join(folder, 'git'), clock });
  sources = {
    kube,
    git,
    registry: createRegistryClient({ clock }),
    clock,
    helm: path.join(folder, 'nowhere/helm'),
  };
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'apps' } });
  await create(SOURCE, 'HelmRepository', 'charts', { url: NOBODY, interval: '10m' });
  const chart = (version: string) => ({
    interval: '10m',
    chart: { spec: { chart: 'shop', version, sourceRef: { kind: 'HelmRepository', name: 'charts' } } },
  });
  const released = (version: string) => ({
    observedGeneration: 1,
    history: [
      {
        name: 'shop',
        namespace: 'apps',
        version: 1,
        chartName: 'shop',
        chartVersion: version,
        status: 'deployed',
        configDigest: `sha256:${'a'.repeat(64)}`,
        digest: `sha256:${'b'.repeat(64)}`,
        firstDeployed: '2026-03-01T00:00:00Z',
        lastDeployed: '2026-03-01T00:00:00Z',
      },
    ],
    conditions: [{ ...READY, observedGeneration: 1, lastTransitionTime: '2026-03-01T00:00:00Z' }],
  });
  await create(RELEASE, 'HelmRelease', 'exact', chart('1.2.0'), released('1.2.0'));
  await create(RELEASE, 'HelmRelease', 'range', chart('1.x'), released('1.2.0'));
  await create('argoproj.io/v1alpha1', 'Application', 'packed', {
    project: 'default',
    source: { repoURL: NOBODY, chart: 'shop', targetRevision: '1.2.0' },
    destination: { server: 'https://kubernetes.default.svc', namespace: 'apps' },
  });
  await create(RELEASE, 'HelmRelease', 'lost', {
    interval: '10m',
    chart: { spec: { chart: 'shop', sourceRef: { kind: 'HelmRepository', name: 'no-such' } } },
  });
});

afterAll(async () => {
  sources?.git.close();
  sources?.registry.close();
  sources?.kube.close();
  await cluster?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a chart that cannot be rendered', { timeout: 120_000 }, () => {
  it.each([
    ['of a HelmRelease at one version', 'exact', 'proven'],
    ['of a HelmRelease that follows a range', 'range', 'unknown'],
    ['of an Application', 'packed', 'unknown'],
  ])('for want of helm is unknown at render: %s', async (_, name, sync) => {
    const proof = await proofOf(name);
    if (name !== 'packed') expect(proof.verdict.summary).toBe('unproven at render');
    expect(proof.verdict.state).not.toBe('landed');
    expect(boundary(proof, 'intent')?.state).toBe('proven');
    expect(boundary(proof, 'render')).toMatchObject({
      state: 'unknown',
      reason: 'helm-missing',
      hint: 'Install helm beside Landfall, or commit the output of helm template.',
    });
    if (name !== 'packed') expect(boundary(proof, 'sync')?.state).toBe(sync);
    // Nothing that was not looked for is taken for absent, or for nothing to prove.
    expect(proof.boundaries.filter(({ state }) => state === 'broken' || state === 'not-applicable')).toEqual(
      [],
    );
  });

  it('because its HelmRepository is not there, is broken at intent', async () => {
    const proof = await proofOf('lost');
    expect(boundary(proof, 'intent')).toMatchObject({ state: 'broken' });
    expect(boundary(proof, 'intent')?.detail).toContain('"no-such" not found');
  });

  it.runIf(hasHelm())('because nobody answers, is unknown', async () => {
    const proof = await proofOf('exact', { helm: 'helm' });
    expect(boundary(proof, 'render')).toMatchObject({
      state: 'unknown',
      reason: 'chart-unreachable',
      hint: 'Check that the repository can be reached from here, and its credentials.',
    });
    expect(proof.verdict.state).toBe('unproven');
    const range = await proofOf('range', { helm: 'helm' });
    expect(boundary(range, 'intent')).toMatchObject({ state: 'unknown' });
    expect(range.verdict.state).toBe('unproven');
  });
});
