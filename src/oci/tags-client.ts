import { getArray, parseJson } from '../kernel/index.ts';
import type { PageCache } from './page-cache.ts';
import { collectPages, nextPage } from './pages.ts';
import { isTag, type ImageReference } from './reference.ts';
import { pullScope, type Session } from './session.ts';

const TAGS = 200_000;
const PAGE_LIMIT = 8 * 1024 * 1024;

export async function listTags(
  session: Session,
  { registry, repository }: ImageReference,
  cache: PageCache,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const object = `${registry}/${repository}`;
  const endpoint = await session.authority(registry, signal);
  return collectPages(`/v2/${repository}/tags/list?n=1000`, object, TAGS, async (target) => {
    const known = cache.get(endpoint, target);
    const { status, body, headers, url } = await session.send(
      endpoint,
      {
        method: 'GET',
        target,
        headers: {
          accept: 'application/json',
          ...(known === undefined ? {} : { 'if-none-match': known.etag }),
        },
        maxBytes: PAGE_LIMIT,
        scopes: pullScope(repository),
        expect: known === undefined ? [200] : [200, 304],
        action: 'Listing the tags of',
        object,
      },
      signal,
    );
    if (status === 304 && known !== undefined) return known;
    const json = parseJson(body.toString('utf8'), `${endpoint.base.origin} for the tags of ${object}`);
    // A repository without tags has `null` in some registries.
    const items = getArray(json, 'tags').filter(
      (tag): tag is string => typeof tag === 'string' && isTag(tag),
    );
    const page = { items, next: nextPage(headers['link'], url, endpoint.base) };
    const { etag } = headers;
    if (etag !== undefined) cache.set(endpoint, target, { ...page, etag });
    return page;
  });
}
