import { describe, expect, it } from 'vitest';
import { findingsOf } from '../src/verdict/index.ts';
import type { Finding } from '../src/verdict/index.ts';
import { object, world } from './findings-worlds.ts';

interface Shape {
  readonly budget: string;
  readonly selector?: string;
  /** YAML of the rest of each Deployment's spec. */
  readonly deployments: readonly string[];
  readonly more?: string;
  readonly kind?: string;
}

function found({ budget, selector, deployments, more, kind = 'Deployment' }: Shape): Finding | undefined {
  const desired = [
    ...object(
      `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: api}, spec: {${budget}, selector: ${selector ?? '{matchLabels: {app: api}}'}}}`,
    ),
    ...deployments.flatMap((spec, index) =>
      object(
        `{apiVersion: apps/v1, kind: ${kind}, metadata: {name: api-${index + 1}}, spec: {${spec}, selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api, n: "${index + 1}"}}, spec: {containers: [{name: main, image: "a:1"}]}}}}`,
      ),
    ),
    ...(more === undefined ? [] : object(more)),
  ];
  return findingsOf(world({ desired })).find(({ id }) => id === 'budget-allows-no-disruption');
}

const HPA = (least: string) =>
  `{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: api}, spec: {${least} maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api-1}}}`;

describe('a disruption budget that lets no pod go', () => {
  it.each<[string, Shape, string | undefined]>([
    ['one replica', { budget: 'minAvailable: 1', deployments: ['replicas: 1'] }, 'minAvailable 1 of 1'],
    [
      'replicas left out',
      { budget: 'minAvailable: 1', deployments: ['paused: false'] },
      'minAvailable 1 of 1',
    ],
    ['two replicas', { budget: 'minAvailable: 1', deployments: ['replicas: 2'] }, undefined],
    ['no replicas', { budget: 'minAvailable: 1', deployments: ['replicas: 0'] }, undefined],
    [
      'a share rounds up',
      { budget: 'minAvailable: 60%', deployments: ['replicas: 2'] },
      'minAvailable 60% of 2',
    ],
    ['half of two', { budget: 'minAvailable: 50%', deployments: ['replicas: 2'] }, undefined],
    ['none may go', { budget: 'maxUnavailable: 0', deployments: ['replicas: 5'] }, 'maxUnavailable 0 of 5'],
    [
      'a share that rounds to one',
      { budget: 'maxUnavailable: 10%', deployments: ['replicas: 1'] },
      undefined,
    ],
    [
      'none of a share',
      { budget: 'maxUnavailable: 0%', deployments: ['replicas: 3'] },
      'maxUnavailable 0% of 3',
    ],
    [
      'one budget over two',
      { budget: 'minAvailable: 1', deployments: ['replicas: 1', 'replicas: 1'] },
      undefined,
    ],
    [
      'both of two',
      { budget: 'minAvailable: 2', deployments: ['replicas: 1', 'replicas: 1'] },
      'minAvailable 2 of 2',
    ],
    [
      'an autoscaler that keeps two',
      { budget: 'minAvailable: 1', deployments: ['paused: false'], more: HPA('minReplicas: 2,') },
      undefined,
    ],
    [
      'an autoscaler that goes down to one',
      { budget: 'minAvailable: 1', deployments: ['paused: false'], more: HPA('') },
      'minAvailable 1 of 1',
    ],
    [
      'other pods',
      { budget: 'minAvailable: 1', selector: '{matchLabels: {app: web}}', deployments: ['replicas: 1'] },
      undefined,
    ],
    [
      'an expression that may leave pods out',
      {
        budget: 'minAvailable: 1',
        selector: '{matchLabels: {app: api}, matchExpressions: [{key: n, operator: NotIn, values: ["1"]}]}',
        deployments: ['replicas: 1'],
      },
      undefined,
    ],
  ])('%s', (_name, shape, wanted) => {
    expect(found(shape)?.title.split(': ')[1]).toBe(wanted);
  });

  it('says to scale first, and that the update is the work of the Deployment', () => {
    const finding = found({ budget: 'minAvailable: 1', deployments: ['replicas: 1'] });
    expect(finding?.kind).toBe('risk');
    expect(finding?.immediateFix.text).toBe(
      'Before maintenance of a node scale to 2 in Git, and drain when that has landed.',
    );
    expect(finding?.explanation).toEqual([
      'No node with such a pod can be drained, by a person or by an autoscaler of nodes: each eviction is refused (429).',
      'In a rolling update it has no part: the Deployment keeps the old pods until new ones are ready, because maxUnavailable 25% of 1 is none.',
    ]);
  });

  it('does not advise more replicas where more replicas would not help', () => {
    const finding = found({ budget: 'maxUnavailable: 0', deployments: ['replicas: 3'] });
    expect(finding?.immediateFix.text).toBe('Let one pod go, in Git: maxUnavailable 1.');
  });

  it.each([
    ['replicas: 1, strategy: {type: Recreate}', 'takes all pods away'],
    ['replicas: 1, strategy: {rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}', 'takes 1 of 1 away'],
    ['replicas: 1, strategy: {rollingUpdate: {maxUnavailable: 25%, maxSurge: 0}}', 'takes 1 of 1 away'],
    ['replicas: 1, strategy: {rollingUpdate: {maxUnavailable: 100%}}', 'takes 1 of 1 away'],
    ['replicas: 3, strategy: {rollingUpdate: {maxUnavailable: 0}}', 'maxUnavailable 0 of 3 is none'],
  ])('%s', (spec, wanted) => {
    const finding = found({ budget: 'maxUnavailable: 0', deployments: [spec] });
    expect(finding?.explanation.join(' ')).toContain(wanted);
  });

  it('knows that a StatefulSet lets its pod go before it has another', () => {
    const finding = found({ budget: 'minAvailable: 1', deployments: ['replicas: 1'], kind: 'StatefulSet' });
    expect(finding?.explanation.join(' ')).toContain('takes each pod away before');
  });
});
