import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getNumber, getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { serveGit } from '../../../git/test-support.ts';
import { startCluster } from '../../../drydock/index.ts';
import { condition, openFlux, where } from '../flux.fixture.ts';
import type { FluxStage } from '../flux.fixture.ts';
import { HELM_CHART, HELM_RELEASE } from '../kinds.ts';
import { hook, placeStandIn, realHelm } from './helm.fixture.ts';

const note = (name: string, when: string) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: "{{ .Release.Name }}-${name}"
  annotations:
${hook(when)}data: { value: "{{ .Values.value }}" }
`;

/** A job that ends where its value says nothing, and is late where it does. */
const job = (name: string, when: string, value: string) => `apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-${name}"
  annotations:
${hook(when)}spec:
  backoffLimit: 0
  activeDeadlineSeconds: 20
  template:
    spec:
      restartPolicy: Never
      nodeSelector: { "kubernetes.io/os": "linux{{ .Values.${value} }}" }
      containers: [{ name: main, image: "registry.corp.io/${name}:1" }]
`;

const CHART = {
  'charts/shop/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
  'charts/shop/values.yaml':
    '{"value": "a", "nowhere": "", "testFails": "", "upgradeFails": "", "deleteFails": ""}\n',
  'charts/shop/templates/a-config.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: "{{ .Release.Name }}-config" }
data: { value: "{{ .Values.value }}", other: fixed }
`,
  'charts/shop/templates/b-web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: "{{ .Release.Name }}-web" }
spec:
  selector: { matchLabels: { app: "{{ .Release.Name }}" } }
  template:
    metadata: { labels: { app: "{{ .Release.Name }}", value: "{{ .Values.value }}" } }
    spec:
      nodeSelector: { "kubernetes.io/os": "linux{{ .Values.nowhere }}" }
      containers: [{ name: web, image: "registry.corp.io/web:1" }]
`,
  'charts/shop/templates/c.yaml': note('pre-rollback', 'pre-rollback'),
  'charts/shop/templates/d.yaml': note('post-rollback', 'post-rollback'),
  'charts/shop/templates/e.yaml': job('pre-delete', 'pre-delete', 'deleteFails'),
  'charts/shop/templates/f.yaml': note('post-delete', 'post-delete'),
  'charts/shop/templates/g.yaml': job('upgrade', 'pre-upgrade', 'upgradeFails'),
  'charts/shop/templates/h.yaml': job('test', 'test', 'testFails'),
};

const MINUTE = 60_000;
let flux: FluxStage;

beforeAll(async () => {
  flux = await openFlux(startCluster, serveGit, CHART, async ({ folder }) => ({
    helm: realHelm() ?? (await placeStandIn(folder)),
  }));
});

afterAll(async () => {
  await flux.close();
});

const make = (name: string, spec: JsonObject) =>
  flux.create(HELM_RELEASE, name, {
    interval: '30m',
    timeout: '3m',
    targetNamespace: 'apps',
    releaseName: name,
    chart: { spec: { chart: './charts/shop', sourceRef: { kind: 'GitRepository', name: 'main' } } },
    ...spec,
  });
const patch = (name: string, spec: JsonObject) =>
  flux.scene.client.patch({ ...HELM_RELEASE, ...where, name }, 'merge', { spec });
const remove = (name: string) => flux.scene.client.delete({ ...HELM_RELEASE, ...where, name });
const read = (name: string) => flux.read(HELM_RELEASE, name);
const gone = (name: string) =>
  flux.until(
    () => flux.scene.client.get({ ...HELM_RELEASE, ...where, name }),
    (found) => found === undefined,
  );
const statuses = (object: KubeObject) =>
  getArray(object, 'status', 'history').map((item) => getString(item, 'status') ?? '');
const kept = (name: string) =>
  flux.scene.client.get({ apiVersion: 'v1', kind: 'Secret', ...where, name: `landfall.release.${name}` });
/** Until it is said that it failed as often as it may. */
const exhausted = (name: string, failures: number) =>
  flux.until(
    () => read(name),
    (object) =>
      condition(object, 'Stalled')['reason'] === 'RetriesExceeded' &&
      getNumber(object, 'status', 'upgradeFailures') === failures,
    MINUTE / 4,
  );

describe('a release that fails', { timeout: 300_000 }, () => {
  it('goes back with the hooks of what it goes back to, and is stalled', async () => {
    await make('back', {});
    await flux.ready(HELM_RELEASE, 'back');
    expect(await kept('back')).toBeDefined();
    await patch('back', { values: { value: 'b', nowhere: 'x' } });
    const object = await exhausted('back', 1);
    expect(condition(object, 'Stalled')['message']).toBe('Failed to upgrade after 1 attempt(s)');
    expect(condition(object, 'Ready')).toMatchObject({ status: 'False', reason: 'UpgradeFailed' });
    expect(condition(object, 'Remediated')).toMatchObject({
      status: 'True',
      reason: 'RollbackSucceeded',
      message: 'Helm rollback to previous release apps/back.v1 with chart shop@1.0.0 succeeded',
    });
    expect([await flux.data('back-pre-rollback'), await flux.data('back-post-rollback')]).toEqual([
      { value: 'a' },
      { value: 'a' },
    ]);
    expect(await flux.data('back-config')).toMatchObject({ value: 'a' });
    await patch('back', { values: { value: 'c', nowhere: '' } });
    const after = await flux.ready(HELM_RELEASE, 'back');
    expect(condition(after, 'Remediated')).toEqual({});
    expect(getNumber(after, 'status', 'upgradeFailures')).toBeUndefined();
  });

  it('is tried again as often as it may, and once more when its failures are forgotten', async () => {
    await make('again', { upgrade: { remediation: { retries: 1 } } });
    await flux.ready(HELM_RELEASE, 'again');
    await patch('again', { values: { value: 'b', nowhere: 'x' } });
    await exhausted('again', 2);
    const asked = 'reset-1';
    await flux.scene.client.patch({ ...HELM_RELEASE, ...where, name: 'again' }, 'merge', {
      metadata: {
        annotations: { 'reconcile.fluxcd.io/requestedAt': asked, 'reconcile.fluxcd.io/resetAt': asked },
      },
    });
    const object = await flux.until(
      () => read('again'),
      (found) => getString(found, 'status', 'lastHandledResetAt') === asked,
    );
    expect(getNumber(object, 'status', 'upgradeFailures') ?? 0).toBeLessThan(2);
    await remove('again');
    await gone('again');
  });

  it('is taken away and installed anew where that is the remedy', async () => {
    await make('anew', { upgrade: { remediation: { retries: 1, strategy: 'uninstall' } } });
    await flux.ready(HELM_RELEASE, 'anew');
    await patch('anew', { values: { value: 'b', upgradeFails: 'x' } });
    const object = await flux.until(
      () => read('anew'),
      (found) => statuses(found).includes('uninstalled') && condition(found, 'Ready')['status'] === 'True',
    );
    expect(statuses(object).slice(0, 2)).toEqual(['deployed', 'uninstalled']);
    expect(condition(object, 'Ready')['reason']).toBe('InstallSucceeded');
    expect(await flux.data('anew-config')).toMatchObject({ value: 'b' });
    // Its hooks of deletion ran.
    expect(await flux.data('anew-post-delete')).toEqual({ value: 'a' });
  });
});

describe('the end of a release', { timeout: 300_000 }, () => {
  it('runs the hooks of what is deployed, before and after, and leaves nothing else', async () => {
    await make('ended', { values: { value: 'last' } });
    await flux.ready(HELM_RELEASE, 'ended');
    const chart = { ...HELM_CHART, ...where, name: 'flux-system-ended' };
    expect(await flux.scene.client.get(chart)).toBeDefined();
    await remove('ended');
    await gone('ended');
    const ran = await flux.scene.client.get({
      apiVersion: 'batch/v1',
      kind: 'Job',
      namespace: 'apps',
      name: 'ended-pre-delete',
    });
    expect(getNumber(ran, 'status', 'succeeded')).toBe(1);
    expect(await flux.data('ended-post-delete')).toEqual({ value: 'last' });
    expect(await flux.data('ended-config')).toBeUndefined();
    expect([await kept('ended'), await flux.scene.client.get(chart)]).toEqual([undefined, undefined]);
  });

  it('waits for a hook that fails, and goes without where hooks are not wanted', async () => {
    await make('held', { values: { deleteFails: 'x' } });
    await flux.ready(HELM_RELEASE, 'held');
    await remove('held');
    const object = await flux.ready(HELM_RELEASE, 'held', 'False', 'pre-delete hooks failed');
    expect(condition(object, 'Ready')['reason']).toBe('UninstallFailed');
    expect(await flux.data('held-config')).toBeDefined();
    await patch('held', { uninstall: { disableHooks: true } });
    await gone('held');
    expect(await flux.data('held-config')).toBeUndefined();
    expect(await flux.data('held-post-delete')).toBeUndefined();
  });
});

describe('tests of a release', { timeout: 300_000 }, () => {
  it('that may fail change nothing but their condition', async () => {
    await make('lenient', { test: { enable: true, ignoreFailures: true }, values: { testFails: 'x' } });
    const object = await flux.until(
      () => read('lenient'),
      (found) => condition(found, 'TestSuccess')['status'] === 'False',
    );
    expect(condition(object, 'TestSuccess')['reason']).toBe('TestFailed');
    expect(condition(object, 'Ready')).toMatchObject({ status: 'True', reason: 'InstallSucceeded' });
  });

  it('that may not are a part of it, but for those that are left out', async () => {
    await make('strict', { test: { enable: true } });
    const object = await flux.ready(HELM_RELEASE, 'strict');
    expect(condition(object, 'TestSuccess')).toMatchObject({ status: 'True', reason: 'TestSucceeded' });
    expect(getObject(getArray(object, 'status', 'history')[0], 'testHooks')).toEqual({
      'strict-test': { phase: 'Succeeded' },
    });
    await make('filtered', {
      test: { enable: true, filters: [{ name: 'filtered-test', exclude: true }] },
      values: { testFails: 'x' },
    });
    await flux.ready(HELM_RELEASE, 'filtered');
    await make('untested', {
      test: { enable: true },
      values: { testFails: 'x' },
      install: { remediation: { retries: 0 } },
    });
    const failed = await flux.ready(HELM_RELEASE, 'untested', 'False', 'untested-test');
    expect(condition(failed, 'TestSuccess')).toMatchObject({ status: 'False', reason: 'TestFailed' });
  });
});

describe('what is asked of a release', { timeout: 300_000 }, () => {
  it('by force makes it once more, though nothing changed', async () => {
    await make('forced', {});
    await flux.ready(HELM_RELEASE, 'forced', 'True', 'forced.v1');
    const token = 'force-1';
    await flux.scene.client.patch({ ...HELM_RELEASE, ...where, name: 'forced' }, 'merge', {
      metadata: {
        annotations: { 'reconcile.fluxcd.io/requestedAt': token, 'reconcile.fluxcd.io/forceAt': token },
      },
    });
    const object = await flux.ready(HELM_RELEASE, 'forced', 'True', 'forced.v2');
    expect(getString(object, 'status', 'lastHandledForceAt')).toBe(token);
    await flux.ask('forced', HELM_RELEASE);
    expect(getString(condition(await read('forced'), 'Ready'), 'message')).toContain('forced.v2');
  });

  it('to see drift and leave it is a condition, without what a rule ignores', async () => {
    await make('drifting', {
      driftDetection: {
        mode: 'warn',
        ignore: [
          {
            paths: ['/data/other'],
            target: { kind: 'Config.*', labelSelector: 'app.kubernetes.io/managed-by=Helm' },
          },
        ],
      },
    });
    await flux.ready(HELM_RELEASE, 'drifting');
    const write = (data: JsonObject) =>
      flux.scene.client.patch(
        { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'apps', name: 'drifting-config' },
        'merge',
        { data },
      );
    await write({ other: 'ignored' });
    await flux.ask('drifting', HELM_RELEASE);
    expect(condition(await read('drifting'), 'Drifted')).toMatchObject({ status: 'False' });
    await write({ value: 'mine' });
    await flux.ask('drifting', HELM_RELEASE);
    const object = await flux.until(
      () => read('drifting'),
      (found) => condition(found, 'Drifted')['status'] === 'True',
    );
    expect(condition(object, 'Drifted')).toMatchObject({
      reason: 'DriftDetected',
      message: expect.stringContaining('ConfigMap/apps/drifting-config changed') as string,
    });
    expect(await flux.data('drifting-config')).toMatchObject({ value: 'mine', other: 'ignored' });
  });

  it('that is not done is refused: values of before, and what is there already where it is not to be taken', async () => {
    await make('preserving', { upgrade: { preserveValues: true } });
    const object = await flux.ready(HELM_RELEASE, 'preserving', 'False', 'spec.upgrade.preserveValues');
    expect(condition(object, 'Stalled')['reason']).toBe('Unsupported');
    await flux.scene.client.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'foreign-config', namespace: 'apps' },
      data: { value: 'of somebody else' },
    });
    await make('foreign', { install: { disableTakeOwnership: true } });
    await flux.ready(HELM_RELEASE, 'foreign', 'False', 'exists and cannot be imported');
    expect(await flux.data('foreign-config')).toEqual({ value: 'of somebody else' });
    await patch('foreign', { install: { disableTakeOwnership: false } });
    await flux.ready(HELM_RELEASE, 'foreign');
    expect(await flux.data('foreign-config')).toMatchObject({ value: 'a' });
  });
});
