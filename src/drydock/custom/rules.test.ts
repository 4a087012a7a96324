import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import { getString } from '../../kernel/index.ts';
import { startTestServer, type TestServer } from '../http/served.fixture.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let server: TestServer;
let count = 0;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** A definition whose `spec` has that schema. */
function definition(
  spec: JsonObject,
  more: JsonObject = {},
): { readonly plural: string; readonly body: JsonObject } {
  const plural = `things${++count}`;
  const kind = `Thing${count}`;
  return {
    plural,
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.example.com` },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { kind, plural },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', ...spec } }, ...more },
            },
          },
        ],
      },
    },
  };
}

interface Written {
  readonly status: number;
  readonly message: string;
}

/** Defines, and gives back how to create and replace an object `x` of it. */
async function define(spec: JsonObject, more: JsonObject = {}) {
  const { plural, body } = definition(spec, more);
  const answer = await server.call('POST', DEFINITIONS, body);
  expect([answer.status, getString(answer.body, 'message')]).toEqual([201, undefined]);
  const objects = `/apis/example.com/v1/namespaces/default/${plural}`;
  const kind = plural.replace('things', 'Thing');
  const written = (found: Awaited<ReturnType<TestServer['call']>>): Written => ({
    status: found.status,
    message: (getString(found.body, 'message') ?? '').replace(/^\S+ "x" is invalid: /, ''),
  });
  const object = (value: JsonObject) => ({
    apiVersion: 'example.com/v1',
    kind,
    metadata: { name: 'x' },
    spec: value,
  });
  return {
    create: async (value: JsonObject) => written(await server.call('POST', objects, object(value))),
    patch: async (value: JsonObject) =>
      written(
        await server.call(
          'PATCH',
          `${objects}/x`,
          { spec: value },
          { 'content-type': 'application/merge-patch+json' },
        ),
      ),
  };
}

const integer = { type: 'integer' };
const text = { type: 'string' };

describe('rules in a definition', () => {
  it('refuse what they find false, with their message, reason and place', async () => {
    const { create } = await define({
      properties: { min: integer, max: integer, name: text },
      'x-kubernetes-validations': [
        { rule: 'self.min <= self.max', message: 'min must not exceed max', fieldPath: '.min' },
        {
          rule: '!has(self.name) || self.name.startsWith("a")',
          messageExpression: '"%s does not start with a".format([self.name])',
        },
        { rule: 'self.max != 13', reason: 'FieldValueForbidden' },
      ],
    });
    expect((await create({ min: 1, max: 2, name: 'ab' })).status).toBe(201);
    expect(await create({ min: 3, max: 2 })).toEqual({
      status: 422,
      message: 'spec.min: Invalid value: "object": min must not exceed max',
    });
    expect((await create({ min: 1, max: 2, name: 'b' })).message).toBe(
      'spec: Invalid value: "object": b does not start with a',
    );
    expect((await create({ min: 1, max: 13 })).message).toBe('spec: Forbidden: failed rule: self.max != 13');
  });

  it('say what went wrong when they cannot be worked out', async () => {
    const { create } = await define({
      properties: { name: text },
      'x-kubernetes-validations': [{ rule: 'self.name.size() > 1', message: 'too short' }],
    });
    expect((await create({})).message).toBe(
      'spec: Invalid value: "object": no such key: name evaluating rule: too short',
    );
  });

  it('hold for items, for values of maps, and for the whole object', async () => {
    const { create } = await define(
      {
        properties: {
          ports: {
            type: 'array',
            items: { ...integer, 'x-kubernetes-validations': [{ rule: 'self > 0' }] },
          },
          sizes: {
            type: 'object',
            additionalProperties: {
              ...text,
              'x-kubernetes-validations': [
                {
                  rule: 'isQuantity(self) && quantity(self).isGreaterThan(quantity("1Mi"))',
                  message: 'too small',
                },
              ],
            },
          },
        },
      },
      { 'x-kubernetes-validations': [{ rule: 'self.metadata.name.size() < 5 && has(self.spec)' }] },
    );
    expect((await create({ ports: [1, 0, -1], sizes: { a: '1Gi', b: '1Ki' } })).message).toBe(
      '[spec.ports[1]: Invalid value: "integer": failed rule: self > 0, ' +
        'spec.ports[2]: Invalid value: "integer": failed rule: self > 0, ' +
        'spec.sizes[b]: Invalid value: "string": too small]',
    );
    expect((await create({ ports: [1] })).status).toBe(201);
  });

  it('compare with what was stored before, by the keys of list items', async () => {
    const { create, patch } = await define({
      properties: {
        size: {
          ...integer,
          'x-kubernetes-validations': [{ rule: 'self >= oldSelf', message: 'may not shrink' }],
        },
        disks: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: text, gb: integer },
            'x-kubernetes-validations': [{ rule: 'self.gb >= oldSelf.gb', message: 'disks only grow' }],
          },
        },
        mode: {
          ...text,
          'x-kubernetes-validations': [
            {
              rule: 'oldSelf.hasValue() ? true : self == "new"',
              optionalOldSelf: true,
              message: 'starts as new',
            },
          ],
        },
      },
    });
    expect((await create({ mode: 'old' })).message).toBe('spec.mode: Invalid value: "string": starts as new');
    expect(
      (
        await create({
          size: 3,
          disks: [
            { name: 'a', gb: 1 },
            { name: 'b', gb: 9 },
          ],
          mode: 'new',
        })
      ).status,
    ).toBe(201);
    expect((await patch({ size: 2 })).message).toBe('spec.size: Invalid value: "integer": may not shrink');
    expect((await patch({ disks: [{ name: 'b', gb: 8 }] })).message).toBe(
      'spec.disks[0]: Invalid value: "object": disks only grow',
    );
    expect(
      (
        await patch({
          disks: [
            { name: 'b', gb: 9 },
            { name: 'c', gb: 1 },
          ],
          mode: 'old',
        })
      ).status,
    ).toBe(200);
  });

  it('look at fields of items by their place, as those of Gateway API do', async () => {
    const path = { type: 'object', properties: { type: text } };
    const { create } = await define({
      properties: { matches: { type: 'array', items: { type: 'object', properties: { path } } } },
      'x-kubernetes-validations': [
        {
          rule: "size(self.matches) == 1 && has(self.matches[0].path) ? self.matches[0].path.type == 'a' : true",
        },
      ],
    });
    expect((await create({ matches: [{ path: { type: 'b' } }] })).status).toBe(422);
    expect((await create({ matches: [{}] })).status).toBe(201);
  });

  it('cost no more than an object may, however many items it has', async () => {
    const { create } = await define({
      properties: { items: { type: 'array', items: integer } },
      'x-kubernetes-validations': [
        { rule: 'self.items.all(a, self.items.all(b, self.items.exists(c, a + b + c > 0)))' },
      ],
    });
    const started = performance.now();
    const { status, message } = await create({ items: Array.from({ length: 5000 }, () => 1) });
    expect(performance.now() - started).toBeLessThan(2000);
    expect([status, message]).toEqual([
      422,
      'spec: Invalid value: "object": validation failed due to running out of cost budget, no further validation rules will be run',
    ]);
  });

  it.each([
    ['self.nothing > 1', "undefined field 'nothing'"],
    ['self.size + "x" == "x"', 'no such overload'],
    ['has(self.nothing)', "undefined field 'nothing'"],
    ['unknown(self.size)', 'found no matching overload'],
    ['self.size >', 'Unexpected token'],
    ['self.size', 'must evaluate to bool'],
    ['self.name.matches("(?<broken")', 'has no form in this server'],
    ['authorizer.group("").check("get").allowed()', "undeclared reference to 'authorizer'"],
  ])('are refused with their definition when they make no sense: %s', async (rule, reason) => {
    const { body } = definition({
      properties: { size: integer, name: text },
      'x-kubernetes-validations': [{ rule }],
    });
    const { status, body: answer } = await server.call('POST', DEFINITIONS, body);
    const message = getString(answer, 'message') ?? '';
    expect(status).toBe(422);
    expect(message).toContain(
      'spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule',
    );
    expect(message).toContain(reason);
  });

  it('are refused where an older form of an item cannot be told', async () => {
    const { body } = definition({
      properties: {
        list: {
          type: 'array',
          items: { ...integer, 'x-kubernetes-validations': [{ rule: 'self >= oldSelf' }] },
        },
      },
    });
    const { status, body: answer } = await server.call('POST', DEFINITIONS, body);
    expect(status).toBe(422);
    expect(getString(answer, 'message')).toContain('uncorrelatable portion of the schema');
  });
});
