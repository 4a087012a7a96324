import { afterAll, beforeAll, expect, it } from 'vitest';
import { runGit } from '../../src/git/index.ts';
import { parseYaml } from '../../src/kernel/index.ts';
import type { KubeObject } from '../../src/kube/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// A release that goes on as a version in a file of its own, and as a tag of the deployment repository.
const MINUTE = 60_000;
const BASE = 'apps/payment-api/base';
const STAGING = 'apps/payment-api/overlays/staging';

let lab: Lab;

const DECLARED = `apiVersion: landfall.dev/v1
environments:
  - name: dev
    applications: [payment-api-dev, tagged-dev]
  - name: staging
    applications: [payment-api-staging]
    promotion: { from: dev, style: file, file: { path: ${STAGING}/version.yaml, tag: data.tag } }
  - name: qa
    applications: [tagged-qa]
    promotion: { from: dev, style: tag }
`;

const VERSIONED = {
  [`${STAGING}/version.yaml`]: `apiVersion: v1
kind: ConfigMap
metadata:
  name: version
  annotations: { config.kubernetes.io/local-config: "true" }
data:
  # what staging runs
  tag: "1.27.5"
`,
  [`${STAGING}/kustomization.yaml`]: `namespace: payments-staging
resources: [../../base, version.yaml]
patches:
  - path: patch-replicas.yaml
replacements:
  - source: { kind: ConfigMap, name: version, fieldPath: data.tag }
    targets:
      - select: { kind: Deployment, name: payment-api }
        fieldPaths: ['spec.template.spec.containers.[name=payment-api].image']
        options: { delimiter: ':', index: 1 }
`,
};

function flux(url: string): string {
  return `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: { name: releases, namespace: flux-system }
spec:
  interval: 1m
  url: ${url}
  ref: { semver: ">=1.0.0" }
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: tagged-qa, namespace: flux-system }
spec:
  interval: 1m
  sourceRef: { kind: GitRepository, name: releases }
  path: ./${BASE}
  prune: true
  wait: true
  targetNamespace: tagged-qa
`;
}

beforeAll(async () => {
  lab = await openLab({ definitions: ['argocd', 'flux'] });
  await lab.onboard({ 'landfall.yaml': DECLARED, ...VERSIONED });
  await runGit('Tagging', ['tag', 'v1.27.4'], { cwd: lab.repository });
  for (const name of ['flux-system', 'tagged-qa'])
    await lab.kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const object of parseYaml(flux(lab.repository), 'flux') as unknown as readonly KubeObject[])
    await lab.kube.create(object);
  for (const environment of ['dev', 'staging'] as const) await lab.register(environment);
  await lab.deliver('tagged-dev', { path: BASE });
}, 3 * MINUTE);

afterAll(() => lab?.close());

it(
  'a version file gets tag and digest, keeps its comments, and the release is followed to its proof',
  async () => {
    await lab.landed('payment-api-dev');
    await lab.landed('payment-api-staging');
    const { code, report, err } = await lab.change([
      'promote',
      'payment-api',
      '--to',
      'staging',
      '--wait',
      '90s',
    ]);
    expect([code, report.state, report.style, err], JSON.stringify(report, undefined, 1)).toEqual([
      0,
      'landed',
      'file',
      '',
    ]);
    const text = await lab.read(`${STAGING}/version.yaml`);
    expect(text).toContain(`  # what staging runs\n  tag: "1.27.6@${report.release.digest ?? 'none'}"\n`);
    const files = await runGit('Reading', ['show', '--format=', '--name-only', report.commit ?? ''], {
      cwd: lab.repository,
    });
    expect(files.trim()).toBe(`${STAGING}/version.yaml`);
    expect((await lab.prove('payment-api-staging')).proof.release.digest).toBe(report.release.digest);
    const back = await lab.change(['rollback', 'payment-api-staging', '--wait', '90s']);
    expect([back.code, back.report.state], JSON.stringify(back.report, undefined, 1)).toEqual([0, 'landed']);
    expect(await lab.read(`${STAGING}/version.yaml`)).toBe(VERSIONED[`${STAGING}/version.yaml`]);
  },
  4 * MINUTE,
);

it(
  'a tag is put on the commit that was proven, and reaches what follows a range of versions',
  async () => {
    const file = `${BASE}/deployment.yaml`;
    const commit = await lab.commit({
      [file]: (await lab.read(file)).replace('nginx:1.27.4', 'nginx:1.27.5'),
    });
    await lab.refresh('tagged-dev');
    await lab.landed('tagged-dev');
    await lab.landed('tagged-qa');
    const { code, report } = await lab.change(['promote', 'tagged', '--to', 'qa', '--wait', '90s']);
    expect([code, report.state, report.style], JSON.stringify(report, undefined, 1)).toEqual([
      0,
      'landed',
      'tag',
    ]);
    const tagged = await runGit('Reading', ['rev-parse', 'v1.27.5^{commit}'], { cwd: lab.repository });
    expect([tagged.trim(), report.commit]).toEqual([commit, commit]);
    const { proof } = await lab.prove('tagged-qa');
    expect([proof.verdict.state, proof.release.digest]).toEqual(['landed', report.release.digest]);
    const again = await lab.change(['promote', 'tagged', '--to', 'qa']);
    expect([again.code, again.report.state]).toEqual([0, 'already']);
  },
  4 * MINUTE,
);
