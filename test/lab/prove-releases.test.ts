import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/kernel/index.ts';
import { serveGit } from '../../src/git/test-support.ts';
import type { GitServer } from '../../src/git/test-support.ts';
import type { Proof } from '../../src/verdict/index.ts';
import { openStage } from '../cli/stage.ts';
import type { Stage } from '../cli/stage.ts';
import { chartFiles, hasHelm, pushProgram } from './charts-stage.ts';

// A HelmRelease that Git keeps, delivered by a Kustomization, proven from its chart to its users.
const MINUTE = 60_000;
const FLUX = 'flux-system';
const RELEASE = {
  apiVersion: 'helm.toolkit.fluxcd.io/v2',
  kind: 'HelmRelease',
  namespace: FLUX,
  name: 'shop',
};
const OUTER = {
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  namespace: FLUX,
  name: 'cluster',
};

let stage: Stage;
let server: GitServer;

/** The file of the release; the tag stands on line 18. */
function releaseFile({ tag = '1.0.0', mode = 'web', version = '1.0.0' }): Record<string, string> {
  return {
    ...Object.fromEntries(
      Object.entries(chartFiles(version)).map(([name, text]) => [`charts/shop/${name}`, text]),
    ),
    // What is there stays; else something is made up.
    'charts/shop/templates/kept.yaml': `apiVersion: v1
kind: Secret
metadata: { name: shop-kept }
data:
  {{- $kept := lookup "v1" "Secret" .Release.Namespace "shop-kept" }}
  key: {{ if $kept }}{{ $kept.data.key }}{{ else }}{{ randAlphaNum 20 | b64enc }}{{ end }}
`,
    'charts/shop/crds/widget.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.corp.io }
spec:
  group: corp.io
  scope: Namespaced
  names: { kind: Widget, plural: widgets, singular: widget, listKind: WidgetList }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
`,
    'clusters/prod/shop.yaml': `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: { name: shop, namespace: ${FLUX} }
spec:
  interval: 10m
  timeout: 8s
  targetNamespace: shop
  releaseName: shop
  chart:
    spec:
      chart: ./charts/shop
      reconcileStrategy: Revision
      sourceRef: { kind: GitRepository, name: main }
  valuesFrom:
    - { kind: Secret, name: values }
  values:
    image:
      tag: "${tag}"
    mode: ${mode}
`,
  };
}

const state = (proof: Proof, boundary: string) =>
  proof.boundaries.find((report) => report.boundary === boundary);
const why = (proof: Proof) =>
  JSON.stringify(
    proof.boundaries.map(({ boundary, state: its, reason, detail }) => [boundary, its, reason, detail]),
    undefined,
    1,
  );
const patch = (ref: typeof RELEASE, change: JsonObject) => stage.kube.patch(ref, 'merge', change);
async function ask(): Promise<void> {
  const at = new Date().toISOString();
  for (const ref of [
    { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository', namespace: FLUX, name: 'main' },
    OUTER,
  ]) {
    await stage.kube.patch(ref, 'merge', {
      metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': at } },
    });
  }
}

describe.runIf(hasHelm())('a HelmRelease', { timeout: 4 * MINUTE }, () => {
  beforeAll(async () => {
    stage = await openStage({ definitions: ['argocd', 'flux'] });
    await stage.commit(releaseFile({}));
    server = await serveGit(`${stage.repository}/..`);
    for (const name of [FLUX, 'shop'])
      await stage.kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await stage.kube.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'values', namespace: FLUX },
      data: { 'values.yaml': Buffer.from('password: hunter2-of-the-shop\n').toString('base64') },
    });
    await stage.kube.create({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata: { name: 'main', namespace: FLUX },
      spec: { url: `${server.url}/deploy/.git`, interval: '10m', ref: { branch: 'main' } },
    });
    await stage.kube.create({
      apiVersion: OUTER.apiVersion,
      kind: OUTER.kind,
      metadata: { name: OUTER.name, namespace: FLUX },
      spec: {
        interval: '10m',
        prune: true,
        path: './clusters/prod',
        sourceRef: { kind: 'GitRepository', name: 'main' },
      },
    });
  }, 2 * MINUTE);

  afterAll(async () => {
    await stage?.close();
    await server?.[Symbol.asyncDispose]();
  });

  it('lands, with the line that asks for its image, and shows nothing of its Secret', async () => {
    const outer = await stage.prove('cluster', ['--wait', '120s']);
    expect(outer.proof.verdict.summary, why(outer.proof)).toBe('landed');
    const { proof, code } = await stage.prove('shop', ['--wait', '120s']);
    expect(proof.verdict.summary, why(proof)).toBe('landed');
    expect(code).toBe(0);
    expect(proof.subject).toMatchObject({ kind: 'HelmRelease', from: 'release', destination: 'shop' });
    expect(state(proof, 'intent')?.where).toBe('clusters/prod/shop.yaml:18');
    expect(state(proof, 'sync')?.headline).toMatch(/^1\.0\.0\+[0-9a-f]{12}$/);
    const trace = await stage.run(['trace', 'shop', 'image']);
    expect(trace.out).toMatch(/intent +registry\.corp\.io\/app:1\.0\.0[^]*render[^]*live[^]*rollout/);
    const field = await stage.run(['trace', 'shop', 'ConfigMap/shop-config:data.password']);
    expect(field.out).toContain('(not shown)');
    const note = await stage.run(['note', 'shop']);
    expect(note.out).toContain('HelmRelease flux-system/shop');
    const status = await stage.run(['status']);
    expect(status.out).toMatch(/✓ shop .*landed/);
    expect(status.out).toMatch(/cluster .*landed/);
    const every = [JSON.stringify(proof), trace.out, field.out, note.out, status.out].join('\n');
    expect(every).not.toContain('hunter2');
  });

  it('tells drift of its objects, without what came from a Secret, and accepts none into Git', async () => {
    const kube = stage.kube;
    await kube.patch(
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'shop-config' },
      'merge',
      {
        data: { password: 'changed-by-hand', version: '9.9.9' },
      },
    );
    const { out } = await stage.run(['drift', 'shop', '-o', 'json']);
    expect(JSON.parse(out)).toMatchObject({
      drifts: [
        { field: 'data.password', desired: '(not shown)', live: '(not shown)' },
        { field: 'data.version', live: '9.9.9' },
      ],
    });
    const { proof } = await stage.prove('shop');
    expect(proof.verdict.summary).toBe('stopped at live');
    expect(JSON.stringify(proof)).not.toMatch(/hunter2|changed-by-hand/);
    const accepted = await stage.run(['drift', 'shop', 'accept', 'data.version', '--wait', '1s']);
    expect(accepted.code).toBe(3);
    expect(accepted.err).toContain('no commit can change what it renders');
    await kube.patch(
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'shop-config' },
      'merge',
      {
        data: { password: 'hunter2-of-the-shop', version: '1.0.0' },
      },
    );
  });

  it('keeps what it looks up, and needs the definitions that its install has made, whatever they say', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 'shop-kept' };
    const kept = (await stage.kube.get(secret))?.['data'];
    expect(kept).toMatchObject({ key: expect.stringMatching(/^[A-Za-z0-9+/=]{28}$/) as string });
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      name: 'widgets.corp.io',
    };
    await stage.kube.patch(definition, 'merge', { spec: { names: { shortNames: ['wd'] } } });
    const changed = await stage.prove('shop', ['--wait', '60s']);
    expect(changed.proof.verdict.summary, why(changed.proof)).toBe('landed');
    const drift = JSON.parse((await stage.run(['drift', 'shop', '-o', 'json'])).out) as { drifts: unknown[] };
    expect(drift.drifts).toEqual([]);
    const made = await stage.kube.get(definition);
    if (made === undefined) throw new Error('the install has made it');
    await stage.kube.delete(definition);
    const { proof } = await stage.prove('shop');
    expect(proof.verdict.summary, why(proof)).toBe('stopped at live');
    expect(state(proof, 'live')?.detail).toContain('widgets.corp.io');
    const { status: _, ...again } = made;
    await stage.kube.create({ ...again, metadata: { name: definition.name } });
    expect((await stage.prove('shop', ['--wait', '60s'])).proof.verdict.summary).toBe('landed');
  });

  it('is not green while the release in the cluster is not the one that Git asks for', async () => {
    await patch(OUTER, { spec: { suspend: true } });
    await pushProgram(stage, '2.0.0', '2.0.0');
    await stage.commit(releaseFile({ tag: '2.0.0' }));
    const { proof } = await stage.prove('shop');
    expect(proof.verdict).toMatchObject({ state: 'broken', boundary: 'sync' });
    expect(state(proof, 'sync')?.detail).toContain(
      'spec.values.image.tag of the HelmRelease is not what its file asks for (clusters/prod/shop.yaml:18)',
    );
    await patch(OUTER, { spec: { suspend: false } });
    await ask();
    const landed = await stage.prove('shop', ['--wait', '120s']);
    expect(landed.proof.verdict.summary, why(landed.proof)).toBe('landed');
    expect(landed.proof.release.version).toBe('2.0.0');
  });

  it('stops where a tag moved on and the old image runs', async () => {
    await pushProgram(stage, '2.0.0', '2.0.1');
    const { proof, code } = await stage.prove('shop');
    expect(code).toBe(1);
    expect(proof.verdict.summary, why(proof)).toBe('stopped at intent');
    expect(state(proof, 'rollout')).toMatchObject({ state: 'broken', reason: 'wrong-digest' });
    await pushProgram(stage, '2.0.2', '2.0.2');
    await stage.commit(releaseFile({ tag: '2.0.2' }));
    await ask();
    const landed = await stage.prove('shop', ['--wait', '120s']);
    expect(landed.proof.verdict.summary, why(landed.proof)).toBe('landed');
  });

  it('is broken at sync when an upgrade failed and everything runs as before', async () => {
    await stage.commit(releaseFile({ tag: '2.0.2', mode: 'never' }));
    await ask();
    const { proof, code } = await stage.prove('shop', ['--wait', '120s']);
    expect(code).toBe(1);
    expect(proof.verdict, why(proof)).toMatchObject({ state: 'broken', boundary: 'sync' });
    expect(state(proof, 'sync')?.headline).toMatch(/^Upgrade(?:Failed)|Rollback/);
    expect(state(proof, 'sync')?.claims.some(({ value }) => /^v\d+ with chart .*, failed$/.test(value))).toBe(
      true,
    );
    await stage.commit(releaseFile({ tag: '2.0.2' }));
    await ask();
    const landed = await stage.prove('shop', ['--wait', '120s']);
    expect(landed.proof.verdict.summary, why(landed.proof)).toBe('landed');
  });

  it('is unproven while it is suspended, and when its Secret is gone', async () => {
    await patch(RELEASE, { spec: { suspend: true } });
    const suspended = await stage.prove('shop');
    expect(suspended.proof.verdict.summary, why(suspended.proof)).toBe('unproven at sync');
    expect(state(suspended.proof, 'sync')?.reason).toBe('suspended');
    await stage.kube.delete({ apiVersion: 'v1', kind: 'Secret', namespace: FLUX, name: 'values' });
    const { proof } = await stage.prove('shop');
    expect(state(proof, 'render')).toMatchObject({ state: 'broken', reason: 'release-values' });
  });

  it('is asked for by kind where a Kustomization has the same name', async () => {
    await stage.kube.create({
      apiVersion: OUTER.apiVersion,
      kind: OUTER.kind,
      metadata: { name: 'shop', namespace: FLUX },
      spec: {
        interval: '10m',
        suspend: true,
        prune: true,
        sourceRef: { kind: 'GitRepository', name: 'main' },
      },
    });
    const { code, err } = await stage.run(['prove', 'shop']);
    expect(code).toBe(3);
    expect(err).toContain('Kustomization/shop or HelmRelease/shop');
    const { proof } = await stage.prove('HelmRelease/shop');
    expect(proof.subject.kind).toBe('HelmRelease');
  });
});
