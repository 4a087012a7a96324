import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { git, serveGit } from '../../src/git/test-support.ts';
import type { GitServer } from '../../src/git/test-support.ts';
import { parseYaml, runProgram } from '../../src/kernel/index.ts';
import type { KubeObject } from '../../src/kube/index.ts';
import type { DriftReport } from '../../src/verdict/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// The same staging by Flux: the nouns change, the reasoning does not.
const MINUTE = 60_000;
const APP = 'payment-api-staging';
const NAMESPACE = 'payments-staging';

let lab: Lab;
let server: GitServer;

async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram('kubectl', ['--kubeconfig', lab.kubeconfig, ...args], {
    timeoutMs: MINUTE,
  });
  if (code !== 0) throw new Error(stderr);
  return stdout.toString('utf8');
}

beforeAll(async () => {
  lab = await openLab({ definitions: ['argocd', 'flux'] });
  await lab.onboard();
  for (const name of ['flux-system', NAMESPACE])
    await lab.kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  // Flux reads from servers only; what is accepted there is pushed.
  server = await serveGit(path.dirname(lab.repository));
  await git(lab.repository, 'config', 'http.receivepack', 'true');
  await git(lab.repository, 'config', 'receive.denyCurrentBranch', 'updateInstead');
  const url = `${server.url}/${path.basename(lab.repository)}/.git`;
  const text = (await lab.read('platform/flux/payment-api-staging.yaml')).replaceAll(lab.repository, url);
  for (const object of parseYaml(text, 'flux')) await lab.kube.create(object as unknown as KubeObject);
}, 2 * MINUTE);

afterAll(async () => {
  await lab?.close();
  await server?.[Symbol.asyncDispose]();
});

describe('payment-api by Flux', () => {
  it(
    'is delivered, and proven at all boundaries',
    async () => {
      const { proof } = await lab.prove(APP, ['--wait', '60s']);
      expect(proof.verdict.summary, JSON.stringify(proof.boundaries, undefined, 1)).toBe('landed');
      const path = ['get', 'kustomization', APP, '-n', 'flux-system', '-o'];
      const ready = await kubectl(...path, 'jsonpath={.status.conditions[?(@.type=="Ready")].status}');
      expect(ready).toBe('True');
      expect(await kubectl(...path, 'jsonpath={.status.lastAppliedRevision}')).toContain(
        proof.boundaries
          .find(({ boundary }) => boundary === 'sync')
          ?.claims.find(({ attribute }) => attribute.includes('evision'))
          ?.value.slice(-40) ?? 'nothing',
      );
    },
    2 * MINUTE,
  );

  it(
    'tells drift with the line in Git, and puts it back by asking Flux',
    async () => {
      await kubectl('scale', 'deploy/payment-api', '-n', NAMESPACE, '--replicas=5');
      const { out } = await lab.run(['drift', APP, '-o', 'json']);
      expect((JSON.parse(out) as DriftReport).drifts).toMatchObject([
        {
          field: 'spec.replicas',
          desired: 3,
          live: 5,
          where: 'apps/payment-api/overlays/staging/patch-replicas.yaml:6',
          writer: { kind: 'person' },
        },
      ]);
      const reverted = await lab.run(['drift', APP, 'revert', 'spec.replicas', '--wait', '60s']);
      expect(reverted.out).toMatch(/^✓ reverted/);
      expect(
        await kubectl('get', 'deploy/payment-api', '-n', NAMESPACE, '-o', 'jsonpath={.spec.replicas}'),
      ).toBe('3');
    },
    2 * MINUTE,
  );

  it(
    'takes an accepted value over into the overlay, as with Argo CD',
    async () => {
      await kubectl('scale', 'deploy/payment-api', '-n', NAMESPACE, '--replicas=4');
      const { out, err } = await lab.run(['drift', APP, 'accept', 'spec.replicas', '--wait', '60s']);
      expect(out, err).toMatch(/^✓ accepted/);
      expect(await lab.read('apps/payment-api/overlays/staging/patch-replicas.yaml')).toContain(
        'replicas: 4',
      );
    },
    2 * MINUTE,
  );

  it('proves a HelmRelease as well, and says where its chart is missing', async () => {
    await lab.kube.create({
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      kind: 'HelmRelease',
      metadata: { name: 'shop', namespace: 'flux-system' },
      spec: {
        interval: '10m',
        suspend: true,
        chart: { spec: { chart: './shop', sourceRef: { kind: 'GitRepository', name: 'absent' } } },
      },
    });
    const { code, out } = await lab.run(['prove', 'shop']);
    expect(code).toBe(1);
    expect(out).toContain('stopped at intent');
    expect(out).toMatch(
      /no such source +The GitRepository flux-system\/absent that the chart comes from\s+does not exist/,
    );
    expect((await lab.run(['status'])).out).toMatch(/✗ shop +flux-system +stopped at intent/);
    expect((await lab.run(['prove', 'shap'])).err).toContain("There is no Application 'shap'");
  });
});
