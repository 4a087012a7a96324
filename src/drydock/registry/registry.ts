import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LandfallError, silentLogger, systemClock, type Clock, type Logger } from '../../kernel/index.ts';
import { answer, type Context } from './answer.ts';
import { newGate, openGate, type Gate, type RegistryAuth } from './auth.ts';
import type { Stores } from './blobs.ts';
import { journaledCatalogue, newCatalogue } from './catalogue.ts';
import { openContents } from './contents.ts';
import { OciFailure } from './failure.ts';
import { newFaults, type Fault, type FaultEffect, type FaultTarget } from './faults.ts';
import { noJournal, openJournal } from './journal.ts';
import { newRateLimiter, type RateLimit } from './rate-limit.ts';
import { refuse } from './refuse.ts';
import { decodePath, parseRoute } from './route.ts';
import { suffer } from './suffer.ts';
import { newUploads } from './uploads.ts';

export interface RegistryOptions {
  /** Default 0: a free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly auth?: RegistryAuth;
  readonly rateLimit?: RateLimit;
  /** Keeps everything in this folder across restarts; in memory without it. One process at a time. */
  readonly dataDir?: string;
  /** Where large contents lie without `dataDir`, until the registry closes. Default: the system's temporary folder. */
  readonly temporaryDir?: string;
  readonly faults?: readonly Fault[];
  /** Asked for what goes wrong with each request that no fault of its own is for. */
  readonly faultSource?: (target: FaultTarget) => FaultEffect | undefined;
  /** False: no referrers API, as with registries before distribution 1.1. Default true. */
  readonly referrers?: boolean;
  /** Default 2 GiB. */
  readonly maxBlobBytes?: number;
  /** Serves HTTPS with this certificate and key (PEM). */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** One request as the registry saw it. Credentials are not kept, only whether there were any. */
export interface RequestRecord {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly status: number;
  readonly authorization: 'none' | 'basic' | 'bearer';
}

export interface Registry {
  /** `http://127.0.0.1:40123`, without a slash at the end. */
  readonly url: string;
  /** `127.0.0.1:40123`, as an image reference names it. */
  readonly host: string;
  /** Makes requests go wrong; returns how to lift it. */
  fail(fault: Fault): () => void;
  /** The latest requests that were answered, oldest first, at most 1,000. */
  requests(): readonly RequestRecord[];
  /** Cuts every connection and removes temporary files. */
  close(): Promise<void>;
}

const REQUESTS_KEPT = 1000;

/**
 * An OCI registry (distribution specification 1.1) on an address of this machine. Rejects with kind `conflict` when
 * the port is taken.
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const { clock = systemClock, logger = silentLogger, host = '127.0.0.1' } = options;
  const { stores, closeStores } = await openStores(options.dataDir, options.temporaryDir);
  const uploads = newUploads(stores, clock, options.maxBlobBytes ?? 2 * 1024 ** 3);
  const faults = newFaults(options.faults ?? []);
  const limit = newRateLimiter(options.rateLimit, clock);
  const scheme = options.tls === undefined ? 'http' : 'https';
  const closing = new AbortController();
  const seen: RequestRecord[] = [];
  let address = '';
  const gate: Gate =
    options.auth === undefined
      ? openGate
      : newGate(options.auth, clock, () => `${scheme}://${address}/token`);
  const context: Context = { stores, uploads, gate, clock, referrers: options.referrers ?? true };

  const record = (request: IncomingMessage, response: ServerResponse): void => {
    const given = request.headers.authorization ?? '';
    seen.push({
      method: request.method ?? '',
      url: request.url ?? '',
      status: response.statusCode,
      authorization: given === '' ? 'none' : /^bearer /i.test(given) ? 'bearer' : 'basic',
    });
    if (seen.length > REQUESTS_KEPT) seen.shift();
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    const url = new URL(request.url ?? '/', 'http://registry');
    const method = request.method ?? 'GET';
    const route = parseRoute(decodePath(url.pathname));
    const target: FaultTarget = {
      method,
      operation: route?.operation,
      repository: route !== undefined && 'repository' in route ? route.repository : undefined,
      reference: route !== undefined && 'reference' in route ? route.reference : undefined,
    };
    const effect = faults.take(target) ?? options.faultSource?.(target);
    const damage = await suffer(effect, request, clock, closing.signal);
    if (damage === 'no-answer') return;
    limit();
    if (route === undefined) throw new OciFailure(404, 'UNSUPPORTED', 'Nothing is served at this path.');
    await answer(context, route, { request, response, method, query: url.searchParams, damage });
  };

  const listener: RequestListener = (request, response) => {
    response.on('close', () => record(request, response));
    handle(request, response).catch((error: unknown) => {
      refuse(request, response, error, logger);
    });
  };
  const server = await newServer(options.tls, listener);
  try {
    await listen(server, options.port ?? 0, host);
  } catch (error) {
    await closeStores();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  address = `${host.includes(':') ? `[${host}]` : host}:${port}`;

  return {
    url: `${scheme}://${address}`,
    host: address,
    fail: (fault) => faults.add(fault),
    requests: () => [...seen],
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await uploads.close();
      await closeStores();
    },
  };
}

async function openStores(
  dataDir: string | undefined,
  temporaryDir: string | undefined,
): Promise<{ stores: Stores; closeStores: () => Promise<void> }> {
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true });
  const contents = await openContents(dataDir, temporaryDir);
  const state = newCatalogue(contents);
  const journal =
    dataDir === undefined
      ? noJournal
      : await openJournal(
          dataDir,
          (change) => void state.apply(change),
          () => state.snapshot(),
        );
  const closeStores = async (): Promise<void> => {
    await journal.close();
    await contents.close();
  };
  const lost = [...state.repositories.values()].flatMap(({ name, blobs, manifests }) =>
    [...blobs, ...manifests.keys()]
      .filter((digest) => contents.size(digest) === undefined)
      .map((digest) => `${name}@${digest}`),
  );
  if (lost.length > 0) {
    await closeStores();
    throw new LandfallError(
      `The registry's data in ${dataDir ?? 'memory'} lacks ${lost.length} contents, the first is ${lost[0] ?? ''}.`,
      {
        kind: 'unavailable',
        code: 'registry-data-damaged',
        ...(dataDir === undefined ? {} : { object: dataDir }),
        hint: 'Restore the folder from a copy, or start with another --data folder and push again.',
      },
    );
  }
  await contents.sweep();
  return { stores: { contents, catalogue: journaledCatalogue(state, journal) }, closeStores };
}

async function newServer(tls: RegistryOptions['tls'], listener: RequestListener): Promise<Server> {
  if (tls === undefined) {
    const { createServer } = await import('node:http');
    return createServer({ keepAlive: true }, listener);
  }
  const { createServer } = await import('node:https');
  return createServer({ ...tls, keepAlive: true }, listener);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new LandfallError(
          taken
            ? `The registry cannot listen on ${host}:${port}: the port is taken.`
            : `The registry cannot listen on ${host}:${port}: ${cause.message}`,
          {
            kind: taken ? 'conflict' : 'unavailable',
            code: taken ? 'port-in-use' : 'listen-failed',
            object: `${host}:${port}`,
            hint: 'Choose another port, or 0 for a free one.',
            cause,
          },
        ),
      );
    });
    server.listen(port, host, () => resolve());
  });
}
