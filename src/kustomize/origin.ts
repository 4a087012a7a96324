import type { Resource } from './resource.ts';
import { stringifyOrigin } from './origin-text.ts';
import { isRemote } from './loader.ts';
import { originKey } from './origin-key.ts';
import type { Origin } from './origin-key.ts';

export const transformationsKey = 'alpha.config.kubernetes.io/transformations';

export { originKey };
export type { Origin };

export function appendOrigin(origin: Origin, path: string): Origin {
  if (isRemote(path)) {
    const { repo, ref, inner } = splitRemote(path);
    return { repo, ...(ref === '' ? {} : { ref }), ...(inner === '' ? {} : { path: inner }) };
  }
  return { ...origin, path: joinPath(origin.path ?? '', path) };
}

function splitRemote(url: string): { readonly repo: string; readonly ref: string; readonly inner: string } {
  const [address = '', query = ''] = url.split('?');
  const ref = new URLSearchParams(query).get('ref') ?? new URLSearchParams(query).get('version') ?? '';
  const double = address.indexOf('//', address.indexOf('://') + 3);
  if (double > 0) return { repo: address.slice(0, double), ref, inner: address.slice(double + 2) };
  const parts = address.replace(/^https?:\/\//, '').split('/');
  const scheme = /^https?:\/\//.exec(address)?.[0] ?? '';
  return { repo: scheme + parts.slice(0, 3).join('/'), ref, inner: parts.slice(3).join('/') };
}

export function joinPath(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${base}/${path}`.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

export function setOrigin(resource: Resource, origin: Origin): void {
  resource.setAnnotation(originKey, stringifyOrigin(origin), 'buildMetadata');
}

export function addTransformation(resource: Resource, origin: Origin): void {
  const before = resource.textMap('annotations').get(transformationsKey) ?? '';
  resource.setAnnotation(transformationsKey, before + listItem(stringifyOrigin(origin)), 'buildMetadata');
}

function listItem(text: string): string {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => `${index === 0 ? '- ' : '  '}${line}\n`)
    .join('');
}
