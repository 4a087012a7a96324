import { getArray, getString } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import { refOf, splitApiVersion } from '../kube/index.ts';
import type { KubeObject, ObjectRef } from '../kube/index.ts';
import { objectKey } from '../boundaries/index.ts';
import {
  annotationList,
  applicationEngineHealth,
  comparePair,
  engineHealth,
  hookTypes,
  isHook,
  isSkipped,
  pairObjects,
  syncWave,
  trackedBy,
} from '../boundaries/sync/index.ts';
import type {
  ApplicationSpec,
  CompareOptions,
  ComparedPair,
  EngineHealthStatus,
  Tracking,
} from '../boundaries/sync/index.ts';
import { FIELD_MANAGER } from '../apply/index.ts';
import type { LiveObjects } from './live.ts';
import type { Target } from './target.ts';

/** One application held against Git: what its status says of objects, before anything is done. */
export interface Comparison {
  /** What Git asks for and what is tracked, without hooks. */
  readonly pairs: readonly ComparedPair[];
  /** Hooks as Git has them. */
  readonly hooks: readonly KubeObject[];
  /** What the comparison was made with. */
  readonly compared: CompareOptions;
  /** Objects that another application says are its own, each with a sentence. */
  readonly shared: readonly string[];
  readonly sync: 'Synced' | 'OutOfSync';
  readonly health: EngineHealthStatus;
  /** `status.resources`. */
  readonly resources: readonly JsonObject[];
  /** The objects that are there, which `status.summary` is about. */
  readonly stored: readonly KubeObject[];
}

/** How an application's objects say that they are its own. */
export interface Mark {
  readonly instance: string;
  readonly tracking: Tracking;
}

/** Objects that the status names: what was managed before, so that what left Git is found again. */
export function inventoryOf(application: KubeObject): readonly ObjectRef[] {
  const listed = [
    ...getArray(application, 'status', 'resources'),
    ...getArray(application, 'status', 'operationState', 'syncResult', 'resources'),
  ];
  const refs = new Map<string, ObjectRef>();
  for (const item of listed) {
    const group = getString(item, 'group') ?? '';
    const version = getString(item, 'version') ?? '';
    const kind = getString(item, 'kind') ?? '';
    const name = getString(item, 'name') ?? '';
    const namespace = getString(item, 'namespace') || undefined;
    if (version === '' || kind === '' || name === '') continue;
    const apiVersion = group === '' ? version : `${group}/${version}`;
    const ref = namespace === undefined ? { apiVersion, kind, name } : { apiVersion, kind, namespace, name };
    refs.set(`${group}|${kind}|${namespace ?? ''}|${name}`, ref);
  }
  return [...refs.values()];
}

function refKey(ref: ObjectRef): string {
  return `${splitApiVersion(ref.apiVersion).group}|${ref.kind}|${ref.namespace ?? ''}|${ref.name}`;
}

/** The stored objects of an application: those that Git asks for, and tracked ones that it asked for before. */
export async function readLive(
  live: LiveObjects,
  desired: readonly KubeObject[],
  application: KubeObject,
  mark: Mark,
  how: 'watched' | 'fresh',
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const refs = new Map<string, ObjectRef>();
  for (const object of desired) {
    // Hooks that are named when they run have no counterpart yet.
    if ((object.metadata.name as string | undefined) === undefined) continue;
    refs.set(refKey(refOf(object)), refOf(object));
  }
  const asked = refs.size;
  for (const ref of inventoryOf(application)) if (!refs.has(refKey(ref))) refs.set(refKey(ref), ref);
  const found = await live.read([...refs.values()], how, signal);
  return found.filter(
    (object, index): object is KubeObject =>
      object !== undefined &&
      (index < asked || (trackedBy(object, mark.tracking) === mark.instance && !isHook(object))),
  );
}

export function compareWith(
  target: Pick<Target, 'objects'>,
  live: readonly KubeObject[],
  spec: ApplicationSpec,
  more: { readonly mark?: Mark; readonly found?: CompareOptions['found'] } = {},
): Comparison {
  const { mark, found } = more;
  const compared: CompareOptions = {
    manager: FIELD_MANAGER,
    ignore: spec.ignoreDifferences,
    ...(found === undefined ? {} : { found }),
  };
  const special = target.objects.filter((object) => isHook(object) || isSkipped(object));
  const apart = new Set(special.map(objectKey));
  const pairs = pairObjects(
    target.objects.filter((object) => !apart.has(objectKey(object))),
    live.filter((object) => !apart.has(objectKey(object))),
  ).map((pair) => comparePair(pair, compared));
  const counted = pairs.filter((pair) => !(pair.requiresPruning && toleratesExtraneous(pair.live)));
  const runningHooks = live.filter((object) => apart.has(objectKey(object)));
  return {
    pairs,
    // A hook without a type that is known here is never applied.
    hooks: special.filter((object) => isHook(object) && hookTypes(object).length > 0),
    compared,
    shared: mark === undefined ? [] : pairs.flatMap((pair) => sharedWith(pair, mark)),
    sync: counted.every((pair) => pair.status === 'Synced') ? 'Synced' : 'OutOfSync',
    health: applicationEngineHealth(
      pairs.map((pair) => ({ desired: pair.desired !== undefined, live: pair.live })),
    ),
    resources: [...pairs.map(resourceStatus), ...runningHooks.map(hookStatus)].toSorted((a, b) =>
      resourceKey(a) < resourceKey(b) ? -1 : 1,
    ),
    stored: storedOf(pairs),
  };
}

function sharedWith({ desired, live }: ComparedPair, { instance, tracking }: Mark): readonly string[] {
  if (desired === undefined || live === undefined) return [];
  const owner = trackedBy(live, tracking);
  if (owner === undefined || owner === instance) return [];
  return [`${live.kind}/${live.metadata.name} is part of applications ${instance} and ${owner}`];
}

/** What can be said while Git cannot be read: the objects as they were listed, with their health and no sync status. */
export function compareWithoutTarget(live: readonly KubeObject[]): Comparison {
  const pairs = live.map((object) =>
    comparePair({ key: '', desired: undefined, live: object }, { manager: FIELD_MANAGER, ignore: [] }),
  );
  const resources = pairs.map((pair) => {
    const { requiresPruning: _, ...rest } = resourceStatus(pair);
    return { ...rest, status: 'Unknown' };
  });
  return {
    pairs: [],
    hooks: [],
    compared: { manager: FIELD_MANAGER, ignore: [] },
    shared: [],
    sync: 'OutOfSync',
    health: applicationEngineHealth(live.map((object) => ({ desired: true, live: object }))),
    resources: resources.toSorted((a, b) => (resourceKey(a) < resourceKey(b) ? -1 : 1)),
    stored: storedOf(pairs),
  };
}

function toleratesExtraneous(object: KubeObject | undefined): boolean {
  const options = object?.metadata.annotations?.['argocd.argoproj.io/compare-options'] ?? '';
  return options.split(',').some((option) => option.trim() === 'IgnoreExtraneous');
}

export function resourceKey(resource: JsonValue): string {
  return ['group', 'kind', 'namespace', 'name'].map((field) => getString(resource, field) ?? '').join('/');
}

/** Names an object in the fields that Argo CD's status uses; empty ones are left out. */
export function resourceIdentity(object: KubeObject): JsonObject {
  const { group, version } = splitApiVersion(object.apiVersion);
  const { name, namespace } = object.metadata;
  return {
    ...(group === '' ? {} : { group }),
    version,
    kind: object.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
  };
}

function resourceStatus(pair: ComparedPair): JsonObject {
  const object = pair.live ?? pair.desired;
  if (object === undefined) return {};
  const health = pair.live === undefined ? { status: 'Missing' } : engineHealth(pair.live);
  const wave = pair.desired === undefined ? 0 : syncWave(pair.desired);
  return {
    ...resourceIdentity(object),
    status: pair.status,
    ...(health === undefined ? {} : { health: { ...health } }),
    ...(pair.requiresPruning ? { requiresPruning: true } : {}),
    ...(confirmsDeletion(pair.live) ? { requiresDeletionConfirmation: true } : {}),
    ...(wave === 0 ? {} : { syncWave: wave }),
  };
}

/** `Delete=confirm` or `Prune=confirm` on the stored object. */
function confirmsDeletion(live: KubeObject | undefined): boolean {
  if (live === undefined) return false;
  return annotationList(live, 'argocd.argoproj.io/sync-options').some(
    (option) => option === 'Delete=confirm' || option === 'Prune=confirm',
  );
}

/** Hooks are listed while they are there, and are neither in sync nor out of it. */
function hookStatus(live: KubeObject): JsonObject {
  const health = engineHealth(live);
  return {
    ...resourceIdentity(live),
    ...(isHook(live) ? { hook: true } : {}),
    ...(health === undefined ? {} : { health: { ...health } }),
  };
}

function storedOf(pairs: readonly ComparedPair[]): readonly KubeObject[] {
  return pairs.flatMap(({ live }) => live ?? []);
}
