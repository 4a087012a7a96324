import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { NOW, YESTERDAY } from '../cluster.fixture.ts';
import { read } from '../reading.ts';
import { ENGINES, engineReading } from './engine/index.ts';
import { healthOffline } from './look.ts';
import { objectHealth } from './object.ts';

const AT = Date.parse(NOW);
const RUNS = { seed: 20_260_301, numRuns: 300 };

const types = fc.constantFrom(
  'Ready',
  'Synced',
  'Available',
  'Reconciling',
  'Stalled',
  'Failed',
  'Degraded',
  'Progressing',
  'Odd',
);
const conditionOf = fc.record({
  type: types,
  status: fc.constantFrom('True', 'False', 'Unknown', ''),
  reason: fc.constantFrom('', 'Done', 'Pending', 'Invalid', 'ReconcileError'),
  observedGeneration: fc.constantFrom(1, 2),
});
const statusOf = fc.record(
  {
    conditions: fc.array(conditionOf, { maxLength: 4 }),
    phase: fc.constantFrom('Ready', 'Failed', 'Pending', 'Weird'),
    observedGeneration: fc.constantFrom(1, 2),
  },
  { requiredKeys: [] },
);

function database(status: JsonValue, writtenAt: string): KubeObject {
  return {
    apiVersion: 'example.com/v1',
    kind: 'Database',
    metadata: { name: 'a', namespace: 'n', generation: 2, creationTimestamp: writtenAt },
    status,
  };
}

function stateOf(object: KubeObject): string {
  return objectHealth({ object, live: read(object), pods: undefined }, AT).state;
}

const KINDS = [
  ['v1', 'Pod'],
  ['v1', 'Service'],
  ['v1', 'PersistentVolumeClaim'],
  ['v1', 'Namespace'],
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'StatefulSet'],
  ['apps/v1', 'DaemonSet'],
  ['apps/v1', 'ReplicaSet'],
  ['batch/v1', 'Job'],
  ['batch/v1', 'CronJob'],
  ['autoscaling/v1', 'HorizontalPodAutoscaler'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'],
  ['policy/v1', 'PodDisruptionBudget'],
  ['networking.k8s.io/v1', 'Ingress'],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
  ['apiregistration.k8s.io/v1', 'APIService'],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'],
  ['argoproj.io/v1alpha1', 'Application'],
  ['argoproj.io/v1alpha1', 'Rollout'],
  ['example.com/v1', 'Database'],
] as const;

describe('strict health, whatever the status says', () => {
  it('is never proven by what is about another generation', () => {
    fc.assert(
      fc.property(statusOf, fc.constantFrom(NOW, YESTERDAY), (status, writtenAt) => {
        const older = {
          ...status,
          observedGeneration: 1,
          conditions: (status.conditions ?? []).map((found) => ({ ...found, observedGeneration: 1 })),
        };
        expect(stateOf(database(older, writtenAt))).not.toBe('proven');
      }),
      RUNS,
    );
  });

  it('is never proven while a condition that should be True is not, or one that should not be is', () => {
    const bad = fc.constantFrom(
      ['Ready', 'False'],
      ['Synced', 'Unknown'],
      ['Stalled', 'True'],
      ['Degraded', 'True'],
    );
    fc.assert(
      fc.property(statusOf, bad, fc.nat({ max: 4 }), (status, [type = '', value = ''], at) => {
        const conditions: JsonObject[] = (status.conditions ?? []).map((found) => ({ ...found }));
        conditions.splice(at, 0, { type, status: value });
        expect(stateOf(database({ ...status, conditions }, NOW))).not.toBe('proven');
      }),
      RUNS,
    );
  });

  it('is the same whatever the order of its conditions, as far as it is proven', () => {
    fc.assert(
      fc.property(statusOf, (status) => {
        const turned = { ...status, conditions: (status.conditions ?? []).toReversed() };
        expect(stateOf(database(turned, NOW)) === 'proven').toBe(stateOf(database(status, NOW)) === 'proven');
      }),
      RUNS,
    );
  });
});

describe('any object from a file', () => {
  const anything = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>;
  const shaped = fc.record({
    kind: fc.constantFrom(...KINDS),
    spec: anything,
    status: fc.oneof(anything, statusOf as fc.Arbitrary<JsonValue>),
    metadata: fc.dictionary(
      fc.constantFrom(
        'annotations',
        'labels',
        'finalizers',
        'generation',
        'deletionTimestamp',
        'managedFields',
        'ownerReferences',
        'creationTimestamp',
      ),
      anything,
    ),
  });

  it('gets an answer from Landfall and from both engines, and never a failure', () => {
    fc.assert(
      fc.property(shaped, ({ kind: [apiVersion, kind], spec, status, metadata }) => {
        const object = {
          apiVersion,
          kind,
          metadata: { ...metadata, name: 'a' },
          spec,
          status,
        } as unknown as KubeObject;
        for (const subject of healthOffline([object], undefined)) {
          const { state, text } = objectHealth(subject, AT);
          expect(['proven', 'moving', 'broken', 'unknown', 'not-applicable']).toContain(state);
          expect(text).not.toBe('');
        }
        for (const engine of ENGINES) engineReading(object, engine, AT);
      }),
      { ...RUNS, numRuns: 500 },
    );
  });
});
