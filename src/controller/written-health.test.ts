import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { ownDeadlineMs, progressOf, telling, wasUsable, writtenHealth } from './written-health.ts';

function object(kind: string, apiVersion: string, status: JsonObject, spec: JsonObject = {}): KubeObject {
  return { apiVersion, kind, metadata: { name: 'web', namespace: 'shop', generation: 1 }, spec, status };
}

const deployment = (status: JsonObject, spec: JsonObject = {}) =>
  object(
    'Deployment',
    'apps/v1',
    { observedGeneration: 1, ...status },
    { replicas: 1, template: { spec: { containers: [{ name: 'main', image: 'web:1' }] } }, ...spec },
  );
const healthy = deployment({ replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1 });
const rolling = deployment({ replicas: 1, updatedReplicas: 0 });
const failed = deployment({
  conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }],
});
const paused = deployment({ conditions: [] }, { paused: true });
const balancer = object('Service', 'v1', { loadBalancer: {} }, { type: 'LoadBalancer' });
const custom = (status: string) =>
  object('Widget', 'corp.io/v1', { conditions: [{ type: 'Ready', status, message: 'busy' }] });
const stalled = object('Widget', 'corp.io/v1', {
  conditions: [{ type: 'Stalled', status: 'True', message: 'it cannot' }],
});

function judge(live: KubeObject | undefined, before?: KubeObject) {
  const after = live ?? healthy;
  const ref = { apiVersion: after.apiVersion, kind: after.kind, namespace: 'shop', name: 'web' };
  const { waiting, reasons } = writtenHealth([{ ref, before, after }], [live]);
  return [waiting.length, reasons.length];
}

describe('what a sync wrote counts against it', () => {
  it.each<[string, KubeObject | undefined, KubeObject | undefined, number[]]>([
    ['not while it is healthy', healthy, healthy, [0, 0]],
    ['where a workload gets no further', rolling, healthy, [1, 1]],
    ['where a new workload gets no further', rolling, undefined, [1, 1]],
    ['where it has failed', failed, healthy, [1, 1]],
    ['not where it had failed before', failed, failed, [1, 0]],
    ['not where somebody paused it', paused, healthy, [1, 0]],
    ['not where nobody provides a load balancer', balancer, undefined, [1, 0]],
    ['not while its own controller takes its time', custom('False'), custom('True'), [1, 0]],
    ['where its own controller says that it cannot', stalled, custom('True'), [1, 1]],
    ['not where somebody deleted it', undefined, healthy, [0, 0]],
  ])('%s', (_, live, before, wanted) => {
    expect(judge(live, before)).toEqual(wanted);
  });

  it('only where it can tell something, and nothing of hooks and prunes', () => {
    const config = { ...healthy, apiVersion: 'v1', kind: 'ConfigMap' };
    const step = (action: 'create' | 'prune' | 'hook', after: KubeObject) => ({
      action,
      before: undefined,
      after,
    });
    const found = telling([
      step('create', healthy),
      step('create', config),
      step('hook', healthy),
      step('prune', healthy),
    ]);
    expect(found.map(({ ref }) => ref.kind)).toEqual(['Deployment']);
  });

  it('by the longest deadline that a manifest gives, and as long as no more pods come up', () => {
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const slow = deployment({}, { progressDeadlineSeconds: 1200 });
    expect(ownDeadlineMs([{ ref, before: undefined, after: healthy }])).toBe(0);
    expect(
      ownDeadlineMs([
        { ref, before: undefined, after: healthy },
        { ref, before: undefined, after: slow },
      ]),
    ).toBe(1_200_000);
    expect(progressOf([healthy, undefined])).toBeGreaterThan(progressOf([rolling]));
  });

  it('never where what was there before had failed', () => {
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    expect(wasUsable([{ ref, before: failed, after: healthy }])).toBe(false);
    expect(
      wasUsable([
        { ref, before: rolling, after: healthy },
        { ref, before: undefined, after: healthy },
      ]),
    ).toBe(true);
  });
});
