import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryMirrors } from '../../src/cli/sources.ts';
import { createGitMirrors, runGit } from '../../src/git/index.ts';
import { parseYaml, systemClock } from '../../src/kernel/index.ts';
import type { KubeObject } from '../../src/kube/index.ts';
import { openLedger } from '../../src/ledger/index.ts';
import { createRegistryClient } from '../../src/oci/index.ts';
import {
  declarationsOf,
  findPair,
  promote,
  rememberStanding,
  subjectOfApplication,
  surveyApplications,
} from '../../src/pipeline/index.ts';
import type { Forge, PullRequest } from '../../src/pipeline/forge/index.ts';
import type { ChangeDeps } from '../../src/pipeline/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// The other ways into an environment: its branch, a pull request; and Flux instead of Argo CD.
const MINUTE = 60_000;
const BASE = 'apps/payment-api/base';
const OVERLAYS = 'apps/payment-api/overlays';

let lab: Lab;

const FLUX = `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: payment-api-dev, namespace: flux-system }
spec:
  interval: 1m
  sourceRef: { kind: GitRepository, name: platform-repo }
  path: ./${OVERLAYS}/dev
  prune: true
  wait: true
  targetNamespace: payments-dev
`;

function application(name: string, revision: string): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd' },
    spec: {
      project: 'default',
      source: { repoURL: lab.repository, targetRevision: revision, path: BASE },
      destination: { server: 'https://kubernetes.default.svc', namespace: name },
      syncPolicy: { automated: {}, syncOptions: ['CreateNamespace=true'] },
    },
  };
}

beforeAll(async () => {
  lab = await openLab({ definitions: ['argocd', 'flux'] });
  await lab.onboard({
    'landfall.yaml': `apiVersion: landfall.dev/v1
environments:
  - name: dev
    applications: [payment-api-dev, branchy-dev]
  - name: staging
    applications: [payment-api-staging, branchy-staging]
  - name: prod
    applications: [payment-api-prod]
`,
  });
  for (const name of ['flux-system', 'payments-staging', 'payments-dev'])
    await lab.kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const text = await lab.read('platform/flux/payment-api-staging.yaml');
  // Nobody tells Flux of what is merged: it looks by itself, and often enough for a test.
  const often = `${text}---\n${FLUX}`.replaceAll('interval: 1m', 'interval: 5s');
  for (const object of parseYaml(often, 'flux')) await lab.kube.create(object as unknown as KubeObject);
  await lab.branch('env/staging');
  for (const [name, revision] of [
    ['branchy-dev', 'main'],
    ['branchy-staging', 'env/staging'],
  ] as const)
    await lab.kube.create(application(name, revision));
}, 3 * MINUTE);

afterAll(() => lab?.close());

describe('by Flux', () => {
  it(
    'a release is promoted and proven, and taken back again',
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
      expect([code, report.state, err], JSON.stringify(report, undefined, 1)).toEqual([0, 'landed', '']);
      expect(report.unchanged).toContain('payment-api-dev');
      expect(report.unchanged).toContain(`${OVERLAYS}/prod`);
      const back = await lab.change(['rollback', 'payment-api-staging', '--wait', '90s']);
      expect([back.code, back.report.state], JSON.stringify(back.report, undefined, 1)).toEqual([
        0,
        'landed',
      ]);
      expect(await lab.read(`${OVERLAYS}/staging/patch-image.yaml`)).toContain('nginx:1.27.5\n');
    },
    4 * MINUTE,
  );
});

describe('an environment that is a branch', () => {
  it(
    'is moved forward to the commit that was proven',
    async () => {
      const file = `${BASE}/deployment.yaml`;
      const commit = await lab.commit({
        [file]: (await lab.read(file)).replace('nginx:1.27.4', 'nginx:1.27.5'),
      });
      await lab.refresh('branchy-dev');
      await lab.landed('branchy-dev');
      const { code, report } = await lab.change(['promote', 'branchy', '--to', 'staging', '--wait', '90s']);
      expect([code, report.state, report.style], JSON.stringify(report, undefined, 1)).toEqual([
        0,
        'landed',
        'branch',
      ]);
      const tip = await runGit('Reading', ['rev-parse', 'env/staging'], { cwd: lab.repository });
      expect([tip.trim(), report.commit]).toEqual([commit, commit]);
    },
    3 * MINUTE,
  );

  it(
    'is not moved to what changes more than images, which is told with file and line',
    async () => {
      const file = `${BASE}/deployment.yaml`;
      const text = await lab.read(file);
      await lab.commit({
        [file]: text.replace('nginx:1.27.5', 'nginx:1.27.6').replace('replicas: 2', 'replicas: 1'),
      });
      await lab.refresh('branchy-dev');
      await lab.landed('branchy-dev');
      const { code, report } = await lab.change(['promote', 'branchy', '--to', 'staging']);
      expect([code, report.state]).toEqual([1, 'refused']);
      expect(report.refusals).toMatchObject([
        {
          code: 'promotion-touches-more',
          lines: [
            expect.stringMatching(/spec\.replicas: 2 → 1 {3}apps\/payment-api\/base\/deployment\.yaml:\d+$/),
          ],
        },
      ]);
    },
    3 * MINUTE,
  );
});

it(
  'a pull request is opened once, waited for, and followed once it is merged',
  async () => {
    const signal = new AbortController().signal;
    const git = createGitMirrors({ folder: path.join(lab.home, 'mirrors'), clock: systemClock });
    const ledger = openLedger({ folder: path.join(lab.home, 'requests'), clock: systemClock });
    const registry = createRegistryClient({
      mirrors: registryMirrors(lab.kube.registryMirrors),
      clock: systemClock,
    });
    const requests: PullRequest[] = [];
    let head = '';
    const find = () => Promise.resolve(requests.at(-1));
    const forge: Forge = {
      provider: 'gitea',
      display: 'git.corp.io/platform',
      open(request) {
        head = request.head;
        requests.push({ number: requests.length + 1, url: 'https://git.corp.io/pulls/1', state: 'open' });
        return Promise.resolve(requests[0] as PullRequest);
      },
      find,
      get: async () => (await find()) as PullRequest,
    };
    const deps: ChangeDeps = {
      ledger,
      clock: systemClock,
      author: { name: 'landfall', email: 'landfall@localhost' },
      cwd: lab.home,
      questionFor: ({ spec }) => ({
        application: spec.name,
        namespace: spec.namespace,
        declaredBy: declarationsOf,
      }),
      nudge: () => Promise.resolve(),
      remember: (each, look) => rememberStanding(ledger, subjectOfApplication(each), look),
      onStep: () => {},
      forgeFor: () => forge,
    };
    try {
      const sources = { kube: lab.kube, git, registry, clock: systemClock };
      const survey = await surveyApplications([{ context: '', sources }], signal);
      const found = findPair(survey, { app: 'payment-api', from: 'dev', to: 'staging' });
      const pair = {
        ...found,
        environment: { ...found.environment, policy: { style: 'pull-request' as const } },
      };
      const actor = { name: 'ana', attestedBy: 'cluster' } as const;
      const ask = { pair, actor, override: undefined, older: false, auto: false };
      const once = (waitMs: number) => promote(ask, survey, deps, { waitMs, dryRun: false }, signal);
      await lab.landed('payment-api-dev');
      const first = await once(0);
      expect([first.state, first.pullRequest]).toEqual(['committing', 'https://git.corp.io/pulls/1']);
      const again = await once(0);
      expect([again.id, requests.length]).toEqual([first.id, 1]);
      expect(await lab.read(`${OVERLAYS}/staging/patch-image.yaml`)).toContain('nginx:1.27.5\n');
      await runGit('Merging', ['merge', '--quiet', '--ff-only', head], { cwd: lab.repository });
      requests[0] = { number: 1, url: 'https://git.corp.io/pulls/1', state: 'merged' };
      const merged = await once(90_000);
      expect([merged.state, merged.id], JSON.stringify(merged, undefined, 1)).toEqual(['landed', first.id]);
    } finally {
      await ledger.close();
      git.close();
      registry.close();
    }
  },
  3 * MINUTE,
);
