import * as fc from 'fast-check';
import type { JsonObject } from '../../src/kernel/index.ts';
import { extra, fieldPaths, index, optional, replacement, selector, specs, yaml } from './random-parts.ts';
import type { Extra } from './random-parts.ts';
import { generators, transformers, validators } from './random-plugins.ts';
import { crds, openapi } from './random-schemas.ts';

const name = fc.constantFrom('web', 'api', 'settings', 'w.*', '.*');

const vars = fc
  .array(
    fc.record({
      at: index,
      path: fc.option(fc.constantFrom(...fieldPaths)),
      name: fc.constantFrom('V', 'W'),
    }),
    { minLength: 1, maxLength: 2 },
  )
  .map((list) =>
    extra({
      vars: list.map((each) => ({
        name: each.name,
        objref: {
          apiVersion: `{{apiVersion ${each.at}}}`,
          kind: `{{kind ${each.at}}}`,
          name: `{{name ${each.at}}}`,
        },
        ...(each.path === null ? {} : { fieldref: { fieldpath: each.path } }),
      })),
    }),
  );

const configurations = fc
  .record(
    {
      namePrefix: specs,
      nameSuffix: specs,
      namespace: specs,
      commonLabels: specs,
      labels: specs,
      templateLabels: specs,
      commonAnnotations: specs,
      images: specs,
      replicas: specs,
      varReference: specs,
      nameReference: fc.array(
        fc.record(
          {
            kind: fc.constantFrom('ConfigMap', 'Secret', 'Widget', 'Deployment'),
            version: fc.constant('v1'),
            fieldSpecs: specs,
          },
          { requiredKeys: ['kind', 'fieldSpecs'], noNullPrototype: true },
        ),
        { minLength: 1, maxLength: 2 },
      ),
    },
    optional,
  )
  .map((config) => extra({ configurations: ['config.yaml'] }, { 'config.yaml': yaml(config) }));

const labelsWithFields = fc
  .array(
    fc.record(
      {
        pairs: fc.dictionary(fc.constantFrom('app', 'team'), fc.constantFrom('a', 'b'), { maxKeys: 2 }),
        includeSelectors: fc.boolean(),
        includeTemplates: fc.boolean(),
        fields: specs,
      },
      { requiredKeys: ['pairs'], noNullPrototype: true },
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map((labels) => extra({ labels: labels }));

const replacements = fc
  .tuple(fc.array(replacement, { minLength: 1, maxLength: 2 }), fc.constantFrom('inline', 'one', 'list'))
  .map(([given, place]): Extra => {
    const list = given as unknown as JsonObject[];
    if (place === 'inline') return extra({ replacements: list });
    const content = place === 'one' ? (list[0] ?? {}) : list;
    return extra({ replacements: [{ path: 'replace.yaml' }] }, { 'replace.yaml': yaml(content) });
  });

const patch = fc.record({
  at: index,
  rename: fc.option(fc.constantFrom('renamed', 'web')),
  kind: fc.option(fc.constantFrom('Widget', 'StatefulSet')),
  options: fc.option(fc.record({ allowNameChange: fc.boolean(), allowKindChange: fc.boolean() }, optional)),
  target: fc.option(selector),
  content: fc.constantFrom<JsonObject>(
    { metadata: { labels: { app: 'p' }, annotations: { note: null } } },
    { spec: { a: null, list: [{ k: 'v', x: 1 }], z1: { w: 2 } } },
    { data: { k: 'p', j: null } },
    { $patch: 'delete' },
    { spec: { $patch: 'replace', a: 1 } },
    {
      spec: {
        template: { spec: { $setElementOrder: [], containers: [{ $patch: 'delete', name: 'main' }] } },
      },
    },
    { spec: { $retainKeys: ['a'], a: 2 } },
    { metadata: { $deleteFromPrimitiveList: ['x'], finalizers: ['y'] } },
    {
      spec: {
        ports: [
          { port: 80, name: 'new', targetPort: 'x' },
          { port: 443, $patch: 'delete' },
        ],
      },
    },
    { spec: { template: { metadata: { labels: null }, spec: { serviceAccountName: 'p' } } } },
  ),
});

/** The hash of a generated object that has become another kind is one of Go's memory layout. */
const neverGenerated = { kind: 'Deployment|StatefulSet|Widget|Service' };

function aimedAt(given: { readonly at: number; readonly rename: string | null }): JsonObject | null {
  return given.rename === null ? null : { kind: `{{kind ${given.at}}}`, name: `{{name ${given.at}}}` };
}

function optionsOf(given: JsonObject, kindMayChange: boolean): JsonObject {
  return kindMayChange ? given : { ...given, allowKindChange: false };
}

const patches = fc.array(patch, { minLength: 1, maxLength: 2 }).map((list) =>
  extra({
    patches: list.map((each): JsonObject => {
      const { metadata, ...rest } = each.content;
      const body = {
        apiVersion: `{{apiVersion ${each.at}}}`,
        kind: each.kind ?? `{{kind ${each.at}}}`,
        metadata: {
          name: each.rename ?? `{{name ${each.at}}}`,
          namespace: `{{namespace ${each.at}}}`,
          ...(metadata as JsonObject | undefined),
        },
        ...rest,
      };
      const target = each.kind === null ? (each.target ?? aimedAt(each)) : neverGenerated;
      return {
        patch: yaml(body),
        ...(target === null ? {} : { target: target }),
        ...(each.options === null ? {} : { options: optionsOf(each.options, each.kind !== null) }),
      };
    }),
  }),
);

const generatorFiles = fc
  .record(
    {
      files: fc.subarray(['text.txt', 'key=text.txt', 'data.bin', 'crlf.txt'], { minLength: 1 }),
      envs: fc.subarray(['some.env', 'other.env'], { minLength: 1 }),
      env: fc.constant('some.env'),
      type: fc.constantFrom('Opaque', 'kubernetes.io/tls'),
    },
    optional,
  )
  .chain((given) =>
    fc.record({
      given: fc.constant(given),
      secret: fc.boolean(),
      name: fc.constantFrom('files', 'settings'),
      text: fc.string({ maxLength: 20 }),
      long: fc.boolean(),
    }),
  )
  .map(({ given, secret, name: called, text, long }) => {
    const { type, ...rest } = given;
    const entry = { name: called, ...rest, ...(secret && type !== undefined ? { type } : {}) };
    return extra(
      { [secret ? 'secretGenerator' : 'configMapGenerator']: [entry] },
      {
        'text.txt': long ? `${text}\n${'long line '.repeat(20)}\n` : text,
        'data.bin': '\u0000\u0001\u00ff',
        'crlf.txt': 'a\r\nb\r\n',
        'some.env': '# comment\nA=1\n\nB= two words \nC="x=y"\n',
        'other.env': 'A2=\nLONG=\u00e9\n',
      },
    );
  });

const sorting = fc
  .record(
    {
      orderFirst: fc.constantFrom(['Deployment', 'Secret'], []),
      orderLast: fc.constantFrom(['Namespace'], ['ConfigMap', 'Service']),
    },
    optional,
  )
  .map((legacySortOptions) =>
    extra({ sortOptions: { order: 'legacy', legacySortOptions: legacySortOptions as JsonObject } }),
  );

const local = name.map((each) =>
  extra(
    { resources: ['extra.yaml'] },
    {
      'extra.yaml': yaml({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: each.replace('.*', 'x'),
          annotations: { 'config.kubernetes.io/local-config': each === 'api' ? 'false' : 'true' },
        },
        data: { k: 'local' },
      }),
    },
  ),
);

/** None or some of them, each at most once. */
export const extras: fc.Arbitrary<readonly Extra[]> = fc.uniqueArray(
  fc.oneof(
    { weight: 2, arbitrary: vars },
    configurations,
    labelsWithFields,
    { weight: 3, arbitrary: replacements },
    { weight: 3, arbitrary: patches },
    { weight: 3, arbitrary: transformers },
    generators,
    generatorFiles,
    crds,
    openapi,
    sorting,
    validators,
    local,
  ),
  { maxLength: 3, selector: (each) => Object.keys(each.fields).join() },
);
