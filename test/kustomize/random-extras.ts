import * as fc from 'fast-check';
import { stringifyYaml } from '../../src/kernel/index.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/index.ts';

/** What a layer of a tree has besides its simple fields: fields that need files, and fields that name objects. */
export interface Extra {
  /** Lists are added to those that are there already; texts may hold the placeholders of `fillIn`. */
  readonly fields: JsonObject;
  readonly files: Readonly<Record<string, string>>;
}

export interface Known {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/** An object by its index among the known ones, whatever there is: `{{kind 2}}`. */
export function fillIn(value: string, known: readonly Known[]): string {
  return value.replace(/\{\{(\w+) (\d+)\}\}/g, (_, field: string, index: string) => {
    const object = known[Number(index) % Math.max(known.length, 1)];
    if (object === undefined) return 'none';
    if (field === 'kind') return object.kind;
    if (field === 'name') return object.name;
    if (field === 'namespace') return object.namespace === '' ? 'default' : object.namespace;
    return object.apiVersion;
  });
}

const index = fc.integer({ min: 0, max: 4 });
const name = fc.constantFrom('web', 'api', 'settings', 'w.*', '.*');
const optional = { requiredKeys: [], noNullPrototype: true };
const yaml = (value: unknown) => stringifyYaml(value as JsonValue);

function extra(fields: JsonObject, files: Record<string, string> = {}): Extra {
  return { fields, files };
}

const fieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.labels.app',
  'metadata.annotations.note',
  'spec.replicas',
  'spec.template.spec.containers[0].image',
  'spec.template.spec.containers.[name=main].image',
  'spec.a',
  'spec.ports.0.port',
  'data.k',
  'data.[a.b]',
  'data.a\\.b',
  'kind',
];

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

const spec = fc.record(
  {
    path: fc.constantFrom(
      'metadata/labels',
      'metadata/annotations',
      'spec/a',
      'spec/template/spec/serviceAccountName',
      'spec/template/spec/containers/name',
      'spec/template/spec/containers[]/env[]/value',
      'spec/x/y',
      'metadata/name',
      'data/k',
      'metadata/annotations/note',
    ),
    kind: fc.constantFrom('Deployment', 'Widget', 'ConfigMap', 'Service'),
    group: fc.constantFrom('apps', 'example.com'),
    version: fc.constant('v1'),
    create: fc.boolean(),
  },
  { requiredKeys: ['path'], noNullPrototype: true },
);
const specs = fc.array(spec, { minLength: 1, maxLength: 2 });

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
  .map((labels) => extra({ labels: labels as unknown as JsonObject[] }));

const selector = fc.record(
  {
    kind: fc.constantFrom('Deployment', 'ConfigMap', 'Service', 'Widget', 'Secret', '{{kind 1}}'),
    name: fc.constantFrom('web', 'api', '{{name 1}}', 'settings', 'prod-web'),
    namespace: fc.constantFrom('shop', '{{namespace 1}}'),
    group: fc.constantFrom('apps', ''),
    version: fc.constant('v1'),
    labelSelector: fc.constantFrom('app=a', 'tier'),
  },
  optional,
);

const replacement = fc.record({
  source: fc
    .tuple(index, fc.option(fc.constantFrom(...fieldPaths)), fc.option(fc.nat(2)))
    .map(([at, fieldPath, part]): JsonObject => ({
      kind: `{{kind ${at}}}`,
      name: `{{name ${at}}}`,
      ...(at % 2 === 0 ? {} : { namespace: `{{namespace ${at}}}` }),
      ...(fieldPath === null ? {} : { fieldPath }),
      ...(part === null ? {} : { options: { delimiter: '-', index: part } }),
    })),
  targets: fc.array(
    fc.record(
      {
        select: selector,
        reject: fc.array(selector, { minLength: 1, maxLength: 1 }),
        fieldPaths: fc.array(
          fc.constantFrom(
            ...fieldPaths,
            'metadata.annotations.new',
            'metadata.annotations.[a.b/c]',
            'spec.template.spec.containers.*.image',
            'spec.template.spec.containers.[name=main].env.[name=A].value',
            'spec.template.spec.containers.-.name',
            'spec.list.[k=v].x',
            'spec.*',
          ),
          { minLength: 1, maxLength: 2 },
        ),
        options: fc.record(
          {
            create: fc.boolean(),
            delimiter: fc.constantFrom(':', '-', '/', ''),
            index: fc.integer({ min: -1, max: 2 }),
          },
          optional,
        ),
      },
      { requiredKeys: ['select'], noNullPrototype: true },
    ),
    { minLength: 1, maxLength: 2 },
  ),
});

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
        ...(target === null ? {} : { target: target as JsonObject }),
        ...(each.options === null
          ? {}
          : { options: optionsOf(each.options as JsonObject, each.kind !== null) }),
      };
    }),
  }),
);

const plugin = fc.oneof(
  fc.record({
    kind: fc.constant('PrefixTransformer'),
    prefix: fc.constantFrom('t-', 'a.b-'),
    fieldSpecs: specs,
  }),
  fc.record({
    kind: fc.constant('SuffixTransformer'),
    suffix: fc.constantFrom('-t', '.x'),
    fieldSpecs: specs,
  }),
  fc.record({
    kind: fc.constant('PrefixSuffixTransformer'),
    prefix: fc.constant('ps-'),
    suffix: fc.constant('-ps'),
    fieldSpecs: fc.constant([{ path: 'metadata/name' }]),
  }),
  fc.record({
    kind: fc.constant('LabelTransformer'),
    labels: fc.constantFrom({ app: 't' }, { tier: '1', team: 'x' }),
    fieldSpecs: specs,
  }),
  fc.record({
    kind: fc.constant('AnnotationsTransformer'),
    annotations: fc.constantFrom({ note: 't' }, { a: 'true' }),
    fieldSpecs: specs,
  }),
  fc.record({ kind: fc.constant('HashTransformer') }),
  fc.record({
    kind: fc.constant('ImageTagTransformer'),
    imageTag: fc.constantFrom({ name: 'nginx', newTag: 't' }, { name: 'redis', digest: 'sha256:1' }),
    fieldSpecs: fc.option(specs, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('ReplicaCountTransformer'),
    replica: fc.constantFrom({ name: 'web', count: 7 }, { name: 'api', count: 0 }),
    fieldSpecs: fc.constant([{ path: 'spec/replicas', kind: 'Deployment', create: true }]),
  }),
  fc.record(
    {
      kind: fc.constant('NamespaceTransformer'),
      metadata: fc.constant({ name: 'n', namespace: 'tns' }),
      unsetOnly: fc.boolean(),
      setRoleBindingSubjects: fc.constantFrom('none', 'allServiceAccounts', 'defaultOnly'),
      fieldSpecs: fc.constantFrom([{ path: 'metadata/namespace', create: true }], []),
    },
    { requiredKeys: ['kind', 'metadata'], noNullPrototype: true },
  ),
  fc.record({
    kind: fc.constant('PatchTransformer'),
    patch: fc.constant(yaml([{ op: 'add', path: '/metadata/annotations/t', value: 'a\nb\n' }])),
    target: selector,
  }),
  fc.record({
    kind: fc.constant('PatchJson6902Transformer'),
    jsonOp: fc.constant(yaml([{ op: 'add', path: '/metadata/labels', value: { x: '1' } }])),
    target: fc.constant({ kind: '{{kind 0}}', name: '{{name 0}}' }),
  }),
  fc.record({
    kind: fc.constant('ValueAddTransformer'),
    value: fc.constantFrom('va', '1'),
    targets: fc.array(
      fc.record(
        {
          fieldPath: fc.constantFrom('metadata/namespace', 'metadata/labels/app', 'spec/a', 'spec/x/y'),
          filePathPosition: fc.integer({ min: 0, max: 2 }),
          selector,
        },
        { requiredKeys: ['fieldPath'], noNullPrototype: true },
      ),
      { minLength: 1, maxLength: 1 },
    ),
  }),
  fc.record({
    kind: fc.constant('ReplacementTransformer'),
    replacements: fc.array(replacement, { minLength: 1, maxLength: 1 }),
  }),
);

function configured(given: object): JsonObject {
  return {
    apiVersion: 'builtin',
    metadata: { name: 'plugin' },
    ...(given as JsonObject),
  };
}

const transformers = fc
  .tuple(fc.array(plugin, { minLength: 1, maxLength: 2 }), fc.constantFrom('inline', 'file', 'folder'))
  .map(([list, place]): Extra => {
    const texts = list.map((each, at) => yaml({ ...configured(each), metadata: metadataOf(each, at) }));
    if (place === 'inline') return extra({ transformers: texts });
    if (place === 'file')
      return extra({ transformers: ['plugins.yaml'] }, { 'plugins.yaml': texts.join('---\n') });
    return extra(
      { transformers: ['plugins'] },
      {
        'plugins/kustomization.yaml': 'resources: [list.yaml]\n',
        'plugins/list.yaml': texts.join('---\n'),
      },
    );
  });

function metadataOf(given: object, at: number): JsonObject {
  const own = (given as JsonObject)['metadata'] as JsonObject | undefined;
  return { ...own, name: `plugin-${at}` };
}

const generators = fc
  .oneof(
    fc.record({
      kind: fc.constantFrom('ConfigMapGenerator', 'SecretGenerator'),
      name: fc.constantFrom('generated', 'web'),
      literals: fc.constantFrom(['a=1'], ['a=$(V)', 'b="q"'], []),
      behavior: fc.constantFrom('create', 'merge', undefined),
    }),
    fc.record({
      kind: fc.constant('IAMPolicyGenerator'),
      cloud: fc.constant('gke'),
      kubernetesService: fc.constantFrom({ name: 'ksa', namespace: 'shop' }, { name: 'ksa' }),
      serviceAccount: fc.constant({ name: 'gsa', projectId: 'p' }),
    }),
  )
  .map((each) =>
    extra({ generators: ['generator.yaml'] }, { 'generator.yaml': yaml(withoutUndefined(configured(each))) }),
  );

function withoutUndefined(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}

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
      { [secret ? 'secretGenerator' : 'configMapGenerator']: [entry as JsonObject] },
      {
        'text.txt': long ? `${text}\n${'long line '.repeat(20)}\n` : text,
        'data.bin': '\u0000\u0001\u00ff',
        'crlf.txt': 'a\r\nb\r\n',
        'some.env': '# comment\nA=1\n\nB= two words \nC="x=y"\n',
        'other.env': 'A2=\nLONG=\u00e9\n',
      },
    );
  });

const crds = fc.subarray(['annotation', 'label', 'ref', 'identity'], { minLength: 1 }).map((marks) =>
  extra(
    { crds: ['crd.json'] },
    {
      'crd.json': JSON.stringify({
        'example.com/v1.Widget': {
          Schema: {
            description: 'Widget',
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: { $ref: 'example.com/v1.WidgetSpec' },
            },
          },
          Dependencies: [],
        },
        'example.com/v1.WidgetSpec': {
          Schema: {
            description: 'spec',
            ...(marks.includes('identity') ? { 'x-kubernetes-identity': '' } : {}),
            properties: {
              a: {
                type: 'object',
                ...(marks.includes('annotation') ? { 'x-kubernetes-annotation': '' } : {}),
              },
              b: {
                type: 'object',
                ...(marks.includes('label') ? { 'x-kubernetes-label-selector': '' } : {}),
              },
              z1: {
                ...(marks.includes('ref')
                  ? {
                      'x-kubernetes-object-ref-api-version': 'v1',
                      'x-kubernetes-object-ref-kind': 'ConfigMap',
                      'x-kubernetes-object-ref-name-key': 'x',
                    }
                  : {}),
                $ref: 'example.com/v1.Ref',
              },
            },
          },
          Dependencies: [],
        },
        'example.com/v1.Ref': {
          Schema: { description: 'ref', properties: { x: { type: 'string' } } },
          Dependencies: [],
        },
      }),
    },
  ),
);

const openapi = fc.constantFrom('k', 'x', 'none').map((key) =>
  extra(
    { openapi: { path: 'schema.json' } },
    {
      'schema.json': JSON.stringify({
        definitions: {
          'v1.Widget': {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  list: {
                    type: 'array',
                    items: { type: 'object' },
                    ...(key === 'none'
                      ? {}
                      : { 'x-kubernetes-patch-merge-key': key, 'x-kubernetes-patch-strategy': 'merge' }),
                  },
                },
              },
            },
            'x-kubernetes-group-version-kind': [{ group: 'example.com', kind: 'Widget', version: 'v1' }],
          },
        },
      }),
    },
  ),
);

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

const validators = fc.constantFrom({ app: 'a' }, {}).map((labels) =>
  extra(
    { validators: ['validator.yaml'] },
    {
      'validator.yaml': yaml({
        ...configured({ kind: 'LabelTransformer', labels }),
        fieldSpecs: [{ path: 'metadata/labels' }],
      }),
    },
  ),
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
