import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { autoscalersOf } from './autoscaler.ts';

const WEB: KubeObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };

function scaler(more: JsonObject = {}, target = 'web'): KubeObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', ...more },
    spec: { minReplicas: 2, maxReplicas: 9, scaleTargetRef: { kind: 'Deployment', name: target } },
  };
}

function at(replicas: number, manager: string): KubeObject {
  const fieldsV1 = { 'f:spec': { 'f:replicas': {} } };
  return {
    ...WEB,
    metadata: { name: 'web', managedFields: [{ manager, subresource: 'scale', fieldsV1 }] },
    spec: { replicas },
  };
}

describe('a replica count and the autoscalers of its workload', () => {
  it.each([
    ['within the bounds, whoever wrote it', 4, 'kubectl', ['web']],
    ['out of the bounds, by the autoscaler', 12, 'kube-controller-manager', ['web']],
    ['out of the bounds, by a person', 12, 'kubectl', []],
    ['out of the bounds, by nobody known', 12, 'my-script', []],
    ['zero by a person, which switches the autoscaler off', 0, 'kubectl', []],
  ] as const)('%s', (_what, replicas, manager, owners) => {
    expect(autoscalersOf(WEB, at(replicas, manager), { state: 'read', value: [scaler()] })).toEqual(owners);
  });

  it('zero is within the bounds of an autoscaler that KEDA made', () => {
    const owner = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'web', uid: 'u' };
    const made = scaler({ ownerReferences: [owner] });
    expect(autoscalersOf(WEB, at(0, 'kubectl'), { state: 'read', value: [made] })).toEqual(['web']);
  });

  it('one that targets another workload owns nothing here', () => {
    expect(autoscalersOf(WEB, at(4, 'kubectl'), { state: 'read', value: [scaler({}, 'api')] })).toEqual([]);
  });
});
