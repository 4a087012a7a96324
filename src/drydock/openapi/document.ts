import type { JsonObject } from '../../kernel/index.ts';
import type { Catalogue } from '../kinds/catalogue.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { openApiName } from '../schema/types.ts';
import { SchemaCollector } from './schema.ts';
import type { ApiTexts } from './texts/index.ts';

/** The place of a version below `/openapi/v3/`: `api/v1`, `apis/apps/v1`. */
export function documentPath(group: string, version: string): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

export function documentPaths(catalogue: Catalogue): string[] {
  const paths = new Set<string>();
  for (const kind of catalogue.all()) paths.add(documentPath(kind.group, kind.version));
  return [...paths];
}

const query = (name: string, type: string, description = '') => ({
  name,
  in: 'query',
  ...(description === '' ? {} : { description }),
  schema: { type, uniqueItems: true },
});

const WRITE_PARAMETERS = [
  query('dryRun', 'string'),
  query('fieldManager', 'string'),
  query('fieldValidation', 'string'),
];
const LIST_PARAMETERS = [
  query('allowWatchBookmarks', 'boolean'),
  query('continue', 'string'),
  query('fieldSelector', 'string', 'Narrows the list of returned objects by their fields.'),
  query('labelSelector', 'string', 'Narrows the list of returned objects by their labels.'),
  query('limit', 'integer'),
  query('resourceVersion', 'string'),
  query('resourceVersionMatch', 'string'),
  query('sendInitialEvents', 'boolean'),
  query('timeoutSeconds', 'integer'),
  query(
    'watch',
    'boolean',
    'Watch for changes to the described resources: a stream of events instead of a list.',
  ),
];
const DELETE_PARAMETERS = [
  query('dryRun', 'string'),
  query('gracePeriodSeconds', 'integer'),
  query('orphanDependents', 'boolean'),
  query('propagationPolicy', 'string'),
];

function responses(schema: string, description: string): JsonObject {
  const content = { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } };
  return { '200': { description, content }, '401': { description: 'Unauthorized' } };
}

function operation(
  kind: ResourceKind,
  action: string,
  schema: string,
  parameters: readonly JsonObject[],
  extra: JsonObject = {},
): JsonObject {
  return {
    operationId: `${action}${kind.kind}`,
    parameters: [...parameters],
    responses: responses(schema, action === 'list' ? `List of ${kind.resource}` : 'OK'),
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group: kind.group, kind: kind.kind, version: kind.version },
    ...extra,
  };
}

function bodyOf(schema: string, types: readonly string[]): JsonObject {
  const content: JsonObject = {};
  for (const type of types) content[type] = { schema: { $ref: `#/components/schemas/${schema}` } };
  return { requestBody: { content, required: true } };
}

function pathsOf(kind: ResourceKind, schema: string): JsonObject {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const base = kind.namespaced
    ? `${root}/namespaces/{namespace}/${kind.resource}`
    : `${root}/${kind.resource}`;
  const patchTypes = [
    'application/apply-patch+yaml',
    'application/json-patch+json',
    'application/merge-patch+json',
    ...(kind.typeId === undefined ? [] : ['application/strategic-merge-patch+json']),
  ];
  const collection: JsonObject = {
    post: operation(kind, 'post', schema, WRITE_PARAMETERS, bodyOf(schema, ['application/json'])),
  };
  const paths: JsonObject = { [base]: collection };
  if (!kind.verbs.includes('list')) return paths;
  collection.get = operation(kind, 'list', schema, LIST_PARAMETERS);
  collection.delete = operation(kind, 'deletecollection', schema, [...LIST_PARAMETERS, ...DELETE_PARAMETERS]);
  const patch = operation(
    kind,
    'patch',
    schema,
    [...WRITE_PARAMETERS, query('force', 'boolean')],
    bodyOf(schema, patchTypes),
  );
  const put = operation(kind, 'put', schema, WRITE_PARAMETERS, bodyOf(schema, ['application/json']));
  paths[`${base}/{name}`] = {
    get: operation(kind, 'get', schema, []),
    put,
    patch,
    delete: operation(kind, 'delete', schema, DELETE_PARAMETERS),
  };
  if (kind.status) paths[`${base}/{name}/status`] = { get: operation(kind, 'get', schema, []), put, patch };
  return paths;
}

/** The OpenAPI 3 document of one version of one group; undefined when none is served. */
export function openApiDocument(catalogue: Catalogue, texts: ApiTexts, path: string): JsonObject | undefined {
  const kinds = [...catalogue.all()].filter((kind) => documentPath(kind.group, kind.version) === path);
  if (kinds.length === 0) return undefined;
  const collector = new SchemaCollector(texts);
  const paths: JsonObject = {};
  for (const kind of kinds) {
    const { group, version } = kind;
    const gvk = { group, kind: kind.kind, version };
    let schema: string;
    if (kind.typeId === undefined) {
      schema = customName(kind);
      collector.add('meta.ObjectMeta');
      collector.schemas[schema] = {
        ...kind.custom?.openApi(`#/components/schemas/${openApiName('meta.ObjectMeta')}`),
        'x-kubernetes-group-version-kind': [gvk],
      };
    } else {
      schema = collector.add(kind.typeId, [gvk]);
    }
    Object.assign(paths, pathsOf(kind, schema));
  }
  collector.add('meta.DeleteOptions', [{ group: '', kind: 'DeleteOptions', version: 'v1' }]);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: '1.32' },
    paths,
    components: { schemas: collector.schemas },
  };
}

/** `io.argoproj.v1alpha1.Application` */
function customName(kind: ResourceKind): string {
  return `${kind.group.split('.').reverse().join('.')}.${kind.version}.${kind.kind}`;
}
