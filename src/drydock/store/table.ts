import type { Change, Entry } from './entry.ts';

/** About so many bytes of changes are kept at most, however few they are. */
export const MAX_HISTORY_BYTES = 128 * 1024 * 1024;

export type ChangeListener = (change: Change) => void;

/** What one kind of object holds now, and the changes that led here, as far back as they are kept. */
export class Table {
  readonly name: string;
  readonly entries = new Map<string, Entry>();
  readonly listeners = new Set<{ readonly after: number; readonly listener: ChangeListener }>();
  /** Changes at or below this revision are gone. */
  compactedAt: number;
  #sorted: readonly Entry[] | undefined;
  #sortedKeys: readonly string[] | undefined;
  #history: Change[] = [];
  #historyBytes = 0;
  readonly #keptChanges: number;

  constructor(name: string, compactedAt: number, keptChanges: number) {
    this.name = name;
    this.compactedAt = compactedAt;
    this.#keptChanges = keptChanges;
  }

  /** In the order of keys. The same array until the next change. */
  sorted(): readonly Entry[] {
    if (this.#sorted !== undefined) return this.#sorted;
    this.#sortedKeys ??= [...this.entries.keys()].sort();
    const sorted: Entry[] = [];
    for (const key of this.#sortedKeys) {
      const entry = this.entries.get(key);
      if (entry !== undefined) sorted.push(entry);
    }
    this.#sorted = sorted;
    return sorted;
  }

  apply(change: Change): void {
    this.restore(change.type === 'DELETED' ? undefined : change.entry, change.entry.key);
    this.#history.push(change);
    this.#historyBytes += change.size;
    // Twice the bound before a cut, so that a cut costs nothing per change.
    if (this.#history.length > this.#keptChanges * 2) this.#cut(this.#history.length - this.#keptChanges);
    if (this.#historyBytes > MAX_HISTORY_BYTES) this.#cut(this.#oldestOf(this.#historyBytes / 2));
  }

  /** Puts an entry without a change to tell of, as recovery does. */
  restore(entry: Entry | undefined, key: string): void {
    if (entry === undefined || !this.entries.has(key)) this.#sortedKeys = undefined;
    if (entry === undefined) this.entries.delete(key);
    else this.entries.set(key, entry);
    this.#sorted = undefined;
  }

  compact(revision: number): void {
    let count = 0;
    while (count < this.#history.length && (this.#history[count]?.revision ?? Infinity) <= revision) count++;
    this.#cut(count);
    this.compactedAt = Math.max(this.compactedAt, revision);
  }

  /** Changes after `revision`, oldest first; undefined when some of them are gone. */
  changesAfter(revision: number): readonly Change[] | undefined {
    if (revision < this.compactedAt) return undefined;
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#history[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low);
  }

  /** What the table held at `revision`, in the order of keys; undefined when that is too long ago. */
  sortedAt(revision: number): readonly Entry[] | undefined {
    const later = this.changesAfter(revision);
    if (later === undefined) return undefined;
    if (later.length === 0) return this.sorted();
    const past = new Map(this.entries);
    for (let index = later.length - 1; index >= 0; index--) {
      const change = later[index];
      if (change === undefined) continue;
      if (change.previous === undefined) past.delete(change.entry.key);
      else past.set(change.entry.key, change.previous);
    }
    return [...past.values()].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  /** How many of the oldest changes hold that many bytes. */
  #oldestOf(size: number): number {
    let count = 0;
    for (let sum = 0; sum < size && count < this.#history.length; count++)
      sum += this.#history[count]?.size ?? 0;
    return count;
  }

  #cut(count: number): void {
    if (count === 0) return;
    for (let index = 0; index < count; index++) this.#historyBytes -= this.#history[index]?.size ?? 0;
    this.compactedAt = Math.max(this.compactedAt, this.#history[count - 1]?.revision ?? 0);
    this.#history = this.#history.slice(count);
  }
}
