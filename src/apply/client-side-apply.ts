import { getString, isJsonObject, jsonEqual } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { isWorkload } from '../boundaries/index.ts';
import { FIELD_MANAGER, isOurApply, isOurs, ownedBy } from './field-manager.ts';
import { difference, isWhole, nodeAt, unionOf } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { secretAsStored, valueAt } from './field-values.ts';

const LAST_APPLIED = 'f:kubectl.kubernetes.io/last-applied-configuration';

/** Written by an apply on the client's side, as `kubectl apply` does without `--server-side`, and Argo CD. */
export function isClientSideApply(entry: JsonObject): boolean {
  if (isOurs(entry) || getString(entry, 'operation') !== 'Update') return false;
  if ((getString(entry, 'subresource') ?? '') !== '') return false;
  const fields = entry['fieldsV1'];
  if (!isJsonObject(fields)) return false;
  return nodeAt(nodeAt(nodeAt(fields, 'f:metadata'), 'f:annotations'), LAST_APPLIED) !== undefined;
}

/**
 * Fields that a client-side apply put there, that nobody else wrote since, and that are no longer asked for. The next
 * `kubectl apply` would remove them; a server-side apply leaves what others own, so they have to become ours first.
 * The number of replicas stays: whoever takes it out of a manifest hands it to an autoscaler.
 * Source: kubectl's migration to server-side apply, client-go/util/csaupgrade.
 */
export function droppedFields(before: KubeObject, desired: KubeObject): FieldSet {
  const applied = ownedBy(before, isClientSideApply);
  const others = ownedBy(before, (entry) => !isClientSideApply(entry) && !isOurs(entry));
  const dropped: FieldSet = {};
  const wanted = secretAsStored(desired);
  for (const [step, node] of Object.entries(applied)) {
    if (step === 'f:status') continue;
    const found = missing(asSet(node), valueAt(wanted, step), nodeAt(others, step));
    if (found !== undefined) dropped[step] = found;
  }
  return kept(dropped, isWorkload(before));
}

/** What is in a set, and neither in the value nor in the other set. */
function missing(
  set: FieldSet,
  value: JsonValue | undefined,
  others: FieldSet | undefined,
): FieldSet | undefined {
  const isAbsent = (value === undefined || value === null) && others === undefined;
  if (isWhole(set)) return isAbsent ? set : undefined;
  if (others !== undefined && isWhole(others)) return undefined;
  const found: FieldSet = {};
  for (const [step, node] of Object.entries(set)) {
    if (step === '.') {
      if (isAbsent) found[step] = {};
      continue;
    }
    const inner = missing(asSet(node), valueAt(value, step), nodeAt(others, step));
    if (inner !== undefined) found[step] = inner;
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

function asSet(node: JsonValue | undefined): FieldSet {
  return isJsonObject(node) ? node : {};
}

function kept(dropped: FieldSet, scales: boolean): FieldSet {
  const without = (set: FieldSet, path: readonly string[]): FieldSet => {
    const [step, ...rest] = path;
    if (step === undefined || !Object.hasOwn(set, step)) return set;
    const inner = rest.length === 0 ? {} : without(asSet(set[step]), rest);
    const { [step]: _gone, ...others } = set;
    return Object.keys(inner).every((key) => key === '.') ? others : { ...others, [step]: inner };
  };
  const labelled = without(dropped, ['f:metadata', 'f:annotations', LAST_APPLIED]);
  return scales ? without(labelled, ['f:spec', 'f:replicas']) : labelled;
}

/** True where there is something of that kind. */
export function isEmptySet(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}

/** The value without the fields of a set, as an apply that no longer has them leaves it. */
export function withoutFields(value: JsonValue, set: FieldSet): JsonValue | undefined {
  if (isWhole(set)) return undefined;
  if (Array.isArray(value)) return value.flatMap((item) => itemWithout(item, value, set));
  if (!isJsonObject(value)) return value;
  const left = Object.entries(value).flatMap(([field, inner]) => {
    const node = nodeAt(set, `f:${field}`);
    const rest = node === undefined ? inner : withoutFields(inner, node);
    return rest === undefined ? [] : [[field, rest] as const];
  });
  return left.length === 0 && Object.hasOwn(set, '.') ? undefined : Object.fromEntries(left);
}

function itemWithout(item: JsonValue, list: readonly JsonValue[], set: FieldSet): readonly JsonValue[] {
  const step = Object.keys(set).find(
    (key) => key !== '.' && jsonEqual(valueAt([...list], key) ?? null, item),
  );
  if (step === undefined) return [item];
  const node = asSet(set[step]);
  // Whoever owns an item alone takes all of it away.
  if (isWhole(node) || Object.hasOwn(node, '.')) return [];
  const rest = withoutFields(item, node);
  return rest === undefined ? [] : [rest];
}

/** Who owns what once the fields are ours, so that the next apply removes them. */
export function handedOver(live: KubeObject, dropped: FieldSet, desired: KubeObject): readonly JsonObject[] {
  const entries = live.metadata.managedFields ?? [];
  const rest = entries
    .filter((entry) => !isOurApply(entry))
    .map((entry) =>
      isClientSideApply(entry)
        ? { ...entry, fieldsV1: difference(asSet(entry['fieldsV1']), dropped) }
        : entry,
    );
  const [ours] = entries.filter(isOurApply);
  const entry = ours ?? {
    manager: FIELD_MANAGER,
    operation: 'Apply',
    apiVersion: desired.apiVersion,
    fieldsType: 'FieldsV1',
  };
  return [...rest, { ...entry, fieldsV1: unionOf(asSet(ours?.['fieldsV1']), dropped) }];
}
