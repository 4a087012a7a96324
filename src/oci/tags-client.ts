import { getArray, parseJson } from '../kernel/index.ts';
import { collectPages, nextPage } from './pages.ts';
import { isTag, type ImageReference } from './reference.ts';
import { pullScope, type Session } from './session.ts';

const TAGS = 200_000;
const PAGE_LIMIT = 8 * 1024 * 1024;

export async function listTags(
  session: Session,
  { registry, repository }: ImageReference,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const object = `${registry}/${repository}`;
  const endpoint = await session.authority(registry, signal);
  return collectPages(`/v2/${repository}/tags/list?n=1000`, object, TAGS, async (target) => {
    const { body, headers, url } = await session.send(
      endpoint,
      {
        method: 'GET',
        target,
        headers: { accept: 'application/json' },
        maxBytes: PAGE_LIMIT,
        scopes: pullScope(repository),
        expect: [200],
        action: 'Listing the tags of',
        object,
      },
      signal,
    );
    const json = parseJson(body.toString('utf8'), `${endpoint.base.origin} for the tags of ${object}`);
    // A repository without tags has `null` in some registries.
    const items = getArray(json, 'tags').filter(
      (tag): tag is string => typeof tag === 'string' && isTag(tag),
    );
    return { items, next: nextPage(headers['link'], url, endpoint.base) };
  });
}
