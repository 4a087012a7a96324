import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isJsonObject, parseJson } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';

/** Stands in for the chat or pager that is told of deliveries. */
export interface Receiver {
  readonly url: string;
  /** What it was told, oldest first. */
  readonly told: readonly JsonObject[];
  close(): Promise<void>;
}

const MAX_BODY = 1024 * 1024;
const MAX_TOLD = 1000;

/** Listens on loopback for webhooks and keeps what they say. */
export async function startReceiver(): Promise<Receiver> {
  const told: JsonObject[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY) request.destroy();
      else chunks.push(chunk);
    });
    request.on('error', () => response.destroy());
    request.on('end', () => {
      try {
        const body = parseJson(Buffer.concat(chunks).toString('utf8'), 'the webhook');
        if (isJsonObject(body) && told.length < MAX_TOLD) told.push(body);
        response.writeHead(204).end();
      } catch {
        response.writeHead(400).end();
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    told,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
