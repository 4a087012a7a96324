import * as fc from 'fast-check';
import { stringifyYaml } from '../../src/kernel/index.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/index.ts';
import { kinds } from './random-kinds.ts';
import { clean, image, labels, metadata, name, scalar, text } from './random-values.ts';

/** Random objects, patches and transformations, odd values included. */

const env = fc.array(
  fc.oneof(
    fc.record({ name: fc.constantFrom('A', 'B', 'C'), value: text }),
    fc.record({
      name: fc.constantFrom('A', 'D'),
      valueFrom: fc.record({
        configMapKeyRef: fc.record({ name: fc.constantFrom('web', 'settings'), key: fc.constant('k') }),
      }),
    }),
  ),
  { maxLength: 3 },
);
const ports = fc.uniqueArray(
  fc.record(
    { containerPort: fc.constantFrom(80, 443, 8080), protocol: fc.constantFrom('TCP', 'UDP', undefined) },
    { noNullPrototype: true },
  ),
  { maxLength: 2, selector: (port) => `${port.containerPort}` },
);
const container = fc.record({
  name: fc.constantFrom('main', 'side', 'init'),
  image: fc.option(image, { nil: undefined }),
  env: fc.option(env, { nil: undefined }),
  ports: fc.option(ports, { nil: undefined }),
  args: fc.option(fc.array(text, { maxLength: 2 }), { nil: undefined }),
});
const podSpec = fc.record({
  containers: fc.uniqueArray(container, { minLength: 1, maxLength: 2, selector: (each) => each.name }),
  initContainers: fc.option(
    fc.uniqueArray(container, { minLength: 1, maxLength: 1, selector: (each) => each.name }),
    { nil: undefined },
  ),
  serviceAccountName: fc.option(name, { nil: undefined }),
  volumes: fc.option(
    fc.uniqueArray(
      fc.oneof(
        fc.record({
          name: fc.constantFrom('v1', 'v2'),
          configMap: fc.record({ name: fc.constantFrom('web', 'settings') }),
        }),
        fc.record({
          name: fc.constantFrom('v1', 'v3'),
          secret: fc.record({ secretName: fc.constantFrom('web', 'creds') }),
        }),
        fc.record({ name: fc.constantFrom('v2', 'v4'), emptyDir: fc.constant({}) }),
      ),
      { maxLength: 2, selector: (each) => each.name },
    ),
    { nil: undefined },
  ),
});

const workload = fc.record({
  apiVersion: fc.constant('apps/v1'),
  kind: fc.constantFrom('Deployment', 'StatefulSet', 'DaemonSet'),
  metadata: metadata(),
  spec: fc.record({
    replicas: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
    selector: fc.option(fc.record({ matchLabels: labels }), { nil: undefined }),
    template: fc.record({
      metadata: fc.option(fc.record({ labels: labels }), { nil: undefined }),
      spec: podSpec,
    }),
  }),
});
const simple = fc.oneof(
  fc.record({
    apiVersion: fc.constant('v1'),
    kind: fc.constant('Service'),
    metadata: metadata(),
    spec: fc.record({
      selector: labels,
      ports: fc.array(fc.record({ port: fc.constantFrom(80, 443), name: fc.constantFrom('http', 'https') }), {
        maxLength: 2,
      }),
    }),
  }),
  fc.record({
    apiVersion: fc.constant('v1'),
    kind: fc.constant('ConfigMap'),
    metadata: metadata(),
    data: fc.dictionary(fc.constantFrom('k', 'j', 'a.b'), text, { maxKeys: 3 }),
  }),
  fc.record({
    apiVersion: fc.constant('v1'),
    kind: fc.constantFrom('ServiceAccount', 'Namespace', 'Secret'),
    metadata: metadata(),
  }),
  fc.record({
    apiVersion: fc.constant('rbac.authorization.k8s.io/v1'),
    kind: fc.constantFrom('RoleBinding', 'ClusterRoleBinding'),
    metadata: metadata(),
    roleRef: fc.record({
      apiGroup: fc.constant('rbac.authorization.k8s.io'),
      kind: fc.constantFrom('Role', 'ClusterRole'),
      name,
    }),
    subjects: fc.array(
      fc.record({
        kind: fc.constant('ServiceAccount'),
        name: fc.constantFrom('default', 'web', 'api'),
        namespace: fc.constantFrom('shop', 'ops'),
      }),
      { maxLength: 2 },
    ),
  }),
  fc.record({
    apiVersion: fc.constant('rbac.authorization.k8s.io/v1'),
    kind: fc.constantFrom('Role', 'ClusterRole'),
    metadata: metadata(),
    rules: fc.constant([]),
  }),
  fc.record({
    apiVersion: fc.constant('example.com/v1'),
    kind: fc.constant('Widget'),
    metadata: metadata(),
    spec: fc.dictionary(
      fc.constantFrom('a', 'b', 'n', 'y', 'z1', 'z10', 'z2'),
      fc.oneof(
        scalar,
        fc.array(scalar, { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('x', 'w'), scalar, { maxKeys: 2 }),
      ),
      { maxKeys: 4 },
    ),
  }),
  fc.record({
    apiVersion: fc.constant('autoscaling/v2'),
    kind: fc.constant('HorizontalPodAutoscaler'),
    metadata: metadata(),
    spec: fc.record({
      scaleTargetRef: fc.record({
        kind: fc.constant('Deployment'),
        name,
        apiVersion: fc.constant('apps/v1'),
      }),
    }),
  }),
);
export const objects = fc.uniqueArray(fc.oneof(workload, simple, kinds), {
  minLength: 1,
  maxLength: 5,
  selector: (each) => `${each.kind}/${each.metadata.name}/${each.metadata.namespace}`,
});

const target = fc.record(
  {
    kind: fc.constantFrom('Deployment', 'ConfigMap', 'Service|Deployment', '.*', 'Widget'),
    name: fc.constantFrom('web', 'w.*', 'api', 'prod-.*'),
    namespace: fc.constantFrom('shop', 'default'),
    labelSelector: fc.constantFrom('app=a', 'tier in (a,b)', '!app'),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const jsonPatch = fc.array(
  fc.oneof(
    fc.record({
      op: fc.constantFrom('add', 'replace'),
      path: fc.constantFrom(
        '/metadata/labels/x',
        '/metadata/name',
        '/spec/replicas',
        '/metadata/annotations',
        '/spec/template/spec/containers/0/image',
      ),
      value: fc.oneof(text, fc.integer({ min: 0, max: 9 }), labels),
    }),
    fc.record({ op: fc.constant('remove'), path: fc.constantFrom('/metadata/labels', '/spec/replicas') }),
    fc.record({ op: fc.constant('test'), path: fc.constant('/kind'), value: fc.constant('Deployment') }),
  ),
  { minLength: 1, maxLength: 2 },
);

const mergePatch = fc.record({
  apiVersion: fc.constant('apps/v1'),
  kind: fc.constant('Deployment'),
  metadata: metadata(fc.constantFrom('web', 'api')),
  spec: fc.option(
    fc.record(
      {
        replicas: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(null), fc.constant('3')),
        template: fc.record({
          spec: fc.record({
            containers: fc.uniqueArray(
              fc.record(
                {
                  name: fc.constantFrom('main', 'side', 'new'),
                  image,
                  env,
                  ports,
                  args: fc.oneof(fc.array(text, { maxLength: 2 }), fc.constant(null)),
                  $patch: fc.constantFrom('delete', 'replace', 'merge'),
                },
                { requiredKeys: ['name'], noNullPrototype: true },
              ),
              { maxLength: 2, selector: (each) => each.name },
            ),
            volumes: fc.constantFrom(undefined, null, [{ $patch: 'replace' }, { name: 'v9', emptyDir: {} }]),
          }),
        }),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
    { nil: undefined },
  ),
});

const generator = fc.record(
  {
    name: fc.constantFrom('settings', 'creds', 'web'),
    literals: fc.uniqueArray(
      fc.tuple(fc.constantFrom('k', 'l', 'm.n'), text).map(([key, value]) => `${key}=${value}`),
      { maxLength: 2, selector: (each) => each.split('=')[0] },
    ),
    namespace: fc.constantFrom('shop', 'ops'),
    behavior: fc.constantFrom('create', 'merge', 'replace'),
    options: fc.record(
      { disableNameSuffixHash: fc.boolean(), labels, immutable: fc.boolean() },
      { requiredKeys: [], noNullPrototype: true },
    ),
  },
  { requiredKeys: ['name'], noNullPrototype: true },
);

const replacement = fc.record({
  source: fc.record(
    {
      kind: fc.constantFrom('Deployment', 'ConfigMap', 'Service'),
      name,
      fieldPath: fc.constantFrom('metadata.name', 'spec.replicas', 'data.k', 'metadata.labels.app'),
    },
    { requiredKeys: ['kind', 'name'], noNullPrototype: true },
  ),
  targets: fc.array(
    fc.record(
      {
        select: fc.record(
          { kind: fc.constantFrom('Deployment', 'Service', 'Widget'), name },
          { requiredKeys: ['kind'], noNullPrototype: true },
        ),
        fieldPaths: fc.array(
          fc.constantFrom(
            'metadata.annotations.note',
            'metadata.labels.app',
            'spec.template.spec.containers.[name=main].image',
            'spec.template.spec.containers.*.name',
            'spec.a',
          ),
          { minLength: 1, maxLength: 2 },
        ),
        options: fc.record(
          {
            create: fc.boolean(),
            delimiter: fc.constantFrom(':', '-'),
            index: fc.integer({ min: -1, max: 2 }),
          },
          { requiredKeys: [], noNullPrototype: true },
        ),
      },
      { requiredKeys: ['select', 'fieldPaths'], noNullPrototype: true },
    ),
    { minLength: 1, maxLength: 2 },
  ),
});

export const transformations = fc.record(
  {
    namespace: fc.constantFrom('shop', 'prod'),
    namePrefix: fc.constantFrom('prod-', 'a.'),
    nameSuffix: fc.constantFrom('-v2', '-x'),
    commonLabels: labels,
    labels: fc.array(
      fc.record({ pairs: labels, includeSelectors: fc.boolean(), includeTemplates: fc.boolean() }),
      { maxLength: 2 },
    ),
    commonAnnotations: fc.dictionary(fc.constantFrom('note', 'team'), text, { maxKeys: 2 }),
    images: fc.array(
      fc.record(
        {
          name: fc.constantFrom('nginx', 'reg.io/team/app', 'busybox', 'redis'),
          newName: fc.constantFrom('httpd', 'reg2.io/x'),
          newTag: fc.constantFrom('1.0', '2.0-rc', 'latest'),
          digest: fc.constant('sha256:fff'),
          tagSuffix: fc.constant('-a'),
        },
        { requiredKeys: ['name'], noNullPrototype: true },
      ),
      { maxLength: 2 },
    ),
    replicas: fc.array(fc.record({ name, count: fc.integer({ min: 0, max: 9 }) }), { maxLength: 1 }),
    configMapGenerator: fc.array(generator, { maxLength: 2 }),
    secretGenerator: fc.array(generator, { maxLength: 1 }),
    generatorOptions: fc.record(
      { disableNameSuffixHash: fc.boolean(), annotations: fc.constant({ gen: 'y' }) },
      { requiredKeys: [], noNullPrototype: true },
    ),
    replacements: fc.array(replacement, { maxLength: 1 }),
    buildMetadata: fc.subarray(['originAnnotations', 'transformerAnnotations', 'managedByLabel']),
    sortOptions: fc.constantFrom({ order: 'fifo' }, { order: 'legacy' }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

export const patches = fc.array(
  fc.oneof(
    mergePatch.map((patch) => ({
      text: stringifyYaml(clean(patch as unknown as JsonObject)),
      target: undefined as JsonObject | undefined,
    })),
    fc.tuple(jsonPatch, target).map(([patch, chosen]) => ({
      text: stringifyYaml(patch as unknown as JsonValue),
      target: chosen as unknown as JsonObject | undefined,
    })),
    fc.tuple(mergePatch, target).map(([patch, chosen]) => ({
      text: stringifyYaml(clean(patch as unknown as JsonObject)),
      target: chosen as unknown as JsonObject | undefined,
    })),
  ),
  { maxLength: 2 },
);
