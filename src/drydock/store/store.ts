import type { KubeObject } from '../api/contract.ts';
import { deepFreeze, keyOf, type Change, type Entry } from './entry.ts';
import { Table, type ChangeListener } from './table.ts';

export type AnyChangeListener = (change: Change, table: string) => void;

/** Where changes are kept beyond the life of the process. */
export interface Journal {
  append(table: string, change: Change): void;
  /** Resolves once everything appended so far survives a crash. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Changes kept per kind for watches that resume; older ones answer 410. Default 2,048. */
  readonly keptChanges?: number;
  readonly firstRevision?: number;
  readonly journal?: Journal;
  /** A listener that threw; the others still hear of the change. */
  readonly onListenerError?: (error: unknown) => void;
}

/**
 * One log of revisions over all kinds: every write takes the next number, reads are of frozen objects in memory, and
 * listeners hear of changes in the order of their revisions, whatever they write while they listen.
 */
export class Store {
  readonly #tables = new Map<string, Table>();
  readonly #keptChanges: number;
  readonly #journal: Journal | undefined;
  readonly #onListenerError: (error: unknown) => void;
  readonly #everyListener = new Set<AnyChangeListener>();
  readonly #pending: { readonly table: Table; readonly change: Change }[] = [];
  /** Nothing is known of changes before it. */
  readonly #firstRevision: number;
  #revision: number;
  #dispatching = false;

  constructor(options: StoreOptions = {}) {
    this.#keptChanges = options.keptChanges ?? 2_048;
    this.#firstRevision = options.firstRevision ?? 0;
    this.#revision = options.firstRevision ?? 1;
    this.#journal = options.journal;
    this.#onListenerError = options.onListenerError ?? (() => {});
  }

  /** The newest revision there is. */
  get revision(): number {
    return this.#revision;
  }

  table(name: string): Table {
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = new Table(name, this.#firstRevision, this.#keptChanges);
      this.#tables.set(name, table);
    }
    return table;
  }

  tables(): Iterable<Table> {
    return this.#tables.values();
  }

  /** Forgets a table without telling of its objects; their deletion is told before. */
  dropTable(name: string): void {
    this.#tables.delete(name);
  }

  get(table: string, namespace: string | undefined, name: string): Entry | undefined {
    return this.#tables.get(table)?.entries.get(keyOf(namespace, name));
  }

  /** Stores `object` as the next revision; its metadata.resourceVersion is set here. */
  put(tableName: string, object: KubeObject): Entry {
    const table = this.table(tableName);
    const { namespace, name } = object.metadata;
    const key = keyOf(namespace, name);
    const previous = table.entries.get(key);
    const revision = ++this.#revision;
    object.metadata.resourceVersion = String(revision);
    const size = deepFreeze(object);
    const entry: Entry = { key, namespace, name, revision, object };
    this.#commit(table, {
      type: previous === undefined ? 'ADDED' : 'MODIFIED',
      revision,
      entry,
      previous,
      size,
    });
    return entry;
  }

  /** Removes the object; its last state carries the revision of the deletion. Undefined when there was none. */
  remove(
    tableName: string,
    namespace: string | undefined,
    name: string,
    last?: KubeObject,
  ): Entry | undefined {
    const table = this.table(tableName);
    const previous = table.entries.get(keyOf(namespace, name));
    if (previous === undefined) return undefined;
    const revision = ++this.#revision;
    const from = last ?? previous.object;
    const object: KubeObject = { ...from, metadata: { ...from.metadata, resourceVersion: String(revision) } };
    const size = deepFreeze(object);
    const entry: Entry = { ...previous, revision, object };
    this.#commit(table, { type: 'DELETED', revision, entry, previous, size });
    return entry;
  }

  /** Puts back what a journal held; nobody is told. */
  recover(tableName: string, object: KubeObject, revision: number): void {
    const { namespace, name } = object.metadata;
    deepFreeze(object);
    const key = keyOf(namespace, name);
    const table = this.table(tableName);
    table.restore({ key, namespace, name, revision, object }, key);
    if (revision > this.#revision) this.#revision = revision;
  }

  /** Calls back for every change after `after` (default: from now on). The caller has seen what came before. */
  listen(tableName: string, listener: ChangeListener, after = this.#revision): () => void {
    const table = this.table(tableName);
    const registered = { after, listener };
    table.listeners.add(registered);
    return () => table.listeners.delete(registered);
  }

  /** Calls back for every change of every kind from now on. */
  listenAll(listener: AnyChangeListener): () => void {
    this.#everyListener.add(listener);
    return () => this.#everyListener.delete(listener);
  }

  /** Forgets changes up to `revision`: watches from before it answer 410 Expired. */
  compact(revision = this.#revision): void {
    for (const table of this.#tables.values()) table.compact(revision);
  }

  flushed(): Promise<void> {
    return this.#journal === undefined ? Promise.resolve() : this.#journal.flushed();
  }

  async close(): Promise<void> {
    for (const table of this.#tables.values()) table.listeners.clear();
    this.#everyListener.clear();
    await this.#journal?.close();
  }

  #commit(table: Table, change: Change): void {
    table.apply(change);
    this.#journal?.append(table.name, change);
    this.#pending.push({ table, change });
    if (this.#dispatching) return;
    this.#dispatching = true;
    try {
      for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
        this.#tell(next.table, next.change);
      }
    } finally {
      this.#dispatching = false;
    }
  }

  #tell(table: Table, change: Change): void {
    for (const registered of table.listeners) {
      if (change.revision > registered.after) this.#call(registered.listener, change, table.name);
    }
    for (const listener of this.#everyListener) this.#call(listener, change, table.name);
  }

  #call(listener: AnyChangeListener, change: Change, table: string): void {
    try {
      listener(change, table);
    } catch (error) {
      this.#onListenerError(error);
    }
  }
}
