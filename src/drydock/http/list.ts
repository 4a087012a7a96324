import { once } from 'node:events';
import { ApiStatusError } from '../api/contract.ts';
import { selectionOf } from '../machinery/reads.ts';
import { apiVersionOf, type ResourceKind } from '../kinds/kind.ts';
import type { Store } from '../store/store.ts';
import { wantsPretty, writeObject, type Exchange } from './exchange.ts';
import { itemBytes } from './item-bytes.ts';
import { readPage } from './pages.ts';
import { tableOf } from '../tables/table.ts';
import { wantsTable } from './negotiation.ts';

/** Bytes that are handed to the socket at a time. */
const BATCH = 256 * 1024;

/** GET of a collection: a list, or a Table where the client asks for one. */
export async function serveList(
  exchange: Exchange,
  store: Store,
  kind: ResourceKind,
  namespace: string | undefined,
  now: number,
): Promise<void> {
  const { query } = exchange;
  const selection = selectionOf(kind, {
    ...(namespace === undefined ? {} : { namespace }),
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
  });
  const page = readPage(store, kind, selection, query);
  const metadata = {
    resourceVersion: page.resourceVersion,
    ...(page.continueToken === undefined ? {} : { continue: page.continueToken }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  if (wantsTable(exchange)) {
    writeObject(exchange, 200, tableOf(kind, page.items, metadata, query.get('includeObject'), now));
    return;
  }
  if (wantsPretty(exchange)) {
    const items = page.items.map((item) => {
      const { kind: _k, apiVersion: _v, ...rest } = item;
      return kind.typeId === undefined ? item : rest;
    });
    writeObject(exchange, 200, {
      kind: `${kind.kind}List`,
      apiVersion: apiVersionOf(kind),
      metadata,
      items,
    });
    return;
  }
  const head = `{"kind":"${kind.kind}List","apiVersion":"${apiVersionOf(kind)}","metadata":${JSON.stringify(metadata)},"items":[`;
  const { response } = exchange;
  response.writeHead(200, { 'Cache-Control': 'no-cache, private', 'Content-Type': 'application/json' });
  if (exchange.request.method === 'HEAD') {
    response.end();
    return;
  }
  const comma = Buffer.from(',');
  let batch: Buffer[] = [Buffer.from(head)];
  let size = 0;
  for (const [index, item] of page.items.entries()) {
    if (index > 0) batch.push(comma);
    for (const chunk of itemBytes(kind, item)) {
      batch.push(chunk);
      size += chunk.length;
    }
    if (size < BATCH) continue;
    if (!response.write(Buffer.concat(batch))) await drained(exchange);
    batch = [];
    size = 0;
  }
  batch.push(Buffer.from(']}\n'));
  response.end(Buffer.concat(batch));
}

/** Waits until a slow client has read what it was sent; gives up when it goes away. */
export async function drained(exchange: Exchange): Promise<void> {
  try {
    await once(exchange.response, 'drain', { signal: exchange.signal });
  } catch {
    throw new ApiStatusError(499, 'ClientClosedRequest', 'the client went away');
  }
}
