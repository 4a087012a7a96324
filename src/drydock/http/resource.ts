import type { JsonValue } from '../../kernel/index.ts';
import type { KubeObject, PatchType } from '../api/contract.ts';
import { ApiStatusError } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { createObject } from '../machinery/create.ts';
import { deleteObject } from '../machinery/delete.ts';
import type { Engine } from '../machinery/engine.ts';
import { asServed, unsupportedMediaType } from '../machinery/object-meta.ts';
import { patchObject } from '../machinery/patch.ts';
import { selectEntries, selectionOf } from '../machinery/reads.ts';
import { scaleOf, writeScale } from '../machinery/scale.ts';
import { badRequest, methodNotAllowed } from '../machinery/status-errors.ts';
import { replaceObject, requireEntry } from '../machinery/update.ts';
import { jsonBytes } from '../store/entry.ts';
import { tableOf } from '../tables/table.ts';
import { mediaType, parseBody, parseJsonText, parseYamlText, readBody } from './body.ts';
import { isTrue, writeJson, writeObject, type Exchange } from './exchange.ts';
import { checkListOptions } from './list-options.ts';
import { serveList } from './list.ts';
import { wantsMetadataOnly, wantsTable } from './negotiation.ts';
import type { ResourcePath } from './request-info.ts';
import { serveWatch } from './watch.ts';
import { deleteOptions, writeRequest } from './write-options.ts';

const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** Everything about one kind that has no handler of its own: collections, objects, status and scale. */
export async function serveResource(
  exchange: Exchange,
  engine: Engine,
  kind: ResourceKind,
  path: ResourcePath,
): Promise<void> {
  const { method } = exchange.request;
  if (path.name === undefined) {
    await serveCollection(exchange, engine, kind, path);
    return;
  }
  const { name } = path;
  // The approval of a certificate request is a part of its status.
  const approves = kind.kind === 'CertificateSigningRequest' && path.subresource === 'approval';
  const subresource = approves ? 'status' : path.subresource;
  checkSubresource(kind, subresource);
  if (method === 'GET' || method === 'HEAD') {
    if (isTrue(exchange.query.get('watch'))) {
      exchange.query.set('fieldSelector', `metadata.name=${name}`);
      serveWatch(exchange, engine.store, kind, path.namespace, engine.clock);
      return;
    }
    const entry = requireEntry(engine, kind, path.namespace, name);
    writeResult(
      exchange,
      engine,
      kind,
      200,
      subresource === 'scale' ? scaleOf(kind, entry.object) : asServed(kind, entry.object),
      subresource,
    );
    return;
  }
  if (method === 'PUT') {
    const body = await readObjectBody(exchange, kind);
    const request = writeRequest(exchange, kind, path.namespace, subresource);
    const object =
      subresource === 'scale'
        ? await writeScale(engine, request, requireEntry(engine, kind, request.namespace, name), body)
        : await replaceObject(engine, request, name, body);
    writeResult(exchange, engine, kind, 200, object, subresource);
    return;
  }
  if (method === 'PATCH') {
    await servePatch(exchange, engine, kind, { ...path, subresource }, name);
    return;
  }
  if (method === 'DELETE' && subresource === undefined) {
    await serveDelete(exchange, engine, kind, path, name);
    return;
  }
  throw methodNotAllowed(kind, (method ?? '').toLowerCase());
}

function checkSubresource(kind: ResourceKind, subresource: string | undefined): void {
  if (subresource === undefined) return;
  if (subresource === 'status' && kind.status) return;
  if (subresource === 'scale' && kind.scale !== undefined) return;
  if (subresource === 'ephemeralcontainers' && kind.kind === 'Pod') return;
  throw new ApiStatusError(404, 'NotFound', 'the server could not find the requested resource');
}

const UNRECOGNIZED = 'the object provided is unrecognized: ';
const SHOWN_BYTES = 30;

/** The body of a write. What cannot be read at all is told of with the kind that is wanted. */
async function readObjectBody(exchange: Exchange, kind: ResourceKind): Promise<JsonValue> {
  const bytes = await readBody(exchange.request);
  try {
    return parseBody(bytes, exchange.request.headers['content-type']);
  } catch (error) {
    if (!(error instanceof ApiStatusError) || !error.message.startsWith(UNRECOGNIZED)) throw error;
    const why = error.message.slice(UNRECOGNIZED.length);
    const start = bytes.subarray(0, SHOWN_BYTES).toString('hex');
    const shown = bytes.length > SHOWN_BYTES ? `${start} ...` : start;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; ${why} (${shown})`,
    );
  }
}

async function serveCollection(
  exchange: Exchange,
  engine: Engine,
  kind: ResourceKind,
  path: ResourcePath,
): Promise<void> {
  const { method } = exchange.request;
  if (method === 'GET' || method === 'HEAD') {
    if (!kind.verbs.includes('list')) throw methodNotAllowed(kind, 'list');
    const watch = isTrue(exchange.query.get('watch')) || exchange.pathname.includes('/watch/');
    checkListOptions(exchange.query, watch);
    if (watch) {
      serveWatch(exchange, engine.store, kind, path.namespace, engine.clock);
    } else {
      await serveList(exchange, engine.store, kind, path.namespace, engine.clock.now());
    }
    return;
  }
  if (method === 'POST') {
    const body = await readObjectBody(exchange, kind);
    const request = writeRequest(exchange, kind, path.namespace, undefined);
    const object = await createObject(engine, request, body);
    writeResult(exchange, engine, kind, 201, object, undefined);
    return;
  }
  if (method === 'DELETE' && kind.verbs.includes('deletecollection') && kind.resource !== 'namespaces') {
    await serveDeleteCollection(exchange, engine, kind, path);
    return;
  }
  throw methodNotAllowed(kind, (method ?? '').toLowerCase());
}

async function servePatch(
  exchange: Exchange,
  engine: Engine,
  kind: ResourceKind,
  path: ResourcePath,
  name: string,
): Promise<void> {
  const contentType = mediaType(exchange.request.headers['content-type']);
  const type = Object.hasOwn(PATCH_TYPES, contentType) ? PATCH_TYPES[contentType] : undefined;
  if (type === undefined) {
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${Object.keys(PATCH_TYPES).join(', ')}`,
    );
  }
  const bytes = await readBody(exchange.request);
  const patch: JsonValue = type === 'apply' ? parseYamlText(bytes) : parseJsonText(bytes);
  const base = writeRequest(exchange, kind, path.namespace, path.subresource);
  const request =
    type === 'apply' ? { ...base, fieldManager: exchange.query.get('fieldManager') ?? '' } : base;
  const { object, created } = await patchObject(engine, request, name, type, patch);
  writeResult(exchange, engine, kind, created ? 201 : 200, object, path.subresource);
}

async function readDelete(exchange: Exchange): Promise<JsonValue | undefined> {
  const bytes = await readBody(exchange.request);
  return bytes.length === 0 ? undefined : parseBody(bytes, exchange.request.headers['content-type']);
}

async function serveDelete(
  exchange: Exchange,
  engine: Engine,
  kind: ResourceKind,
  path: ResourcePath,
  name: string,
): Promise<void> {
  const { options, dryRun } = deleteOptions(exchange, await readDelete(exchange));
  const base = writeRequest(exchange, kind, path.namespace, undefined);
  const { object, gone } = await deleteObject(
    engine,
    { ...base, dryRun: dryRun || base.dryRun },
    name,
    options,
  );
  if (!gone || RETURNS_DELETED.has(kind.kind)) {
    writeResult(exchange, engine, kind, 200, object, undefined);
    return;
  }
  writeObject(exchange, 200, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(kind.group === '' ? {} : { group: kind.group }),
      kind: kind.resource,
      uid: object.metadata.uid ?? '',
    },
  });
}

/** Kinds whose deletion answers with the object that is gone. */
const RETURNS_DELETED: ReadonlySet<string> = new Set([
  'Pod',
  'PodTemplate',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'ResourceQuota',
  'Service',
  'ServiceAccount',
]);

async function serveDeleteCollection(
  exchange: Exchange,
  engine: Engine,
  kind: ResourceKind,
  path: ResourcePath,
): Promise<void> {
  const { query } = exchange;
  const { options, dryRun } = deleteOptions(exchange, await readDelete(exchange));
  const selection = selectionOf(kind, {
    ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
  });
  const entries = selectEntries(engine.store.table(kind.table).sorted(), selection);
  const items: KubeObject[] = [];
  for (const entry of entries) {
    const base = writeRequest(exchange, kind, entry.namespace, undefined);
    try {
      const deletion = await deleteObject(
        engine,
        { ...base, dryRun: dryRun || base.dryRun },
        entry.name,
        options,
      );
      items.push(deletion.object);
    } catch (error) {
      if (error instanceof ApiStatusError && error.code === 404) continue;
      throw error;
    }
  }
  writeObject(exchange, 200, {
    kind: `${kind.kind}List`,
    apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
    metadata: { resourceVersion: String(engine.store.revision) },
    items,
  });
}

function writeResult(
  exchange: Exchange,
  engine: Engine,
  kind: ResourceKind,
  status: number,
  object: KubeObject,
  subresource: string | undefined,
): void {
  if (subresource !== 'scale' && wantsTable(exchange)) {
    const metadata = { resourceVersion: object.metadata.resourceVersion ?? '' };
    const include = exchange.query.get('includeObject');
    writeObject(exchange, status, tableOf(kind, [object], metadata, include, engine.clock.now()));
    return;
  }
  if (wantsMetadataOnly(exchange)) {
    writeObject(exchange, status, {
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: asJson(object).metadata ?? {},
    });
    return;
  }
  writeJson(exchange, status, Object.isFrozen(object) ? jsonBytes(object) : JSON.stringify(object));
}
