import { getArray, getString, isJsonObject, parseJson } from '../kernel/index.ts';
import type { KubeList, ListOptions } from './client.ts';
import type { Discovery } from './discovery.ts';
import { failureOfResponse, statusOf } from './failure.ts';
import type { KindRef, KubeObject } from './object.ts';
import { objectPath } from './path.ts';
import type { ApiRequest, Transport } from './transport.ts';

const PAGE = 500;
const LIST_TIMEOUT = 60_000;
const MAX_PAGES = 10_000;

/** A list in pages; when its token expires between two pages it is read again, in one piece, as client-go does. */
export async function listAll(
  transport: Transport,
  discovery: Discovery,
  kind: KindRef,
  options: ListOptions,
  signal: AbortSignal | undefined,
): Promise<KubeList> {
  const resource = await discovery.resource(kind, signal);
  const items: KubeObject[] = [];
  let token: string | undefined;
  let whole = false;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const request: ApiRequest = {
      what: `list ${resource.resource}${options.namespace === undefined ? '' : ` in ${options.namespace}`}`,
      method: 'GET',
      path: objectPath(resource, options.namespace, undefined, undefined),
      query: {
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
        limit: whole ? undefined : String(PAGE),
        continue: token,
      },
      timeoutMs: LIST_TIMEOUT,
      maxBytes: 512 * 1024 * 1024,
    };
    const response = await transport.send(request, signal);
    if (response.status === 410 && token !== undefined && !whole) {
      items.length = 0;
      token = undefined;
      whole = true;
      continue;
    }
    if (response.status !== 200) {
      if (response.status === 404 && statusOf(response.text) === undefined) discovery.forget();
      throw failureOfResponse(response.status, response.text, {
        what: request.what,
        server: transport.server,
      });
    }
    const answer = parseJson(response.text, `The list of ${resource.resource}`);
    for (const item of getArray(answer, 'items')) {
      if (!isJsonObject(item)) continue;
      // Items of a typed list leave these two out.
      item['apiVersion'] ??= kind.apiVersion;
      item['kind'] ??= kind.kind;
      items.push(item as KubeObject);
    }
    token = getString(answer, 'metadata', 'continue') || undefined;
    if (token === undefined) {
      return { items, resourceVersion: getString(answer, 'metadata', 'resourceVersion') ?? '' };
    }
  }
  throw failureOfResponse(500, `the list has more than ${MAX_PAGES} pages`, {
    what: `list ${resource.resource}`,
    server: transport.server,
  });
}
