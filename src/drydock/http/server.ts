import { setMaxListeners } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { LandfallError } from '../../kernel/index.ts';
import type { ApiServer } from '../api/api-server.ts';
import type { PodBackend } from '../api/contract.ts';
import { faultBoard, type FaultBoard, type Faults } from '../faults/index.ts';
import { clusterAccess } from '../machinery/access.ts';
import type { Authorizer } from '../machinery/authorizer.ts';
import { ADMIN, type User } from '../machinery/write-request.ts';
import { makeServerCertificate, type ServerCertificate } from './certificate.ts';
import { writeFailure, type Exchange } from './exchange.ts';
import { refuseUpgrade, serveRemoteCommand } from './exec.ts';
import { RequestFaults } from './faults.ts';
import { isFaultPath } from './fault-api.ts';
import { impersonated, unauthorized } from './impersonation.ts';
import { OpenApiDocuments } from './openapi.ts';
import { servePortForward } from './port-forward.ts';
import { readResourcePath } from './request-info.ts';
import { authorizeResource, notServed, route } from './routes.ts';

export interface ServeOptions {
  /** 0 takes a free port. Default 0. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** The bearer token with all rights. */
  readonly token: string;
  /** HTTPS with this certificate; absent: plain HTTP. */
  readonly tls?: ServerCertificate;
  /** Where logs and proxied requests of pods go. It may come later, through `setBackend`. */
  readonly backend?: PodBackend;
  /** Everybody but the holder of `token` needs a role. Default false: whoever is known may do everything. */
  readonly rbac?: boolean;
  /** What goes wrong on purpose. Default: a board of its own. */
  readonly faults?: FaultBoard;
}

export interface ServedApi {
  /** `https://127.0.0.1:6443` */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** PEM that clients trust; undefined over plain HTTP. */
  readonly certificate: string | undefined;
  setBackend(backend: PodBackend): void;
  /** What goes wrong on purpose, also at `/drydock/faults`. */
  readonly faults: Faults;
  /** Cuts every connection, as a network or a load balancer does: clients are to come back by themselves. */
  dropConnections(): void;
  /** Ends watches and connections. */
  close(): Promise<void>;
}

const CLOSE_GRACE = 1_000;
const UPGRADES: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward']);

/** A certificate for every name a client on this machine may use. */
export function localCertificate(host: string): ServerCertificate {
  const names = [
    'localhost',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    '127.0.0.1',
    '::1',
    '10.96.0.1',
  ];
  if (!names.includes(host) && host !== '0.0.0.0' && host !== '::') names.push(host);
  return makeServerCertificate(names, Date.now());
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new LandfallError(
          taken
            ? `The API server could not listen on ${host}:${port}: the port is in use.`
            : `The API server could not listen on ${host}:${port}: ${cause.message}`,
          {
            kind: taken ? 'conflict' : 'unavailable',
            code: taken ? 'port-in-use' : 'listen-failed',
            object: `${host}:${port}`,
            hint: taken
              ? 'Choose another port, or 0 for a free one.'
              : 'See that the address belongs to this machine.',
            cause,
          },
        ),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function bearer(request: IncomingMessage): string | undefined {
  return /^Bearer (\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1];
}

/** Whom a certificate that was signed here names: its common name, and its organizations as groups. */
function certifiedUser({ socket }: IncomingMessage): User | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  const name: string | undefined = subject?.CN;
  if (name === undefined || name === '') return undefined;
  const organizations: string | readonly string[] = subject.O ?? [];
  const groups = typeof organizations === 'string' ? [organizations] : organizations;
  return { name, groups: [...new Set([...groups, 'system:authenticated'])] };
}

/** Paths that say whether the server lives, and need no identity. */
const OPEN_PATHS = /^\/(livez|readyz|healthz|version)(\/|$)/;

/** Serves the API over HTTP or HTTPS. Throws `port-in-use` or `listen-failed`. */
export async function serveApi(api: ApiServer, options: ServeOptions): Promise<ServedApi> {
  const host = options.host ?? '127.0.0.1';
  const { store } = api.engine;
  const { tokens } = api;
  const authorizer: Authorizer = clusterAccess({
    token: options.token,
    store,
    tokens,
    rbac: options.rbac ?? false,
  });
  const documents = new OpenApiDocuments(api.engine.catalogue);
  const board = options.faults ?? faultBoard(api.clock);
  const faults = new RequestFaults(board, api.clock);
  const closing = new AbortController();
  // Every running request waits for it, thousands of idle watches among them.
  setMaxListeners(0, closing.signal);
  let backend = options.backend;
  api.setServiceResolver((namespace, name, port) => backend?.serviceAddress(namespace, name, port));
  let url = '';

  const identify = (request: IncomingMessage, pathname: string): User => {
    const token = bearer(request);
    const user = token === undefined ? certifiedUser(request) : authorizer.authenticate(token);
    if (user !== undefined) return impersonated(request.headersDistinct, user, authorizer);
    if (token === undefined && OPEN_PATHS.test(pathname)) return ADMIN;
    throw unauthorized();
  };

  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const target = request.url ?? '/';
    const at = target.indexOf('?');
    const pathname = at < 0 ? target : target.slice(0, at);
    const search = at < 0 ? '' : target.slice(at);
    const gone = new AbortController();
    // Nobody waits for the end of what was answered; an abort makes an error, with its stack.
    const abort = () => {
      if (!response.writableFinished) gone.abort();
    };
    response.once('close', abort);
    closing.signal.addEventListener('abort', abort, { once: true });
    response.once('close', () => closing.signal.removeEventListener('abort', abort));
    // A client that is gone is not worth an error; the handlers see the signal.
    response.on('error', () => {});
    const exchange: Exchange = {
      request,
      response,
      pathname,
      query: new URLSearchParams(search),
      search,
      user: ADMIN,
      signal: gone.signal,
      warnings: [],
      watching: (watch) => faults.watching(exchange, watch),
    };
    const answer = async () => {
      const next = isFaultPath(pathname) ? exchange : await faults.suffer(exchange);
      if (next === undefined || closing.signal.aborted) return;
      const user = identify(request, pathname);
      await route({ ...next, user }, { api, faults: board, authorizer, documents, backend, address: url });
    };
    answer().catch((error: unknown) => writeFailure(exchange, error));
  };

  const server =
    options.tls === undefined
      ? createHttpServer({ keepAlive: true, maxHeaderSize: 64 * 1024 }, handle)
      : createHttpsServer(
          {
            key: options.tls.privateKey,
            cert: options.tls.certificate,
            // A client may show a certificate that was signed here; one without goes on with its token.
            ca: options.tls.certificate,
            requestCert: true,
            rejectUnauthorized: false,
            keepAlive: true,
            maxHeaderSize: 64 * 1024,
          },
          handle,
        );
  const upgrade = (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    search: string,
    pathname: string,
  ) => {
    const user = identify(request, pathname);
    const path = readResourcePath(pathname);
    if (path?.resource !== 'pods' || path.group !== '') throw notServed();
    if (!UPGRADES.has(path.subresource ?? '')) throw notServed();
    authorizeResource(user, 'create', authorizer, path);
    if (path.subresource === 'portforward') {
      servePortForward(request, socket, head, api.engine, path, backend);
      return;
    }
    serveRemoteCommand(request, socket, head, api.engine, path, new URLSearchParams(search), backend);
  };
  server.on('upgrade', (request, socket, head) => {
    const gone = new AbortController();
    const abort = () => gone.abort();
    socket.on('error', () => socket.destroy());
    const destroy = () => socket.destroy();
    closing.signal.addEventListener('abort', destroy, { once: true });
    socket.once('close', () => {
      closing.signal.removeEventListener('abort', destroy);
      abort();
    });
    const [pathname = '/', search = ''] = (request.url ?? '/').split('?', 2);
    const query = new URLSearchParams(search);
    faults
      .sufferUpgrade({ request, pathname, query, signal: gone.signal })
      .then((goesOn) => {
        if (goesOn && !socket.destroyed) upgrade(request, socket, head, search, pathname);
      })
      .catch((error: unknown) => refuseUpgrade(socket, error));
  });
  // Watches are silent for as long as nothing changes; only the reading of a request is timed.
  server.timeout = 0;
  server.requestTimeout = 60_000;
  server.headersTimeout = 30_000;
  server.keepAliveTimeout = 120_000;
  const port = await listen(server, options.port ?? 0, host);
  const shown = host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host;
  url = `${options.tls === undefined ? 'http' : 'https'}://${shown}:${port}`;
  return {
    url,
    host,
    port,
    certificate: options.tls?.certificate,
    setBackend(next) {
      backend = next;
    },
    faults: board,
    dropConnections: () => server.closeAllConnections(),
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await Promise.race([closed, wait(CLOSE_GRACE, undefined, { ref: false })]);
      server.closeAllConnections();
      await closed;
    },
  };
}
