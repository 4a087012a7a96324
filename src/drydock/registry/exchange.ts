import type { IncomingMessage, ServerResponse } from 'node:http';
import { OciFailure } from './failure.ts';

/** One request and its answer, with what every handler needs of them. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly query: URLSearchParams;
  /** Set by a fault: what the body of this answer suffers. */
  readonly damage: 'corrupt' | 'truncate' | undefined;
}

export type Headers = Readonly<Record<string, string | number>>;

/** Reads a body whole, up to `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      throw new OciFailure(413, 'SIZE_INVALID', `${what} is larger than ${limit} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function sendEmpty(exchange: Exchange, status: number, headers: Headers = {}): void {
  exchange.response.writeHead(status, { 'content-length': 0, ...headers });
  exchange.response.end();
}

/** Sends bytes, or only their headers to a HEAD. */
export function sendBytes(exchange: Exchange, status: number, bytes: Buffer, headers: Headers): void {
  const { response, damage } = exchange;
  response.writeHead(status, { ...headers, 'content-length': bytes.length });
  if (exchange.method === 'HEAD') {
    response.end();
  } else if (damage === 'truncate') {
    response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.destroy());
  } else if (damage === 'corrupt' && bytes.length > 0) {
    const changed = Buffer.from(bytes);
    changed[bytes.length - 1] = (changed[bytes.length - 1] ?? 0) ^ 1;
    response.end(changed);
  } else {
    response.end(bytes);
  }
}

export function sendJson(exchange: Exchange, value: unknown, headers: Headers = {}): void {
  sendBytes(exchange, 200, Buffer.from(JSON.stringify(value)), {
    'content-type': 'application/json',
    ...headers,
  });
}

/** `n` of a paged list; undefined when it was not given. */
export function pageSize(query: URLSearchParams, most: number): number | undefined {
  const text = query.get('n');
  if (text === null) return undefined;
  const n = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (n < 0) {
    throw new OciFailure(
      400,
      'PAGINATION_NUMBER_INVALID',
      `n is '${text.slice(0, 20)}' and must be a number.`,
    );
  }
  return Math.min(n, most);
}

/** One page of sorted `items` after `last`, and the Link header to the next. */
export function page(
  items: readonly string[],
  query: URLSearchParams,
  path: string,
  most: number,
): { readonly items: readonly string[]; readonly headers: Headers } {
  const size = pageSize(query, most) ?? most;
  const last = query.get('last');
  const start = last === null ? 0 : items.findIndex((item) => item > last);
  if (start < 0 || size === 0) return { items: [], headers: {} };
  const shown = items.slice(start, start + size);
  const end = shown.at(-1);
  if (end === undefined || start + size >= items.length) return { items: shown, headers: {} };
  const next = new URLSearchParams({ n: String(size), last: end });
  return { items: shown, headers: { link: `<${path}?${next.toString()}>; rel="next"` } };
}
