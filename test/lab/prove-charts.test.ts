import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushArtifact } from '../push-artifact.ts';
import { startRegistry } from '../../src/drydock/index.ts';
import type { Registry } from '../../src/drydock/index.ts';
import { runProgram } from '../../src/kernel/index.ts';
import type { JsonObject } from '../../src/kernel/index.ts';
import type { Proof } from '../../src/verdict/index.ts';
import { openStage, workload } from '../cli/stage.ts';
import type { Stage } from '../cli/stage.ts';
import { hasHelm, packChart, serveCharts } from './charts-stage.ts';
import type { ChartServer } from './charts-stage.ts';

// What comes from no Git repository: artifacts of a registry, charts of a Helm repository and of a registry.
const MINUTE = 60_000;
const FLUX = 'flux-system';

let stage: Stage;
let registry: Registry;

const state = (proof: Proof, boundary: string) =>
  proof.boundaries.find((report) => report.boundary === boundary);
const why = (proof: Proof) =>
  JSON.stringify(
    proof.boundaries.map(({ boundary, state: its, reason, detail }) => [boundary, its, reason, detail]),
    undefined,
    1,
  );
const namespace = (name: string) =>
  stage.kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const create = (kind: string, apiVersion: string, name: string, where: string, spec: JsonObject) =>
  stage.kube.create({ apiVersion, kind, metadata: { name, namespace: where }, spec });

beforeAll(async () => {
  stage = await openStage({ definitions: ['argocd', 'flux'] });
  registry = await startRegistry();
  await namespace(FLUX);
}, 2 * MINUTE);

afterAll(async () => {
  await stage?.close();
  await registry?.close();
});

describe('a Kustomization whose files a registry holds', { timeout: 3 * MINUTE }, () => {
  const files = (note: string) => workload('web', { mode: 'web', note });

  beforeAll(async () => {
    await namespace('web');
    await pushArtifact(`${registry.host}/deploy/web`, 'latest', files('1'), {
      revision: `main@sha1:${'c'.repeat(40)}`,
    });
    await create('OCIRepository', 'source.toolkit.fluxcd.io/v1', 'web', FLUX, {
      url: `oci://${registry.host}/deploy/web`,
      interval: '10h',
      ref: { tag: 'latest' },
    });
    await create('Kustomization', 'kustomize.toolkit.fluxcd.io/v1', 'web', FLUX, {
      interval: '10m',
      prune: true,
      path: './web',
      sourceRef: { kind: 'OCIRepository', name: 'web' },
    });
  });

  it('lands at the digest that its tag names, and knows the commit that it was made from', async () => {
    const { proof, code } = await stage.prove('web', ['--wait', '90s']);
    expect(proof.verdict.summary, why(proof)).toBe('landed');
    expect(code).toBe(0);
    expect(proof.subject).toMatchObject({
      from: 'artifact',
      repository: `oci://${registry.host}/deploy/web`,
    });
    expect(state(proof, 'render')?.where).toBe('web/all.yaml:14');
    const asked = await stage.prove('web', ['--revision', 'c'.repeat(40)]);
    expect(asked.proof.verdict.summary).toBe('landed');
    const other = await stage.prove('web', ['--revision', `sha256:${'0'.repeat(64)}`]);
    expect(other.proof.verdict.summary).toBe('stopped at intent');
  });

  it('is behind when the tag moved after the last look, and stopped when that is long ago', async () => {
    await pushArtifact(`${registry.host}/deploy/web`, 'latest', files('2'));
    const moved = await stage.prove('web');
    expect(moved.proof.verdict.summary, why(moved.proof)).toBe('moving at sync');
    expect(state(moved.proof, 'sync')?.detail).toMatch(
      /the controller applied [0-9a-f]{8}, the registry has/,
    );
    await pushArtifact(`${registry.host}/deploy/web`, 'latest', files('3'), {
      created: '2026-01-01T00:00:00Z',
    });
    const old = await stage.prove('web');
    expect(old.proof.verdict.summary, why(old.proof)).toBe('stopped at sync');
    expect(state(old.proof, 'sync')?.reason).toBe('revision-not-fetched');
  });

  it('is unproven, and never green, when the registry cannot be reached or the source is another kind', async () => {
    await stage.kube.patch(
      { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'OCIRepository', namespace: FLUX, name: 'web' },
      'merge',
      { spec: { url: 'oci://127.0.0.1:1/deploy/web' } },
    );
    const { proof } = await stage.prove('web');
    expect(proof.verdict.state, why(proof)).not.toBe('landed');
    expect(state(proof, 'intent')?.state).toBe('unknown');
    await create('Kustomization', 'kustomize.toolkit.fluxcd.io/v1', 'bucket', FLUX, {
      interval: '10m',
      prune: true,
      sourceRef: { kind: 'Bucket', name: 'files' },
    });
    const bucket = await stage.prove('bucket');
    expect(state(bucket.proof, 'intent')).toMatchObject({
      state: 'unknown',
      detail:
        'Kustomization/flux-system/bucket comes from the Bucket flux-system/files, which is not read here.',
    });
  });
});

describe.runIf(hasHelm())('an Application whose source is a chart', { timeout: 3 * MINUTE }, () => {
  let charts: ChartServer;
  const application = (name: string, source: JsonObject) =>
    create('Application', 'argoproj.io/v1alpha1', name, 'argocd', {
      project: 'default',
      source: { helm: { parameters: [{ name: 'mode', value: 'web' }] }, ...source },
      destination: { server: 'https://kubernetes.default.svc', namespace: name },
      syncPolicy: { automated: {}, syncOptions: ['CreateNamespace=true'] },
      // The chart makes one up with every rendering.
      ignoreDifferences: [{ kind: 'Secret', jsonPointers: ['/data/key'] }],
    });

  const skip = (name: string, value: 'true' | null) =>
    stage.kube.patch(
      { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd', name },
      'merge',
      { metadata: { annotations: { 'argocd.argoproj.io/skip-reconcile': value } } },
    );

  beforeAll(async () => {
    charts = await serveCharts(path.join(stage.home, 'charts'), ['1.0.0', '1.1.0', '2.0.0']);
  });

  afterAll(() => charts?.[Symbol.asyncDispose]());

  it('lands at the newest version that fits, of a Helm repository', async () => {
    await application('fits', { repoURL: charts.url, chart: 'shop', targetRevision: '1.x' });
    const { proof } = await stage.prove('fits', ['--wait', '90s']);
    expect(proof.verdict.summary, why(proof)).toBe('landed');
    expect(state(proof, 'intent')?.detail).toContain('can change without a release');
    expect(state(proof, 'sync')?.claims.find(({ attribute }) => attribute === 'sync.revision')?.value).toBe(
      '1.1.0',
    );
    expect((await stage.prove('fits', ['--revision', '1.1.0'])).proof.verdict.summary).toBe('landed');
    expect((await stage.prove('fits', ['--revision', '2.0.0'])).proof.verdict.summary).toBe(
      'stopped at intent',
    );
    expect((await stage.run(['status'])).out).toMatch(/✓ fits .*landed/);
  });

  it('is not green once the repository has a newer one that fits', async () => {
    // Or the controller, which looks every two seconds, could be there before us.
    await skip('fits', 'true');
    await charts.add('1.2.0');
    const { proof } = await stage.prove('fits');
    expect(state(proof, 'sync'), why(proof)).toMatchObject({
      state: 'broken',
      reason: 'reconcile-skipped',
      detail: expect.stringContaining('has 1.1.0, it asks for 1.2.0') as string,
    });
    expect(proof.verdict.state).not.toBe('landed');
    await skip('fits', null);
    await stage.refresh('fits');
    const landed = await stage.prove('fits', ['--wait', '90s']);
    expect(landed.proof.verdict.summary, why(landed.proof)).toBe('landed');
  });

  it('lands from a registry, with the digest of the chart', async () => {
    const packed = await packChart(path.join(stage.home, 'charts'), '1.0.0');
    // Not synchronously: the registry is in this process.
    const pushed = await runProgram('helm', ['push', packed, `oci://${registry.host}/charts`], {
      timeoutMs: MINUTE,
    });
    expect(pushed.code, pushed.stderr).toBe(0);
    await application('packed', {
      repoURL: `${registry.host}/charts`,
      chart: 'shop',
      targetRevision: '1.0.0',
    });
    const { proof } = await stage.prove('packed', ['--wait', '90s']);
    expect(proof.verdict.summary, why(proof)).toBe('landed');
    expect(
      state(proof, 'intent')?.claims.find(({ attribute }) => attribute === 'chart.digest')?.value,
    ).toMatch(/^sha256:/);
  });

  it('stops at intent for a version that is not there, and is unproven where nobody answers', async () => {
    await application('absent', { repoURL: charts.url, chart: 'shop', targetRevision: '9.9.9' });
    const absent = await stage.prove('absent');
    expect(absent.proof.verdict.summary, why(absent.proof)).toBe('stopped at intent');
    expect(state(absent.proof, 'intent')?.detail).toContain('not found');
    await application('silent', { repoURL: 'http://127.0.0.1:1', chart: 'shop', targetRevision: '1.0.0' });
    const silent = await stage.prove('silent');
    expect(state(silent.proof, 'render')).toMatchObject({ state: 'unknown', reason: 'chart-unreachable' });
  });
});
