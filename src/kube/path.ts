import { LandfallError } from '../kernel/index.ts';
import type { ApiResource } from './client.ts';

/** A segment of a path, so that no name can leave its place in the URL. */
function segment(text: string, what: string): string {
  if (text === '' || text === '.' || text === '..' || /[/%]/.test(text)) {
    throw new LandfallError(`${what} '${text}' cannot stand in an address of the Kubernetes API.`, {
      kind: 'invalid-input',
      code: 'kube-name',
      object: text,
      hint: `Give a ${what} of lower-case letters, digits, '-' and '.'.`,
    });
  }
  return encodeURIComponent(text);
}

/** `/apis/apps/v1/namespaces/comms/deployments/web`; without a name the collection, without a namespace all of them. */
export function objectPath(
  resource: ApiResource,
  namespace: string | undefined,
  name: string | undefined,
  subresource: string | undefined,
): string {
  const { group, version } = resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const inside =
    resource.namespaced && namespace !== undefined ? `/namespaces/${segment(namespace, 'namespace')}` : '';
  const tail = name === undefined ? '' : `/${segment(name, 'name')}`;
  return `${root}${inside}/${resource.resource}${tail}${subresource === undefined ? '' : `/${segment(subresource, 'subresource')}`}`;
}

export function namespacedPath(namespace: string, resource: string, name: string): string {
  return `/api/v1/namespaces/${segment(namespace, 'namespace')}/${resource}/${segment(name, 'name')}`;
}

/** `scheme:name:port`, as the proxy subresource wants it. */
export function proxyPath(
  namespace: string,
  resource: 'pods' | 'services',
  scheme: '' | 'https:',
  name: string,
  port: string,
): string {
  const inside = `/api/v1/namespaces/${segment(namespace, 'namespace')}/${resource}`;
  return `${inside}/${scheme}${segment(name, 'name')}:${segment(port, 'port')}/proxy`;
}
