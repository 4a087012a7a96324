import { randomUUID } from 'node:crypto';
import type { JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson, maybeMap } from '../kinds/json-access.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { randomSuffix } from '../kinds/pods.ts';
import { mutatingAdmission, validatingAdmission, writeContext, type Engine } from './engine.ts';
import { reportProblems } from './field-validation.ts';
import { trackUpdate } from './field-tracking.ts';
import { asServed, decodeObject, timestamp, validateMetadata } from './object-meta.ts';
import { alreadyExists, badRequest, forbidden, invalid, notFound } from './status-errors.ts';
import type { WriteRequest } from './write-request.ts';

const MAX_GENERATED_BASE = 58;
const NAME_ATTEMPTS = 8;

/** Objects are made in a namespace that is there and is not going away. Source: the NamespaceLifecycle plugin. */
export function requireOpenNamespace(
  engine: Engine,
  kind: ResourceKind,
  namespace: string,
  name: string,
): void {
  const found = engine.store.get('/namespaces', undefined, namespace)?.object;
  if (found === undefined) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  throw forbidden(
    kind,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    {
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  );
}

/** Creates from a body. The result is in the version that was asked for. Throws ApiStatusError. */
export async function createObject(
  engine: Engine,
  request: WriteRequest,
  body: JsonValue,
): Promise<KubeObject> {
  const { kind } = request;
  const decoded = decodeObject(kind, body);
  reportProblems(request, decoded.problems, (text) =>
    badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${text}`),
  );
  return createDecoded(engine, request, decoded.object);
}

/** Creates from an object that was decoded before; it is changed. `track` writes managedFields. */
export async function createDecoded(
  engine: Engine,
  request: WriteRequest,
  given: KubeObject,
  track: (object: KubeObject) => KubeObject = (object) => trackUpdate(engine, request, undefined, object),
): Promise<KubeObject> {
  const { kind } = request;
  let object = given;
  placeInNamespace(request, object);
  const meta = object.metadata;
  if (meta.resourceVersion !== undefined && meta.resourceVersion !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  const generated = meta.name === undefined || meta.name === '';
  if (generated) {
    if (meta.generateName === undefined || meta.generateName === '') {
      throw invalid(kind.group, kind.kind, '', [
        { type: 'required', field: 'metadata.name', detail: 'name or generateName is required' },
      ]);
    }
    meta.name = freeName(engine, kind, request.namespace, meta.generateName);
  }
  if (request.namespace !== undefined && kind.namespaced) {
    requireOpenNamespace(engine, kind, request.namespace, meta.name);
  }
  stampNew(engine, kind, object);
  const context = writeContext(engine, request);
  kind.rules.defaults?.(object);
  if (kind.status) delete asJson(object).status;
  // Before the server fills in what is its own: nobody who creates an object comes to own that.
  object = track(object);
  kind.rules.prepareCreate?.(object, context);
  const admitted = mutatingAdmission(engine, 'CREATE', object, undefined, request);
  object = admitted instanceof Promise ? await admitted : admitted;
  const errors = [
    ...validateMetadata(kind, object),
    ...(kind.rules.validate?.(object) ?? []),
    ...(kind.custom?.validate(object, undefined) ?? []),
  ];
  if (errors.length > 0) throw invalid(kind.group, kind.kind, object.metadata.name, errors);
  const verdict = validatingAdmission(engine, 'CREATE', object, undefined, request);
  if (verdict !== undefined) await verdict;
  kind.rules.allocate?.(object, undefined, context);
  if (engine.store.get(kind.table, object.metadata.namespace, object.metadata.name) !== undefined) {
    throw alreadyExists(kind, object.metadata.name);
  }
  if (request.dryRun) return asServed(kind, object);
  const entry = engine.store.put(kind.table, object);
  await engine.store.flushed();
  return asServed(kind, entry.object);
}

/** The namespace of the URL goes into the object; another one in the object is refused. */
export function placeInNamespace(request: WriteRequest, object: KubeObject): void {
  const { kind, namespace } = request;
  const given = object.metadata.namespace;
  if (!kind.namespaced) {
    delete object.metadata.namespace;
    return;
  }
  if (namespace === undefined || namespace === '')
    throw badRequest('an empty namespace may not be set during creation');
  if (given !== undefined && given !== '' && given !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  object.metadata.namespace = namespace;
}

function freeName(engine: Engine, kind: ResourceKind, namespace: string | undefined, base: string): string {
  let name = '';
  for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
    name = `${base.slice(0, MAX_GENERATED_BASE)}${randomSuffix()}`;
    if (engine.store.get(kind.table, kind.namespaced ? namespace : undefined, name) === undefined) break;
  }
  return name;
}

function stampNew(engine: Engine, kind: ResourceKind, object: KubeObject): void {
  const meta = object.metadata;
  meta.uid = randomUUID();
  meta.creationTimestamp = timestamp(engine.clock.now());
  delete meta.resourceVersion;
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  delete meta.generation;
  delete (meta as { selfLink?: string }).selfLink;
  if (kind.generation) meta.generation = 1;
  object.metadata = orderedMeta(meta);
}

const META_ORDER = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const;

/** Metadata with its fields where clients are used to find them. */
export function orderedMeta(meta: KubeObject['metadata']): KubeObject['metadata'] {
  const ordered: Record<string, unknown> = {};
  for (const field of META_ORDER) {
    const value = meta[field];
    // The place of the resourceVersion is kept for the store to fill.
    if (value !== undefined || field === 'resourceVersion') ordered[field] = value;
  }
  return ordered as unknown as KubeObject['metadata'];
}

/** The phase of a namespace, which tools read in many places. */
export function isTerminating(object: KubeObject): boolean {
  return maybeMap(asJson(object), 'status')?.phase === 'Terminating';
}
