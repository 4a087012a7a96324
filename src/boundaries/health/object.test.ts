import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import { JUST_NOW, NOW, YESTERDAY } from '../cluster.fixture.ts';
import { read } from '../reading.ts';
import type { HealthSubject } from './facts.ts';
import { objectHealth } from './object.ts';
import { health, text, object, conditions, labelled, event, check, UNREAD } from './object.fixture.ts';

describe('storage', () => {
  const claim = (phase: string, at = JUST_NOW) =>
    object('v1', 'PersistentVolumeClaim', { spec: { storageClassName: 'late' }, status: { phase } }, at);
  const late = {
    ...object('storage.k8s.io/v1', 'StorageClass', { volumeBindingMode: 'WaitForFirstConsumer' }),
  };
  const storageClasses = [{ ...late, metadata: { name: 'late' } }];
  const user = labelled('a', { claims: ['a'] });
  check([
    ['is bound', claim('Bound'), 'proven bound'],
    ['is lost', claim('Lost'), 'broken volume-lost'],
    ['is on its way', claim('Pending'), 'moving not-bound'],
    ['is overdue', claim('Pending', YESTERDAY), 'broken not-bound'],
    [
      'may wait for somebody where nothing was read',
      claim('Pending', YESTERDAY),
      'unknown not-bound',
      { unread: true },
    ],
    [
      'waits for nobody on purpose',
      claim('Pending', YESTERDAY),
      'not-applicable waits-for-consumer',
      { storageClasses },
    ],
    ['waits while a pod wants it', claim('Pending'), 'moving not-bound', { storageClasses, pods: [user] }],
    [
      'cannot be made',
      claim('Pending'),
      'moving provisioning-failed',
      { events: [event('ProvisioningFailed', 'no space', NOW)] },
    ],
    [
      'is a volume that nobody claims',
      object('v1', 'PersistentVolume', { status: { phase: 'Available' } }),
      'proven available',
    ],
    [
      'is a volume that failed',
      object('v1', 'PersistentVolume', { status: { phase: 'Failed' } }),
      'broken volume-failed',
    ],
  ]);
});

describe('what extends the API', () => {
  const definition = (status: JsonObject, at = JUST_NOW) =>
    object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', { status }, at);
  const service = (status: JsonObject, spec: JsonObject = { service: { name: 'm' } }, at = JUST_NOW) =>
    object('apiregistration.k8s.io/v1', 'APIService', { spec, status }, at);
  const namespace = (phase: string) => object('v1', 'Namespace', { status: { phase } });
  check([
    [
      'is established',
      definition(conditions(['NamesAccepted', 'True'], ['Established', 'True'])),
      'proven established',
    ],
    [
      'has names that are taken',
      definition(conditions(['NamesAccepted', 'False', 'Conflict'])),
      'broken names-refused',
    ],
    [
      'has a schema that is not structural, though it is established',
      definition(conditions(['NonStructuralSchema', 'True', 'Violations'], ['Established', 'True'])),
      'broken schema-refused',
    ],
    [
      'is being installed',
      definition(conditions(['Established', 'False', 'Installing'])),
      'moving not-established',
    ],
    ['answers', service(conditions(['Available', 'True'])), 'proven available'],
    [
      'does not',
      service(conditions(['Available', 'False', 'MissingEndpoints']), {}, YESTERDAY),
      'broken not-available',
    ],
    ['is the API server itself', service({}, {}), 'proven local'],
    ['is a namespace', namespace('Active'), 'not-applicable passive'],
    ['is one that goes away', namespace('Terminating'), 'broken namespace-terminating'],
  ]);
});

describe('a kind that nobody knows', () => {
  const custom = (status: JsonObject, at = JUST_NOW, spec: JsonObject = {}) =>
    object('db.example.com/v1', 'Database', { spec, status: { observedGeneration: 2, ...status } }, at);
  const unnamed = (status: JsonObject, at = JUST_NOW) => custom({ observedGeneration: null, ...status }, at);
  const stale = { conditions: [{ type: 'Ready', status: 'True', observedGeneration: 1 }] };
  const answered = unnamed(conditions(['Ready', 'True']));
  answered.metadata.managedFields = [
    { manager: 'm', operation: 'Apply', time: JUST_NOW, fieldsV1: {} },
    { manager: 'c', operation: 'Update', subresource: 'status', time: NOW, fieldsV1: {} },
  ];
  check([
    ['is healthy by a condition', custom(conditions(['Ready', 'True'])), 'proven condition'],
    [
      'is not by one of two',
      custom(conditions(['Ready', 'True'], ['Synced', 'False', 'ReconcileError'])),
      'moving condition',
    ],
    ['is not by one about an earlier generation', custom(stale), 'moving not-observed'],
    ['is not known by it for ever', custom(stale, YESTERDAY), 'unknown not-observed'],
    [
      'is not while its controller is behind',
      custom({ observedGeneration: 1, ...conditions(['Ready', 'True']) }),
      'moving not-observed',
    ],
    [
      'is stalled, whatever the deadline',
      custom(conditions(['Stalled', 'True'], ['Ready', 'True'])),
      'broken stalled',
    ],
    [
      'is being reconciled, though Ready',
      custom(conditions(['Reconciling', 'True'], ['Ready', 'True'])),
      'moving reconciling',
    ],
    [
      'is invalid at once',
      custom(conditions(['Ready', 'False', 'InvalidConfiguration'])),
      'broken condition',
    ],
    ['may be ready later', custom(conditions(['Ready', 'False', 'Pending'])), 'moving condition'],
    [
      'was not ready in time',
      custom(conditions(['Ready', 'False', 'Pending']), YESTERDAY),
      'broken condition',
    ],
    ['is suspended', custom(conditions(['Ready', 'True']), JUST_NOW, { suspend: true }), 'unknown suspended'],
    [
      'names no generation right after a change',
      unnamed(conditions(['Ready', 'True'])),
      'moving not-observed',
    ],
    [
      'names none, and had time to object',
      unnamed(conditions(['Ready', 'True']), YESTERDAY),
      'proven condition',
    ],
    ['names none, and spoke after the change', answered, 'proven condition'],
    ['says nothing', custom({}), 'unknown no-condition'],
    ['says a word about something older', unnamed({ phase: 'Ready' }), 'unknown no-generation'],
    ['says a word about this', custom({ phase: 'Ready', observedGeneration: 2 }), 'proven phase'],
    ['says that it failed', custom({ phase: 'Failed' }, YESTERDAY), 'broken phase'],
  ]);

  const route = (...parents: readonly JsonObject[]) =>
    object('gateway.networking.k8s.io/v1', 'HTTPRoute', { status: { parents: [...parents] } });
  const parent = (status: string, observedGeneration = 2, type = 'Accepted'): JsonObject => ({
    conditions: [{ type, status, observedGeneration }],
  });
  check([
    ['is a route that each of its parents takes', route(parent('True'), parent('True')), 'proven condition'],
    ['is one that a parent does not take', route(parent('True'), parent('False')), 'moving condition'],
    ['is one that a parent took before', route(parent('True', 1)), 'moving not-observed'],
    ['is one that left a parent', route(parent('False', 1), parent('True')), 'proven condition'],
  ]);

  it('is being deleted, and says what holds it', () => {
    const leaving = custom(conditions(['Ready', 'True']));
    leaving.metadata.deletionTimestamp = NOW;
    leaving.metadata.finalizers = ['example.com/keep'];
    expect(health(leaving)).toBe('broken deleting');
    expect(text(leaving)).toContain('example.com/keep');
  });
});

describe('an Application among the objects', () => {
  const application = (status: JsonObject, at = JUST_NOW) =>
    object('argoproj.io/v1alpha1', 'Application', { spec: { source: { path: 'new' } }, status }, at);
  const good = { sync: { status: 'Synced' }, health: { status: 'Healthy' } };
  const older = { ...good, sync: { status: 'Synced', comparedTo: { source: { path: 'old' } } } };
  check([
    ['is synced and healthy', application(good), 'proven synced'],
    ['is so about another source', application(older), 'moving not-observed'],
    [
      'is degraded',
      application({ ...good, health: { status: 'Degraded' } }, YESTERDAY),
      'broken not-healthy',
    ],
    [
      'cannot be compared',
      application({ ...good, conditions: [{ type: 'ComparisonError' }] }, YESTERDAY),
      'broken application-error',
    ],
    ['has not been looked at', application({}), 'moving not-observed'],
  ]);
});

describe('any object', () => {
  it('is not known when it could not be read, and broken when it is not there', () => {
    const given = object('v1', 'ConfigMap');
    const of = (live: HealthSubject['live']) => {
      const { state, reason } = objectHealth({ object: given, live, pods: undefined }, Date.parse(NOW));
      return `${state} ${reason}`;
    };
    expect(of(UNREAD)).toBe('unknown unreadable');
    expect(of({ state: 'absent', why: 'gone' })).toBe('broken missing');
    expect(of(read(given))).toBe('not-applicable passive');
  });
});
