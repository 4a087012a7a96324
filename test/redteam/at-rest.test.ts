import type { JsonObject } from '../../src/kernel/index.ts';
import { scenarios } from './scenarios.ts';
import type { Witness } from './witness.ts';

// KEDA takes a workload to zero pods while nothing happens that it would run for.

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'scaledobjects.keda.sh' },
  spec: {
    group: 'keda.sh',
    scope: 'Namespaced',
    names: {
      kind: 'ScaledObject',
      listKind: 'ScaledObjectList',
      plural: 'scaledobjects',
      singular: 'scaledobject',
    },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
};

const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

/** What KEDA makes of a ScaledObject, and zero pods. */
function toZero(active: 'True' | 'False', spec: JsonObject = {}) {
  return async (witness: Witness, namespace: string): Promise<void> => {
    const { kube } = witness;
    await kube.apply(DEFINITION, { fieldManager: 'keda', force: true });
    kube.forgetKinds();
    const scaler = await kube.create(
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name: 'by-queue', namespace },
        spec: { scaleTargetRef: target, maxReplicaCount: 3, triggers: [], ...spec },
        status: {
          conditions: [
            { type: 'Ready', status: 'True' },
            { type: 'Active', status: active },
          ],
        },
      },
      {},
    );
    const owner = { apiVersion: scaler.apiVersion, kind: scaler.kind, name: 'by-queue', controller: true };
    await kube.create(
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: {
          name: 'keda-hpa-by-queue',
          namespace,
          ownerReferences: [{ ...owner, uid: scaler.metadata.uid ?? '' }],
        },
        spec: {
          scaleTargetRef: target,
          minReplicas: 1,
          maxReplicas: 3,
          metrics: [
            {
              type: 'External',
              external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '5' } },
            },
          ],
        },
      },
      {},
    );
    await witness.kubectl(namespace, 'scale', 'deployment/web', '--replicas=0');
  };
}

scenarios('a workload at zero', {
  resting: {
    says: 'nothing happens, and the ScaledObject may go to zero',
    happens: toZero('False'),
    wanted: 'landed',
  },
  due: {
    says: 'something happens, so that pods are due',
    happens: toZero('True'),
    wanted: 'stopped at traffic: no-endpoints',
  },
  'never-zero': {
    says: 'the ScaledObject keeps one pod at least',
    happens: toZero('False', { minReplicaCount: 1 }),
    wanted: 'stopped at traffic: no-endpoints',
  },
});
