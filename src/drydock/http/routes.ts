import { isJsonObject, type JsonValue } from '../../kernel/index.ts';
import type { ApiServer } from '../api/api-server.ts';
import { ApiStatusError, type PodBackend } from '../api/contract.ts';
import type { Faults } from '../faults/index.ts';
import { maybeMap, stringAt } from '../kinds/json-access.ts';
import type { Authorizer } from '../machinery/authorizer.ts';
import { finalizeNamespace } from '../machinery/namespaces.ts';
import { forbidden } from '../machinery/status-errors.ts';
import type { User } from '../machinery/write-request.ts';
import { parseBody, readBody } from './body.ts';
import { serveDiscovery } from './discovery.ts';
import { writeObject, writeText, type Exchange } from './exchange.ts';
import { isFaultPath, serveFaults } from './fault-api.ts';
import { METRICS_GROUP, serveMetrics } from './metrics-api.ts';
import type { OpenApiDocuments } from './openapi.ts';
import { bindPod, evictPod } from './pod-actions.ts';
import { servePodLog } from './pod-log.ts';
import { serveProxy } from './proxy.ts';
import { readResourcePath, type ResourcePath } from './request-info.ts';
import { serveResource } from './resource.ts';
import { review } from './reviews.ts';
import { requestToken } from './token-request.ts';
import { VERBS, verbOf } from './verb.ts';
import { writeRequest } from './write-options.ts';

export interface Served {
  readonly api: ApiServer;
  readonly faults: Faults;
  readonly authorizer: Authorizer;
  readonly documents: OpenApiDocuments;
  readonly backend: PodBackend | undefined;
  /** Where this server is reached, for clients that ask. */
  readonly address: string;
}

const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.13+drydock',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'go1.24.6',
  compiler: 'gc',
  platform: 'linux/amd64',
};

/** Answers one request of a known user. Throws ApiStatusError. */
export async function route(exchange: Exchange, served: Served): Promise<void> {
  const { pathname } = exchange;
  if (/^\/(livez|readyz|healthz)(\/|$)/.test(pathname)) {
    const endpoint = pathname.split('/', 2)[1] ?? '';
    const verbose = exchange.query.has('verbose');
    writeText(exchange, 200, verbose ? `[+]ping ok\n${endpoint} check passed\n` : 'ok');
    return;
  }
  if (pathname === '/version' || pathname === '/version/') {
    writeObject(exchange, 200, VERSION);
    return;
  }
  if (isFaultPath(pathname)) {
    authorizePath(exchange, served.authorizer);
    await serveFaults(exchange, served.faults);
    return;
  }
  const path = readResourcePath(pathname);
  if (path?.group === METRICS_GROUP || pathname.startsWith(`/apis/${METRICS_GROUP}/`)) {
    if (path === undefined) authorizePath(exchange, served.authorizer);
    else authorizeResource(exchange.user, verbOf(exchange, path), served.authorizer, path);
    if (exchange.request.method === 'GET' && serveMetrics(exchange, served.api.engine, served.api.metrics))
      return;
    throw notServed();
  }
  if (path === undefined || isDiscovery(pathname)) {
    authorizePath(exchange, served.authorizer);
    if (await serveOther(exchange, served)) return;
    throw notServed();
  }
  authorizeResource(exchange.user, verbOf(exchange, path), served.authorizer, path);
  await serveResourcePath(exchange, served, path);
}

function isDiscovery(pathname: string): boolean {
  return /^\/(api(\/[^/]+)?|apis(\/[^/]+){0,2})\/?$/.test(pathname);
}

export function notServed(): ApiStatusError {
  return new ApiStatusError(404, 'NotFound', 'the server could not find the requested resource');
}

function notAllowed(): ApiStatusError {
  const message = 'the server does not allow this method on the requested resource';
  return new ApiStatusError(405, 'MethodNotAllowed', message);
}

async function serveOther(exchange: Exchange, served: Served): Promise<boolean> {
  const { method } = exchange.request;
  if (method !== 'GET' && method !== 'HEAD') {
    throw notAllowed();
  }
  const { catalogue } = served.api.engine;
  if (await served.documents.serve(exchange)) return true;
  const address = served.address.replace(/^https?:\/\//, '');
  if (serveDiscovery(exchange, catalogue, address, served.api.metrics !== undefined)) return true;
  if (exchange.pathname === '/') {
    writeObject(exchange, 200, {
      paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v3', '/readyz', '/version'],
    });
    return true;
  }
  return false;
}

/** Kinds that nobody writes. */
const READ_ONLY: ReadonlySet<string> = new Set(['componentstatuses']);

const SUCCESS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** POST .../bindings: the binding of the pod that it names, by its old address. */
async function bindNamed(
  exchange: Exchange,
  engine: ApiServer['engine'],
  path: ResourcePath,
  body: JsonValue,
): Promise<void> {
  const pods = engine.catalogue.require({ group: '', version: 'v1', resource: 'pods' });
  const name = stringAt(maybeMap(isJsonObject(body) ? body : {}, 'metadata'), 'name');
  await bindPod(engine, writeRequest(exchange, pods, path.namespace, undefined), name, body);
  writeObject(exchange, 201, SUCCESS);
}

async function serveResourcePath(exchange: Exchange, served: Served, path: ResourcePath): Promise<void> {
  const { engine } = served.api;
  const kind = engine.catalogue.find(path.group, path.version, path.resource);
  if (kind === undefined) throw notServed();
  if (path.namespace !== undefined && !kind.namespaced) throw notServed();
  const { method } = exchange.request;
  if (!kind.verbs.includes('get')) {
    if (method !== 'POST' || path.name !== undefined) throw notServed();
    const body = parseBody(await readBody(exchange.request), exchange.request.headers['content-type']);
    if (kind.kind === 'Binding') {
      await bindNamed(exchange, engine, path, body);
      return;
    }
    writeObject(exchange, 201, review(kind, body, exchange.user, served.authorizer));
    return;
  }
  const verb = verbOf(exchange, path);
  if (path.subresource === undefined && READ_ONLY.has(kind.resource) && !kind.verbs.includes(verb)) {
    throw notAllowed();
  }
  if (kind.kind === 'ComponentStatus') exchange.warnings.push('v1 ComponentStatus is deprecated in v1.19+');
  if (kind.namespaced && path.name !== undefined && path.namespace === undefined) throw notServed();
  if (path.group === '' && (path.resource === 'pods' || path.resource === 'services')) {
    if (path.subresource === 'proxy') {
      await serveProxy(exchange, engine, path, served.backend);
      return;
    }
  }
  if (kind.kind === 'Pod' && kind.group === '' && path.name !== undefined) {
    if (path.subresource === 'log' && method === 'GET') {
      await servePodLog(exchange, engine, path, served.backend);
      return;
    }
    if ((path.subresource === 'eviction' || path.subresource === 'binding') && method === 'POST') {
      const body = parseBody(await readBody(exchange.request), exchange.request.headers['content-type']);
      const request = writeRequest(exchange, kind, path.namespace, undefined);
      const act = path.subresource === 'eviction' ? evictPod : bindPod;
      await act(engine, request, path.name, body);
      writeObject(exchange, 201, SUCCESS);
      return;
    }
  }
  if (kind.kind === 'Namespace' && kind.group === '' && path.subresource === 'finalize' && method === 'PUT') {
    const body = parseBody(await readBody(exchange.request), exchange.request.headers['content-type']);
    writeObject(exchange, 200, await finalizeNamespace(engine, path.name ?? '', body));
    return;
  }
  if (kind.kind === 'ServiceAccount' && path.subresource === 'token' && method === 'POST') {
    const body = parseBody(await readBody(exchange.request), exchange.request.headers['content-type']);
    writeObject(exchange, 201, requestToken(engine, served.api.tokens, path, body));
    return;
  }
  await serveResource(exchange, engine, kind, path);
}

/** Throws 403 in the words of Kubernetes unless the user may. */
export function authorizeResource(
  user: User,
  verb: string,
  authorizer: Authorizer,
  path: ResourcePath,
): void {
  const decision = authorizer.decide(user, {
    verb,
    group: path.group,
    resource: path.resource,
    subresource: path.subresource ?? '',
    namespace: path.namespace ?? '',
    name: path.name ?? '',
  });
  if (decision.allowed) return;
  const resource = path.subresource === undefined ? path.resource : `${path.resource}/${path.subresource}`;
  const where =
    path.namespace === undefined ? 'at the cluster scope' : `in the namespace "${path.namespace}"`;
  throw forbidden(
    { group: path.group, resource: path.resource },
    path.name ?? '',
    `User "${user.name}" cannot ${verb} resource "${resource}" in API group "${path.group}" ${where}`,
  );
}

function authorizePath(exchange: Exchange, authorizer: Authorizer): void {
  const verb = VERBS[exchange.request.method ?? ''] ?? '';
  if (authorizer.decide(exchange.user, { verb, path: exchange.pathname }).allowed) return;
  throw new ApiStatusError(
    403,
    'Forbidden',
    `forbidden: User "${exchange.user.name}" cannot ${verb} path "${exchange.pathname}"`,
    {},
  );
}
