import type { KubeObject, OwnerReference } from '../api/contract.ts';
import { ApiStatusError } from '../api/contract.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { apiVersionOf } from '../kinds/kind.ts';
import type { Change } from '../store/entry.ts';
import { deleteObject, FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from './delete.ts';
import { mutableCopy, type Engine } from './engine.ts';
import { WorkQueue } from './work-queue.ts';
import { ADMIN, type WriteRequest } from './write-request.ts';

interface Node {
  readonly uid: string;
  readonly table: string;
  object: KubeObject;
}

/**
 * Deletes what its owners leave behind, holds owners back whose dependents go first, and lets dependents go free that
 * are to be orphaned. Owners are known by uid alone.
 * Source: pkg/controller/garbagecollector.
 */
export class GarbageCollector {
  readonly #engine: Engine;
  readonly #nodes = new Map<string, Node>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #queue: WorkQueue<string>;
  readonly #stop: () => void;

  constructor(engine: Engine, onError: (error: unknown) => void) {
    this.#engine = engine;
    this.#queue = new WorkQueue((uid) => this.#process(uid), onError);
    for (const table of engine.store.tables()) {
      for (const entry of table.entries.values()) this.#remember(table.name, entry.object);
    }
    for (const uid of this.#nodes.keys()) this.#queue.add(uid);
    this.#stop = engine.store.listenAll((change, table) => this.#observe(change, table));
  }

  close(): void {
    this.#stop();
    this.#queue.close();
  }

  #observe(change: Change, table: string): void {
    const { object } = change.entry;
    const { uid } = object.metadata;
    if (uid === undefined) return;
    if (change.type === 'DELETED') {
      this.#forget(uid);
      for (const dependent of this.#dependents.get(uid) ?? []) this.#queue.add(dependent);
      for (const owner of object.metadata.ownerReferences ?? []) this.#queue.add(owner.uid);
      return;
    }
    this.#remember(table, object);
    const { finalizers, ownerReferences, deletionTimestamp } = object.metadata;
    const collecting = deletionTimestamp !== undefined && (finalizers ?? []).length > 0;
    const fresh = change.previous === undefined;
    const ownersChanged =
      !fresh && change.previous?.object.metadata.ownerReferences?.length !== ownerReferences?.length;
    if (collecting || ownersChanged || (fresh && (ownerReferences ?? []).length > 0)) this.#queue.add(uid);
  }

  #remember(table: string, object: KubeObject): void {
    const { uid } = object.metadata;
    if (uid === undefined) return;
    const known = this.#nodes.get(uid);
    if (known === undefined) {
      this.#nodes.set(uid, { uid, table, object });
      this.#link(uid, object.metadata.ownerReferences);
    } else {
      if (known.object.metadata.ownerReferences !== object.metadata.ownerReferences) {
        this.#unlink(uid, known.object.metadata.ownerReferences);
        this.#link(uid, object.metadata.ownerReferences);
      }
      known.object = object;
    }
  }

  #forget(uid: string): void {
    const known = this.#nodes.get(uid);
    if (known === undefined) return;
    this.#nodes.delete(uid);
    this.#unlink(uid, known.object.metadata.ownerReferences);
  }

  #link(uid: string, owners: readonly OwnerReference[] | undefined): void {
    for (const owner of owners ?? []) {
      const set = this.#dependents.get(owner.uid);
      if (set === undefined) this.#dependents.set(owner.uid, new Set([uid]));
      else set.add(uid);
    }
  }

  #unlink(uid: string, owners: readonly OwnerReference[] | undefined): void {
    for (const owner of owners ?? []) {
      const set = this.#dependents.get(owner.uid);
      set?.delete(uid);
      if (set?.size === 0) this.#dependents.delete(owner.uid);
    }
  }

  async #process(uid: string): Promise<void> {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    const { finalizers = [], deletionTimestamp } = node.object.metadata;
    if (deletionTimestamp !== undefined) {
      if (finalizers.includes(ORPHAN_FINALIZER)) return this.#orphanDependents(node);
      if (finalizers.includes(FOREGROUND_FINALIZER)) return this.#deleteDependentsFirst(node);
      return;
    }
    const owners = node.object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const present = owners.filter((owner) => this.#nodes.has(owner.uid));
    const lasting = present.filter((owner) => !this.#waitsForDependents(owner.uid));
    if (lasting.length > 0) {
      if (lasting.length < owners.length)
        await this.#keepOwners(node, new Set(lasting.map((owner) => owner.uid)));
      return;
    }
    const foreground = present.length > 0 && (this.#dependents.get(uid)?.size ?? 0) > 0;
    await this.#delete(node, foreground ? 'Foreground' : 'Background');
  }

  #waitsForDependents(uid: string): boolean {
    const meta = this.#nodes.get(uid)?.object.metadata;
    return meta?.deletionTimestamp !== undefined && (meta.finalizers ?? []).includes(FOREGROUND_FINALIZER);
  }

  async #deleteDependentsFirst(node: Node): Promise<void> {
    const dependents = [...(this.#dependents.get(node.uid) ?? [])]
      .map((uid) => this.#nodes.get(uid))
      .filter((found): found is Node => found !== undefined);
    const blocking = dependents.filter((dependent) =>
      (dependent.object.metadata.ownerReferences ?? []).some(
        (owner) => owner.uid === node.uid && owner.blockOwnerDeletion === true,
      ),
    );
    if (blocking.length === 0) {
      await this.#removeFinalizer(node, FOREGROUND_FINALIZER);
      return;
    }
    for (const dependent of dependents) {
      if (dependent.object.metadata.deletionTimestamp === undefined) this.#queue.add(dependent.uid);
    }
  }

  async #orphanDependents(node: Node): Promise<void> {
    for (const uid of this.#dependents.get(node.uid) ?? []) {
      const dependent = this.#nodes.get(uid);
      if (dependent === undefined) continue;
      const keep = (dependent.object.metadata.ownerReferences ?? [])
        .map((owner) => owner.uid)
        .filter((owner) => owner !== node.uid);
      await this.#keepOwners(dependent, new Set(keep));
    }
    await this.#removeFinalizer(node, ORPHAN_FINALIZER);
  }

  async #keepOwners(node: Node, keep: ReadonlySet<string>): Promise<void> {
    const next = mutableCopy(node.object);
    const owners = (next.metadata.ownerReferences ?? []).filter((owner) => keep.has(owner.uid));
    if (owners.length > 0) next.metadata.ownerReferences = owners;
    else delete next.metadata.ownerReferences;
    this.#engine.store.put(node.table, next);
    await this.#engine.store.flushed();
  }

  async #removeFinalizer(node: Node, finalizer: string): Promise<void> {
    const { store } = this.#engine;
    const next = mutableCopy(node.object);
    const left = (next.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    if (left.length > 0) next.metadata.finalizers = left;
    else delete next.metadata.finalizers;
    const waits = (next.metadata.deletionGracePeriodSeconds ?? 0) > 0;
    if (left.length > 0 || waits) store.put(node.table, next);
    else store.remove(node.table, next.metadata.namespace, next.metadata.name, next);
    await store.flushed();
  }

  async #delete(node: Node, propagationPolicy: 'Background' | 'Foreground'): Promise<void> {
    const kind = this.#kindOf(node);
    const { name, namespace } = node.object.metadata;
    if (kind === undefined) return;
    try {
      await deleteObject(this.#engine, collectorRequest(kind, namespace), name, {
        propagationPolicy,
        preconditions: { uid: node.uid },
      });
    } catch (error) {
      // Gone or replaced meanwhile: nothing is left to do.
      if (error instanceof ApiStatusError && (error.code === 404 || error.code === 409)) return;
      throw error;
    }
  }

  #kindOf(node: Node): ResourceKind | undefined {
    for (const kind of this.#engine.catalogue.storedKinds()) {
      if (kind.table === node.table && apiVersionOf(kind) === node.object.apiVersion) return kind;
    }
    return this.#engine.catalogue.storedKinds().find((kind) => kind.table === node.table);
  }
}

export function collectorRequest(kind: ResourceKind, namespace: string | undefined): WriteRequest {
  return {
    kind,
    namespace,
    subresource: undefined,
    user: ADMIN,
    fieldManager: 'kube-controller-manager',
    dryRun: false,
    fieldValidation: 'Ignore',
    force: false,
    trusted: true,
    warn: () => {},
  };
}
