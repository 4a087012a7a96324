import type { Endpoint } from './endpoints.ts';

/** A page of a list as the registry last sent it, and the mark that it gave it. */
export interface KnownPage {
  readonly etag: string;
  readonly items: readonly string[];
  readonly next: string | undefined;
}

/** Pages by the place that answered and what it was asked. Only what the registry marked is in it. */
export interface PageCache {
  get(endpoint: Endpoint, target: string): KnownPage | undefined;
  set(endpoint: Endpoint, target: string, page: KnownPage): void;
}

/** Entries of all pages together: a hundred megabytes at most. */
const ENTRIES = 1_000_000;

export function newPageCache(): PageCache {
  const pages = new Map<string, KnownPage>();
  let entries = 0;
  const key = (endpoint: Endpoint, target: string) => `${endpoint.base.href} ${target}`;
  const drop = (name: string): void => {
    entries -= pages.get(name)?.items.length ?? 0;
    pages.delete(name);
  };
  return {
    get(endpoint, target) {
      const name = key(endpoint, target);
      const found = pages.get(name);
      if (found !== undefined) {
        // The one that was used last is dropped last.
        pages.delete(name);
        pages.set(name, found);
      }
      return found;
    },
    set(endpoint, target, page) {
      const name = key(endpoint, target);
      drop(name);
      pages.set(name, page);
      entries += page.items.length;
      for (const oldest of pages.keys()) {
        if (entries <= ENTRIES || oldest === name) break;
        drop(oldest);
      }
    },
  };
}
