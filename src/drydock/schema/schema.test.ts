import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import { decodeTyped } from './decode.ts';
import type { TypeShape } from './notation.ts';
import { canonicalQuantity } from './quantity.ts';
import { allTypeIds, structType } from './types.ts';

function referred(shape: TypeShape): string | undefined {
  if (shape.shape === 'struct') return shape.type;
  return shape.shape === 'scalar' ? undefined : referred(shape.element);
}

const deployment = (object: JsonObject) => decodeTyped('apps.Deployment', 'apps/v1', 'Deployment', object);

describe('the type tables', () => {
  it('can be read whole, and refer to nothing that is not there', () => {
    const missing: string[] = [];
    const known = new Set(allTypeIds());
    for (const id of known) {
      for (const field of structType(id).fields.values()) {
        const type = referred(field.shape);
        if (type !== undefined && !known.has(type)) missing.push(`${id}.${field.name}: ${type}`);
      }
    }
    expect(missing).toEqual([]);
    expect(known.size).toBeGreaterThan(400);
  });
});

describe('decoding', () => {
  it('makes of an object what a round trip through Go makes of it', () => {
    const { object, problems } = deployment({
      metadata: { name: 'a', labels: {} },
      spec: {
        replicas: 0,
        paused: false,
        template: {
          spec: {
            containers: [{ name: 'x', env: [], resources: { requests: { cpu: 0.5, memory: '1024Mi' } } }],
          },
        },
      },
    });
    expect(problems).toEqual([]);
    expect(object).toEqual({
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: { name: 'a', creationTimestamp: null },
      spec: {
        replicas: 0,
        selector: null,
        strategy: {},
        template: {
          metadata: { creationTimestamp: null },
          spec: { containers: [{ name: 'x', resources: { requests: { cpu: '500m', memory: '1Gi' } } }] },
        },
      },
      status: {},
    });
  });

  it('tells where fields are that it does not know', () => {
    const { problems } = deployment({
      spec: { template: { spec: { containers: [{ name: 'x', imag: 'y' }] } }, foo: 1 },
    });
    expect(problems).toEqual([
      'unknown field "spec.template.spec.containers[0].imag"',
      'unknown field "spec.foo"',
    ]);
  });

  it.each<[string, JsonObject, string]>([
    [
      'a scalar',
      { spec: { replicas: 'three' } },
      'string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'the value of a map',
      { metadata: { labels: { a: 1 } } },
      'number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      'a field of an item of a list',
      { spec: { template: { spec: { containers: [{ name: 'c' }, { env: [{ value: 1 }] }] } } } },
      'number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string',
    ],
    [
      'a whole struct',
      { spec: { template: 'none' } },
      'string into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec',
    ],
  ])('refuses %s of the wrong type in the words of the original', (_what, body, words) => {
    expect(() => deployment(body)).toThrow(`json: cannot unmarshal ${words}`);
  });
});

describe('a quantity', () => {
  it.each([
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1024Mi', '1Gi'],
    ['1500Mi', '1500Mi'],
    ['1e3', '1e3'],
    ['1000', '1k'],
    ['0', '0'],
    ['-1', '-1'],
    ['.5Gi', '512Mi'],
    ['100n', '100n'],
  ])('%s is written as %s', (given, written) => expect(canonicalQuantity(given)).toBe(written));

  it.each(['', '1Ki5', 'abc', '1 Gi', '1.2.3'])('is not %j', (given) =>
    expect(canonicalQuantity(given)).toBeUndefined(),
  );
});
