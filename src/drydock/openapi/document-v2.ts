import type { Catalogue } from '../kinds/catalogue.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { message, text } from '../protobuf/writer.ts';

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

/**
 * The part of OpenAPI 2 that kubectl reads in protobuf: which kinds can be patched, and that a patch may ask for field
 * validation. It asks for it when it meets a kind that OpenAPI 3 does not have.
 */
export function openApiV2Protobuf(catalogue: Catalogue): Buffer {
  const paths = [...catalogue.all()].filter((kind) => kind.verbs.includes('patch')).map(patchPath);
  return Buffer.concat([
    text(1, '2.0'),
    message(2, text(1, 'Kubernetes'), text(2, 'v1.32')),
    message(8, ...paths),
  ]);
}
