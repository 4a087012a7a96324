import { isJsonObject, getNumber, getString, jsonEqual, parseJson } from '../kernel/index.ts';
import type { Clock, JsonObject, JsonValue } from '../kernel/index.ts';
import { reviewAccess } from './access.ts';
import type {
  ApplyOptions,
  ApplyOutcome,
  ApplyResult,
  KubeClient,
  PatchType,
  ServerVersion,
  WriteOptions,
} from './client.ts';
import { createDiscovery } from './discovery.ts';
import { failureOfResponse, statusOf } from './failure.ts';
import { listAll } from './list.ts';
import { objectName, refName } from './object.ts';
import type { KubeObject, ObjectRef } from './object.ts';
import { podLogs, proxyGet } from './proxy.ts';
import { objectPath } from './path.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';
import { watchOnce } from './watch.ts';

export interface HttpClientOptions {
  readonly transport: Transport;
  readonly context: string;
  readonly namespace: string;
  readonly registryMirrors: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

const PATCH_CONTENT: Readonly<Record<PatchType, string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

export function createKubeClient(options: HttpClientOptions): KubeClient {
  const { transport, namespace } = options;
  const { server } = transport;
  const discovery = createDiscovery(transport, options.clock);

  async function pathOf(
    ref: ObjectRef,
    subresource: string | undefined,
    signal?: AbortSignal,
  ): Promise<string> {
    const resource = await discovery.resource(ref, signal);
    return objectPath(resource, ref.namespace ?? namespace, ref.name, subresource);
  }

  /** A 404 that is no Status of an object means that the resource itself is gone: discovery was out of date. */
  function failed(response: ApiResponse, request: ApiRequest) {
    if (response.status === 404 && getString(statusOf(response.text), 'details', 'name') === undefined) {
      discovery.forget();
    }
    return failureOfResponse(response.status, response.text, { what: request.what, server });
  }

  function objectIn(response: ApiResponse, request: ApiRequest): KubeObject {
    const value = parseJson(response.text, `What ${server} answered to ${request.what}`);
    if (isJsonObject(value) && isJsonObject(value['metadata'])) return value as KubeObject;
    throw failureOfResponse(502, 'the answer is not an object of the Kubernetes API', {
      what: request.what,
      server,
    });
  }

  async function write(request: ApiRequest, signal: AbortSignal | undefined): Promise<ApiResponse> {
    const response = await transport.send(request, signal);
    if (response.status < 200 || response.status >= 300) throw failed(response, request);
    return response;
  }

  async function get(ref: ObjectRef, signal?: AbortSignal): Promise<KubeObject | undefined> {
    const request: ApiRequest = {
      what: `read ${refName(ref)}`,
      method: 'GET',
      path: await pathOf(ref, undefined, signal),
    };
    const response = await transport.send(request, signal);
    if (response.status === 200) return objectIn(response, request);
    const status = response.status === 404 ? statusOf(response.text) : undefined;
    if (status !== undefined && getString(status, 'reason') === 'NotFound') return undefined;
    throw failed(response, request);
  }

  async function apply(
    object: KubeObject,
    applying: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<ApplyResult> {
    const resource = await discovery.resource(object, signal);
    const where = object.metadata.namespace ?? namespace;
    const target = refIn(object, resource.namespaced ? where : undefined);
    const before = applying.before === undefined ? await get(target, signal) : (applying.before ?? undefined);
    const { managedFields: _, ...metadata } = object.metadata;
    if (resource.namespaced) metadata.namespace = where;
    const request: ApiRequest = {
      what: `apply ${objectName({ kind: object.kind, metadata })}${applying.dryRun ? ' (dry run)' : ''}`,
      method: 'PATCH',
      path: objectPath(resource, where, metadata.name, undefined),
      query: {
        fieldManager: applying.fieldManager,
        force: applying.force === true ? 'true' : 'false',
        fieldValidation: applying.fieldValidation ?? 'Strict',
        dryRun: applying.dryRun === true ? 'All' : undefined,
      },
      contentType: 'application/apply-patch+yaml',
      body: JSON.stringify({ ...object, metadata }),
      // Applying the same twice is applying it once.
      repeatable: true,
    };
    const response = await write(request, signal);
    const stored = objectIn(response, request);
    return {
      object: stored,
      outcome: outcomeOf(response.status, before, stored, applying.dryRun === true),
      warnings: warningsIn(response),
    };
  }

  return {
    server,
    context: options.context,
    namespace,
    registryMirrors: options.registryMirrors,
    get,
    apply,
    list: (kind, listing = {}, signal) => listAll(transport, discovery, kind, listing, signal),
    async create(object, writing = {}, signal) {
      const resource = await discovery.resource(object, signal);
      const request: ApiRequest = {
        what: `create ${objectName(object)}`,
        method: 'POST',
        path: objectPath(resource, object.metadata.namespace ?? namespace, undefined, undefined),
        query: writeQuery(writing),
        body: JSON.stringify(object),
      };
      return objectIn(await write(request, signal), request);
    },
    async update(object, writing = {}, signal) {
      const request: ApiRequest = {
        what: `update ${objectName(object)}`,
        method: 'PUT',
        path: await pathOf(refIn(object, object.metadata.namespace), writing.subresource, signal),
        query: writeQuery(writing),
        body: JSON.stringify(object),
      };
      return objectIn(await write(request, signal), request);
    },
    async patch(ref, type, patch, writing = {}, signal) {
      const request: ApiRequest = {
        what: `patch ${refName(ref)}`,
        method: 'PATCH',
        path: await pathOf(ref, writing.subresource, signal),
        query: writeQuery(writing),
        contentType: PATCH_CONTENT[type],
        body: JSON.stringify(patch),
      };
      return objectIn(await write(request, signal), request);
    },
    async delete(ref, deleting = {}, signal) {
      const request: ApiRequest = {
        what: `delete ${refName(ref)}`,
        method: 'DELETE',
        path: await pathOf(ref, undefined, signal),
        query: { dryRun: deleting.dryRun === true ? 'All' : undefined },
        body: JSON.stringify({
          kind: 'DeleteOptions',
          apiVersion: 'v1',
          ...(deleting.propagationPolicy === undefined
            ? {}
            : { propagationPolicy: deleting.propagationPolicy }),
          ...(deleting.gracePeriodSeconds === undefined
            ? {}
            : { gracePeriodSeconds: deleting.gracePeriodSeconds }),
          ...(deleting.preconditions === undefined ? {} : { preconditions: { ...deleting.preconditions } }),
        }),
      };
      const response = await transport.send(request, signal);
      if (response.status >= 200 && response.status < 300) return true;
      if (response.status === 404 && getString(statusOf(response.text), 'reason') === 'NotFound')
        return false;
      throw failed(response, request);
    },
    watch: (kind, watching, signal) => watchOnce(transport, discovery, kind, watching, signal),
    proxyGet: (target, bounds = {}, signal) => proxyGet(transport, target, bounds, signal),
    podLogs: (pod, bounds = {}, signal) => podLogs(transport, pod, bounds, signal),
    canI: (verb, resource, where, signal) => reviewAccess(transport, verb, resource, where, signal),
    resource: (kind, signal) => discovery.resource(kind, signal),
    apiVersions: (signal) => discovery.all(signal),
    as: (user) => createKubeClient({ ...options, transport: impersonating(transport, user) }),
    forgetKinds: () => discovery.forget(),
    async version(signal) {
      const request: ApiRequest = {
        what: 'read the version',
        method: 'GET',
        path: '/version',
        timeoutMs: 10_000,
      };
      const answer = parseJson((await write(request, signal)).text, `The version of ${server}`);
      return versionOf(answer);
    },
    close: () => transport.close(),
  };
}

function impersonating(transport: Transport, user: string): Transport {
  const headers = { 'impersonate-user': user };
  return {
    server: transport.server,
    send: (request, signal) => transport.send({ ...request, headers }, signal),
    open: (request, signal) => transport.open({ ...request, headers }, signal),
    close: () => {},
  };
}

function refIn(object: KubeObject, namespace: string | undefined): ObjectRef {
  const { apiVersion, kind, metadata } = object;
  return namespace === undefined
    ? { apiVersion, kind, name: metadata.name }
    : { apiVersion, kind, namespace, name: metadata.name };
}

function writeQuery(writing: WriteOptions): Record<string, string | undefined> {
  return {
    fieldManager: writing.fieldManager,
    fieldValidation: writing.fieldValidation,
    dryRun: writing.dryRun === true ? 'All' : undefined,
  };
}

/** An apply that changes nothing keeps the resourceVersion; a dry run never moves it, so there the contents decide. */
function outcomeOf(
  status: number,
  before: KubeObject | undefined,
  after: KubeObject,
  dryRun: boolean,
): ApplyOutcome {
  if (status === 201) return 'created';
  // It was not there when the caller looked, and is there all the same: somebody else made it meanwhile.
  if (before === undefined) return 'changed';
  if (!dryRun) {
    return before.metadata.resourceVersion === after.metadata.resourceVersion &&
      before.metadata.uid === after.metadata.uid
      ? 'unchanged'
      : 'changed';
  }
  return jsonEqual(withoutTimes(before), withoutTimes(after)) ? 'unchanged' : 'changed';
}

function withoutTimes(object: KubeObject): JsonObject {
  const { resourceVersion: _version, generation: _generation, managedFields, ...metadata } = object.metadata;
  const fields = (managedFields ?? []).map(({ time: _time, ...entry }): JsonObject => entry);
  const byManager = fields.toSorted((a, b) => (managerKey(a) < managerKey(b) ? -1 : 1));
  return { ...object, metadata: { ...metadata, managedFields: byManager } };
}

function managerKey(entry: JsonObject): string {
  return `${getString(entry, 'manager')} ${getString(entry, 'operation')} ${getString(entry, 'subresource')} ${getString(entry, 'apiVersion')}`;
}

/** The texts of `Warning: 299 - "text"` headers. */
function warningsIn(response: ApiResponse): string[] {
  const header = response.headers['warning'];
  const joined = Array.isArray(header) ? header.join(',') : (header ?? '');
  return [...joined.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? '').replaceAll(/\\(.)/g, '$1'),
  );
}

function versionOf(answer: JsonValue): ServerVersion {
  const text = (field: string) => getString(answer, field) ?? getNumber(answer, field)?.toString() ?? '';
  return { major: text('major'), minor: text('minor'), gitVersion: text('gitVersion') };
}
