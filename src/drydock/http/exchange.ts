import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject } from '../../kernel/index.ts';
import { ApiStatusError } from '../api/contract.ts';
import { statusBody } from '../machinery/status-errors.ts';
import type { WatchFate, WatchUnderFault } from './faults.ts';
import type { User } from '../machinery/write-request.ts';

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly pathname: string;
  readonly query: URLSearchParams;
  /** The query as it was written, with its question mark. */
  readonly search: string;
  readonly user: User;
  /** Aborts when the client goes away or the server closes. */
  readonly signal: AbortSignal;
  readonly warnings: string[];
  /** Told of a watch that runs, so that faults on purpose can end it. */
  readonly watching: (watch: WatchUnderFault) => WatchFate;
}

const MAX_WARNINGS = 32;

/** RFC 7234's form: code 299, no agent, the text quoted. */
function writeWarnings(exchange: Exchange): void {
  if (exchange.warnings.length === 0 || exchange.response.headersSent) return;
  const values = [...new Set(exchange.warnings)]
    .slice(0, MAX_WARNINGS)
    .map((text) => `299 - "${text.replaceAll(/[^\x20-\x7e]/g, ' ').replaceAll(/(["\\])/g, '\\$1')}"`);
  exchange.response.setHeader('Warning', values);
}

export function writeJson(
  exchange: Exchange,
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  const { response } = exchange;
  writeWarnings(exchange);
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, {
    'Cache-Control': 'no-cache, private',
    'Content-Type': 'application/json',
    'Content-Length': bytes.length,
    ...headers,
  });
  response.end(exchange.request.method === 'HEAD' ? undefined : bytes);
}

export function writeObject(exchange: Exchange, status: number, body: unknown): void {
  writeJson(exchange, status, `${JSON.stringify(body)}\n`);
}

export function writeText(exchange: Exchange, status: number, text: string): void {
  exchange.response.writeHead(status, {
    'Cache-Control': 'no-cache, private',
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
  });
  exchange.response.end(text);
}

/** Writes a failure as the API's own Status; what is not one of ours becomes a 500 without its stack. */
export function writeFailure(exchange: Exchange, error: unknown): void {
  const { response } = exchange;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const failure =
    error instanceof ApiStatusError
      ? error
      : new ApiStatusError(
          500,
          'InternalError',
          `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`,
          { causes: [{ message: error instanceof Error ? error.message : String(error) }] },
        );
  const body: JsonObject = statusBody(failure);
  const seconds = failure.details?.retryAfterSeconds;
  writeJson(exchange, failure.code, `${JSON.stringify(body)}\n`, {
    ...(typeof seconds === 'number' ? { 'Retry-After': String(seconds) } : {}),
    // A body that was not read to its end would be taken for the next request.
    ...(exchange.request.complete ? {} : { Connection: 'close' }),
  });
}

export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}
