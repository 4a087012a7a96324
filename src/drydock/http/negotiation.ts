import type { Exchange } from './exchange.ts';

/** Whether the client asks for a Table before anything else that is served. */
export function wantsTable(exchange: Exchange): boolean {
  const accept = exchange.request.headers.accept ?? '';
  for (const range of accept.split(',')) {
    if (!/^\s*application\/json\b/.test(range)) continue;
    if (!/;\s*as=Table\b/.test(range)) return false;
    if (/;\s*v=v1\b/.test(range) || /;\s*v=v1beta1\b/.test(range)) return true;
  }
  return false;
}

/** Whether the client asks for objects with nothing but their metadata. */
export function wantsMetadataOnly(exchange: Exchange): boolean {
  const [first = ''] = (exchange.request.headers.accept ?? '').split(',');
  return /;\s*as=PartialObjectMetadata(List)?\b/.test(first);
}
