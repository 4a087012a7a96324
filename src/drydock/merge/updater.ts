import type { JsonValue } from '../../kernel/index.ts';
import { jsonEqual } from '../../kernel/index.ts';
import { compareValues, type Comparison } from './compare.ts';
import { FieldSet, printPath } from './field-set.ts';
import { fieldsOf } from './fields-of.ts';
import { mergeValues } from './merge.ts';
import type { PathElement } from './path-element.ts';
import { reconcileFields } from './reconcile.ts';
import { removeItems } from './remove.ts';
import type { TypeRef } from './type.ts';

/** What one manager owns, in the words of one version. */
export interface VersionedSet {
  readonly apiVersion: string;
  readonly applied: boolean;
  readonly set: FieldSet;
}

export type Managers = ReadonlyMap<string, VersionedSet>;

/** An object together with its type in one version. */
export interface TypedObject {
  readonly type: TypeRef;
  readonly value: JsonValue;
}

export interface Conflict {
  readonly manager: string;
  readonly path: readonly PathElement[];
}

/** An apply would change what others own. */
export class ConflictError extends Error {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super(
      `Apply failed with ${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'}: ${conflicts.map(({ manager, path }) => `"${manager}" ${printPath(path)}`).join(', ')}`,
    );
    this.name = 'ConflictError';
    this.conflicts = conflicts;
  }
}

export interface UpdaterOptions {
  /** Undefined for a version that is no longer served: its managers are forgotten. Throws when it cannot convert. */
  readonly convert: (object: TypedObject, version: string) => TypedObject | undefined;
  /** Fields that nobody owns, with everything below them. */
  readonly ignored?: (version: string) => FieldSet | undefined;
}

export interface Updated {
  /** Undefined when the apply changes no value. */
  readonly object: TypedObject | undefined;
  readonly managers: Managers;
}

/** Who owns what after a write. The engine of server-side apply, without its encoding. */
export class Updater {
  readonly #convert: UpdaterOptions['convert'];
  readonly #ignored: (version: string) => FieldSet | undefined;

  constructor(options: UpdaterOptions) {
    this.#convert = options.convert;
    this.#ignored = options.ignored ?? (() => undefined);
  }

  /** A plain write: the manager owns what it changed. `next` is the object as it will be stored. */
  update(live: TypedObject, next: TypedObject, version: string, before: Managers, manager: string): Managers {
    const reconciled = this.#reconcile(live, before);
    const { managers, comparison } = this.#take(live, next, version, reconciled, manager, true);
    const own = managers.get(manager)?.set ?? FieldSet.empty;
    const set = this.#withoutIgnored(
      own.difference(comparison.removed).union(comparison.modified).union(comparison.added),
      version,
    );
    const result = new Map(managers);
    if (set.isEmpty()) result.delete(manager);
    else result.set(manager, { apiVersion: version, applied: false, set });
    return result;
  }

  /** An apply: what the manager says is merged in, what it no longer says and nobody else owns goes. */
  apply(
    live: TypedObject,
    config: TypedObject,
    version: string,
    before: Managers,
    manager: string,
    force: boolean,
  ): Updated {
    const reconciled = new Map(this.#reconcile(live, before));
    const merged: TypedObject = {
      type: live.type,
      value: mergeValues(live.type, live.value, config.value) ?? null,
    };
    const last = reconciled.get(manager);
    const set = this.#withoutIgnored(fieldsOf(config.type, config.value), version);
    reconciled.set(manager, { apiVersion: version, applied: true, set });
    const pruned = this.#prune(merged, reconciled, version, last);
    const { managers } = this.#take(live, pruned, version, reconciled, manager, force);
    return { object: jsonEqual(live.value, pruned.value) ? undefined : pruned, managers };
  }

  #withoutIgnored(set: FieldSet, version: string): FieldSet {
    const ignored = this.#ignored(version);
    return ignored === undefined ? set : set.recursiveDifference(ignored);
  }

  #compare(live: TypedObject, next: TypedObject, version: string): Comparison {
    const found = compareValues(live.type, live.value, next.value);
    const ignored = this.#ignored(version);
    if (ignored === undefined) return found;
    return {
      added: found.added.recursiveDifference(ignored),
      modified: found.modified.recursiveDifference(ignored),
      removed: found.removed.recursiveDifference(ignored),
    };
  }

  /** Takes from the other managers what this write changes or removes. */
  #take(
    live: TypedObject,
    next: TypedObject,
    version: string,
    before: Managers,
    manager: string,
    force: boolean,
  ): { readonly managers: Managers; readonly comparison: Comparison } {
    const comparison = this.#compare(live, next, version);
    const byVersion = new Map<string, Comparison>([[version, comparison]]);
    const managers = new Map<string, VersionedSet>();
    const conflicts: Conflict[] = [];
    for (const [name, owned] of before) {
      if (name === manager) {
        managers.set(name, owned);
        continue;
      }
      let seen = byVersion.get(owned.apiVersion);
      if (seen === undefined) {
        const was = this.#convert(live, owned.apiVersion);
        const is = this.#convert(next, owned.apiVersion);
        if (was === undefined || is === undefined) continue;
        seen = this.#compare(was, is, owned.apiVersion);
        byVersion.set(owned.apiVersion, seen);
      }
      const taken = owned.set.intersection(seen.modified.union(seen.added));
      for (const path of taken.paths()) conflicts.push({ manager: name, path });
      managers.set(name, { ...owned, set: owned.set.difference(taken).difference(seen.removed) });
    }
    if (!force && conflicts.length > 0) throw new ConflictError(conflicts);
    for (const [name, owned] of managers) if (owned.set.isEmpty()) managers.delete(name);
    return { managers, comparison };
  }

  #prune(
    merged: TypedObject,
    managers: Managers,
    version: string,
    last: VersionedSet | undefined,
  ): TypedObject {
    if (last === undefined || last.set.isEmpty()) return merged;
    const inLast = this.#convert(merged, last.apiVersion);
    if (inLast === undefined) return merged;
    let pruned: TypedObject = {
      type: inLast.type,
      value: removeItems(inLast.type, inLast.value, last.set.withNamedFields(inLast.type)),
    };
    pruned = this.#addBackOwned(inLast, pruned, last.apiVersion, managers);
    pruned = this.#addBackDangling(inLast, pruned, last);
    return this.#convert(pruned, version) ?? merged;
  }

  /** Puts back what somebody, or the new configuration, still owns. */
  #addBackOwned(
    merged: TypedObject,
    pruned: TypedObject,
    prunedVersion: string,
    managers: Managers,
  ): TypedObject {
    const owned = new Map<string, FieldSet>();
    for (const { apiVersion, set } of managers.values()) {
      owned.set(apiVersion, (owned.get(apiVersion) ?? FieldSet.empty).union(set));
    }
    // The pruned version first: a conversion may need fields that were pruned.
    const versions = [...owned.keys()].sort(
      (a, b) => Number(b === prunedVersion) - Number(a === prunedVersion),
    );
    let whole = merged;
    let current = pruned;
    for (const version of versions) {
      const convertedWhole = this.#convert(whole, version);
      const converted = this.#convert(current, version);
      if (convertedWhole === undefined || converted === undefined) continue;
      whole = convertedWhole;
      const { type } = whole;
      const all = fieldsOf(type, whole.value).withNamedFields(type);
      const kept = fieldsOf(type, converted.value).withNamedFields(type);
      const named = (owned.get(version) ?? FieldSet.empty).withNamedFields(type);
      current = { type, value: removeItems(type, whole.value, all.difference(kept.union(named))) };
    }
    return current;
  }

  /** Puts back what the applying manager did not own either. */
  #addBackDangling(merged: TypedObject, pruned: TypedObject, last: VersionedSet): TypedObject {
    const converted = this.#convert(pruned, last.apiVersion);
    if (converted === undefined) return merged;
    const { type } = merged;
    const kept = fieldsOf(type, converted.value).withNamedFields(type);
    const all = fieldsOf(type, merged.value).withNamedFields(type);
    const gone = all.difference(kept).intersection(last.set.withNamedFields(type));
    return { type, value: removeItems(type, merged.value, gone) };
  }

  #reconcile(live: TypedObject, managers: Managers): Managers {
    const result = new Map<string, VersionedSet>();
    for (const [name, owned] of managers) {
      const converted = this.#convert(live, owned.apiVersion);
      if (converted === undefined) continue;
      const set = reconcileFields(converted.type, owned.set);
      result.set(name, set === undefined ? owned : { ...owned, set });
    }
    return result;
  }
}
