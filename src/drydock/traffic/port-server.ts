import { createServer as createHttp } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { messageOf, systemClock } from '../../kernel/index.ts';
import type { Target } from '../runtime/index.ts';
import { changeHeaders, changePath, passedOn, redirectTarget } from './filters.ts';
import { answer, forward } from './forward.ts';
import { findRoute, hostMatches } from './match.ts';
import type { RequestView } from './match.ts';
import type { Certificate, Filter, PortPlan, Route } from './rule.ts';
import type { Shares } from './shares.ts';

export interface PortServer {
  /** Where it listens; another port than planned for where that one cannot be opened. */
  readonly port: number;
  update(plan: PortPlan): void;
  close(): void;
}

export interface PortServerOptions {
  readonly shares: Shares;
  /** Ready endpoints of a Service's port now, in the order in which they are tried. */
  readonly targets: (namespace: string, service: string, port: string) => readonly Target[];
  /** What is shown to clients that ask for a name without a certificate. */
  readonly ownCertificate: () => Certificate;
}

/** Longer than clients keep a connection without use, so that none is closed under a request. */
const KEEP_ALIVE_MS = 75_000;
const MAX_CONNECTIONS = 4096;
/** How long requests that are under way may still take when their listener is taken away. */
const DRAIN_MS = 30_000;
/** A port that only root may open is looked for this much higher: 80 at 8080, 443 at 8443. */
const UNPRIVILEGED_OFFSET = 8000;
const FIRST_UNPRIVILEGED = 1024;

/** Serves one port of a Gateway or of the Ingresses; undefined when nothing can listen there. */
export async function startPortServer(
  first: PortPlan,
  options: PortServerOptions,
): Promise<PortServer | undefined> {
  let plan = first;
  const listener: RequestListener = (request, response) => {
    // A header that a route sets may be one that cannot be sent.
    serve(request, response, plan, port ?? plan.port, options).catch((error: unknown) =>
      answer(response, 500, `${plan.owner} could not pass the request on: ${messageOf(error)}`),
    );
  };
  const contexts = new Map<string, SecureContext>();
  const contextOf = (hostname: string): SecureContext => {
    const { certificate, privateKey } = certificateFor(plan, hostname) ?? options.ownCertificate();
    const known = contexts.get(certificate);
    if (known !== undefined) return known;
    const made = createSecureContext({ cert: certificate, key: privateKey });
    contexts.set(certificate, made);
    return made;
  };
  const server: Server = plan.tls
    ? createHttps(
        {
          ...secureDefault(options),
          SNICallback: (hostname, done) => {
            try {
              done(null, contextOf(hostname.toLowerCase()));
            } catch (error) {
              done(error instanceof Error ? error : new Error('no certificate'));
            }
          },
        },
        listener,
      )
    : createHttp(listener);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', (_error, socket) => socket.destroy());

  const port = await listenNear(server, plan.ip, plan.port);
  if (port === undefined) return undefined;
  server.unref();
  return {
    port,
    update(next) {
      plan = next;
      contexts.clear();
    },
    close() {
      server.close();
      server.closeIdleConnections();
      const timer = systemClock.after(DRAIN_MS, () => server.closeAllConnections());
      server.once('close', () => timer.cancel());
    },
  };
}

function secureDefault(options: PortServerOptions): { readonly cert: string; readonly key: string } {
  const { certificate, privateKey } = options.ownCertificate();
  return { cert: certificate, key: privateKey };
}

function certificateFor(plan: PortPlan, hostname: string): Certificate | undefined {
  for (const site of plan.sites) {
    if (!hostMatches(site.hostname, hostname, false)) continue;
    const fitting = site.certificates.find(
      ({ certificate }) => new X509Certificate(certificate).checkHost(hostname) !== undefined,
    );
    if (fitting !== undefined) return fitting;
    if (site.hostname !== '' && site.certificates[0] !== undefined) return site.certificates[0];
  }
  return undefined;
}

async function listenNear(server: Server, host: string, port: number): Promise<number | undefined> {
  const near = port < FIRST_UNPRIVILEGED ? [port + UNPRIVILEGED_OFFSET] : [];
  for (const candidate of [port, ...near, 0]) {
    const opened = await listen(server, host, candidate);
    if (opened !== undefined) return opened;
  }
  return undefined;
}

function listen(server: Server, host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const failed = () => resolve(undefined);
    server.once('error', failed);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', failed);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : undefined);
    });
  });
}

function viewOf(request: IncomingMessage): { readonly view: RequestView; readonly search: string } {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const search = mark < 0 ? '' : url.slice(mark);
  const host = request.headers.host ?? '';
  const view: RequestView = {
    hostname: host.replace(/:\d+$/, '').toLowerCase(),
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(search),
    method: request.method ?? 'GET',
    header(name) {
      const found = request.headers[name];
      return Array.isArray(found) ? found.join(',') : found;
    },
  };
  return { view, search };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  plan: PortPlan,
  servedAt: number,
  options: PortServerOptions,
): Promise<void> {
  request.on('error', () => response.destroy());
  response.on('error', () => response.destroy());
  const { view, search } = viewOf(request);
  const route = findRoute(plan.sites, view);
  if (route === undefined) {
    answer(response, 404, `${plan.owner} has no route for ${view.method} ${view.hostname}${view.path}`);
    return;
  }
  const { action } = route;
  const redirect = action.filters.find((filter) => filter.type === 'redirect');
  if (redirect !== undefined) {
    const at = { ...view, tls: plan.tls, port: plan.port, search };
    response.writeHead(redirect.status, { location: redirectTarget(redirect, at, route.match.path) });
    response.end();
    return;
  }
  const backend = options.shares.next(action);
  if (backend?.service === undefined) {
    answer(response, 500, `${route.owner} has no backend for this request`);
    return;
  }
  const { namespace, name, port } = backend.service;
  const filters = [...action.filters, ...backend.filters];
  await forward(request, response, {
    path: `${rewrittenPath(view.path, route, filters)}${search}`,
    ...forwardedBy(request, plan, servedAt, filters),
    targets: options.targets(namespace, name, port),
    timeoutMs: action.timeoutMs,
    attemptTimeoutMs: action.attemptTimeoutMs,
    nobody: `no endpoint of Service ${namespace}/${name} answers on port ${port}`,
  });
}

function rewrittenPath(path: string, route: Route, filters: readonly Filter[]): string {
  let changed = path;
  for (const filter of filters) {
    if (filter.type === 'rewrite') changed = changePath(changed, filter.path, route.match.path);
  }
  return changed;
}

function forwardedBy(request: IncomingMessage, plan: PortPlan, servedAt: number, filters: readonly Filter[]) {
  const headers = passedOn(request.headers);
  const before = headers['x-forwarded-for'];
  const client = request.socket.remoteAddress ?? '';
  headers['x-forwarded-for'] = before === undefined ? client : `${[before].flat().join(', ')}, ${client}`;
  headers['x-forwarded-proto'] = plan.tls ? 'https' : 'http';
  headers['x-forwarded-host'] = request.headers.host ?? `${plan.ip}:${servedAt}`;
  const responseChanges = [];
  for (const filter of filters) {
    if (filter.type === 'rewrite' && filter.hostname !== undefined) headers['host'] = filter.hostname;
    if (filter.type === 'request-headers') changeHeaders(headers, filter.change);
    if (filter.type === 'response-headers') responseChanges.push(filter.change);
  }
  return { headers, responseChanges };
}
