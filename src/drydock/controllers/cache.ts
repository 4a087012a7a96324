import type { InProcessApi, KubeObject, ResourceName } from '../api/contract.ts';

export type CacheChange<T> = (object: T, old: T | undefined, gone: boolean) => void;

/** The objects of one resource as a watch shows them, with the indexes that controllers look things up by. */
export interface Cache<T extends KubeObject> {
  get(key: string): T | undefined;
  all(): Iterable<T>;
  inNamespace(namespace: string): readonly T[];
  /** Objects of a namespace that nothing controls. */
  orphansIn(namespace: string): readonly T[];
  /** Objects whose controlling owner has this uid. */
  ownedBy(uid: string): readonly T[];
  /** Takes in the answer of an own write at once, so that the next pass sees it. */
  observe(object: KubeObject): void;
  /** Calls back for every object there is, then for every change. */
  onChange(listener: CacheChange<T>): void;
  close(): void;
}

/** `namespace/name`, or the name alone for what has no namespace. */
export function keyOf(object: KubeObject): string {
  return object.metadata.namespace === undefined
    ? object.metadata.name
    : `${object.metadata.namespace}/${object.metadata.name}`;
}

export function splitKey(key: string): { readonly namespace: string | undefined; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function controllerOf(object: KubeObject) {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function startCache<T extends KubeObject>(api: InProcessApi, resource: ResourceName): Cache<T> {
  const objects = new Map<string, T>();
  const namespaces = new Map<string, Map<string, T>>();
  const owners = new Map<string, Map<string, T>>();
  const orphans = new Map<string, Map<string, T>>();
  const listeners: CacheChange<T>[] = [];
  // The answer of a write may arrive after its object was deleted: it must not come back.
  const gone = new Set<string>();

  function index(
    groups: Map<string, Map<string, T>>,
    group: string | undefined,
    key: string,
    object?: T,
  ): void {
    if (group === undefined) return;
    const members = groups.get(group);
    if (object !== undefined) {
      if (members === undefined) groups.set(group, new Map([[key, object]]));
      else members.set(key, object);
    } else if (members?.delete(key) === true && members.size === 0) {
      groups.delete(group);
    }
  }

  function put(object: T): void {
    const key = keyOf(object);
    const old = objects.get(key);
    if (object.metadata.uid !== undefined && gone.has(object.metadata.uid)) return;
    if (old !== undefined) {
      if (!isNewer(object, old)) return;
      if (controllerOf(old)?.uid !== controllerOf(object)?.uid) index(owners, controllerOf(old)?.uid, key);
    }
    objects.set(key, object);
    index(namespaces, object.metadata.namespace, key, object);
    const owner = controllerOf(object)?.uid;
    index(owners, owner, key, object);
    index(orphans, object.metadata.namespace, key, owner === undefined ? object : undefined);
    for (const listener of listeners) listener(object, old, false);
  }

  function remove(object: T): void {
    const key = keyOf(object);
    const old = objects.get(key);
    if (object.metadata.uid !== undefined) remember(gone, object.metadata.uid);
    // A successor of the same name may have been observed already.
    if (old !== undefined && old.metadata.uid !== object.metadata.uid) return;
    objects.delete(key);
    index(namespaces, object.metadata.namespace, key);
    index(owners, controllerOf(old ?? object)?.uid, key);
    index(orphans, object.metadata.namespace, key);
    for (const listener of listeners) listener(object, old, true);
  }

  const stop = api.watch(resource, {}, (event) => {
    if (event.type === 'DELETED') remove(event.object as T);
    else put(event.object as T);
  });

  return {
    get: (key) => objects.get(key),
    all: () => objects.values(),
    inNamespace: (namespace) => [...(namespaces.get(namespace)?.values() ?? [])],
    orphansIn: (namespace) => [...(orphans.get(namespace)?.values() ?? [])],
    ownedBy: (uid) => [...(owners.get(uid)?.values() ?? [])],
    observe: (object) => put(object as T),
    onChange: (listener) => {
      listeners.push(listener);
      for (const object of objects.values()) listener(object, undefined, false);
    },
    close: stop,
  };
}

const REMEMBERED = 2048;

function remember(set: Set<string>, uid: string): void {
  set.add(uid);
  for (const oldest of set) {
    if (set.size <= REMEMBERED) return;
    set.delete(oldest);
  }
}

function isNewer(object: KubeObject, old: KubeObject): boolean {
  const [next, last] = [object.metadata.resourceVersion, old.metadata.resourceVersion];
  if (next === undefined || last === undefined) return true;
  return Number(next) > Number(last);
}
