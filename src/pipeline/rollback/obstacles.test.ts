import { expect, test } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { ObjectChange } from '../../kustomize/index.ts';
import { obstaclesOf } from './obstacles.ts';
import type { ObstacleFacts } from './obstacles.ts';

const NOTHING: ObstacleFacts = {
  changes: [],
  now: [],
  before: [],
  missing: [],
  unread: [],
  neverLanded: undefined,
};

function check(facts: Partial<ObstacleFacts>): readonly string[] {
  return obstaclesOf({ ...NOTHING, ...facts }).map(({ code, certain }) => `${code}${certain ? '!' : ''}`);
}

function changed(kind: string, ...path: readonly string[]): ObjectChange {
  return {
    change: 'changed',
    apiVersion: 'apps/v1',
    kind,
    namespace: 'shop',
    name: 'shop',
    fields: [{ path, before: 'a', after: 'b', cause: undefined }],
    cause: undefined,
  };
}

function job(image: string, annotations: Record<string, string> = {}): KubeObject {
  const template: JsonObject = { spec: { containers: [{ name: 'migrate', image }] } };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'migrate', annotations },
    spec: { template },
  };
}

test('nothing stands in the way of other images', () => {
  expect(
    check({ changes: [changed('Deployment', 'spec', 'template', 'spec', 'containers', 'name=a', 'image')] }),
  ).toEqual([]);
  expect(check({})).toEqual([]);
});

test.each([
  ['Deployment', ['spec', 'selector', 'matchLabels', 'app'], true],
  ['StatefulSet', ['spec', 'volumeClaimTemplates'], true],
  ['StatefulSet', ['spec', 'serviceName'], true],
  ['StatefulSet', ['spec', 'replicas'], false],
  ['Job', ['spec', 'template', 'spec', 'containers', 'name=a', 'image'], true],
  ['Service', ['spec', 'clusterIP'], true],
  ['Service', ['spec', 'ports', 'port=80', 'targetPort'], false],
  ['PersistentVolumeClaim', ['spec', 'storageClassName'], true],
  ['PersistentVolumeClaim', ['spec', 'resources', 'requests', 'storage'], false],
  ['RoleBinding', ['roleRef', 'name'], true],
])('a change of %s %j is refused by the API server: %s', (kind, path, immutable) => {
  expect(check({ changes: [changed(kind, ...path)] })).toEqual(immutable ? ['rollback-immutable!'] : []);
});

test('a hook is made anew, so nothing of it is fixed', () => {
  const changes = [{ ...changed('Job', 'spec', 'template', 'spec'), name: 'migrate' }];
  const after = { 'argocd.argoproj.io/hook': 'PostSync' };
  expect(check({ changes, now: [job('app:2', after)], before: [] })).toEqual([]);
  expect(check({ changes, now: [job('app:2')], before: [job('app:2')] })).toEqual(['rollback-immutable!']);
});

test('what the API server would not take cannot be overcome, and is told once', () => {
  expect(check({ refused: ['ConfigMap/shop: field is immutable'] })).toEqual(['rollback-server-refuses!']);
  expect(
    check({
      changes: [changed('StatefulSet', 'spec', 'serviceName')],
      refused: ['StatefulSet/shop: Forbidden: updates to statefulset spec'],
    }),
  ).toEqual(['rollback-immutable!']);
});

test('what keeps data and would be removed is named, other objects are not', () => {
  const gone = (kind: string): ObjectChange => ({ ...changed(kind), change: 'removed', fields: [] });
  for (const kind of ['PersistentVolumeClaim', 'CustomResourceDefinition', 'StatefulSet'])
    expect(check({ changes: [gone(kind)] })).toEqual(['rollback-loses-data']);
  expect(check({ changes: [gone('ConfigMap')] })).toEqual([]);
});

test('a job or a hook before the sync that differs is a migration; one after it, or the same one, is none', () => {
  const hook = { 'argocd.argoproj.io/hook': 'PreSync' };
  const migrated = ['rollback-migration'];
  expect(check({ now: [job('app:2')], before: [job('app:1')] })).toEqual(migrated);
  expect(check({ now: [job('app:2', hook)], before: [] })).toEqual(migrated);
  expect(check({ now: [job('app:2', { 'helm.sh/hook': 'pre-install,pre-upgrade' })], before: [] })).toEqual(
    migrated,
  );
  expect(check({ now: [job('app:1', hook)], before: [job('app:1', hook)] })).toEqual([]);
  expect(check({ now: [job('app:2', { 'argocd.argoproj.io/hook': 'PostSync' })], before: [] })).toEqual([]);
});

test('an image that is gone cannot be overcome; one that is not known, and a release that never landed, can', () => {
  expect(check({ missing: ['r/a@sha256:1'], unread: ['r/b'], neverLanded: 'd1: stopped' })).toEqual([
    'rollback-image-gone!',
    'rollback-image-unread',
    'rollback-never-landed',
  ]);
});
