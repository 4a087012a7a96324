import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../api/contract.ts';
import { controllerFixture, TESTER } from '../controller-fixture.ts';
import type { ControllerFixture } from '../controller-fixture.ts';
import { EVENTS, NODES, PODS } from '../objects.ts';
import type { Node } from '../objects.ts';
import { quantity } from './resources.ts';

let fixture: ControllerFixture;

beforeEach(async () => {
  fixture = await controllerFixture();
});

afterEach(() => fixture.close());

function pod(name: string, spec: object = {}, requests: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'main', image: 'nginx:1', resources: { requests } }], ...spec },
  };
}

const nodeOf = (name: string) => fixture.pods().find((found) => found.metadata.name === name)?.spec.nodeName;
const node = (name: string) => fixture.api.get(NODES, undefined, name) as Node;
const patchNode = (name: string, patch: object) =>
  fixture.api.patch(NODES, undefined, name, 'merge', patch as never, TESTER);

function unscheduled(name: string): string | undefined {
  const found = fixture.pods().find(({ metadata }) => metadata.name === name);
  const condition = found?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return condition?.status === 'False' ? `${condition.reason ?? ''}: ${condition.message ?? ''}` : undefined;
}

describe('the scheduler', () => {
  it('takes the node with the fewest pods', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await fixture.create(PODS, pod(name));
    await fixture.settle();
    expect(['a', 'b', 'c', 'd'].map(nodeOf)).toEqual(['node-1', 'node-2', 'node-3', 'node-1']);
  });

  it('heeds node selectors, affinity, cordons and taints', async () => {
    await patchNode('node-2', { metadata: { labels: { disk: 'ssd' } } });
    await patchNode('node-1', { spec: { unschedulable: true } });
    await patchNode('node-3', { spec: { taints: [{ key: 'only', value: 'db', effect: 'NoSchedule' }] } });
    await fixture.settle();
    await fixture.create(PODS, pod('selects', { nodeSelector: { disk: 'ssd' } }));
    await fixture.create(
      PODS,
      pod('tolerates', {
        tolerations: [{ key: 'only', operator: 'Exists' }],
        nodeSelector: { 'kubernetes.io/hostname': 'node-3' },
      }),
    );
    await fixture.create(PODS, pod('plain'));
    const terms = [{ matchExpressions: [{ key: 'disk', operator: 'NotIn', values: ['ssd'] }] }];
    await fixture.create(
      PODS,
      pod('nowhere', {
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
        },
      }),
    );
    await fixture.settle();
    expect([nodeOf('selects'), nodeOf('tolerates'), nodeOf('plain')]).toEqual(['node-2', 'node-3', 'node-2']);
    expect(unscheduled('nowhere')).toBe(
      "Unschedulable: 0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {only: db}, 1 node(s) were unschedulable. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    );
    expect(node('node-1').spec?.taints).toMatchObject([
      { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
    ]);
  });

  it('says what is short, in an event and a condition, and tries again when there is room', async () => {
    await fixture.create(PODS, pod('big', {}, { cpu: '3' }));
    await fixture.create(PODS, pod('same', {}, { cpu: '3' }));
    await fixture.create(PODS, pod('third', {}, { cpu: '3500m' }));
    await fixture.create(PODS, pod('late', {}, { cpu: '2', memory: '1Gi' }));
    await fixture.settle();
    expect(unscheduled('late')).toBe(
      'Unschedulable: 0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.',
    );
    expect(fixture.messages('FailedScheduling')).toHaveLength(1);
    await fixture.api.delete(PODS, 'default', 'big', { gracePeriodSeconds: 0 });
    await fixture.settle();
    expect(nodeOf('late')).toBe('node-1');
    expect(fixture.messages('Scheduled')).toContain('Successfully assigned default/late to node-1');
  });

  it('schedules what waited for an uncordoned node', async () => {
    for (const name of ['node-1', 'node-2', 'node-3'])
      await patchNode(name, { spec: { unschedulable: true } });
    await fixture.settle();
    await fixture.create(PODS, pod('waits'));
    await fixture.settle();
    expect(nodeOf('waits')).toBeUndefined();
    await patchNode('node-2', { spec: { unschedulable: false } });
    await fixture.settle();
    expect(nodeOf('waits')).toBe('node-2');
    expect(node('node-2').spec?.taints).toBeUndefined();
  });

  it('leaves pods of other schedulers and with gates alone', async () => {
    await fixture.create(PODS, pod('other', { schedulerName: 'mine' }));
    await fixture.create(PODS, pod('gated', { schedulingGates: [{ name: 'wait' }] }));
    await fixture.settle();
    expect([nodeOf('other'), nodeOf('gated')]).toEqual([undefined, undefined]);
  });
});

describe('quantities', () => {
  it.each([
    ['100m', 0.1],
    ['1Gi', 2 ** 30],
    ['2', 2],
    ['1.5k', 1500],
    ['1e3', 1000],
    ['x', 0],
  ])('%s is %d', (text, value) => {
    expect(quantity(text)).toBeCloseTo(value);
  });
});

describe('events', () => {
  it('are gone an hour after the last', async () => {
    await fixture.create(PODS, pod('a'));
    await fixture.settle();
    expect(fixture.messages('Scheduled')).toHaveLength(1);
    await fixture.clock.advance(3_500_000);
    await fixture.settle();
    expect(fixture.api.list(EVENTS).items).not.toHaveLength(0);
    await fixture.clock.advance(600_000);
    await fixture.settle();
    expect(fixture.api.list(EVENTS).items).toHaveLength(0);
  });
});
