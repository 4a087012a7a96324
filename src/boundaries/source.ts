import type { KubeObject } from '../kube/index.ts';
import type { ClaimSource } from './boundary.ts';

/** An object of the cluster as the source of a claim. */
export function objectSource(object: KubeObject): ClaimSource {
  const { name, namespace, resourceVersion } = object.metadata;
  return {
    type: 'object',
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}
