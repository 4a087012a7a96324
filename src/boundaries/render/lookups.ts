import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LandfallError, asLandfallError, stringifyYaml } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { splitApiVersion, statusBehind } from '../../kube/index.ts';
import type { ApiResource, KubeClient } from '../../kube/index.ts';

/** A cluster that charts may look things up in, as far as whoever asks may read it. */
export type LookupCluster = Pick<KubeClient, 'get' | 'list' | 'version' | 'apiVersions' | 'resource'>;

/** The cluster as one run of helm reaches it. */
export interface Lookups extends AsyncDisposable {
  /** A kubeconfig that holds a secret of its own, for this run only. */
  readonly kubeconfig: string;
  /** What kept a lookup from being answered; undefined: everything that was asked for is known. */
  readonly refused: () => LandfallError | undefined;
}

/**
 * What `lookup` of a chart asks a cluster, and nothing else: discovery, single objects and lists, on an address of
 * this machine, below a path that nobody else knows. The cluster's credentials stay where they are; nothing can be written.
 */
export async function startLookups(
  cluster: LookupCluster,
  signal: AbortSignal | undefined,
): Promise<Lookups> {
  const token = randomBytes(32).toString('base64url');
  let refused: LandfallError | undefined;
  const server = createServer((request, response) => {
    answer(cluster, token, request, signal).then(
      (body) => send(response, 200, body),
      (thrown: unknown) => {
        const error = asLandfallError(thrown);
        if (error.code !== 'lookup-absent') refused ??= error;
        send(response, codeOf(error), status(codeOf(error), error.message));
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    kubeconfig: stringifyYaml({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'lookup',
      // Helm sends no token where it is not asked over TLS.
      clusters: [{ name: 'lookup', cluster: { server: `http://127.0.0.1:${port}/${token}` } }],
      users: [{ name: 'lookup', user: {} }],
      contexts: [{ name: 'lookup', context: { cluster: 'lookup', user: 'lookup' } }],
    }),
    refused: () => refused,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(response: ServerResponse, code: number, body: JsonObject): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function status(code: number, message: string): JsonObject {
  const reason = code === 404 ? 'NotFound' : code === 403 ? 'Forbidden' : 'InternalError';
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code };
}

function codeOf(error: LandfallError): number {
  if (error.code === 'lookup-absent') return 404;
  return statusBehind(error)?.code ?? (error.kind === 'denied' ? 403 : 500);
}

function absent(path: string): LandfallError {
  return new LandfallError(`the server could not find ${path}`, { kind: 'not-found', code: 'lookup-absent' });
}

async function answer(
  cluster: LookupCluster,
  token: string,
  request: IncomingMessage,
  signal: AbortSignal | undefined,
): Promise<JsonObject> {
  const { pathname: whole, searchParams } = new URL(request.url ?? '/', 'http://lookup');
  if (request.method !== 'GET' || !isAllowed(whole, token) || searchParams.has('watch')) {
    throw new LandfallError('A lookup may read, and no more than that.', {
      kind: 'denied',
      code: 'lookup-denied',
    });
  }
  const pathname = whole.slice(token.length + 1);
  const parts = pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [root = '', ...rest] = parts;
  if (root === 'version') {
    const { major, minor, gitVersion } = await cluster.version(signal);
    return { major, minor, gitVersion };
  }
  const [one = '', two = ''] = rest;
  if (root === 'api' && one === '') return { kind: 'APIVersions', versions: ['v1'] };
  if (root === 'apis' && one === '') return groups(await cluster.apiVersions(signal));
  if (root !== 'api' && root !== 'apis') throw absent(pathname);
  const apiVersion = root === 'api' ? one : `${one}/${two}`;
  const resources = await resourcesOf(cluster, apiVersion, signal);
  const path = rest.slice(root === 'api' ? 1 : 2);
  if (path.length === 0) return resourceList(apiVersion, resources);
  return objects(cluster, { apiVersion, resources, path, pathname }, signal);
}

function isAllowed(path: string, token: string): boolean {
  const wanted = Buffer.from(`/${token}/`);
  const given = Buffer.from(path).subarray(0, wanted.length);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function groups(apiVersions: readonly string[]): JsonObject {
  const versions = new Map<string, string[]>();
  for (const name of apiVersions) {
    const [group = '', version, kind] = name.split('/');
    if (version === undefined || kind !== undefined || group === 'v1') continue;
    versions.set(group, [...(versions.get(group) ?? []), version]);
  }
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: [...versions].map(([name, all]) => {
      const named = all.map((version) => ({ groupVersion: `${name}/${version}`, version }));
      return { name, versions: named, preferredVersion: named[0] ?? {} };
    }),
  };
}

/** Every kind that the cluster serves in a version of a group. */
async function resourcesOf(
  cluster: LookupCluster,
  apiVersion: string,
  signal: AbortSignal | undefined,
): Promise<readonly ApiResource[]> {
  const kinds = (await cluster.apiVersions(signal)).flatMap((name) => {
    const kind = name.startsWith(`${apiVersion}/`) ? name.slice(apiVersion.length + 1) : '';
    return kind === '' || kind.includes('/') ? [] : [kind];
  });
  if (kinds.length === 0) throw absent(apiVersion);
  return Promise.all(kinds.map((kind) => cluster.resource({ apiVersion, kind }, signal)));
}

function resourceList(apiVersion: string, resources: readonly ApiResource[]): JsonObject {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersion,
    resources: resources.map(({ resource, kind, namespaced, verbs }) => ({
      name: resource,
      singularName: kind.toLowerCase(),
      namespaced,
      kind,
      verbs: [...verbs],
    })),
  };
}

async function objects(
  cluster: LookupCluster,
  asked: {
    readonly apiVersion: string;
    readonly resources: readonly ApiResource[];
    readonly path: readonly string[];
    readonly pathname: string;
  },
  signal: AbortSignal | undefined,
): Promise<JsonObject> {
  const { apiVersion, resources, path, pathname } = asked;
  const isInside = path[0] === 'namespaces' && path.length > 2;
  const [namespace, resource, name, more] = isInside ? path.slice(1) : [undefined, ...path];
  const found = resources.find((one) => one.resource === resource);
  if (found === undefined || more !== undefined) throw absent(pathname);
  const { kind } = found;
  const where = namespace === undefined ? {} : { namespace };
  if (name !== undefined) {
    const object = await cluster.get({ apiVersion, kind, name, ...where }, signal);
    if (object === undefined) throw absent(`${kind} ${name}`);
    return object;
  }
  const { items, resourceVersion } = await cluster.list({ apiVersion, kind }, where, signal);
  const { group } = splitApiVersion(apiVersion);
  return {
    kind: `${kind}List`,
    apiVersion: group === '' ? 'v1' : apiVersion,
    metadata: { resourceVersion },
    items: [...items],
  };
}
