import { getArray, getString, isJsonObject, parseJson, textOf } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { fieldDifferences, objectKey, writersOf } from '../live/index.ts';
import type { FieldDifference } from '../live/index.ts';
import type { IgnoreRule } from './application.ts';
import { appliesTo, ignoredPaths, withoutPaths } from './ignore.ts';
import type { JqFindings } from './ignore.ts';

export type SyncCode = 'Synced' | 'OutOfSync';

/** One object that Git asks for, that the cluster holds, or both. */
export interface Pair {
  readonly key: string;
  readonly desired: KubeObject | undefined;
  readonly live: KubeObject | undefined;
}

export interface ComparedPair extends Pair {
  readonly status: SyncCode;
  /** The cluster holds it, the application tracks it, and Git no longer asks for it. */
  readonly requiresPruning: boolean;
  readonly differences: readonly FieldDifference[];
}

/** Every object by its key; `live` holds the desired objects as they are stored, and what is tracked besides. */
export function pairObjects(desired: readonly KubeObject[], live: readonly KubeObject[]): readonly Pair[] {
  const stored = new Map(live.map((object) => [objectKey(object), object]));
  const pairs: Pair[] = [];
  for (const object of desired) {
    const key = objectKey(object);
    pairs.push({ key, desired: object, live: stored.get(key) });
    stored.delete(key);
  }
  for (const [key, object] of stored) pairs.push({ key, desired: undefined, live: object });
  return pairs;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export interface CompareOptions {
  /** The field manager that applies: what it owns and no longer asks for is a difference. */
  readonly manager: string;
  readonly ignore: readonly IgnoreRule[];
  /** What jq names in the desired objects, and in the stored ones. */
  readonly found?: { readonly desired: JqFindings; readonly live: JqFindings };
}

const NOTHING_FOUND: JqFindings = new Map();

/**
 * Argo CD's three-way comparison: a field that Git asks for and the cluster holds otherwise, or one that was applied
 * before and is no longer asked for. What the API server defaulted, or another writer added, is no difference.
 */
export function comparePair(pair: Pair, options: CompareOptions): ComparedPair {
  const { desired, live } = pair;
  if (desired === undefined || live === undefined) {
    return {
      ...pair,
      status: 'OutOfSync',
      requiresPruning: desired === undefined && live !== undefined,
      differences: [],
    };
  }
  const { ignore, found } = options;
  const rules = ignore.filter((rule) => appliesTo(rule, desired));
  // As Argo CD: what is ignored is taken out of both, and what is left is compared.
  const wanted = withoutPaths(desired, ignoredPaths(rules, desired, found?.desired ?? NOTHING_FOUND));
  const stored = withoutPaths(live, ignoredPaths(rules, live, found?.live ?? NOTHING_FOUND));
  const managers = new Set(rules.flatMap((rule) => rule.managers));
  const differences = [
    ...fieldDifferences(wanted, stored),
    ...noLongerOwned(wanted, stored, live.metadata.managedFields ?? [], options.manager),
    ...noLongerApplied(wanted, stored, live.metadata.annotations?.[LAST_APPLIED]),
  ].filter((difference) => !writtenByOneOf(managers, difference, live));
  return {
    ...pair,
    status: differences.length === 0 ? 'Synced' : 'OutOfSync',
    requiresPruning: false,
    differences,
  };
}

function writtenByOneOf(
  managers: ReadonlySet<string>,
  difference: FieldDifference,
  live: KubeObject,
): boolean {
  return managers.size > 0 && writersOf(live, difference.path).some(({ manager }) => managers.has(manager));
}

/**
 * The Application's `ignoreDifferences` as a question about one difference of one object. `found` is what jq names in
 * the desired objects; unknown where a rule for the object is a jq expression that was not evaluated.
 */
export function ignoring(
  rules: readonly IgnoreRule[],
  found: JqFindings = NOTHING_FOUND,
): (difference: FieldDifference, live: KubeObject) => boolean | 'unknown' {
  return (difference, live) => {
    const own = rules.filter((rule) => appliesTo(rule, live));
    const path = difference.path.map(String);
    const ignored = ignoredPaths(own, live, found).some(
      (steps) => steps.length <= path.length && steps.every((step, index) => textOf(step) === path[index]),
    );
    if (ignored || writtenByOneOf(new Set(own.flatMap((rule) => rule.managers)), difference, live)) {
      return true;
    }
    const asked = own.some((rule) => rule.jqPathExpressions.length > 0);
    return asked && !found.has(objectKey(live)) ? 'unknown' : false;
  };
}

/** Fields that `manager` owns by server-side apply and `desired` leaves out: an apply would remove them. */
function noLongerOwned(
  desired: KubeObject,
  live: KubeObject,
  owners: readonly JsonObject[],
  manager: string,
): FieldDifference[] {
  const found: FieldDifference[] = [];
  for (const entry of owners) {
    if (getString(entry, 'manager') !== manager || getString(entry, 'operation') !== 'Apply') continue;
    if (getString(entry, 'subresource') !== undefined) continue;
    const fields = entry['fieldsV1'];
    if (isJsonObject(fields)) walkOwned(fields, desired, live, [], found);
  }
  return found;
}

function walkOwned(
  fields: JsonObject,
  desired: JsonValue,
  live: JsonValue | undefined,
  path: readonly (string | number)[],
  found: FieldDifference[],
): void {
  for (const [step, below] of Object.entries(fields)) {
    if (step.startsWith('f:')) {
      const name = step.slice(2);
      const wanted = isJsonObject(desired) ? desired[name] : undefined;
      const held = isJsonObject(live) ? live[name] : undefined;
      if (wanted === undefined || wanted === null) {
        // A Secret written as stringData is owned as data.
        const written = name === 'data' && isJsonObject(desired) && isJsonObject(desired['stringData']);
        if (held !== undefined && !written) found.push({ path: [...path, name], desired: null, live: held });
      } else if (isJsonObject(below)) {
        walkOwned(below, wanted, held, [...path, name], found);
      }
    } else if (step.startsWith('k:')) {
      const key = parseJson(step.slice(2), 'a key of managedFields');
      const index = Array.isArray(desired) ? desired.findIndex((item) => hasKey(item, key)) : -1;
      const held = Array.isArray(live) ? live.find((item) => hasKey(item, key)) : undefined;
      const wanted = Array.isArray(desired) ? desired[index] : undefined;
      if (wanted === undefined) {
        if (held !== undefined) found.push({ path: [...path, step.slice(2)], desired: null, live: held });
      } else if (isJsonObject(below)) {
        walkOwned(below, wanted, held, [...path, index], found);
      }
    }
  }
}

/** Keys that the API server fills in (`protocol: TCP`) may be absent from the manifest. */
function hasKey(item: JsonValue, key: JsonValue): boolean {
  if (!isJsonObject(item) || !isJsonObject(key)) return false;
  return Object.entries(key).every(
    ([name, value]) =>
      item[name] === value || (item[name] === undefined && (value === 'TCP' || value === '')),
  );
}

/** Fields of the last client-side apply that are still stored and no longer asked for. */
function noLongerApplied(desired: KubeObject, live: KubeObject, text: string | undefined): FieldDifference[] {
  if (text === undefined) return [];
  let last: JsonValue;
  try {
    last = parseJson(text, LAST_APPLIED);
  } catch {
    return [];
  }
  const found: FieldDifference[] = [];
  walkApplied(last, desired, live, [], found);
  return found;
}

function walkApplied(
  last: JsonValue | undefined,
  desired: JsonValue | undefined,
  live: JsonValue | undefined,
  path: readonly (string | number)[],
  found: FieldDifference[],
): void {
  if (isJsonObject(last) && isJsonObject(desired) && isJsonObject(live)) {
    for (const [name, before] of Object.entries(last)) {
      if (path.length === 0 && (name === 'apiVersion' || name === 'status')) continue;
      const held = live[name];
      if (held === undefined || held === null || before === null) continue;
      const wanted = desired[name];
      if (wanted === undefined || wanted === null) {
        const written = name === 'data' && isJsonObject(desired['stringData']);
        if (!isEmpty(before) && !written) found.push({ path: [...path, name], desired: null, live: held });
      } else {
        walkApplied(before, wanted, held, [...path, name], found);
      }
    }
    return;
  }
  if (!Array.isArray(last) || !Array.isArray(desired) || !Array.isArray(live)) return;
  const named = (list: readonly JsonValue[]) =>
    new Map(list.flatMap((item) => nameOf(item).map((name) => [name, item] as const)));
  const wanted = named(desired);
  const held = named(live);
  for (const [name, before] of named(last)) {
    const item = held.get(name);
    if (item === undefined) continue;
    if (!wanted.has(name)) found.push({ path: [...path, name], desired: null, live: item });
    else walkApplied(before, wanted.get(name), item, [...path, [...wanted.keys()].indexOf(name)], found);
  }
}

function nameOf(item: JsonValue): readonly string[] {
  const name = getString(item, 'name');
  return name === undefined ? [] : [name];
}

function isEmpty(value: JsonValue): boolean {
  return (
    (isJsonObject(value) && Object.keys(value).length === 0) ||
    (Array.isArray(value) && getArray(value).length === 0)
  );
}
