import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonEqual } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { applicationSpec, retryOf } from '../boundaries/sync/index.ts';
import { compareWith } from './comparison.ts';
import { decideAutoSync, pendingOperation, retryDelay, syncRequest } from './operation.ts';
import { applyGroups } from '../apply/index.ts';
import { broughtBySet } from './order.ts';
import { comparedStatus, mergePatch, withConditions, withHistory } from './status.ts';
import { specProblems } from './validate.ts';

const NOW = Date.UTC(2026, 0, 10, 12);
const COMMIT = 'a'.repeat(40);
const source = { repoURL: 'https://git.corp.io/deploy', path: 'k8s', targetRevision: 'main' };

function application(policy: JsonObject = {}, more: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'shop', namespace: 'argocd' },
    spec: {
      project: 'default',
      source,
      destination: { server: 'https://kubernetes.default.svc', namespace: 'comms' },
      syncPolicy: policy,
    },
    ...more,
  };
}

const map = (name: string, data: JsonObject = {}, metadata: JsonObject = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'comms', ...metadata },
  data,
});

function compared(desired: KubeObject[], live: KubeObject[], app = application()) {
  return compareWith({ objects: desired }, live, applicationSpec(app));
}

const TARGET = { commit: COMMIT, revisions: [COMMIT] };

function autoSync(policy: JsonObject, desired: KubeObject[], live: KubeObject[], state?: JsonObject) {
  const app = application(policy, state === undefined ? {} : { status: { operationState: state } });
  return decideAutoSync(app, applicationSpec(app), compared(desired, live, app), TARGET, NOW);
}

const lastSync = (phase: string, more: JsonObject = {}): JsonObject => ({
  phase,
  message: 'said so',
  syncResult: { revision: COMMIT, source },
  finishedAt: '2026-01-10T11:00:00Z',
  ...more,
});

describe('automated sync', () => {
  const changed = [[map('a', { x: '1' })], [map('a', { x: '2' })]] as const;

  it.each<[string, JsonObject, JsonObject | undefined]>([
    ['is not asked for', {}, undefined],
    ['is switched off', { automated: { enabled: false } }, undefined],
    ['was done for this revision, and drift is not healed', { automated: {} }, lastSync('Succeeded')],
  ])('does nothing when it %s', (_, policy, state) => {
    expect(autoSync(policy, [...changed[0]], [...changed[1]], state)).toEqual({});
  });

  it('starts from OutOfSync with the policy of the Application', () => {
    const policy = { automated: { prune: true }, syncOptions: ['CreateNamespace=true'] };
    expect(autoSync(policy, [...changed[0]], [...changed[1]]).start).toEqual({
      initiatedBy: { automated: true },
      retry: { limit: 5 },
      sync: { revision: COMMIT, source, prune: true, syncOptions: ['CreateNamespace=true'] },
    });
    expect(autoSync(policy, [...changed[0]], [...changed[0]])).toEqual({});
  });

  it('starts again for another revision, and for another source of the same one', () => {
    const other = lastSync('Succeeded', { syncResult: { revision: 'b', source } });
    expect(autoSync({ automated: {} }, [...changed[0]], [...changed[1]], other).start).toBeDefined();
    const moved = lastSync('Failed', {
      syncResult: { revision: COMMIT, source: { ...source, path: 'old' } },
    });
    expect(autoSync({ automated: {} }, [...changed[0]], [...changed[1]], moved).start).toBeDefined();
  });

  it('does not repeat a revision that failed, and says so', () => {
    expect(
      autoSync({ automated: { selfHeal: true } }, [...changed[0]], [...changed[1]], lastSync('Failed')),
    ).toEqual({
      error: `Failed last sync attempt to ${COMMIT}: said so`,
    });
  });

  it('heals what has drifted and nothing else, later each time that it drifts again', () => {
    const heal = { automated: { selfHeal: true } };
    const healed = autoSync(heal, [...changed[0]], [...changed[1]], lastSync('Succeeded'));
    expect(healed.start).toMatchObject({
      sync: { autoHealAttemptsCount: 1, resources: [{ kind: 'ConfigMap', name: 'a' }] },
    });
    const healedAgo = (attempts: number, ms: number) =>
      autoSync(
        heal,
        [...changed[0]],
        [...changed[1]],
        lastSync('Succeeded', {
          finishedAt: new Date(NOW - ms).toISOString(),
          operation: { sync: { autoHealAttemptsCount: attempts } },
        }),
      );
    expect(healedAgo(0, 0).start).toBeDefined();
    expect(healedAgo(1, 500)).toEqual({ again: 1500 });
    expect(healedAgo(3, 0)).toEqual({ again: 18_000 });
    expect(healedAgo(30, 0)).toEqual({ again: 300_000 });
    expect(healedAgo(30, 700_000).start).toMatchObject({ sync: { autoHealAttemptsCount: 1 } });
  });

  it('does not begin only to prune what it may not prune', () => {
    expect(autoSync({ automated: {} }, [map('a')], [map('a'), map('b')])).toEqual({});
    expect(autoSync({ automated: { prune: true } }, [map('a')], [map('a'), map('b')]).start).toBeDefined();
  });

  it('never takes everything away, unless the Application allows it', () => {
    expect(autoSync({ automated: { prune: true } }, [], [map('a')])).toMatchObject({
      error: expect.stringContaining('will wipe out all resources') as string,
    });
    expect(autoSync({ automated: { prune: true, allowEmpty: true } }, [], [map('a')]).start).toBeDefined();
  });
});

describe('what an operation still needs', () => {
  const operation = { sync: { prune: true, resources: [{ kind: 'ConfigMap', name: 'a' }] } };
  const running = (more: JsonObject = {}): JsonObject => ({
    status: { operationState: { phase: 'Running', operation, startedAt: '2026-01-10T11:59:00Z', ...more } },
  });

  it.each<[string, JsonObject, string]>([
    ['nothing was asked for', {}, 'nothing'],
    ['it was asked for', { operation }, 'run'],
    ['it ran when the controller stopped', running(), 'run'],
    ['it failed and waits', running({ retryCount: 1, finishedAt: '2026-01-10T11:59:58Z' }), 'wait'],
    ['it failed and has waited', running({ retryCount: 1, finishedAt: '2026-01-10T11:59:50Z' }), 'run'],
    ['somebody stopped it', { status: { operationState: { phase: 'Terminating', operation } } }, 'terminate'],
  ])('when %s', (_, more, expected) => {
    expect(pendingOperation(application({}, more), NOW).do).toBe(expected);
  });

  it('waits twice as long after each failure, up to a bound', () => {
    expect([0, 1, 2, 20].map((retries) => retryDelay(undefined, retries))).toEqual([
      5000, 10_000, 20_000, 180_000,
    ]);
    const unbounded = retryOf({ limit: 5, backoff: { duration: '1m', factor: 3, maxDuration: '0' } });
    expect([0, 1, 3, 20].map((retries) => retryDelay(unbounded, retries))).toEqual([
      60_000, 180_000, 1_620_000, 3_600_000,
    ]);
  });

  it('reads what is asked for, and refuses what it does not do', () => {
    expect(syncRequest(operation)).toMatchObject({
      prune: true,
      only: [{ kind: 'ConfigMap' }],
      problem: undefined,
    });
    expect(syncRequest({ sync: { syncStrategy: { apply: { force: true } } } })).toMatchObject({
      force: true,
      skipHooks: true,
    });
    expect(syncRequest({ sync: { manifests: ['x'] } }).problem).toContain('local manifests');
    expect(syncRequest({}).problem).toContain('no operation specified');
  });
});

describe('the status', () => {
  it('is the same after looking again at the same, so that nothing is written', () => {
    const app = application();
    const parts = (stored: KubeObject, now: number) => ({
      application: stored,
      spec: applicationSpec(stored),
      comparison: compared([map('a')], [map('a')], stored),
      target: {
        ...TARGET,
        sourceType: 'Kustomize' as const,
        sourceTypes: ['Kustomize' as const],
        objects: [],
        repeated: [],
      },
      commit: COMMIT,
      conditions: [],
      reconciled: true,
      now,
    });
    const first = comparedStatus(parts(app, NOW));
    expect(first).toMatchObject({
      sync: { status: 'Synced', revision: COMMIT, comparedTo: { source } },
      health: { status: 'Healthy', lastTransitionTime: '2026-01-10T12:00:00Z' },
      reconciledAt: '2026-01-10T12:00:00Z',
      sourceType: 'Kustomize',
      resources: [{ kind: 'ConfigMap', name: 'a', status: 'Synced', version: 'v1' }],
    });
    const later = comparedStatus(parts({ ...app, status: first }, NOW + 600_000));
    expect(mergePatch(first, later)).toBeUndefined();
  });

  it('numbers its history on and keeps it short', () => {
    const entry = {
      delivered: { revision: 'x', source },
      startedAt: 's',
      deployedAt: NOW,
      initiatedBy: undefined,
    };
    let history: readonly JsonValue[] = [];
    for (let round = 0; round < 12; round += 1) history = withHistory(history, entry, 10);
    expect(history).toHaveLength(10);
    expect([history[0], history.at(-1)]).toMatchObject([{ id: 2 }, { id: 11 }]);
  });

  it('keeps the time of a condition that says the same, and leaves other controllers theirs', () => {
    const other = { type: 'OrphanedResourceWarning', message: 'x' };
    const first = withConditions([other], [{ type: 'SyncError', message: 'no' }], ['SyncError'], NOW);
    const again = withConditions(first, [{ type: 'SyncError', message: 'no' }], ['SyncError'], NOW + 5000);
    expect(again).toEqual(first);
    expect(withConditions(again, [], ['SyncError'], NOW)).toEqual([other]);
  });

  it('is written by a patch that leads from one state to the other', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.array(fc.string(), { maxLength: 3 }),
        tie('object'),
      ),
      object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value')),
    })).object as fc.Arbitrary<JsonObject>;
    const apply = (target: JsonValue | undefined, patch: JsonValue): JsonValue => {
      if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
      const result: JsonObject =
        typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
      for (const [key, part] of Object.entries(patch)) {
        if (part === null) delete result[key];
        else result[key] = apply(result[key], part);
      }
      return result;
    };
    fc.assert(
      fc.property(value, value, (before, after) => {
        const patch = mergePatch(before, after);
        return patch === undefined ? jsonEqual(before, after) : jsonEqual(apply(before, patch), after);
      }),
    );
  });
});

describe('what is refused before anything is done', () => {
  const problems = (change: JsonObject) => {
    const app = application();
    const spec = app['spec'] as JsonObject;
    return specProblems(applicationSpec({ ...app, spec: { ...spec, ...change } }));
  };

  it('is nothing for an ordinary Application', () => {
    expect(problems({})).toEqual([]);
    expect(problems({ destination: { name: 'in-cluster', namespace: 'x' } })).toEqual([]);
    expect(problems({ sources: [source, { repoURL: 'x', ref: 'values' }] })).toEqual([]);
  });

  it.each<[JsonObject, string]>([
    [{ source: { ...source, repoURL: '' } }, 'repoURL'],
    [{ source: { ...source, path: '' } }, 'path'],
    [{ source: { repoURL: 'x', chart: 'redis' } }, 'targetRevision is required'],
    [{ sources: [source, { repoURL: 'x' }] }, 'source.ref are required'],
    [{ source: { ...source, plugin: {} } }, 'plugin'],
    [
      { source: { ...source, kustomize: { namePrefix: 'a-' }, directory: { recurse: true } } },
      'Kustomize,Directory',
    ],
    [{ source: { ...source, repoURL: 'oci://registry.corp.io/manifests' } }, 'OCIRepository'],
    [{ syncPolicy: { syncOptions: ['Force=true'] } }, 'Force=true'],
  ])('%j', (change, text) => {
    expect(problems(change).join(' ')).toContain(text);
  });
});

describe('the order of an apply', () => {
  it('puts first what others depend on', () => {
    const kinds = ['Deployment', 'Widget', 'ConfigMap', 'Namespace', 'Service', 'CustomResourceDefinition'];
    const groups = applyGroups(kinds.map((kind) => ({ ...map('x'), kind })));
    expect(groups.map((group) => group.map((object) => object.kind).join())).toEqual([
      'Namespace',
      'CustomResourceDefinition',
      'ConfigMap',
      'Service',
      'Deployment',
      'Widget',
    ]);
  });

  it('knows a kind that a definition of the same set brings', () => {
    const definition: KubeObject = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.corp.io' },
      spec: { group: 'corp.io', names: { kind: 'Widget' } },
    };
    const widget = { ...map('w'), apiVersion: 'corp.io/v1', kind: 'Widget' };
    expect([broughtBySet(widget, [definition]), broughtBySet(map('a'), [definition])]).toEqual([true, false]);
  });
});
