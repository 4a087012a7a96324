import { getArray, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KubeObject, ObjectRef } from '../../kube/index.ts';

/** `namespace_name_group_kind`; the colons of RBAC names are written as two underscores. */
export function inventoryId(ref: ObjectRef): string {
  const { group } = splitApiVersion(ref.apiVersion);
  return `${ref.namespace ?? ''}_${ref.name.replaceAll(':', '__')}_${group}_${ref.kind}`;
}

export function inventoryEntry(ref: ObjectRef): JsonObject {
  return { id: inventoryId(ref), v: splitApiVersion(ref.apiVersion).version };
}

/** What `status.inventory` names, however Flux or this controller wrote it. */
export function inventoryOf(object: KubeObject): readonly ObjectRef[] {
  return getArray(object, 'status', 'inventory', 'entries').flatMap((entry) => {
    const id = getString(entry, 'id') ?? '';
    const version = getString(entry, 'v') ?? '';
    const [namespace = '', ...rest] = id.split('_');
    const kind = rest.pop() ?? '';
    const group = rest.pop() ?? '';
    const name = rest.join('_').replaceAll('__', ':');
    if (kind === '' || name === '' || version === '') return [];
    const apiVersion = group === '' ? version : `${group}/${version}`;
    return [namespace === '' ? { apiVersion, kind, name } : { apiVersion, kind, namespace, name }];
  });
}
