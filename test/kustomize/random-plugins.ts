import * as fc from 'fast-check';
import type { JsonObject } from '../../src/kernel/index.ts';
import { extra, replacement, selector, specs, yaml } from './random-parts.ts';
import type { Extra } from './random-parts.ts';

/** Plugins of every built-in kind, inline, in files and in folders. */

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

export const transformers = fc
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

export const generators = fc
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

export const validators = fc.constantFrom({ app: 'a' }, {}).map((labels) =>
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
