import { LandfallError } from '../kernel/index.ts';

const PAGES = 1000;

/** The target of `rel="next"` in a Link header (RFC 8288), as path and query under `base`; undefined at the last page. */
export function nextPage(link: string | undefined, from: URL, base: URL): string | undefined {
  const prefix = base.pathname.replace(/\/$/, '');
  if (link === undefined || link.length > 16 * 1024) return undefined;
  for (const [, target = '', parameters = ''] of link.matchAll(/<([^>]*)>([^<]*)/g)) {
    if (!/;\s*rel\s*=\s*(?:"[^"]*\bnext\b[^"]*"|next\b)/i.test(parameters)) continue;
    try {
      const url = new URL(target, from);
      // Behind a proxy the host in a link is often an inner one; the next page is asked where this one was.
      const path = url.pathname.startsWith(`${prefix}/`) ? url.pathname.slice(prefix.length) : url.pathname;
      return `${path}${url.search}`;
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** Follows pages until there is no next one. A page that leads to an earlier one ends in an error. */
export async function collectPages<T>(
  first: string,
  object: string,
  limit: number,
  load: (target: string) => Promise<{ readonly items: readonly T[]; readonly next: string | undefined }>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let only: readonly T[] | undefined;
  const seen = new Set<string>();
  for (let target: string | undefined = first; target !== undefined;) {
    if (seen.has(target) || seen.size >= PAGES || items.length > limit) {
      throw new LandfallError(
        `The list of ${object} does not end: ${seen.size} pages with ${items.length} entries were read.`,
        {
          kind: 'unavailable',
          code: 'registry-endless-list',
          object,
          hint: `At most ${limit} entries in ${PAGES} pages are read; remove old tags, or tell who runs the registry.`,
        },
      );
    }
    seen.add(target);
    const page = await load(target);
    // One page is given as it is: who has seen it before then knows it again.
    if (seen.size === 1 && page.next === undefined) only = page.items;
    else items.push(...page.items);
    target = page.next;
  }
  return only ?? items;
}
