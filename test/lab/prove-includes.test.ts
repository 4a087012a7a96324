import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commitAll, createRepository, git } from '../../src/git/test-support.ts';
import { getString, sleep, systemClock } from '../../src/kernel/index.ts';
import type { Proof } from '../../src/verdict/index.ts';
import { openStage } from '../cli/stage.ts';
import type { Stage } from '../cli/stage.ts';

// A GitRepository that brings another with it: what is delivered is in no commit of one of them.
const MINUTE = 60_000;
const FLUX = 'flux-system';
const SOURCE = 'source.toolkit.fluxcd.io/v1';

let stage: Stage;
let shared: string;

const sharedFiles = (value: string) => ({
  'base/kustomization.yaml': 'resources: [map.yaml]\n',
  'base/map.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: told }\ndata: { key: "${value}" }\n`,
});
const marked = (name: string, ssa: string) => `apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, annotations: { kustomize.toolkit.fluxcd.io/ssa: ${ssa} } }
data: { key: ours }
`;
const why = (proof: Proof) =>
  JSON.stringify(
    proof.boundaries.map(({ boundary, state, reason, detail }) => [boundary, state, reason, detail]),
    undefined,
    1,
  );

async function ask(name: string): Promise<void> {
  await stage.kube.patch({ apiVersion: SOURCE, kind: 'GitRepository', namespace: FLUX, name }, 'merge', {
    metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': new Date().toISOString() } },
  });
}

/** Until the GitRepository has taken the commit at the tip of what it includes. */
async function taken(): Promise<void> {
  const tip = (await git(shared, 'rev-parse', 'HEAD')).trim();
  const signal = AbortSignal.timeout(MINUTE);
  for (;;) {
    const found = await stage.kube.get(
      { apiVersion: SOURCE, kind: 'GitRepository', namespace: FLUX, name: 'main' },
      signal,
    );
    if (getString(found, 'status', 'includedArtifacts', 0, 'revision')?.endsWith(tip) === true) return;
    await sleep(systemClock, 100, signal);
  }
}

beforeAll(async () => {
  stage = await openStage({ definitions: ['argocd', 'flux'] });
  shared = await createRepository(path.join(stage.home, 'shared'));
  await commitAll(shared, sharedFiles('one'));
  await stage.commit({
    'deploy/kustomization.yaml': 'resources: [../shared, marked.yaml]\nnamePrefix: whole-\n',
    'deploy/marked.yaml': `${marked('seed', 'IfNotPresent')}---\n${marked('left', 'Ignore')}`,
  });
  for (const name of [FLUX, 'apps'])
    await stage.kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await stage.kube.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'whole-seed', namespace: 'apps' },
    data: { key: 'theirs' },
  });
  for (const [name, url, include] of [
    ['shared', shared, []],
    ['main', stage.repository, [{ repository: { name: 'shared' }, fromPath: 'base', toPath: 'shared' }]],
  ] as const) {
    await stage.kube.create({
      apiVersion: SOURCE,
      kind: 'GitRepository',
      metadata: { name, namespace: FLUX },
      spec: { url, interval: '1h', ref: { branch: 'main' }, include: [...include] },
    });
  }
  await stage.kube.create({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'whole', namespace: FLUX },
    spec: {
      interval: '1h',
      prune: true,
      path: './deploy',
      targetNamespace: 'apps',
      sourceRef: { kind: 'GitRepository', name: 'main' },
    },
  });
}, 2 * MINUTE);

afterAll(() => stage?.close());

it(
  'is proven as Flux puts it together, and not while Flux has not taken what the other one names now',
  async () => {
    const { proof } = await stage.prove('whole', ['--wait', '120s']);
    expect(proof.verdict.summary, why(proof)).toBe('landed');

    const found = (name: string) =>
      stage.kube.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'apps', name });
    // What Flux leaves alone is not missed, and what it only makes once is not compared.
    expect([(await found('whole-seed'))?.['data'], await found('whole-left')]).toEqual([
      { key: 'theirs' },
      undefined,
    ]);

    await commitAll(shared, sharedFiles('two'));
    const behind = await stage.prove('whole');
    expect(behind.proof.verdict.summary, why(behind.proof)).toBe('unproven at render');
    expect(JSON.stringify(behind.proof.boundaries)).toContain('GitRepository shared that is included is at');

    await ask('shared');
    await taken();
    const due = await stage.prove('whole');
    expect(due.proof.verdict.summary, why(due.proof)).toBe('moving at sync');
    expect(why(due.proof)).toContain('which it takes at its next interval');
    // As in Flux, the revision stays what it was: who wants it at once asks for it.
    expect((await stage.run(['sync', 'whole', '--timeout', '2m'])).code).toBe(0);
    const again = await stage.prove('whole', ['--wait', '120s']);
    expect(again.proof.verdict.summary, why(again.proof)).toBe('landed');
    expect((await found('whole-told'))?.['data']).toEqual({ key: 'two' });
  },
  4 * MINUTE,
);
