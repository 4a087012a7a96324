import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuantity } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { fieldDifferences, fieldPath } from './compare.ts';

function object(spec: JsonObject, kind = 'Deployment'): KubeObject {
  return { apiVersion: 'apps/v1', kind, metadata: { name: 'a' }, spec };
}

function check(desired: JsonObject, live: JsonObject, paths: readonly string[]): void {
  expect(
    fieldDifferences(object(desired), object(live)).map((difference) => fieldPath(difference.path)),
  ).toEqual(paths);
}

describe('what Git asks for, against what the cluster holds', () => {
  it('is the same where the API server only added to it', () => {
    check(
      { replicas: 3 },
      { replicas: 3, progressDeadlineSeconds: 600, strategy: { type: 'RollingUpdate' } },
      [],
    );
  });

  it('is the same where a manifest spells out what the API server leaves out', () => {
    const container = (more: JsonObject) => ({
      template: { spec: { containers: [{ name: 'a', ...more }] } },
    });
    check(
      { template: { spec: { hostNetwork: false } }, paused: false, minReadySeconds: 0 },
      { template: {} },
      [],
    );
    check(
      container({ tty: false, readinessProbe: { initialDelaySeconds: 0, periodSeconds: 5 } }),
      container({ readinessProbe: { periodSeconds: 5 } }),
      [],
    );
    // Left out, these mean something else.
    check({ template: { spec: { automountServiceAccountToken: false } } }, { template: { spec: {} } }, [
      'spec.template.spec.automountServiceAccountToken',
    ]);
    check({ replicas: 0 }, {}, ['spec.replicas']);
    check({ paused: false }, { paused: true }, ['spec.paused']);
  });

  it('differs in the field that somebody changed, and only there', () => {
    check({ replicas: 3, paused: false }, { replicas: 5, paused: false }, ['spec.replicas']);
  });

  it('pairs list items by their key, whatever their order and whatever was injected', () => {
    const containers = (image: string) => ({ template: { spec: { containers: [{ name: 'app', image }] } } });
    check(
      containers('a:1'),
      {
        template: {
          spec: {
            containers: [
              { name: 'sidecar', image: 'x' },
              { name: 'app', image: 'a:1', imagePullPolicy: 'Always' },
            ],
          },
        },
      },
      [],
    );
    check(containers('a:1'), { template: { spec: { containers: [{ name: 'app', image: 'a:2' }] } } }, [
      'spec.template.spec.containers[0].image',
    ]);
    check(containers('a:1'), { template: { spec: { containers: [{ name: 'other', image: 'a:1' }] } } }, [
      'spec.template.spec.containers[0]',
    ]);
  });

  it('differs in the order of what has one, whatever was put between, and of nothing else', () => {
    const pod = (spec: JsonObject): JsonObject => ({ template: { spec } });
    const named = (...names: string[]): JsonValue => names.map((name) => ({ name }));
    const order = (list: string, wanted: JsonValue, stored: JsonValue, paths: readonly string[]) =>
      check(pod({ [list]: wanted }), pod({ [list]: stored }), paths);
    const moved = named('migrate', 'proxy', 'wait');
    order('initContainers', named('wait', 'migrate'), moved, ['spec.template.spec.initContainers']);
    order('initContainers', named('migrate', 'wait'), moved, []);
    order('initContainers', named('gone', 'migrate', 'wait'), moved, [
      'spec.template.spec.initContainers[0]',
    ]);
    order('volumes', named('wait', 'migrate'), moved, []);
    const env = (...names: string[]): JsonValue => [{ name: 'web', env: named(...names) }];
    order('containers', env('HOST', 'URL'), env('URL', 'HOST'), ['spec.template.spec.containers[0].env']);
    order('containers', env('HOST', 'URL'), env('HOST', 'ADDED', 'URL'), []);
  });

  it('takes TCP for a port that names no protocol', () => {
    check({ ports: [{ port: 80 }] }, { ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] }, []);
  });

  it('compares lists of scalars as wholes', () => {
    check({ args: ['a', 'b'] }, { args: ['a'] }, ['spec.args']);
    check({ args: ['a', 'b'] }, { args: ['a', 'c'] }, ['spec.args[1]']);
  });

  it('reads quantities as numbers where they are quantities, and nowhere else', () => {
    check(
      { resources: { limits: { cpu: '1000m', memory: '1Gi' } } },
      { resources: { limits: { cpu: '1', memory: '1024Mi' } } },
      [],
    );
    check({ resources: { limits: { cpu: '1000m' } } }, { resources: { limits: { cpu: '2' } } }, [
      'spec.resources.limits.cpu',
    ]);
    check({ env: [{ name: 'A', value: '1000m' }] }, { env: [{ name: 'A', value: '1' }] }, [
      'spec.env[0].value',
    ]);
  });

  it('takes null, empty maps and absence for the same', () => {
    check({ a: null, b: {}, c: [], d: { e: null } }, {}, []);
    check({ a: null }, { a: 'set' }, ['spec.a']);
  });

  it('never looks at status, and compares only labels and annotations of the metadata', () => {
    const desired: KubeObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', labels: { x: '1' } },
      status: { phase: 'x' },
    };
    const live: KubeObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', uid: 'u', labels: { x: '2', y: '1' } },
    };
    expect(fieldDifferences(desired, live).map((difference) => fieldPath(difference.path))).toEqual([
      'metadata.labels.x',
    ]);
  });

  it('names each label that is gone, and finalizers whatever their order', () => {
    const map = (metadata: JsonObject): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', ...metadata },
    });
    const asked = map({ labels: { x: '1', y: '2' }, finalizers: ['a.io/1', 'b.io/2'] });
    expect(fieldDifferences(asked, map({ finalizers: ['b.io/2'] })).map(({ path }) => path)).toEqual([
      ['metadata', 'labels', 'x'],
      ['metadata', 'labels', 'y'],
      ['metadata', 'finalizers', 0],
    ]);
    expect(
      fieldDifferences(asked, map({ labels: { y: '2', x: '1' }, finalizers: ['b.io/2', 'a.io/1', 'c'] })),
    ).toEqual([]);
  });

  it('compares stringData of a Secret with the data that it becomes', () => {
    const secret = (fields: JsonObject): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'a' },
      ...fields,
    });
    expect(fieldDifferences(secret({ stringData: { k: 'v' } }), secret({ data: { k: 'dg==' } }))).toEqual([]);
    expect(
      fieldDifferences(secret({ stringData: { k: 'v' } }), secret({ data: { k: 'eA==' } })),
    ).toHaveLength(1);
  });

  it('takes base64 that is broken into lines for what it is', () => {
    const of = (kind: string, fields: JsonObject): KubeObject => ({
      apiVersion: 'v1',
      kind,
      metadata: { name: 'a' },
      ...fields,
    });
    const [broken, whole] = ['YWJj\nZGVm\n', 'YWJjZGVm'];
    const cases: readonly [KubeObject, KubeObject][] = [
      [of('Secret', { data: { k: broken } }), of('Secret', { data: { k: whole } })],
      [of('ConfigMap', { binaryData: { k: broken } }), of('ConfigMap', { binaryData: { k: whole } })],
      [of('APIService', { spec: { caBundle: broken } }), of('APIService', { spec: { caBundle: whole } })],
    ];
    for (const [desired, live] of cases) expect(fieldDifferences(desired, live)).toEqual([]);
    expect(
      fieldDifferences(of('ConfigMap', { data: { k: broken } }), of('ConfigMap', { data: { k: whole } })),
    ).toHaveLength(1);
  });

  it('finds no difference between a value and itself, whatever is added beside it', () => {
    const json: fc.Arbitrary<JsonValue> = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.array(tie('value')),
        fc.dictionary(fc.string({ minLength: 1 }), tie('value')),
      ),
    })).value as fc.Arbitrary<JsonValue>;
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), json), (spec) => {
        expect(fieldDifferences(object(spec), object({ ...spec, addedByServer: 'x' }))).toEqual([]);
      }),
    );
  });
});

describe('a quantity', () => {
  it.each<[string, number | undefined]>([
    ['1', 1],
    ['100m', 0.1],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['1e3', 1000],
    ['12E', 12e18],
    ['5k', 5000],
    ['-2', -2],
    ['abc', undefined],
    ['1Kib', undefined],
    ['', undefined],
  ])('%s is %s', (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });
});
