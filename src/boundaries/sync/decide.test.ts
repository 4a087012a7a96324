import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { read } from '../reading.ts';
import type { Reading } from '../reading.ts';
import { durationMs } from './application.ts';
import { syncCounts, syncCountsText } from './counts.ts';
import { decideSync } from './decide.ts';
import type { SyncSubject } from './decide.ts';

const NEW = 'a'.repeat(40);
const OLD = 'b'.repeat(40);
const NOW = Date.UTC(2026, 0, 10, 12);
const ago = (ms: number) => new Date(NOW - ms).toISOString();
const MINUTE = 60_000;

function application(status: JsonObject, more: JsonObject = {}, automated = true): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'shop', namespace: 'argocd', creationTimestamp: ago(60 * MINUTE) },
    spec: { syncPolicy: automated ? { automated: {} } : {} },
    status,
    ...more,
  };
}

const result = (name: string, status: string, message: string): JsonObject => ({
  kind: 'Deployment',
  namespace: 'comms',
  name,
  status,
  message,
});

function operation(
  phase: string,
  revision: string,
  resources: JsonObject[] = [],
  more: JsonObject = {},
): JsonObject {
  return {
    phase,
    message:
      phase === 'Succeeded' ? 'successfully synced (all tasks run)' : 'one or more objects failed to apply',
    startedAt: ago(2 * MINUTE),
    syncResult: { revision, resources },
    ...more,
  };
}

const synced = (revision: string, more: JsonObject = {}): JsonObject => ({
  sync: { status: 'Synced', revision },
  health: { status: 'Healthy' },
  reconciledAt: ago(MINUTE),
  ...more,
});

const outOfSync = (
  more: JsonObject = {},
  resources: JsonObject[] = [{ ...result('web', 'OutOfSync', '') }],
) => ({
  ...synced(NEW),
  sync: { status: 'OutOfSync', revision: NEW },
  resources,
  ...more,
});

const selected = (name: string): JsonObject => ({
  operation: { sync: { revision: NEW, resources: [{ group: 'apps', kind: 'Deployment', name }] } },
});

const compared = (source: JsonObject, more: JsonObject = {}): JsonObject => ({
  ...synced(NEW, more),
  sync: { status: 'Synced', revision: NEW, comparedTo: { source, destination: {} } },
});

function check(object: KubeObject, subject: Partial<SyncSubject> = {}) {
  return decideSync({ application: read(object), expected: read(NEW), now: NOW, ...subject });
}

const unchanged = [1, 2, 3].map((n) => result(`web-${n}`, 'Synced', `deployment.apps/web-${n} unchanged`));

describe('the sync boundary', () => {
  it('is proven by Synced at the commit that Git has, and counts what the sync did', () => {
    const report = check(
      application(synced(NEW, { operationState: operation('Succeeded', NEW, unchanged) })),
    );
    expect(report).toMatchObject({ state: 'proven', headline: 'aaaaaaaa', where: 'Application argocd/shop' });
    expect(report.detail).toBe('0 updated, 3 unchanged');
    expect(report.claims.map((claim) => claim.attribute)).toEqual(
      expect.arrayContaining(['sync.status', 'sync.revision', 'operation.phase', 'sync.result']),
    );
  });

  it('is proven by a comparison alone when nothing had to be applied', () => {
    expect(check(application(synced(NEW, { operationState: operation('Succeeded', OLD) })))).toMatchObject({
      state: 'proven',
      detail: 'compared, nothing to do',
    });
  });

  it.each<[string, KubeObject, Partial<SyncSubject>, string, string]>([
    ['Synced at an older commit is not proven', application(synced(OLD)), {}, 'moving', 'revision-behind'],
    [
      'Synced at an older commit, and nobody has looked for long',
      application(synced(OLD, { reconciledAt: ago(20 * MINUTE) })),
      {},
      'unknown',
      'stale',
    ],
    [
      'Synced at an older commit, compared after the new one was there',
      application(synced(OLD)),
      { expectedSince: NOW - 10 * MINUTE },
      'broken',
      'revision-not-fetched',
    ],
    [
      'a commit that was only just pushed',
      application(synced(OLD, { reconciledAt: ago(20 * MINUTE) })),
      { expectedSince: NOW - 1000 },
      'moving',
      'revision-behind',
    ],
    [
      'a controller that writes only changes may have looked long ago',
      application(synced(OLD, { reconciledAt: ago(90 * MINUTE) }), {
        metadata: { name: 'shop', managedFields: [{ manager: 'landfall-controller' }] },
      }),
      {},
      'moving',
      'revision-behind',
    ],
    [
      'an operation runs',
      application(synced(OLD, { operationState: operation('Running', NEW) })),
      {},
      'moving',
      'syncing',
    ],
    [
      'an operation runs for too long',
      application(
        synced(OLD, { operationState: operation('Running', NEW, [], { startedAt: ago(11 * MINUTE) }) }),
      ),
      {},
      'broken',
      'operation-stuck',
    ],
    [
      'an operation was asked for',
      application(synced(NEW), { operation: { sync: {} } }),
      {},
      'moving',
      'syncing',
    ],
    [
      'an operation was asked for, long after the last one',
      application(
        synced(NEW, { operationState: operation('Succeeded', NEW, [], { startedAt: ago(90 * MINUTE) }) }),
        { operation: { sync: {} } },
      ),
      {},
      'moving',
      'syncing',
    ],
    [
      'a refresh was asked for',
      application(synced(NEW), {
        metadata: { name: 'shop', annotations: { 'argocd.argoproj.io/refresh': 'hard' } },
      }),
      {},
      'moving',
      'refresh-requested',
    ],
    [
      'the operation failed',
      application(
        outOfSync({ operationState: operation('Failed', NEW, [result('web', 'SyncFailed', 'forbidden')]) }),
      ),
      {},
      'broken',
      'sync-failed',
    ],
    [
      'a failed operation is not hidden by Synced',
      application(synced(NEW, { operationState: operation('Failed', NEW) })),
      {},
      'broken',
      'sync-failed',
    ],
    [
      'the controller could not compare',
      application(
        synced(NEW, { conditions: [{ type: 'ComparisonError', message: 'authentication required' }] }),
      ),
      {},
      'broken',
      'comparison-failed',
    ],
    [
      'a SyncError stands',
      application(outOfSync({ conditions: [{ type: 'SyncError', message: 'Failed last sync attempt' }] })),
      {},
      'broken',
      'sync-failed',
    ],
    ['automated sync has not begun', application(outOfSync()), {}, 'moving', 'out-of-sync'],
    ['nobody syncs', application(outOfSync(), {}, false), {}, 'broken', 'not-synced'],
    [
      'applied, and changed by somebody since',
      application(outOfSync({ operationState: operation('Succeeded', NEW, unchanged) })),
      {},
      'proven',
      'applied',
    ],
    [
      'applied without pruning',
      application(
        outOfSync(
          {
            operationState: operation('Succeeded', NEW, [
              result('old', 'PruneSkipped', 'ignored (requires pruning)'),
            ]),
          },
          [{ ...result('old', 'OutOfSync', ''), requiresPruning: true }],
        ),
      ),
      {},
      'broken',
      'prune-pending',
    ],
    [
      'what Git says must not be pruned may stay',
      application(
        outOfSync(
          {
            operationState: operation('Succeeded', NEW, [
              result('old', 'PruneSkipped', 'ignored (no prune)'),
            ]),
          },
          [{ ...result('old', 'OutOfSync', ''), requiresPruning: true }],
        ),
      ),
      {},
      'proven',
      'applied',
    ],
    [
      'what has to be pruned is still there after a sync of other objects',
      application(
        outOfSync({ operationState: operation('Succeeded', NEW, unchanged, selected('web-1')) }, [
          { ...result('old', 'OutOfSync', ''), requiresPruning: true },
        ]),
      ),
      {},
      'broken',
      'prune-pending',
    ],
    [
      'what has to be pruned came up after the sync, and automated sync takes it',
      application(
        outOfSync({ operationState: operation('Succeeded', NEW, unchanged) }, [
          { ...result('old', 'OutOfSync', ''), requiresPruning: true },
        ]),
        { spec: { syncPolicy: { automated: { prune: true } } } },
      ),
      {},
      'moving',
      'out-of-sync',
    ],
    [
      'a selective sync has applied one object of three',
      application(outOfSync({ operationState: operation('Succeeded', NEW, unchanged, selected('web-1')) })),
      {},
      'broken',
      'partly-synced',
    ],
    [
      'self-heal has put back one object, after the whole had been applied',
      application(
        outOfSync({
          operationState: operation('Succeeded', NEW, unchanged, selected('web-1')),
          history: [{ id: 3, revision: NEW }],
        }),
      ),
      {},
      'proven',
      'applied',
    ],
    [
      'an object was refused in an operation that calls itself Succeeded',
      application(
        synced(NEW, { operationState: operation('Succeeded', NEW, [result('web', 'SyncFailed', 'denied')]) }),
      ),
      {},
      'broken',
      'sync-failed',
    ],
    [
      'the operation of several sources failed, and the commit in question is not the first of them',
      application({
        ...synced(NEW),
        sync: { status: 'Synced', revisions: [OLD, NEW] },
        operationState: {
          ...operation('Failed', '', [{ ...result('migrate', 'Synced', 'exit 1'), hookPhase: 'Failed' }]),
          syncResult: { revisions: [OLD, NEW], resources: [] },
        },
      }),
      { also: [OLD] },
      'broken',
      'sync-failed',
    ],
    [
      'the comparison was made with another path',
      application(compared({ path: 'overlays/staging' }), { spec: { source: { path: 'overlays/prod' } } }),
      {},
      'moving',
      'compared-to-another',
    ],
    [
      'the comparison was made with another path, long ago',
      application(compared({ path: 'overlays/staging' }, { reconciledAt: ago(20 * MINUTE) }), {
        spec: { source: { path: 'overlays/prod' } },
      }),
      {},
      'unknown',
      'stale',
    ],
    [
      'the comparison left out what says nothing',
      application(compared({ path: 'overlays/prod', kustomize: {} }), {
        spec: {
          source: { path: 'overlays/prod', kustomize: { images: [] }, directory: { recurse: false } },
        },
      }),
      {},
      'proven',
      'synced',
    ],
    [
      'Unknown is no evidence',
      application({ ...synced(NEW), sync: { status: 'Unknown', revision: NEW } }),
      {},
      'unknown',
      'comparison-unknown',
    ],
    ['no controller has ever looked', application({}), {}, 'unknown', 'never-compared'],
    [
      'an Application that was only just created',
      application({}, { metadata: { name: 'shop', creationTimestamp: ago(1000) } }),
      {},
      'moving',
      'never-compared',
    ],
    [
      'the Application is being deleted',
      application(synced(NEW), { metadata: { name: 'shop', deletionTimestamp: ago(0) } }),
      {},
      'broken',
      'application-deleting',
    ],
    [
      'Git cannot be read',
      application(synced(NEW)),
      { expected: { state: 'unreadable', why: 'no network', code: 'git-unreachable' } },
      'unknown',
      'revision-unknown',
    ],
  ])('%s', (_, object, subject, state, reason) => {
    const report = check(object, subject);
    expect([report.state, report.reason]).toEqual([state, reason]);
    expect(report.detail).not.toBe('');
    if (state === 'moving') expect(Date.parse(report.deadline ?? '')).toBeGreaterThan(NOW);
  });

  it('tells an Application that is not there from one that could not be read', () => {
    const asked = (application: Reading<KubeObject>) =>
      decideSync({ application, expected: read(NEW), now: NOW });
    expect(asked({ state: 'absent', why: 'no such Application' })).toMatchObject({ state: 'broken' });
    expect(asked({ state: 'unreadable', why: 'refused', code: 'x' })).toMatchObject({
      state: 'unknown',
      claims: [],
    });
  });

  it('proves nothing by an operation that ended while the cluster was read', () => {
    const done = application(synced(NEW, { operationState: operation('Succeeded', NEW, unchanged) }));
    expect(check(done, { before: done }).state).toBe('proven');
    const running = application(synced(OLD, { operationState: operation('Running', NEW) }));
    expect(check(done, { before: running })).toMatchObject({ state: 'moving', reason: 'synced-meanwhile' });
    const failed = application(outOfSync({ operationState: operation('Failed', NEW) }));
    expect(check(failed, { before: running }).state).toBe('broken');
  });

  it('names the object that failed and what the API server said', () => {
    const failed = operation('Failed', NEW, [result('web', 'SyncFailed', 'quota exceeded')]);
    expect(check(application(outOfSync({ operationState: failed }))).detail).toBe(
      'Deployment/comms/web: quota exceeded',
    );
  });
});

describe('a Kustomization that is being reconciled', () => {
  const reconciling = (spec: JsonObject): KubeObject => ({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'shop', namespace: 'flux-system', generation: 1, creationTimestamp: ago(90 * MINUTE) },
    spec,
    status: {
      observedGeneration: 1,
      conditions: [
        { type: 'Ready', status: 'Unknown', reason: 'Progressing', lastTransitionTime: ago(15 * MINUTE) },
      ],
    },
  });

  it('may take as long as its own timeout', () => {
    const stateOf = (spec: JsonObject) => check(reconciling(spec)).state;
    expect([{ interval: '5m' }, { interval: '5m', timeout: '30m' }, { interval: '1h' }].map(stateOf)).toEqual(
      ['broken', 'moving', 'moving'],
    );
  });
});

describe('the numbers of a sync', () => {
  it('are read from the words behind each object', () => {
    const counts = syncCounts([
      { status: 'Synced', message: 'service/web created', hookPhase: '' },
      { status: 'Synced', message: 'deployment.apps/web configured', hookPhase: '' },
      { status: 'Synced', message: 'deployment.apps/unchanged-name serverside-applied', hookPhase: '' },
      { status: 'Pruned', message: 'pruned', hookPhase: '' },
      { status: 'SyncFailed', message: 'unchanged', hookPhase: '' },
    ]);
    expect(syncCountsText(counts)).toBe('1 created, 1 updated, 0 unchanged, 1 applied, 1 pruned, 1 failed');
  });

  it('reads durations as Go writes them', () => {
    expect([durationMs('5s'), durationMs('1h30m'), durationMs('7'), durationMs('soon')]).toEqual([
      5000,
      5_400_000,
      7000,
      undefined,
    ]);
  });
});

it('says how to sync what nobody syncs by itself', () => {
  expect(
    decideSync({ application: read(application(outOfSync(), {}, false)), expected: read(NEW), now: NOW }),
  ).toMatchObject({
    reason: 'not-synced',
    hint: 'Ask for a sync: landfall sync shop -n argocd',
  });
});
