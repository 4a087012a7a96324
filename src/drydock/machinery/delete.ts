import type { DeleteOptions, KubeObject } from '../api/contract.ts';
import { asJson, maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import type { Entry } from '../store/entry.ts';
import { isTerminating, orderedMeta } from './create.ts';
import { mutableCopy, validatingAdmission, type Engine } from './engine.ts';
import { asServed, timestamp } from './object-meta.ts';
import { conflict, forbidden } from './status-errors.ts';
import { requireEntry } from './update.ts';
import type { WriteRequest } from './write-request.ts';

export const FOREGROUND_FINALIZER = 'foregroundDeletion';
export const ORPHAN_FINALIZER = 'orphan';

const PROTECTED_NAMESPACES: ReadonlySet<string> = new Set(['default', 'kube-public', 'kube-system']);

export interface Deletion {
  readonly object: KubeObject;
  /** False while finalizers or a grace period keep the object. */
  readonly gone: boolean;
}

/** Kinds whose dependents stay unless the client asks otherwise, as their first versions did. */
function orphansByDefault(kind: ResourceKind): boolean {
  return (
    (kind.group === 'batch' && kind.kind === 'Job') ||
    (kind.group === '' && kind.kind === 'ReplicationController')
  );
}

function wantedFinalizers(kind: ResourceKind, object: KubeObject, options: DeleteOptions): string[] {
  const others = (object.metadata.finalizers ?? []).filter(
    (finalizer) => finalizer !== FOREGROUND_FINALIZER && finalizer !== ORPHAN_FINALIZER,
  );
  const present = object.metadata.finalizers ?? [];
  const policy =
    options.propagationPolicy ??
    (present.includes(ORPHAN_FINALIZER)
      ? 'Orphan'
      : present.includes(FOREGROUND_FINALIZER)
        ? 'Foreground'
        : orphansByDefault(kind)
          ? 'Orphan'
          : 'Background');
  if (policy === 'Foreground') return [...others, FOREGROUND_FINALIZER];
  return policy === 'Orphan' ? [...others, ORPHAN_FINALIZER] : others;
}

/** Seconds a pod keeps running after its deletion was asked for. Source: pkg/registry/core/pod/strategy.go. */
function gracePeriod(object: KubeObject, options: DeleteOptions): number {
  const spec = maybeMap(asJson(object), 'spec') ?? {};
  const phase = stringAt(maybeMap(asJson(object), 'status'), 'phase');
  if (stringAt(spec, 'nodeName') === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  const asked = options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds;
  const seconds = typeof asked === 'number' ? asked : 30;
  return seconds < 0 ? 1 : seconds;
}

function checkPreconditions(kind: ResourceKind, entry: Entry, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const meta = entry.object.metadata;
  if (uid !== undefined && uid !== meta.uid) {
    throw conflict(
      kind,
      entry.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${meta.uid ?? ''}`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== meta.resourceVersion) {
    throw conflict(
      kind,
      entry.name,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${meta.resourceVersion ?? ''}`,
    );
  }
}

/** Deletes, or starts to: finalizers, a pod's grace period and a namespace's content come first. */
export async function deleteObject(
  engine: Engine,
  request: WriteRequest,
  name: string,
  options: DeleteOptions,
): Promise<Deletion> {
  const { kind } = request;
  const entry = requireEntry(engine, kind, request.namespace, name);
  if (kind.group === '' && kind.kind === 'Namespace' && PROTECTED_NAMESPACES.has(name)) {
    throw forbidden(kind, name, 'this namespace may not be deleted');
  }
  checkPreconditions(kind, entry, options);
  const verdict = validatingAdmission(engine, 'DELETE', entry.object, entry.object, request);
  if (verdict !== undefined) await verdict;
  const deletion = deleteEntry(engine, request, entry, options);
  await engine.store.flushed();
  return { object: asServed(kind, deletion.object), gone: deletion.gone };
}

function deleteEntry(engine: Engine, request: WriteRequest, entry: Entry, options: DeleteOptions): Deletion {
  const { kind } = request;
  const live = entry.object;
  const next = mutableCopy(live);
  const meta = next.metadata;
  const finalizers = wantedFinalizers(kind, live, options);
  if (finalizers.length > 0) meta.finalizers = finalizers;
  else delete meta.finalizers;
  const isPod = kind.group === '' && kind.kind === 'Pod';
  const isNamespace = kind.group === '' && kind.kind === 'Namespace';
  const grace = isPod ? gracePeriod(live, options) : 0;
  const already = live.metadata.deletionTimestamp !== undefined;
  if (isPod && already) shortenGrace(next, grace);
  else if (!already) {
    meta.deletionTimestamp = timestamp(engine.clock.now() + grace * 1000);
    meta.deletionGracePeriodSeconds = grace;
    if (meta.generation !== undefined) meta.generation++;
  }
  const waits = (meta.deletionGracePeriodSeconds ?? 0) > 0;
  if (isNamespace) {
    if (!isTerminating(next))
      asJson(next).status = { ...maybeMap(asJson(next), 'status'), phase: 'Terminating' };
    delete meta.deletionGracePeriodSeconds;
  }
  const pending = waits || finalizers.length > 0 || (isNamespace && namespaceHolds(live));
  const { table } = kind;
  next.metadata = orderedMeta(meta);
  if (request.dryRun) return { object: pending ? next : live, gone: !pending };
  if (pending) {
    if (JSON.stringify(next) === JSON.stringify(live)) return { object: live, gone: false };
    return { object: engine.store.put(table, next).object, gone: false };
  }
  // Every pod is seen once with a grace of zero before it goes.
  if (isPod) engine.store.put(table, next);
  const removed = engine.store.remove(table, entry.namespace, entry.name);
  return { object: removed?.object ?? live, gone: true };
}

function namespaceHolds(object: KubeObject): boolean {
  const finalizers = maybeMap(asJson(object), 'spec')?.finalizers;
  return Array.isArray(finalizers) && finalizers.length > 0;
}

/** A second deletion may shorten the grace period of the first, never lengthen it. */
function shortenGrace(pod: KubeObject, grace: number): void {
  const meta = pod.metadata;
  const before = numberAt(asJson(pod).metadata as Record<string, never>, 'deletionGracePeriodSeconds');
  if (grace >= before || meta.deletionTimestamp === undefined) return;
  meta.deletionTimestamp = timestamp(Date.parse(meta.deletionTimestamp) - (before - grace) * 1000);
  meta.deletionGracePeriodSeconds = grace;
}
