import { isJsonObject, systemClock, type JsonValue, type Timer } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { ApiStatusError } from '../api/contract.ts';
import { asJson, mapsAt, maybeMap } from '../kinds/json-access.ts';
import type { Change } from '../store/entry.ts';
import { createDecoded, isTerminating } from './create.ts';
import { deleteObject } from './delete.ts';
import { mutableCopy, type Engine } from './engine.ts';
import { collectorRequest } from './garbage-collector.ts';
import { timestamp } from './object-meta.ts';
import { notFound } from './status-errors.ts';
import { WorkQueue } from './work-queue.ts';

const NAMESPACES = '/namespaces';
const BEGIN_MS = 100;
const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

/**
 * What a namespace gets when it is made (a default service account, the root certificates) and how it goes: its
 * content first, then itself. Source: pkg/controller/namespace, pkg/controller/serviceaccount.
 */
export class NamespaceLifecycle {
  readonly #engine: Engine;
  readonly #rootCertificate: string;
  readonly #queue: WorkQueue<string>;
  readonly #terminating = new Set<string>();
  readonly #soon = new Map<string, Timer>();
  readonly #stop: () => void;

  constructor(engine: Engine, rootCertificate: string, onError: (error: unknown) => void) {
    this.#engine = engine;
    this.#rootCertificate = rootCertificate;
    this.#queue = new WorkQueue((name) => this.#process(name), onError);
    for (const entry of engine.store.table(NAMESPACES).entries.values()) this.#queue.add(entry.name);
    this.#stop = engine.store.listenAll((change, table) => this.#observe(change, table));
  }

  close(): void {
    this.#stop();
    for (const timer of this.#soon.values()) timer.cancel();
    this.#queue.close();
  }

  #observe(change: Change, table: string): void {
    const { entry } = change;
    if (table === NAMESPACES) {
      if (change.type === 'DELETED') this.#terminating.delete(entry.name);
      else if (change.type === 'ADDED') this.#queue.add(entry.name);
      else if (isTerminating(entry.object)) this.#addSoon(entry.name);
      return;
    }
    if (entry.namespace === undefined) return;
    if (this.#terminating.has(entry.namespace)) {
      if (change.type === 'DELETED') this.#queue.add(entry.namespace);
    } else if (change.type === 'DELETED' && (table === '/serviceaccounts' || table === '/configmaps')) {
      this.#queue.add(entry.namespace);
    }
  }

  /**
   * The original begins after five seconds; it is enough that one command that deletes a namespace and, by name, what
   * is in it finds that still there.
   */
  #addSoon(name: string): void {
    if (this.#terminating.has(name)) {
      this.#queue.add(name);
      return;
    }
    if (this.#soon.has(name)) return;
    const timer = systemClock.after(BEGIN_MS, () => {
      this.#soon.delete(name);
      this.#queue.add(name);
    });
    this.#soon.set(name, timer);
  }

  async #process(name: string): Promise<void> {
    const entry = this.#engine.store.get(NAMESPACES, undefined, name);
    if (entry === undefined) return;
    if (entry.object.metadata.deletionTimestamp !== undefined) {
      this.#terminating.add(name);
      await this.#empty(name);
    } else {
      await this.#furnish(name);
    }
  }

  async #furnish(name: string): Promise<void> {
    const { store, catalogue } = this.#engine;
    const account = catalogue.find('', 'v1', 'serviceaccounts');
    const config = catalogue.find('', 'v1', 'configmaps');
    if (account !== undefined && store.get('/serviceaccounts', name, 'default') === undefined) {
      await createDecoded(this.#engine, collectorRequest(account, name), {
        kind: 'ServiceAccount',
        apiVersion: 'v1',
        metadata: { name: 'default', namespace: name },
      });
    }
    if (config !== undefined && store.get('/configmaps', name, 'kube-root-ca.crt') === undefined) {
      await createDecoded(this.#engine, collectorRequest(config, name), {
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: {
          name: 'kube-root-ca.crt',
          namespace: name,
          annotations: {
            'kubernetes.io/description':
              'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
          },
        },
        data: { 'ca.crt': this.#rootCertificate },
      });
    }
  }

  async #empty(name: string): Promise<void> {
    const { store, catalogue } = this.#engine;
    let remaining = 0;
    const finalizers = new Map<string, number>();
    for (const kind of catalogue.storedKinds()) {
      if (!kind.namespaced) continue;
      const prefix = `${name}/`;
      for (const entry of store.table(kind.table).sorted()) {
        if (!entry.key.startsWith(prefix)) continue;
        if (entry.object.metadata.deletionTimestamp === undefined) {
          await this.#deleteOne(kind.table, name, entry.name);
        }
        const left = store.get(kind.table, name, entry.name);
        if (left === undefined) continue;
        remaining++;
        for (const finalizer of left.object.metadata.finalizers ?? []) {
          finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
        }
      }
    }
    const current = store.get(NAMESPACES, undefined, name);
    if (current === undefined) return;
    const next = mutableCopy(current.object);
    this.#writeConditions(next, remaining, finalizers);
    if (remaining > 0) {
      if (JSON.stringify(next.status) !== JSON.stringify(current.object.status)) store.put(NAMESPACES, next);
      await store.flushed();
      return;
    }
    const written = store.put(NAMESPACES, next);
    const finalized = mutableCopy(written.object);
    asJson(finalized).spec = {};
    store.put(NAMESPACES, finalized);
    if ((finalized.metadata.finalizers ?? []).length === 0) store.remove(NAMESPACES, undefined, name);
    await store.flushed();
  }

  async #deleteOne(table: string, namespace: string, name: string): Promise<void> {
    const kind = this.#engine.catalogue.storedKinds().find((known) => known.table === table);
    if (kind === undefined) return;
    try {
      await deleteObject(this.#engine, collectorRequest(kind, namespace), name, {
        propagationPolicy: 'Background',
      });
    } catch (error) {
      if (error instanceof ApiStatusError && (error.code === 404 || error.code === 409)) return;
      throw error;
    }
  }

  #writeConditions(namespace: KubeObject, remaining: number, finalizers: ReadonlyMap<string, number>): void {
    const now = timestamp(this.#engine.clock.now());
    const status = { ...maybeMap(asJson(namespace), 'status'), phase: 'Terminating' };
    const before = mapsAt(status, 'conditions');
    const condition = (type: string, value: boolean, reason: string, message: string) => {
      const known = before.find((found) => found.type === type);
      const wanted = value ? 'True' : 'False';
      const since = known?.status === wanted ? (known.lastTransitionTime ?? now) : now;
      return { type, status: wanted, lastTransitionTime: since, reason, message };
    };
    const held = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`);
    const conditions = [
      condition(
        'NamespaceDeletionDiscoveryFailure',
        false,
        'ResourcesDiscovered',
        'All resources successfully discovered',
      ),
      condition(
        'NamespaceDeletionGroupVersionParsingFailure',
        false,
        'ParsedGroupVersions',
        'All legacy kube types successfully parsed',
      ),
      condition(
        'NamespaceDeletionContentFailure',
        false,
        'ContentDeleted',
        'All content successfully deleted, may be waiting on finalization',
      ),
      remaining > 0
        ? condition(
            'NamespaceContentRemaining',
            true,
            'SomeResourcesRemain',
            `Some resources are remaining: ${remaining} resource instances`,
          )
        : condition('NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed'),
      held.length > 0
        ? condition(
            'NamespaceFinalizersRemaining',
            true,
            'SomeFinalizersRemain',
            `Some content in the namespace has finalizers remaining: ${held.join(', ')}`,
          )
        : condition(
            'NamespaceFinalizersRemaining',
            false,
            'ContentHasNoFinalizers',
            'All content-preserving finalizers finished',
          ),
    ];
    asJson(namespace).status = { ...status, conditions };
  }
}

/** Makes the namespaces that every cluster has, unless a journal brought them back. */
export async function createSystemNamespaces(engine: Engine): Promise<void> {
  const kind = engine.catalogue.find('', 'v1', 'namespaces');
  if (kind === undefined) return;
  for (const name of SYSTEM_NAMESPACES) {
    if (engine.store.get(NAMESPACES, undefined, name) !== undefined) continue;
    await createDecoded(engine, collectorRequest(kind, undefined), {
      kind: 'Namespace',
      apiVersion: 'v1',
      metadata: { name },
    });
  }
}

/** PUT .../finalize: the finalizers of a namespace's spec are the client's to set; the last one gone, it goes. */
export async function finalizeNamespace(engine: Engine, name: string, body: JsonValue): Promise<KubeObject> {
  const entry = engine.store.get(NAMESPACES, undefined, name);
  if (entry === undefined) throw notFound({ group: '', resource: 'namespaces' }, name);
  const given = maybeMap(isJsonObject(body) ? body : {}, 'spec')?.finalizers;
  const finalizers = Array.isArray(given) ? given.filter((item) => typeof item === 'string') : [];
  const next = mutableCopy(entry.object);
  asJson(next).spec = finalizers.length === 0 ? {} : { finalizers };
  const gone =
    finalizers.length === 0 &&
    next.metadata.deletionTimestamp !== undefined &&
    (next.metadata.finalizers ?? []).length === 0;
  const written = gone
    ? engine.store.remove(NAMESPACES, undefined, name, next)
    : engine.store.put(NAMESPACES, next);
  await engine.store.flushed();
  return written?.object ?? next;
}
