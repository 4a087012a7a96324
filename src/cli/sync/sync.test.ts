import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitAll, createRepository } from '../../git/test-support.ts';
import { getArray, getString, manualClock, sleep, systemClock } from '../../kernel/index.ts';
import { loadKubeClient } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { startCluster } from '../../drydock/index.ts';
import type { Cluster } from '../../drydock/index.ts';
import { newPerson } from '../../../test/cli/terminal.ts';
import type { Person } from '../../../test/cli/terminal.ts';
import type { SyncReport } from './report.ts';

let person: Person;
let cluster: Cluster;
let kube: KubeClient;
let repository: string;
let served: Promise<unknown>;
const stop = new AbortController();
const APPLICATION = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd' };

const config = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { key: ${value} }\n`;
const hanging = `apiVersion: batch/v1
kind: Job
metadata:
  name: hangs
  annotations: { argocd.argoproj.io/hook: PreSync }
spec:
  template:
    spec:
      restartPolicy: Never
      nodeSelector: { never: there }
      containers: [{ name: main, image: registry.corp.io/x:1 }]
`;

const run = (...args: string[]) =>
  person.run(args, { env: { KUBECONFIG: path.join(person.home, 'config') } });

async function ask(...args: string[]): Promise<{ readonly code: number; readonly report: SyncReport }> {
  const { code, out, err } = await run('sync', ...args, '-o', 'json');
  if (out === '') throw new Error(err);
  return { code, report: JSON.parse(out) as SyncReport };
}

async function deliver(name: string): Promise<void> {
  await kube.create({
    apiVersion: APPLICATION.apiVersion,
    kind: APPLICATION.kind,
    metadata: { name, namespace: 'argocd' },
    spec: {
      project: 'default',
      source: { repoURL: repository, path: name, targetRevision: 'main' },
      destination: { server: 'https://kubernetes.default.svc', namespace: name },
      syncPolicy: { syncOptions: ['CreateNamespace=true'] },
    },
  });
}

async function application(name: string): Promise<KubeObject | undefined> {
  return kube.get({ ...APPLICATION, name });
}

beforeAll(async () => {
  person = await newPerson();
  cluster = await startCluster({ nodes: 1, definitions: ['argocd', 'flux'] });
  await cluster.writeKubeconfig(path.join(person.home, 'config'));
  kube = await loadKubeClient({ kubeconfig: path.join(person.home, 'config'), clock: systemClock, env: {} });
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  repository = await createRepository(path.join(person.folder, 'deploy'));
  await commitAll(repository, {
    'shop/one.yaml': config('one', 'a'),
    'shop/two.yaml': config('two', 'a'),
    'stuck/hook.yaml': hanging,
    'stuck/one.yaml': config('one', 'a'),
  });
  served = person.run(['serve', '--poll', '1h', '--quiet'], {
    env: { KUBECONFIG: path.join(person.home, 'config') },
    signal: stop.signal,
  });
  await deliver('shop');
  await deliver('stuck');
}, 120_000);

afterAll(async () => {
  stop.abort();
  await served;
  kube.close();
  await cluster.close();
  await person.leave();
});

// A machine that is busy with other things is no failure.
describe('landfall sync', { timeout: 120_000 }, () => {
  it('asks for a sync, and says what became of every object and what to do next', async () => {
    const { code, out } = await run('sync', 'shop');
    expect(code).toBe(0);
    expect(out).toMatch(/^✓ synced shop at [0-9a-f]{8} {3}/);
    expect(out).toMatch(/^ {2}✓ ConfigMap\/shop\/one +created$/m);
    expect(out).toMatch(/^ {2}✓ PreSync Namespace\/shop +created$/m);
    expect(out).toMatch(/Next: landfall prove shop\n$/);
    const operation = (await application('shop'))?.['status'];
    expect(getString(operation, 'operationState', 'operation', 'initiatedBy', 'username')).not.toBe('');
    const again = await run('sync', 'shop');
    expect(again.out).toMatch(/^ {2}2 unchanged$/m);
  });

  it('tries first, prunes where it is asked to, and takes one object only', async () => {
    await commitAll(repository, { 'shop/two.yaml': config('three', 'a') });
    const dry = await ask('shop', '--dry-run', '--prune');
    expect(dry).toMatchObject({ code: 0, report: { state: 'synced', dryRun: true } });
    expect(dry.report.objects.map((object) => `${object.name} ${object.message}`)).toEqual([
      'one configmap/one unchanged (dry run)',
      'three configmap/three created (dry run)',
      'two pruned (dry run)',
    ]);
    const some = await ask('shop', '--resource', ':ConfigMap:shop/one');
    expect(some.report.objects.map((object) => object.name)).toEqual(['one']);
    const { report } = await ask('shop', '--prune');
    expect(report.objects.find((object) => object.name === 'two')).toMatchObject({ status: 'Pruned' });
    expect(getArray(await application('shop'), 'status', 'history').length).toBeGreaterThan(1);
  });

  it('ends with what was refused, and the exit code says so', async () => {
    const { code, report } = await ask('shop', '--revision', 'no-such-branch');
    expect([code, report.state]).toEqual([1, 'failed']);
    expect(report.message).toContain('no-such-branch');
  });

  it('says what it waits for when the time is over, and ends it when asked to', async () => {
    const clock = manualClock(Date.now());
    const env = { KUBECONFIG: path.join(person.home, 'config') };
    const started = person.run(['sync', 'stuck', '--timeout', '10m'], { env, clock });
    const hooked = async () =>
      getString(await application('stuck'), 'status', 'operationState', 'message')?.includes(
        'batch/Job/hangs',
      );
    while ((await hooked()) !== true) {
      await clock.advance(100);
      await sleep(systemClock, 20);
    }
    const over = { now: false };
    void started.finally(() => (over.now = true));
    while (!over.now) {
      await clock.advance(5_000);
      await sleep(systemClock, 20);
    }
    const waiting = await started;
    expect(waiting.code).toBe(2);
    expect(waiting.out).toMatch(/^… not over yet: stuck/);
    expect(waiting.out).toContain('waiting for completion of hook batch/Job/hangs');
    expect(waiting.out).toMatch(/Next: landfall sync stuck --terminate\n$/);
    const busy = await run('sync', 'stuck');
    expect([busy.code, busy.err]).toEqual([1, expect.stringContaining('is being synced already')]);
    const { code, report } = await ask('stuck', '--terminate');
    expect([code, report.state]).toEqual([0, 'terminated']);
    expect(report.message).toMatch(
      /^Operation terminated; everything was put back as it was, .*hooks Job\/hangs did is not undone$/,
    );
    const none = await run('sync', 'stuck', '--terminate');
    expect([none.code, none.err]).toEqual([3, expect.stringContaining('No operation of')]);
  });

  it('asks for nothing when the name, the object or the option is wrong', async () => {
    const before = (await application('shop'))?.metadata.resourceVersion;
    const name = await run('sync', 'shp');
    expect([name.code, name.err]).toEqual([3, expect.stringContaining('Did you mean shop?')]);
    const object = await run('sync', 'shop', '--resource', ':ConfigMap:shop/ones');
    expect([object.code, object.err]).toEqual([3, expect.stringContaining(':ConfigMap:shop/one')]);
    const form = await run('sync', 'shop', '--resource', 'one');
    expect([form.code, form.err]).toEqual([3, expect.stringContaining('GROUP:KIND')]);
    expect((await application('shop'))?.metadata.resourceVersion).toBe(before);
  });

  it('asks Flux by its annotation, the source too, and waits for its answer', async () => {
    // This test plays Flux.
    stop.abort();
    await served;
    const flux = { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' };
    const source = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' };
    const metadata = { name: 'payments', namespace: 'argocd' };
    await kube.create({ ...source, metadata, spec: { url: 'https://git.corp.io/x', interval: '1m' } });
    await kube.create({
      ...flux,
      metadata,
      spec: {
        interval: '1m',
        path: '.',
        prune: true,
        sourceRef: { kind: 'GitRepository', name: 'payments' },
      },
    });
    const refused = await run('sync', 'payments', '--prune');
    expect([refused.code, refused.err]).toEqual([3, expect.stringContaining('takes no --prune')]);
    const asked = ask('payments');
    const ref = { ...flux, ...metadata };
    let at: string | undefined;
    while (at === undefined) {
      at = (await kube.get(ref))?.metadata.annotations?.['reconcile.fluxcd.io/requestedAt'];
    }
    expect((await kube.get({ ...source, ...metadata }))?.metadata.annotations).toEqual({
      'reconcile.fluxcd.io/requestedAt': at,
    });
    const conditions = [
      {
        type: 'Ready',
        status: 'True',
        reason: 'ReconciliationSucceeded',
        message: 'Applied',
        lastTransitionTime: '2026-03-01T00:00:00Z',
      },
    ];
    const status = {
      lastHandledReconcileAt: at,
      observedGeneration: 1,
      lastAppliedRevision: `main@sha1:${'a'.repeat(40)}`,
      conditions,
    };
    await kube.patch(ref, 'merge', { status }, { subresource: 'status' });
    expect(await asked).toMatchObject({ code: 0, report: { kind: 'Kustomization', state: 'synced' } });
  });
});
