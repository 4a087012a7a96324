import { OciFailure } from './failure.ts';
import { checkDigest, checkName } from './names.ts';

/** What a URL asks for, whatever the method. */
export type Route =
  | { readonly operation: 'ping' }
  | { readonly operation: 'token' }
  | { readonly operation: 'catalog' }
  | { readonly operation: 'uploads'; readonly repository: string }
  | { readonly operation: 'upload'; readonly repository: string; readonly id: string }
  | { readonly operation: 'blob'; readonly repository: string; readonly reference: string }
  | { readonly operation: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly operation: 'tags'; readonly repository: string }
  | { readonly operation: 'referrers'; readonly repository: string; readonly reference: string };

export type Operation = Route['operation'];

/** `path` is percent-decoded. Undefined when nothing of this API is there. Names of repositories and digests of blobs are checked. */
export function parseRoute(path: string): Route | undefined {
  if (path === '/v2' || path === '/v2/') return { operation: 'ping' };
  if (path === '/token') return { operation: 'token' };
  if (!path.startsWith('/v2/')) return undefined;
  const rest = path.slice('/v2/'.length);
  if (rest === '_catalog') return { operation: 'catalog' };
  const parts = rest.split('/');
  const last = parts.at(-1) ?? '';
  const kind = parts.at(-2) ?? '';
  const name = (tail: number) => checkName(parts.slice(0, -tail).join('/'));

  if (kind === 'uploads' && parts.at(-3) === 'blobs' && parts.length > 3) {
    return last === ''
      ? { operation: 'uploads', repository: name(3) }
      : { operation: 'upload', repository: name(3), id: last };
  }
  if (kind === 'blobs' && last === 'uploads' && parts.length > 2) {
    return { operation: 'uploads', repository: name(2) };
  }
  if (parts.length < 3) return undefined;
  switch (kind) {
    case 'tags':
      return last === 'list' ? { operation: 'tags', repository: name(2) } : undefined;
    case 'blobs':
      return { operation: 'blob', repository: name(2), reference: checkDigest(last) };
    case 'manifests':
      // A reference that is neither a tag nor a digest names nothing: what that means depends on the method.
      return { operation: 'manifest', repository: name(2), reference: last };
    case 'referrers':
      return { operation: 'referrers', repository: name(2), reference: checkDigest(last) };
    default:
      return undefined;
  }
}

/** The path of a request, decoded; a malformed escape is the client's mistake. */
export function decodePath(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    throw new OciFailure(400, 'NAME_INVALID', 'The path holds a malformed percent escape.');
  }
}
