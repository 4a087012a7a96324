import { describe, expect, it } from 'vitest';
import { podFactsOf } from '../../test/pods.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { defaultPullPolicy, selects } from './workload.ts';
import { currentReplicaSet, workloadPods } from './workload-pods.ts';

const template = (image: string, hash?: string): JsonObject => ({
  metadata: { labels: { app: 'a', ...(hash === undefined ? {} : { 'pod-template-hash': hash }) } },
  spec: { containers: [{ name: 'a', image }] },
});

const deployment = (image: string, revision: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'a',
    namespace: 'n',
    uid: 'd',
    generation: 2,
    annotations: { 'deployment.kubernetes.io/revision': revision },
  },
  spec: { template: template(image) },
  status: { observedGeneration: 2 },
});

const set = (name: string, image: string, revision: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: {
    name,
    namespace: 'n',
    uid: name,
    labels: { 'pod-template-hash': name },
    annotations: { 'deployment.kubernetes.io/revision': revision },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'a', uid: 'd', controller: true }],
  },
  spec: { template: template(image, name) },
});

describe('the ReplicaSet of the stored template', () => {
  it('is the one with an equal template, not the one with the revision that is still written', () => {
    expect(
      currentReplicaSet(deployment('a:2', '1'), [set('one', 'a:1', '1'), set('two', 'a:2', '2')])?.metadata
        .name,
    ).toBe('two');
  });

  it('is none while the controller has not made it', () => {
    const behind = { ...deployment('a:3', '2'), status: { observedGeneration: 1 } };
    expect(currentReplicaSet(behind, [set('one', 'a:1', '1'), set('two', 'a:2', '2')])).toBeUndefined();
  });

  it('is found by its revision where a newer server added a default to only one of the two', () => {
    expect(
      currentReplicaSet(deployment('a:2-defaulted', '2'), [set('one', 'a:1', '1'), set('two', 'a:2', '2')])
        ?.metadata.name,
    ).toBe('two');
  });

  it('is never one that somebody else owns', () => {
    const foreign = set('two', 'a:2', '2');
    const other = { ...foreign, metadata: { ...foreign.metadata, ownerReferences: [] } };
    expect(currentReplicaSet(deployment('a:2', '2'), [other])).toBeUndefined();
  });
});

describe('the pods of a workload', () => {
  const pod = (name: string, owner: string) =>
    podFactsOf({
      name,
      namespace: 'n',
      owner: { kind: 'ReplicaSet', name: owner, uid: owner },
      container: 'a',
      digest: '',
      ready: true,
      createdAt: '',
    });

  it('are split into those of the stored template and those of earlier ones; strangers are neither', () => {
    const found = workloadPods(
      deployment('a:2', '2'),
      { state: 'read', value: [pod('p1', 'one'), pod('p2', 'two'), pod('p3', 'somebody')] },
      { state: 'read', value: [set('one', 'a:1', '1'), set('two', 'a:2', '2')] },
    );
    expect(
      found.state === 'read' && [
        found.value.current.map((one) => one.name),
        found.value.old.map((one) => one.name),
      ],
    ).toEqual([['p2'], ['p1']]);
  });

  it('are unknown, not none, when they could not be listed', () => {
    const denied = { state: 'unreadable' as const, why: 'forbidden', code: 'denied' };
    expect(workloadPods(deployment('a', '1'), denied, { state: 'read', value: [] }).state).toBe('unreadable');
    expect(workloadPods(deployment('a', '1'), { state: 'read', value: [] }, denied).state).toBe('unreadable');
  });
});

describe('the pull policy that the API server writes when none is given', () => {
  it.each([
    ['app', 'Always'],
    ['app:latest', 'Always'],
    ['app:1.2', 'IfNotPresent'],
    ['host:5000/app', 'Always'],
    ['host:5000/app:1', 'IfNotPresent'],
    [`app@sha256:${'a'.repeat(64)}`, 'IfNotPresent'],
    [`app:latest@sha256:${'a'.repeat(64)}`, 'Always'],
  ])('for %s is %s', (image, policy) => {
    expect(defaultPullPolicy(image)).toBe(policy);
  });
});

describe('a selector', () => {
  it('selects what carries all of its labels, and an empty one nothing', () => {
    expect(selects({ a: '1' }, { a: '1', b: '2' })).toBe(true);
    expect(selects({ a: '1', b: '3' }, { a: '1', b: '2' })).toBe(false);
    expect(selects({}, { a: '1' })).toBe(false);
    expect(selects(undefined, {})).toBe(false);
  });
});
