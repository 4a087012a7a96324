import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { containerOf, NOW, podOf, workloadOf } from '../cluster.fixture.ts';
import { staleConfiguration } from './configuration.ts';
import { decideRollout } from './decide.ts';
import type { DigestCheck } from './decide.ts';

const CHANGED = '2026-03-01T11:00:00Z';
const BEFORE = '2026-03-01T10:00:00Z';
const AFTER = '2026-03-01T11:30:00Z';

function configMap(change: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'settings',
      namespace: 'n',
      uid: 'c',
      creationTimestamp: BEFORE,
      managedFields: [
        { manager: 'm', operation: 'Apply', time: CHANGED, fieldsV1: { 'f:data': { 'f:MODE': {} } } },
        {
          manager: 'labeller',
          operation: 'Update',
          time: NOW,
          fieldsV1: { 'f:metadata': { 'f:labels': {} } },
        },
      ],
      ...change,
    },
    data: { MODE: 'new' },
  };
}

const inEnvironment = { envFrom: [{ configMapRef: { name: 'settings' } }] };
const byKey = {
  env: [{ name: 'MODE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'MODE' } } }],
};

function deployment(container: JsonObject, volumes: readonly JsonObject[] = []): KubeObject {
  return workloadOf(
    'Deployment',
    {
      replicas: 1,
      template: { spec: { containers: [{ name: 'a', image: 'a:1', ...container }], volumes: [...volumes] } },
    },
    { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
  );
}

function stateOf(live: KubeObject, createdAt: string, startedAt: string, map = configMap()): string {
  const pod = podOf('p', { createdAt, containers: [containerOf({ startedAt })] });
  const value = { current: [pod], old: [], currentHash: undefined, replicaSet: undefined };
  const { state, reason } = decideRollout(
    [
      {
        object: live,
        live: { state: 'read', value: live },
        pods: { state: 'read', value },
        checks: [CHECK],
        autoscaled: false,
        configuration: staleConfiguration(live, [pod], [map]),
      },
    ],
    NOW,
    { acceptSimulated: false },
  );
  return `${state} ${reason}`;
}

const CHECK: DigestCheck = {
  pod: 'p',
  container: 'a',
  role: 'main',
  imageID: 'x',
  digest: undefined,
  expected: 'x',
  outcome: 'match',
  why: '',
};

describe('a ConfigMap that changed while the template did not', () => {
  it('breaks the rollout where a container read it into its environment before', () => {
    for (const reader of [inEnvironment, byKey])
      expect(stateOf(deployment(reader), BEFORE, BEFORE)).toBe('broken configuration-stale');
  });

  it('is in force where the pod, or only the container, began after it', () => {
    expect(stateOf(deployment(inEnvironment), AFTER, AFTER)).toBe('proven replaced');
    expect(stateOf(deployment(inEnvironment), BEFORE, AFTER)).toBe('proven replaced');
  });

  it('is in force where only its labels were written since', () => {
    expect(stateOf(deployment(inEnvironment), '2026-03-01T11:00:00Z', AFTER)).toBe('proven replaced');
  });

  it('decides nothing where the clocks of node and server are too close to tell', () => {
    expect(stateOf(deployment(inEnvironment), BEFORE, '2026-03-01T11:00:03Z')).toBe(
      'unknown configuration-undecided',
    );
    // The pod's own time and the change are of one clock.
    expect(stateOf(deployment(inEnvironment), CHANGED, '2026-03-01T10:59:58Z')).toBe('proven replaced');
  });

  it('was waited for by a container that could not start without it', () => {
    const born = configMap({ creationTimestamp: CHANGED });
    expect(stateOf(deployment(inEnvironment), BEFORE, '2026-03-01T11:00:03Z', born)).toBe('proven replaced');
  });

  it('leaves readers of a mounted file unknown, and breaks those of a subPath, which is never renewed', () => {
    const volumes = [{ name: 'v', configMap: { name: 'settings' } }];
    const mount = { name: 'v', mountPath: '/etc/a' };
    expect(stateOf(deployment({ volumeMounts: [mount] }, volumes), BEFORE, BEFORE)).toBe(
      'unknown configuration-mounted',
    );
    expect(
      stateOf(deployment({ volumeMounts: [{ ...mount, subPath: 'MODE' }] }, volumes), BEFORE, BEFORE),
    ).toBe('broken configuration-stale');
    expect(stateOf(deployment({ volumeMounts: [mount] }, volumes), AFTER, AFTER)).toBe('proven replaced');
    expect(stateOf(deployment({}, volumes), BEFORE, BEFORE)).toBe('proven replaced');
  });

  it('is nothing to those who do not read it', () => {
    const other = { envFrom: [{ secretRef: { name: 'settings' } }] };
    expect(stateOf(deployment(other), BEFORE, BEFORE)).toBe('proven replaced');
  });
});

describe('a Secret that changed', () => {
  it('breaks the rollout without a word of what it holds', () => {
    const secret: KubeObject = { ...configMap(), kind: 'Secret', data: { TOKEN: 'aHVudGVyMg==' } };
    const live = deployment({ envFrom: [{ secretRef: { name: 'settings' } }] });
    expect(stateOf(live, BEFORE, BEFORE, secret)).toBe('broken configuration-stale');
    const pod = podOf('p', { createdAt: BEFORE, containers: [containerOf({ startedAt: BEFORE })] });
    expect(JSON.stringify(staleConfiguration(live, [pod], [secret]))).not.toContain('aHVudGVy');
  });
});
