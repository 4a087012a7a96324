import { getObject, isJsonObject, type JsonObject } from '../../kernel/index.ts';
import type { Catalogue } from '../kinds/catalogue.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { message, text } from '../protobuf/writer.ts';
import { documentPaths, openApiDocument } from './document.ts';
import { definitionsMessage, schemaV2 } from './schema-v2.ts';
import type { ApiTexts } from './texts/index.ts';

const VERSION = 'v1.32';
const KIND_MARK = 'x-kubernetes-group-version-kind';

export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

// Field numbers of openapi.v2.Document and what it holds, as gnostic publishes them.
const PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) =>
  message(8, message(1, message(2, message(3, text(2, 'query'), text(4, name), text(6, 'string'))))),
);

function patchPath(kind: ResourceKind): Buffer {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope = kind.namespaced ? '/namespaces/{namespace}' : '';
  const gvk = `group: "${kind.group}"\nkind: ${kind.kind}\nversion: ${kind.version}\n`;
  const extension = message(13, text(1, 'x-kubernetes-group-version-kind'), message(2, text(2, gvk)));
  const operation = message(8, text(5, `patch${kind.kind}`), ...PARAMETERS, extension);
  return message(2, text(1, `${root}${scope}/${kind.resource}/{name}`), message(2, operation));
}

/** Every version in one document of OpenAPI 2. */
export function openApiV2(catalogue: Catalogue, texts: ApiTexts): JsonObject {
  const definitions: JsonObject = {};
  const paths: JsonObject = {};
  for (const path of documentPaths(catalogue)) {
    const document = openApiDocument(catalogue, texts, path);
    for (const [name, schema] of Object.entries(getObject(document, 'components', 'schemas') ?? {})) {
      const made = isJsonObject(schema) ? schemaV2(schema) : {};
      // A document may have a kind of another one as a mere part; the one that says it is a kind wins.
      if (Object.hasOwn(definitions, name) && made[KIND_MARK] === undefined) continue;
      definitions[name] = made;
    }
    Object.assign(paths, getObject(document, 'paths'));
  }
  const info = { title: 'Kubernetes', version: VERSION };
  // References stand in paths, too.
  const text = JSON.stringify(paths).replaceAll('#/components/schemas/', '#/definitions/');
  return { swagger: '2.0', info, paths: JSON.parse(text) as JsonObject, definitions };
}

/**
 * The part of OpenAPI 2 that kubectl reads in protobuf: the types, for `explain`, and which kinds can be patched with
 * field validation, which it asks for when it meets a kind that OpenAPI 3 does not have.
 */
export function openApiV2Protobuf(catalogue: Catalogue, document: JsonObject): Buffer {
  const paths = [...catalogue.all()].filter((kind) => kind.verbs.includes('patch')).map(patchPath);
  return Buffer.concat([
    text(1, '2.0'),
    message(2, text(1, 'Kubernetes'), text(2, VERSION)),
    message(8, ...paths),
    definitionsMessage(9, getObject(document, 'definitions') ?? {}),
  ]);
}
