import { getString, isJsonObject, textOf } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { namesItem } from '../managed-item.ts';
import { isDefaultValue } from './defaults.ts';
import { knownWriter } from './writers.ts';
import type { KnownWriter } from './writers.ts';

/** A field that the cluster holds and Git does not ask for, with the manager that owns it. */
export interface Addition {
  /** Keys, and for list items their index in the live list. */
  readonly path: readonly (string | number)[];
  readonly live: JsonValue;
  readonly writer: KnownWriter;
}

/** Annotations that controllers and tools keep their books in; they ask the workload for nothing. */
const BOOKKEEPING =
  /^(?:deployment\.kubernetes\.io\/|deprecated\.|autoscaling\.alpha\.kubernetes\.io\/|kubectl\.kubernetes\.io\/last-applied|pv\.kubernetes\.io\/|volume\.(?:beta\.)?kubernetes\.io\/|argocd\.argoproj\.io\/(?!sync-|compare-|hook)|kustomize\.toolkit\.fluxcd\.io\/(?!prune|reconcile$|ssa|force)|meta\.helm\.sh\/|endpoints\.kubernetes\.io\/|control-plane\.alpha\.kubernetes\.io\/|batch\.kubernetes\.io\/|rollout\.argoproj\.io\/|cattle\.io\/)/;

const BOOK_LABELS = new Set([
  'pod-template-hash',
  'controller-uid',
  'job-name',
  'argocd.argoproj.io/instance',
]);

interface Place {
  readonly fields: JsonObject;
  readonly live: JsonValue | undefined;
  readonly desired: JsonValue | undefined;
  readonly path: readonly (string | number)[];
}

function findItem(list: JsonValue | undefined, step: string): number {
  return Array.isArray(list) ? list.findIndex((item) => namesItem(step, item)) : -1;
}

function child(place: Place, step: string): Place | undefined {
  const { live, desired, path } = place;
  const fields = place.fields[step];
  if (!isJsonObject(fields)) return undefined;
  if (step.startsWith('f:')) {
    const name = step.slice(2);
    if (!isJsonObject(live) || live[name] === undefined) return undefined;
    return {
      fields,
      live: live[name],
      desired: isJsonObject(desired) ? desired[name] : undefined,
      path: [...path, name],
    };
  }
  const index = findItem(live, step);
  if (index < 0 || !Array.isArray(live)) return undefined;
  const other = findItem(desired, step);
  return {
    fields,
    live: live[index],
    desired: Array.isArray(desired) && other >= 0 ? desired[other] : undefined,
    path: [...path, index],
  };
}

/** Parts of the metadata that somebody may have asked for. */
const ASKED_METADATA = new Set<string | number>(['labels', 'annotations', 'finalizers', 'ownerReferences']);

/** True for what the API server, controllers and tools keep for themselves: it asks the workload for nothing. */
export function isBookkeeping(path: readonly (string | number)[]): boolean {
  const [first, second, third] = path;
  if (first === 'apiVersion' || first === 'kind' || first === 'status') return true;
  if (first === 'metadata' && second !== undefined && !ASKED_METADATA.has(second)) return true;
  const last = path.at(-1);
  const map = path.at(-2);
  if (map === 'annotations' && typeof last === 'string') return BOOKKEEPING.test(last);
  if (map === 'labels' && typeof last === 'string') return BOOK_LABELS.has(last);
  return (
    first === 'spec' &&
    (second === 'clusterIP' || second === 'clusterIPs' || second === 'nodeName') &&
    third === undefined
  );
}

/** Maps whose entries belong to different writers, so that each is told by itself. */
const SHARED_MAPS = new Set<string | number>(['labels', 'annotations', 'data', 'stringData', 'binaryData']);

function isWhole(place: Place, steps: readonly string[]): boolean {
  const { live, path } = place;
  if (steps.length === 0) return true;
  const last = path.at(-1);
  return path.length > 1 && !Array.isArray(live) && !(last !== undefined && SHARED_MAPS.has(last));
}

function walk(place: Place, writer: KnownWriter, found: Addition[]): void {
  const { fields, live, desired, path } = place;
  if (live === undefined || isBookkeeping(path)) return;
  const steps = Object.keys(fields).filter((step) => step !== '.');
  if (desired === undefined && path.length > 0 && isWhole(place, steps)) {
    if (!isDefaultValue(path, live)) found.push({ path, live, writer });
    return;
  }
  for (const step of steps) {
    const next = child(place, step);
    if (next !== undefined) walk(next, writer, found);
  }
}

/**
 * What others than the delivery controller wrote into an object and Git does not ask for: an injected sidecar, a label of a policy,
 * a variable that somebody set. Nothing of it is removed by a sync, so it stays until somebody looks. Values that the
 * API server would have put there by itself are left out. Source: `metadata.managedFields` (structured-merge-diff's
 * FieldsV1), where a client that updates owns what was defaulted for it, too. `isOwn` tells the delivery controller.
 */
export function additions(
  desired: KubeObject,
  live: KubeObject,
  isOwn: (writer: KnownWriter) => boolean = ({ kind }) => kind === 'delivery',
): readonly Addition[] {
  const found = new Map<string, Addition>();
  for (const entry of live.metadata.managedFields ?? []) {
    const manager = getString(entry, 'manager') ?? 'unknown';
    const fields = entry['fieldsV1'];
    const subresource = getString(entry, 'subresource');
    if (subresource === 'status' || !isJsonObject(fields)) continue;
    // What the delivery controller owns and Git does not ask for any more is its own business at the next sync.
    const writer = knownWriter({
      manager,
      operation: getString(entry, 'operation') ?? 'Update',
      time: getString(entry, 'time'),
      subresource,
    });
    if (isOwn(writer)) continue;
    const each: Addition[] = [];
    walk({ fields, live, desired, path: [] }, writer, each);
    for (const addition of each) {
      const key = addition.path.map(textOf).join('\u0000');
      const known = found.get(key);
      if (known === undefined || (known.writer.time ?? '') < (writer.time ?? '')) found.set(key, addition);
    }
  }
  return [...found.values()];
}
