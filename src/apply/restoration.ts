import { getArray, getString, isJsonObject, jsonEqual, parseJson } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { droppedFields } from './client-side-apply.ts';
import { isOurApply, isOurs, othersAt, ownedBy } from './field-manager.ts';
import { covers, isWhole, nodeAt, unionOf } from './field-set.ts';
import type { FieldSet, FieldSteps } from './field-set.ts';
import { defaulted, fieldText, secretAsStored, valueAt } from './field-values.ts';

/** A field that is not brought back, because somebody else wrote it after us. */
export interface LeftField {
  /** `spec.template.spec.containers[name=web].image` */
  readonly field: string;
  readonly by: string;
}

/** How an object is brought back to what it was before we changed it. */
export interface Restoration {
  /** The object as it has to be written; the live one where there is nothing to bring back. */
  readonly object: KubeObject;
  readonly changes: boolean;
  readonly left: readonly LeftField[];
  /** Who owns what afterwards, given what stands in `live` once the values are written. */
  readonly managed: (live: KubeObject) => readonly JsonObject[];
}

interface Sides {
  readonly before: JsonValue | undefined;
  readonly live: JsonValue | undefined;
  /** What we applied. */
  readonly applied: JsonValue | undefined;
}

interface Owners {
  readonly ours: FieldSet | undefined;
  readonly oursBefore: FieldSet | undefined;
  readonly others: FieldSet | undefined;
  readonly othersBefore: FieldSet | undefined;
}

interface Walk {
  readonly restored: FieldSteps[];
  readonly left: FieldSteps[];
  /** Fields that nobody owns (defaults, a webhook's) are brought back too. */
  readonly unowned: boolean;
}

const METADATA = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/**
 * What of `live` is ours to take back: a field that we wrote, that stands as we left it, and that `before` has
 * otherwise. A field that another manager owns by now was written since, and stays; which it was is told by
 * `managedFields`, which the API server keeps, so that the answer is the same after a crash. Defaults that came or
 * went with our change go back with it, unless `unowned` is false.
 */
export function restorationOf(
  before: KubeObject,
  applied: KubeObject,
  live: KubeObject,
  unowned = true,
): Restoration {
  const walk: Walk = { restored: [], left: [], unowned };
  const root: Owners = {
    ours: ownedBy(live, isOurs),
    // What kubectl had applied and we dropped counts as ours to bring back.
    oursBefore: unionOf(ownedBy(before, isOurApply), droppedFields(before, applied)),
    others: ownedBy(live, (entry) => !isOurs(entry)),
    othersBefore: ownedBy(before, (entry) => !isOurs(entry)),
  };
  const wanted = secretAsStored(applied);
  const object: KubeObject = { ...live };
  for (const field of new Set([...Object.keys(before), ...Object.keys(live)])) {
    if (field === 'apiVersion' || field === 'kind' || field === 'status' || field === 'metadata') continue;
    const sides = { before: before[field], live: live[field], applied: wanted[field] };
    const value = restored(sides, ownersAt(root, `f:${field}`), [`f:${field}`], walk);
    if (value === undefined) delete object[field];
    else object[field] = value;
  }
  object.metadata = { ...live.metadata, ...restoredMetadata(before, wanted, live, root, walk) };
  for (const field of METADATA) if (object.metadata[field] === undefined) delete object.metadata[field];
  return {
    object,
    changes: walk.restored.length > 0 && !jsonEqual(object, live),
    left: walk.left.map((steps) => ({
      field: fieldText(steps),
      by: othersAt(live, (set) => covers(set, steps))[0] ?? 'somebody',
    })),
    managed: (now) => managedAfter(before, now),
  };
}

function restoredMetadata(
  before: KubeObject,
  applied: JsonObject,
  live: KubeObject,
  root: Owners,
  walk: Walk,
): JsonObject {
  const owners = ownersAt(root, 'f:metadata');
  const of = (object: JsonObject, field: string): JsonValue | undefined => {
    const { metadata } = object;
    return isJsonObject(metadata) ? metadata[field] : undefined;
  };
  return Object.fromEntries(
    METADATA.map((field) => {
      const sides = {
        before: of(before, field),
        live: of(live, field),
        applied: of(applied, field),
      };
      const steps = ['f:metadata', `f:${field}`];
      return [field, restored(sides, ownersAt(owners, `f:${field}`), steps, walk)] as const;
    }),
  ) as JsonObject;
}

function ownersAt(owners: Owners, step: string): Owners {
  return {
    ours: nodeAt(owners.ours, step),
    oursBefore: nodeAt(owners.oursBefore, step),
    others: nodeAt(owners.others, step),
    othersBefore: nodeAt(owners.othersBefore, step),
  };
}

/** The value that a field gets; undefined where it goes. */
function restored(sides: Sides, owners: Owners, steps: FieldSteps, walk: Walk): JsonValue | undefined {
  const { before, live } = sides;
  if (jsonEqual(before, live)) return live;
  if (live === undefined) return broughtBack(sides, owners, steps, walk);
  if (before === undefined && owners.others === undefined) return takenAway(live, owners, steps, walk);
  if (!ownedWhole(owners)) {
    if (isJsonObject(live) && (before === undefined || isJsonObject(before))) {
      return restoredMap({ ...sides, before, live }, owners, steps, walk);
    }
    const items = listSteps(owners);
    if (items !== undefined && Array.isArray(live) && (before === undefined || Array.isArray(before))) {
      return restoredList({ ...sides, before, live }, items, owners, steps, walk);
    }
  }
  return putBack(sides, owners, steps, walk);
}

/** A field that is gone: we removed it, or what we did had that consequence, unless we asked for it to be there. */
function broughtBack(sides: Sides, owners: Owners, steps: FieldSteps, walk: Walk): JsonValue | undefined {
  const { before, applied } = sides;
  if (applied !== undefined && applied !== null) {
    walk.left.push(steps);
    return undefined;
  }
  const ours = owners.oursBefore !== undefined;
  if (!ours && (owners.othersBefore !== undefined ? applied === undefined : !walk.unowned)) return undefined;
  walk.restored.push(steps);
  return before;
}

/** A field that was not there. */
function takenAway(live: JsonValue, owners: Owners, steps: FieldSteps, walk: Walk): JsonValue | undefined {
  if (owners.ours === undefined && !walk.unowned) return live;
  walk.restored.push(steps);
  return undefined;
}

/** A field that has another value. */
function putBack(sides: Sides, owners: Owners, steps: FieldSteps, walk: Walk): JsonValue | undefined {
  const { before, live, applied } = sides;
  if (owners.others !== undefined) {
    if (applied !== undefined) walk.left.push(steps);
    return live;
  }
  if (owners.ours === undefined && !walk.unowned) return live;
  walk.restored.push(steps);
  return before;
}

function restoredMap(
  sides: { readonly before: JsonObject | undefined; readonly live: JsonObject } & Sides,
  owners: Owners,
  steps: FieldSteps,
  walk: Walk,
): JsonValue | undefined {
  const { before, live, applied } = sides;
  const result: JsonObject = {};
  const inner = before === undefined ? { ...walk, unowned: false } : walk;
  for (const key of new Set([...Object.keys(before ?? {}), ...Object.keys(live)])) {
    const value = restored(
      {
        before: before?.[key],
        live: Object.hasOwn(live, key) ? live[key] : undefined,
        applied: isJsonObject(applied) ? applied[key] : undefined,
      },
      ownersAt(owners, `f:${key}`),
      [...steps, `f:${key}`],
      inner,
    );
    if (value !== undefined) result[key] = value;
  }
  return before === undefined && Object.keys(result).length === 0 ? undefined : result;
}

/** How the items of a list are told apart, by what `managedFields` say of them; undefined for a list that is one value. */
type ListSteps = (item: JsonValue) => string;

function listSteps(owners: Owners): ListSteps | undefined {
  const known = [owners.ours, owners.oursBefore, owners.others, owners.othersBefore]
    .flatMap((set) => Object.keys(set ?? {}))
    .find((step) => step.startsWith('k:') || step.startsWith('v:'));
  if (known === undefined) return undefined;
  if (known.startsWith('v:')) return (item) => `v:${JSON.stringify(item)}`;
  const key = parseJson(known.slice(2), 'a key of managedFields');
  const names = isJsonObject(key) ? Object.keys(key).toSorted() : [];
  return (item) => {
    const values = names.map((name) => [name, defaulted(item, name)] as const);
    return `k:${JSON.stringify(Object.fromEntries(values))}`;
  };
}

function restoredList(
  sides: { readonly before: JsonValue[] | undefined; readonly live: JsonValue[] } & Sides,
  stepOf: ListSteps,
  owners: Owners,
  steps: FieldSteps,
  walk: Walk,
): JsonValue | undefined {
  const { before, live, applied } = sides;
  const byStep = (list: readonly JsonValue[]) => new Map(list.map((item) => [stepOf(item), item] as const));
  const [was, is] = [byStep(before ?? []), byStep(live)];
  const asked = byStep(Array.isArray(applied) ? applied : []);
  const result: JsonValue[] = [];
  for (const step of new Set([...was.keys(), ...is.keys()])) {
    const value = restored(
      { before: was.get(step), live: is.get(step), applied: asked.get(step) },
      ownersAt(owners, step),
      [...steps, step],
      walk,
    );
    if (value !== undefined) result.push(value);
  }
  const stays = (all: ReadonlyMap<string, JsonValue>, other: ReadonlyMap<string, JsonValue>) =>
    [...all.keys()].filter((step) => other.has(step));
  // What we only put in another order is nobody's field, and goes back all the same.
  if (owners.ours !== undefined && !jsonEqual(stays(was, is), stays(is, was))) walk.restored.push(steps);
  return before === undefined && result.length === 0 ? undefined : result;
}

/** A field that is one value to the API server, whatever is in it. */
function ownedWhole(owners: Owners): boolean {
  const sets = [owners.ours, owners.oursBefore, owners.others, owners.othersBefore].filter(
    (set): set is FieldSet => set !== undefined,
  );
  return sets.length > 0 && sets.every(isWhole);
}

function identity(entry: JsonObject): string {
  return JSON.stringify(
    ['manager', 'operation', 'apiVersion', 'subresource'].map((field) => getString(entry, field) ?? ''),
  );
}

/**
 * As it was: ours as before, and with the others what we had taken from them. Only for fields that hold again what they
 * held: whoever wrote one since keeps it.
 */
function managedAfter(before: KubeObject, live: KubeObject): readonly JsonObject[] {
  const was = new Map(
    (before.metadata.managedFields ?? [])
      .filter((entry) => getString(entry, 'subresource') !== 'status')
      .map((entry) => [identity(entry), entry]),
  );
  const givenBack = (entry: JsonObject) => agreeing(fieldsOf(entry), before, live);
  const entries: JsonObject[] = [];
  for (const entry of live.metadata.managedFields ?? []) {
    if (isOurs(entry)) continue;
    const known = was.get(identity(entry));
    was.delete(identity(entry));
    const given = known === undefined ? {} : givenBack(known);
    entries.push({ ...entry, fieldsV1: unionOf(fieldsOf(entry), given) });
  }
  for (const entry of was.values()) {
    const fields = givenBack(entry);
    if (Object.keys(fields).length > 0) entries.push({ ...entry, fieldsV1: fields });
  }
  return entries;
}

/** The fields of a set that have the same value in both. */
function agreeing(set: FieldSet, a: JsonValue | undefined, b: JsonValue | undefined): FieldSet {
  const same: FieldSet = {};
  for (const [step, node] of Object.entries(set)) {
    if (step === '.') {
      if (a !== undefined && b !== undefined) same[step] = node;
      continue;
    }
    const [inA, inB] = [valueAt(a, step), valueAt(b, step)];
    if (!isJsonObject(node) || isWhole(node)) {
      if (jsonEqual(inA, inB)) same[step] = node;
      continue;
    }
    const inner = agreeing(node, inA, inB);
    if (Object.keys(inner).length > 0) same[step] = inner;
  }
  return same;
}

function fieldsOf(entry: JsonObject): FieldSet {
  const fields = entry['fieldsV1'];
  return isJsonObject(fields) ? fields : {};
}

/** The steps of a JSON patch that makes `object` of `live`, and fails when somebody wrote in between. */
export function patchTo(live: KubeObject, object: KubeObject): JsonValue[] {
  const operations: JsonValue[] = [];
  const change = (pointer: string, from: JsonValue | undefined, to: JsonValue | undefined) => {
    if (jsonEqual(from, to)) return;
    if (to === undefined) operations.push({ op: 'remove', path: pointer });
    else operations.push({ op: from === undefined ? 'add' : 'replace', path: pointer, value: to });
  };
  for (const field of new Set([...Object.keys(live), ...Object.keys(object)])) {
    if (field !== 'metadata' && field !== 'status') change(`/${field}`, live[field], object[field]);
  }
  for (const field of METADATA) {
    change(`/metadata/${field}`, live.metadata[field], object.metadata[field]);
  }
  return operations.length === 0 ? [] : [...operations, insisting(live)];
}

/** The steps of a JSON patch that records who owns what; empty where it says so already. */
export function managersPatch(live: KubeObject, managed: readonly JsonObject[]): JsonValue[] {
  const byIdentity = (entries: readonly JsonObject[]) =>
    entries.toSorted((a, b) => (identity(a) < identity(b) ? -1 : 1));
  if (jsonEqual(byIdentity(live.metadata.managedFields ?? []), byIdentity(managed))) return [];
  // An empty list would be taken for none given; one empty entry resets the record. Source: fieldmanager.go.
  const value = managed.length === 0 ? [{}] : [...managed];
  return [{ op: 'replace', path: '/metadata/managedFields', value }, insisting(live)];
}

function insisting(live: KubeObject): JsonValue {
  return { op: 'replace', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion ?? '' };
}

/** True where a list of conditions says so. */
export function hasCondition(object: KubeObject | undefined, type: string): boolean {
  return getArray(object, 'status', 'conditions').some(
    (item) => getString(item, 'type') === type && getString(item, 'status') === 'True',
  );
}
