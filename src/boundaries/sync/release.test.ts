import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { decideSync } from './decide.ts';
import type { SyncSubject } from './decide.ts';

// What helm-controller writes (v2 API), and what Landfall's controller writes in its place.
const NOW = Date.parse('2026-03-01T12:00:00Z');
const CREATED = '2026-01-01T00:00:00Z';

interface Written {
  readonly generation?: number;
  readonly observed?: number;
  readonly ready?: readonly [status: string, reason: string, message: string, since?: string];
  readonly of?: number;
  readonly history?: readonly (readonly [number: number, chart: string, status: string])[];
  readonly spec?: JsonObject;
  readonly more?: readonly JsonObject[];
  readonly metadata?: JsonObject;
  readonly status?: JsonObject;
}

function release(written: Written): KubeObject {
  const { generation = 3, observed = generation, ready, history = [[2, '1.2.0', 'deployed']], of } = written;
  const conditions: JsonValue[] = [];
  if (ready !== undefined) {
    const [status, reason, message, since = '2026-03-01T11:59:00Z'] = ready;
    conditions.push({
      type: 'Ready',
      status,
      reason,
      message,
      lastTransitionTime: since,
      observedGeneration: of ?? observed,
    });
  }
  return {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: {
      name: 'shop',
      namespace: 'apps',
      generation,
      creationTimestamp: CREATED,
      ...written.metadata,
    },
    spec: { interval: '5m', ...written.spec },
    status: {
      observedGeneration: observed,
      history: history.map(([version, chartVersion, status]) => ({
        version,
        chartVersion,
        status,
        configDigest: `sha256:${'a'.repeat(64)}`,
      })),
      conditions: [...conditions, ...(written.more ?? [])],
      ...written.status,
    },
  };
}

function check(written: Written, change: Partial<SyncSubject> = {}) {
  return decideSync({
    application: { state: 'read', value: release(written) },
    expected: { state: 'read', value: '1.2.0' },
    now: NOW,
    ...change,
  });
}

const READY = ['True', 'UpgradeSucceeded', 'Helm upgrade succeeded for release apps/shop.v2'] as const;
const FAILED = 'Helm upgrade failed for release apps/shop with chart shop@1.2.0: cannot patch "shop"';
const LATE = 'Helm upgrade failed for release apps/shop with chart shop@1.2.0: context deadline exceeded';
const OLD = [
  [3, '1.2.0', 'failed'],
  [2, '1.1.0', 'superseded'],
] as const;
const changed = (time: string) => ({
  managedFields: [{ manager: 'kubectl', operation: 'Update', time, fieldsV1: { 'f:spec': {} } }],
});

describe('sync of a HelmRelease', () => {
  it.each<[string, Written, string, string]>([
    ['Ready at the chart that it asks for', { ready: READY }, 'proven', 'synced'],
    [
      'a version to which source-controller added what it was made of',
      { ready: READY, history: [[2, '1.2.0+3', 'deployed']] },
      'proven',
      'synced',
    ],
    [
      'Ready at another chart, looked for just now',
      { ready: READY, history: [[2, '1.1.0', 'deployed']] },
      'moving',
      'revision-behind',
    ],
    ['Ready of an earlier generation', { ready: READY, observed: 2 }, 'unknown', 'stale'],
    [
      'Ready of an earlier generation, changed a moment ago',
      { ready: READY, observed: 2, metadata: changed('2026-03-01T11:59:30Z') },
      'moving',
      'revision-behind',
    ],
    ['Ready without any release', { ready: READY, history: [] }, 'unknown', 'release-unknown'],
    [
      'Ready, and its newest release is not deployed',
      { ready: READY, history: OLD },
      'unknown',
      'release-unknown',
    ],
    [
      'an upgrade that failed',
      { ready: ['False', 'UpgradeFailed', FAILED], history: OLD },
      'broken',
      'sync-failed',
    ],
    [
      'an upgrade whose objects never became ready',
      { ready: ['False', 'UpgradeFailed', LATE], history: OLD },
      'broken',
      'release-not-ready',
    ],
    [
      'one that was rolled back, and runs as before',
      {
        ready: ['False', 'RollbackSucceeded', 'Helm rollback to previous release apps/shop.v2 succeeded'],
        history: [[4, '1.1.0', 'deployed'], ...OLD],
        more: [{ type: 'Remediated', status: 'True', reason: 'RollbackSucceeded' }],
      },
      'broken',
      'sync-failed',
    ],
    [
      'an install that was taken away again',
      { ready: ['False', 'UninstallSucceeded', 'Helm uninstall remediation succeeded'], history: [] },
      'broken',
      'sync-failed',
    ],
    [
      'a test that failed',
      { ready: ['False', 'TestFailed', 'Helm test failed'], history: [[2, '1.2.0', 'deployed']] },
      'broken',
      'sync-failed',
    ],
    [
      'a chart that is not there',
      { ready: ['False', 'ArtifactFailed', 'helmrepositories "x" not found'] },
      'broken',
      'comparison-failed',
    ],
    [
      'a failure of an earlier generation, the new one being seconds old',
      {
        ready: ['False', 'UpgradeFailed', FAILED],
        of: 2,
        history: OLD,
        metadata: changed('2026-03-01T11:59:50Z'),
      },
      'moving',
      'revision-behind',
    ],
    [
      'a dependency that is not ready',
      { ready: ['False', 'DependencyNotReady', 'dependency apps/db is not ready'] },
      'unknown',
      'dependency-not-ready',
    ],
    [
      'one that is at it',
      { ready: ['Unknown', 'Progressing', "Running 'upgrade' action with timeout of 5m0s"] },
      'moving',
      'syncing',
    ],
    [
      'one that is at it for longer than it may be',
      { ready: ['Unknown', 'Progressing', 'Running', '2026-03-01T10:00:00Z'] },
      'broken',
      'operation-stuck',
    ],
    [
      'a controller without helm',
      { ready: ['Unknown', 'HelmMissing', 'the helm program is not installed'] },
      'unknown',
      'helm-missing',
    ],
    ['one that nobody reconciles', {}, 'unknown', 'never-compared'],
    [
      'one that was made a moment ago',
      { metadata: { creationTimestamp: '2026-03-01T11:59:50Z' } },
      'moving',
      'never-compared',
    ],
    [
      'a suspended one at what it asks for',
      { ready: READY, observed: 2, spec: { suspend: true } },
      'unknown',
      'suspended',
    ],
    [
      'a suspended one that asks for something else',
      { ready: READY, spec: { suspend: true }, history: [[2, '1.1.0', 'deployed']] },
      'broken',
      'revision-not-fetched',
    ],
    [
      'a suspended one that had failed',
      { ready: ['False', 'UpgradeFailed', FAILED], spec: { suspend: true }, history: OLD },
      'broken',
      'sync-failed',
    ],
    [
      'one that is being deleted',
      { ready: READY, metadata: { deletionTimestamp: '2026-03-01T11:00:00Z' } },
      'broken',
      'application-deleting',
    ],
  ])('of %s', (_, written, state, reason) => {
    expect(check(written)).toMatchObject({ boundary: 'sync', state, reason });
  });

  it('says what the cluster went back to', () => {
    const report = check({
      ready: ['False', 'RollbackSucceeded', 'Helm rollback succeeded'],
      history: [[4, '1.1.0', 'deployed'], ...OLD],
      more: [{ type: 'Remediated', status: 'True', reason: 'RollbackSucceeded' }],
    });
    expect(report.detail).toContain('rolled back to v4 with chart 1.1.0, deployed');
  });

  it('is broken once the next look was due and the chart is still another one', () => {
    const behind: Written = { ready: READY, history: [[2, '1.1.0', 'deployed']] };
    const expectedSince = Date.parse('2026-03-01T11:00:00Z');
    expect(check(behind, { expectedSince })).toMatchObject({
      state: 'broken',
      reason: 'revision-not-fetched',
    });
    expect(check(behind, { expectedSince, pollMs: 7_200_000 }).state).toBe('moving');
  });

  it('compares the digest of the values only with one that it can make itself', () => {
    const configDigest = `sha256:${'b'.repeat(64)}`;
    const by = (manager: string): Written => ({ ready: READY, metadata: { managedFields: [{ manager }] } });
    expect(check(by('helm-controller'), { configDigest }).state).toBe('proven');
    expect(check(by('landfall-controller'), { configDigest })).toMatchObject({
      state: 'moving',
      reason: 'revision-behind',
    });
    expect(check(by('landfall-controller'), { configDigest: `sha256:${'a'.repeat(64)}` }).state).toBe(
      'proven',
    );
  });

  it('is unknown where what it asks for is', () => {
    const expected = {
      state: 'unreadable',
      why: 'no route to the repository',
      code: 'chart-unreachable',
    } as const;
    expect(check({ ready: READY }, { expected })).toMatchObject({
      state: 'unknown',
      reason: 'revision-unknown',
    });
    expect(check({ ready: ['False', 'UpgradeFailed', FAILED], history: OLD }, { expected }).state).toBe(
      'broken',
    );
  });
});

describe('sync of a Kustomization from a registry', () => {
  const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
  const kustomization = (applied: string): KubeObject => ({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'shop', namespace: 'apps', generation: 1 },
    spec: { interval: '10m' },
    status: {
      observedGeneration: 1,
      lastAppliedRevision: applied,
      lastAttemptedRevision: applied,
      conditions: [{ type: 'Ready', status: 'True', reason: 'ReconciliationSucceeded', message: 'Applied' }],
    },
  });
  const at = (applied: string, since?: number) =>
    decideSync({
      application: { state: 'read', value: kustomization(applied) },
      expected: { state: 'read', value: digest('a') },
      ...(since === undefined ? {} : { expectedSince: since }),
      now: NOW,
    });

  it('is proven at the digest that the tag names now', () => {
    expect(at(`latest@${digest('a')}`)).toMatchObject({ state: 'proven', headline: 'aaaaaaaa' });
    expect(at(digest('a')).state).toBe('proven');
  });

  it('is behind when the tag moved on, and broken once that was long ago', () => {
    expect(at(`latest@${digest('b')}`)).toMatchObject({
      state: 'moving',
      detail: 'the controller applied bbbbbbbb, the registry has aaaaaaaa',
    });
    expect(at(`latest@${digest('b')}`, NOW - 3_600_000)).toMatchObject({
      state: 'broken',
      reason: 'revision-not-fetched',
    });
  });
});
