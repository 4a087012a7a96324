import { describe, expect, it } from 'vitest';
import { getString } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { applicationSpec } from '../../../boundaries/sync/index.ts';
import { comparedTo, kubeTime } from '../../status.ts';
import { lookAtRollout } from './rollout.ts';
import { stepsOf } from './steps.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const before = (seconds: number) => kubeTime(NOW - seconds * 1000);

interface Told {
  readonly sync?: string;
  readonly health?: string;
  readonly revision?: string;
  /** Of the last operation: how it stands, and how many seconds ago it began. */
  readonly operation?: readonly [phase: string, ago: number];
  readonly condition?: string;
  /** Compared with another spec than it has. */
  readonly stale?: boolean;
}

function application(name: string, labels: Record<string, string>, told: Told = {}): KubeObject {
  const { sync = 'OutOfSync', health = 'Healthy', revision = 'r1', operation, condition, stale } = told;
  const app: KubeObject = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd', labels },
    spec: { project: 'default', source: { repoURL: 'r', path: name }, destination: { namespace: name } },
  };
  const status: JsonObject = {
    sync: {
      status: sync,
      revision,
      comparedTo: stale === true ? { destination: {} } : comparedTo(app, applicationSpec(app)),
    },
    health: { status: health },
    conditions: condition === undefined ? [] : [{ type: condition, message: 'x' }],
    ...(operation === undefined
      ? {}
      : { operationState: { phase: operation[0], startedAt: before(operation[1]) } }),
  };
  return { ...app, status };
}

function entry(name: string, status: string, ago = 60, revision = 'r1'): JsonObject {
  return {
    application: name,
    status,
    message: '',
    step: '1',
    targetRevisions: [revision],
    lastTransitionTime: before(ago),
  };
}

const step = (value: string, maxUpdate?: JsonValue): JsonObject => ({
  matchExpressions: [{ key: 'env', operator: 'In', values: [value] }],
  ...(maxUpdate === undefined ? {} : { maxUpdate }),
});

function look(
  steps: readonly JsonObject[],
  apps: readonly KubeObject[],
  stands: readonly JsonObject[] = [],
  changed: readonly string[] = [],
) {
  const { statuses, pending, conditions } = lookAtRollout({
    steps: stepsOf(steps, apps),
    before: stands,
    current: apps,
    isChanged: ({ metadata }) => changed.includes(metadata.name),
    now: NOW,
  });
  return {
    states: Object.fromEntries(
      statuses.map((one) => [getString(one, 'application'), getString(one, 'status')]),
    ),
    steps: Object.fromEntries(statuses.map((one) => [getString(one, 'application'), getString(one, 'step')])),
    pending: [...pending],
    conditions: conditions.map(({ status, message }) => `${status} ${message}`),
    statuses,
  };
}

const many = (count: number, told: Told = {}) =>
  Array.from({ length: count }, (_, index) => application(`app-${index}`, { env: 'prod' }, told));

describe('one application of a progressive sync', () => {
  const one = (told: Told, stands?: JsonObject, changed = false) =>
    look(
      [step('dev')],
      [application('a', { env: 'dev' }, told)],
      stands === undefined ? [] : [stands],
      changed ? ['a'] : [],
    ).states['a'];

  it.each<[string, Told, JsonObject | undefined, string]>([
    ['that is new and differs is let go', {}, undefined, 'Pending'],
    ['that is new and there already is done', { sync: 'Synced' }, undefined, 'Healthy'],
    [
      'that is there, and not healthy yet, is on its way',
      { sync: 'Synced', health: 'Degraded' },
      undefined,
      'Progressing',
    ],
    [
      'whose sync was not begun stays let go',
      { operation: ['Succeeded', 90] },
      entry('a', 'Pending'),
      'Pending',
    ],
    [
      'whose sync has begun is on its way',
      { operation: ['Running', 30] },
      entry('a', 'Pending'),
      'Progressing',
    ],
    [
      'whose sync failed stays on its way',
      { operation: ['Failed', 30] },
      entry('a', 'Progressing'),
      'Progressing',
    ],
    [
      'that cannot sync counts as on its way',
      { condition: 'InvalidSpecError' },
      entry('a', 'Pending'),
      'Progressing',
    ],
    [
      'that became healthy is done',
      { sync: 'Synced', operation: ['Succeeded', 30] },
      entry('a', 'Progressing'),
      'Healthy',
    ],
    [
      'whose sync still runs is not done, whatever is said of its health',
      { sync: 'Synced', operation: ['Running', 30] },
      entry('a', 'Progressing'),
      'Progressing',
    ],
    ['of another commit begins anew', { revision: 'r2' }, entry('a', 'Healthy'), 'Pending'],
    ['that drifts stays as it is', {}, entry('a', 'Healthy'), 'Healthy'],
  ])('%s', (_, told, stands, state) => {
    expect(one(told, stands)).toBe(state);
  });

  it('does not count as done by a comparison with the spec that it had before', () => {
    // The set has written another spec, and nobody has compared with that yet.
    expect(one({ sync: 'Synced' }, entry('a', 'Healthy'), true)).toBe('Pending');
    expect(one({ sync: 'Synced', stale: true }, entry('a', 'Progressing'))).toBe('Progressing');
  });

  it('is let go later than its last sync began, so that the two are told apart', () => {
    const { statuses } = look(
      [step('dev')],
      [application('a', { env: 'dev' }, { revision: 'r2', operation: ['Succeeded', 0] })],
      [entry('a', 'Healthy')],
    );
    expect(getString(statuses[0], 'lastTransitionTime')).toBe(kubeTime(NOW + 1000));
  });
});

describe('the steps of a progressive sync', () => {
  it('begin when everything before them is healthy, and leave out what no step selects', () => {
    const apps = (told: Told) => [
      application('dev', { env: 'dev' }, told),
      application('prod', { env: 'prod' }),
      application('other', {}),
    ];
    const waiting = look([step('dev'), step('prod')], apps({}));
    expect(waiting.states).toEqual({ dev: 'Pending', prod: 'Waiting', other: 'Waiting' });
    expect(waiting.steps).toEqual({ dev: '1', prod: '2', other: '-1' });
    expect(waiting.conditions).toEqual([
      'False Rolling Sync Configured correctly',
      'True ApplicationSet is performing rollout of step 1',
    ]);
    const next = look([step('dev'), step('prod')], apps({ sync: 'Synced' }));
    expect(next.pending).toEqual(['prod']);
    expect(next.conditions[1]).toBe('True ApplicationSet is performing rollout of step 2');
  });

  it.each<[JsonValue | undefined, number]>([
    [undefined, 10],
    [3, 3],
    [0, 0],
    ['0%', 0],
    ['25%', 2],
    ['1%', 1],
    ['nonsense', 1],
  ])('let no more go at a time than maxUpdate %s', (maxUpdate, count) => {
    expect(look([step('prod', maxUpdate)], many(10)).pending).toHaveLength(count);
  });

  it('count those that are on their way', () => {
    const stands = [entry('app-0', 'Progressing'), entry('app-1', 'Pending')];
    expect(look([step('prod', 3)], many(5), stands).pending).toEqual(['app-1', 'app-2']);
  });

  it.each<[readonly JsonObject[], string]>([
    [
      [{ matchExpressions: [{ key: 'env', operator: 'Exists', values: [] }] }],
      "Step 1 has invalid matchExpression operators: Exists. Supported Operators are 'In' and 'NotIn'",
    ],
    [[step('prod'), step('prod')], "Application 'app-0' is selected by multiple steps: (1-2)"],
    [[step('prod', 'much')], 'Step 1 has an invalid maxUpdate value: much'],
    [[step('prod'), step('dev')], 'Steps [2] have no applications matching their criteria'],
  ])('say what is wrong with them', (steps, message) => {
    expect(look(steps, many(1)).conditions[0]).toBe(`True ${message}`);
  });

  it('select by every expression, and NotIn also what has no such label', () => {
    const steps = [
      {
        matchExpressions: [
          { key: 'env', operator: 'In', values: ['prod', 'stage'] },
          { key: 'region', operator: 'NotIn', values: ['us'] },
        ],
      },
    ];
    const apps = [
      application('eu', { env: 'prod', region: 'eu' }),
      application('us', { env: 'prod', region: 'us' }),
      application('none', { env: 'stage' }),
      application('dev', { env: 'dev' }),
    ];
    expect(look(steps, apps).steps).toEqual({ dev: '-1', eu: '1', none: '1', us: '-1' });
  });
});
