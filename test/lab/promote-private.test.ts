import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runGit } from '../../src/git/index.ts';
import { serveGit } from '../../src/git/test-support.ts';
import type { GitServer } from '../../src/git/test-support.ts';
import { parseYaml, sleep, systemClock } from '../../src/kernel/index.ts';
import type { KubeObject } from '../../src/kube/index.ts';
import { openLedger } from '../../src/ledger/index.ts';
import type { Change } from '../../src/ledger/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// The controller promotes from one private repository to another, with what the cluster holds for each and nothing else:
// dev is an Argo CD Application with a repository Secret, staging a Flux Kustomization with a secretRef.
const MINUTE = 60_000;
const OVERLAYS = 'apps/payment-api/overlays';
const PASSWORDS = ['open sesame', 'swordfish'] as const;

let lab: Lab;
let argo: GitServer;
let flux: GitServer;

const DECLARED = `apiVersion: landfall.dev/v1
environments:
  - name: dev
    applications: [payment-api-dev]
  - name: staging
    applications: [payment-api-staging]
    promotion: { from: dev, auto: true }
  - name: prod
    applications: [payment-api-prod]
`;

function secret(
  name: string,
  namespace: string,
  stringData: Readonly<Record<string, string>>,
  labels = {},
): KubeObject {
  const data = Object.fromEntries(
    Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels }, data };
}

beforeAll(async () => {
  lab = await openLab({ definitions: ['argocd', 'flux'] });
  await lab.onboard({ 'landfall.yaml': DECLARED });
  for (const [key, value] of [
    ['http.receivepack', 'true'],
    ['receive.denyCurrentBranch', 'updateInstead'],
  ] as const)
    await runGit('Setting up', ['config', key, value], { cwd: lab.repository });
  argo = await serveGit(path.dirname(lab.repository), PASSWORDS[0]);
  flux = await serveGit(path.dirname(lab.repository), PASSWORDS[1]);
  const urlAt = ({ url }: GitServer) => `${url}/${path.basename(lab.repository)}/.git`;
  for (const name of ['flux-system', 'payments-staging'])
    await lab.kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await lab.kube.create(
    secret(
      'platform',
      'argocd',
      { url: urlAt(argo), username: 'ci', password: PASSWORDS[0], type: 'git' },
      { 'argocd.argoproj.io/secret-type': 'repository' },
    ),
  );
  await lab.kube.create(secret('git', 'flux-system', { username: 'ci', password: PASSWORDS[1] }));
  await lab.register('dev', (application) => ({
    ...application,
    spec: {
      ...(application['spec'] as Record<string, never>),
      source: { repoURL: urlAt(argo), targetRevision: 'main', path: `${OVERLAYS}/dev` },
    },
  }));
  const text = await lab.read('platform/flux/payment-api-staging.yaml');
  for (const object of parseYaml(text, 'flux') as unknown as readonly KubeObject[])
    await lab.kube.create(
      object.kind === 'GitRepository'
        ? {
            ...object,
            spec: {
              ...(object['spec'] as Record<string, never>),
              url: urlAt(flux),
              secretRef: { name: 'git' },
            },
          }
        : object,
    );
}, 3 * MINUTE);

afterAll(async () => {
  await argo?.[Symbol.asyncDispose]();
  await flux?.[Symbol.asyncDispose]();
  await lab?.close();
});

it(
  'a release goes on by itself between private repositories, and nobody is shown a password',
  async () => {
    const ledger = openLedger({
      folder: path.join(lab.home, 'controller', 'landfall'),
      clock: systemClock,
    });
    try {
      const end = systemClock.now() + 2 * MINUTE;
      let changes: readonly Change[] = [];
      while (!changes.some(({ state }) => state === 'landed')) {
        if (systemClock.now() > end) throw new Error(`not landed: ${JSON.stringify(changes)}`);
        await sleep(systemClock, 250);
        changes = await ledger.changes.list({ application: 'payment-api-staging' }, 10);
      }
      expect(changes).toHaveLength(1);
      expect(changes[0]).toMatchObject({ kind: 'promotion', actor: { name: 'landfall' } });
      expect(await lab.read(`${OVERLAYS}/staging/patch-image.yaml`)).toMatch(/nginx:1\.27\.6@sha256:/);
      const decisions = await ledger.decisions.list({ application: 'payment-api-staging' }, 100);
      const deliveries = await ledger.deliveries.list({ application: 'payment-api-staging' }, 100);
      const kept = JSON.stringify([changes, decisions, deliveries]);
      for (const password of PASSWORDS) expect(kept).not.toContain(password);
      // A person without credentials reads nothing of it.
      const { code } = await lab.run(['promote', 'payment-api', '--to', 'staging', '--dry-run']);
      expect(code).not.toBe(0);
    } finally {
      await ledger.close();
    }
  },
  4 * MINUTE,
);
