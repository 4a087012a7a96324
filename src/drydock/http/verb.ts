import { isTrue, type Exchange } from './exchange.ts';
import type { ResourcePath } from './request-info.ts';

/** The verb that access is asked for by method; of the resource API, `verbOf` knows better. */
export const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** What a request does to the resource of its path, in the words of RBAC. */
export function verbOf(exchange: Pick<Exchange, 'request' | 'query'>, path: ResourcePath): string {
  const verb = VERBS[exchange.request.method ?? ''] ?? '';
  if (path.name !== undefined) return verb === 'get' && isTrue(exchange.query.get('watch')) ? 'watch' : verb;
  if (verb === 'get') return isTrue(exchange.query.get('watch')) ? 'watch' : 'list';
  return verb === 'delete' ? 'deletecollection' : verb;
}
