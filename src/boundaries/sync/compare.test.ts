import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { fieldPath } from '../live/index.ts';
import type { IgnoreRule } from './application.ts';
import { comparePair, pairObjects } from './compare.ts';
import { trackedBy, trackingId, withTracking } from './tracking.ts';

const container = { name: 'app', image: 'registry.corp.io/app:1' };

function deployment(spec: JsonObject, metadata: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'comms', ...metadata },
    spec,
  };
}

const template = (...containers: JsonObject[]): JsonObject => ({ template: { spec: { containers } } });

function check(desired: KubeObject, live: KubeObject, ignore: Partial<IgnoreRule>[] = []) {
  const rule = { group: 'apps', kind: 'Deployment', name: '', namespace: '' };
  const none = { jsonPointers: [], managers: [], jqPathExpressions: [] };
  const compared = comparePair(
    { key: 'k', desired, live },
    { manager: 'landfall', ignore: ignore.map((part) => ({ ...rule, ...none, ...part })) },
  );
  return [compared.status, ...compared.differences.map((difference) => fieldPath(difference.path))];
}

const owned = (manager: string, fieldsV1: JsonObject, operation = 'Apply') => ({
  managedFields: [{ manager, operation, apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1 }],
});

describe('the comparison of Git with the cluster', () => {
  it('is Synced when the cluster holds every field that Git asks for, whatever else it holds', () => {
    const live = deployment(
      {
        ...template(
          { ...container, imagePullPolicy: 'Always', terminationMessagePath: '/x' },
          { name: 'injected' },
        ),
        replicas: 1,
      },
      { uid: 'u', labels: { added: 'yes' }, annotations: { 'deployment.kubernetes.io/revision': '4' } },
    );
    expect(check(deployment(template(container)), live)).toEqual(['Synced']);
  });

  it('is OutOfSync with the path of each field that the cluster holds otherwise', () => {
    const live = deployment({ ...template({ ...container, image: 'other' }), replicas: 5 });
    expect(check(deployment({ ...template(container), replicas: 3 }), live)).toEqual([
      'OutOfSync',
      'spec.template.spec.containers[0].image',
      'spec.replicas',
    ]);
  });

  it('is OutOfSync when the cluster keeps what this manager applied and Git dropped', () => {
    const fields = {
      'f:spec': {
        'f:paused': {},
        'f:template': {
          'f:spec': { 'f:containers': { 'k:{"name":"app"}': { '.': {}, 'f:image': {}, 'f:command': {} } } },
        },
      },
    };
    const spec = { ...template({ ...container, command: ['x'] }), paused: true };
    const wanted = deployment(template(container));
    const paths = ['OutOfSync', 'spec.paused', 'spec.template.spec.containers[0].command'];
    expect(check(wanted, deployment(spec, owned('landfall', fields)))).toEqual(paths);
    expect(check(wanted, deployment(spec, owned('somebody', fields)))).toEqual(['Synced']);
    expect(check(wanted, deployment(spec, owned('landfall', fields, 'Update')))).toEqual(['Synced']);
  });

  it('knows an item of a list by keys that the API server defaulted', () => {
    const ports = { 'k:{"containerPort":8080,"protocol":"TCP"}': { 'f:containerPort': {} } };
    const fields = {
      'f:spec': {
        'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"app"}': { 'f:ports': ports } } } },
      },
    };
    const wanted = deployment(template({ ...container, ports: [{ containerPort: 8080 }] }));
    const live = deployment(
      template({ ...container, ports: [{ containerPort: 8080, protocol: 'TCP' }] }),
      owned('landfall', fields),
    );
    expect(check(wanted, live)).toEqual(['Synced']);
  });

  it('is OutOfSync when the last client-side apply set a field that Git dropped, and it is still there', () => {
    const last = JSON.stringify(deployment({ ...template(container), paused: true, minReadySeconds: 3 }));
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': last };
    const live = deployment({ ...template(container), paused: true }, { annotations });
    expect(check(deployment(template(container)), live)).toEqual(['OutOfSync', 'spec.paused']);
  });

  it('leaves out what ignoreDifferences names, by pointer or by manager', () => {
    const wanted = deployment({ ...template(container), replicas: 3 });
    const live = deployment(
      { ...template(container), replicas: 7 },
      owned('kube-controller-manager', { 'f:spec': { 'f:replicas': {} } }, 'Update'),
    );
    expect(check(wanted, live, [{ jsonPointers: ['/spec/replicas'] }])).toEqual(['Synced']);
    expect(check(wanted, live, [{ managers: ['kube-controller-manager'] }])).toEqual(['Synced']);
    expect(check(wanted, live, [{ jsonPointers: ['/spec/replicas'], name: 'other' }])[0]).toBe('OutOfSync');
    expect(check(wanted, live, [{ managers: ['somebody'] }])[0]).toBe('OutOfSync');
  });

  it('pairs by group, kind, namespace and name, and marks what only the cluster holds for pruning', () => {
    const old = { ...deployment({}), metadata: { name: 'old', namespace: 'comms' } };
    const missing = { ...deployment({}), metadata: { name: 'new', namespace: 'comms' } };
    const pairs = pairObjects(
      [deployment({}), missing],
      [old, { ...deployment({}), apiVersion: 'apps/v1beta2' }],
    );
    const compared = pairs.map((pair) => comparePair(pair, { manager: 'landfall', ignore: [] }));
    expect(compared.map((pair) => [pair.key, pair.status, pair.requiresPruning])).toEqual([
      ['apps|Deployment|comms|web', 'Synced', false],
      ['apps|Deployment|comms|new', 'OutOfSync', false],
      ['apps|Deployment|comms|old', 'OutOfSync', true],
    ]);
  });
});

describe('tracking', () => {
  it('names the application on the object, in the form of Argo CD', () => {
    const object = withTracking(deployment({}), 'shop', 'comms');
    expect(trackingId(object, 'shop', 'comms')).toBe('shop:apps/Deployment:comms/web');
    expect(trackedBy(object)).toBe('shop');
    const role: KubeObject = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'r' },
    };
    expect(trackingId(role, 'shop', 'comms')).toBe('shop:rbac.authorization.k8s.io/ClusterRole:comms/r');
    expect(trackedBy(withTracking(role, 'shop', 'comms'))).toBe('shop');
  });

  it('counts for nothing when the annotation was copied from another object', () => {
    const { annotations } = withTracking(deployment({}), 'shop', 'comms').metadata;
    const copy = deployment({}, { name: 'copy', annotations: annotations ?? {} });
    expect(trackedBy(copy)).toBeUndefined();
    expect(
      trackedBy(deployment({}, { annotations: { 'argocd.argoproj.io/tracking-id': 'nonsense' } })),
    ).toBeUndefined();
  });
});
