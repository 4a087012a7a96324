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

export const index = fc.integer({ min: 0, max: 4 });

export const optional = { requiredKeys: [], noNullPrototype: true };

export const yaml = (value: unknown) => stringifyYaml(value as JsonValue);

export function extra(fields: JsonObject, files: Record<string, string> = {}): Extra {
  return { fields, files };
}

export const fieldPaths = [
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
export const specs = fc.array(spec, { minLength: 1, maxLength: 2 });

export const selector = fc.record(
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

export const replacement = fc.record({
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
