import { isJsonObject, parseJson } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { comparePair } from '../boundaries/sync/index.ts';
import { droppedFields, isEmptySet } from './client-side-apply.ts';
import { FIELD_MANAGER, isOurApply, ownedBy } from './field-manager.ts';
import { isWhole, nodeAt } from './field-set.ts';
import type { FieldSet } from './field-set.ts';

/**
 * True where an apply is known to change nothing without asking the server: it holds everything that is wanted, we own
 * every field of it already, and nothing that we own is no longer wanted. False is no answer: the dry run gives it.
 */
export function isKnownUnchanged(desired: KubeObject, live: KubeObject): boolean {
  if (live.metadata.deletionTimestamp !== undefined || desired['stringData'] !== undefined) return false;
  const ours = (live.metadata.managedFields ?? []).filter(isOurApply);
  if (ours.length !== 1 || ours[0]?.['apiVersion'] !== desired.apiVersion) return false;
  const pair = comparePair({ key: '', desired, live }, { manager: FIELD_MANAGER, ignore: [] });
  if (pair.status !== 'Synced' || !isEmptySet(droppedFields(live, desired))) return false;
  const { apiVersion: _apiVersion, kind: _kind, metadata, status: _status, ...rest } = desired;
  const { labels, annotations, finalizers, ownerReferences } = metadata;
  const marks = Object.entries({ labels, annotations, finalizers, ownerReferences }).filter(
    ([, value]) => value !== undefined,
  );
  const wanted: JsonObject =
    marks.length === 0 ? rest : { ...rest, metadata: Object.fromEntries(marks) as JsonObject };
  return ownsAll(ownedBy(live, isOurApply), wanted);
}

function ownsAll(set: FieldSet | undefined, value: JsonValue): boolean {
  if (set === undefined) return false;
  // A field that is one value to the server is owned whole; so is a scalar.
  if (isWhole(set) || typeof value !== 'object' || value === null) return true;
  if (isJsonObject(value)) {
    return Object.entries(value).every(
      ([key, inner]) => inner !== null && ownsAll(nodeAt(set, `f:${key}`), inner),
    );
  }
  const [sample] = Object.keys(set).filter((step) => step !== '.');
  if (sample?.startsWith('v:') === true) {
    return value.every((item) => nodeAt(set, `v:${JSON.stringify(item)}`) !== undefined);
  }
  if (sample?.startsWith('k:') !== true) return false;
  const key = parseJson(sample.slice(2), 'a key of managedFields');
  const names = isJsonObject(key) ? Object.keys(key).toSorted() : [];
  return value.every((item) => {
    if (!isJsonObject(item)) return false;
    const given = names.map((name) => [name, item[name] ?? (name === 'protocol' ? 'TCP' : '')] as const);
    return ownsAll(nodeAt(set, `k:${JSON.stringify(Object.fromEntries(given))}`), item);
  });
}
