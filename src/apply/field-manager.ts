import { getString, isJsonObject } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { unionOf } from './field-set.ts';
import type { FieldSet } from './field-set.ts';

/** The name under which everything that Landfall applies is owned. */
export const FIELD_MANAGER = 'landfall';

/** The entries of `metadata.managedFields` that are ours: what was applied, and what a restore wrote on the way. */
export function isOurs(entry: JsonObject): boolean {
  return getString(entry, 'manager') === FIELD_MANAGER && (getString(entry, 'subresource') ?? '') === '';
}

export function isOurApply(entry: JsonObject): boolean {
  return isOurs(entry) && getString(entry, 'operation') === 'Apply';
}

/** The fields that the entries of an object which `wanted` chooses own together. */
export function ownedBy(object: KubeObject, wanted: (entry: JsonObject) => boolean): FieldSet {
  return (object.metadata.managedFields ?? [])
    .filter(wanted)
    .map((entry) => entry['fieldsV1'])
    .filter(isJsonObject)
    .reduce<FieldSet>((all, fields) => unionOf(all, fields), {});
}

/** Who owns a field besides us, newest write first: `kubectl-edit`. */
export function othersAt(object: KubeObject, holds: (set: FieldSet) => boolean): readonly string[] {
  return (object.metadata.managedFields ?? [])
    .filter((entry) => !isOurs(entry) && isJsonObject(entry['fieldsV1']) && holds(entry['fieldsV1']))
    .toSorted((a, b) => (getString(b, 'time') ?? '').localeCompare(getString(a, 'time') ?? ''))
    .map((entry) => getString(entry, 'manager') ?? 'unknown');
}
