import type { KubeObject, ListOptions } from '../api/contract.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import type { Change, Entry } from '../store/entry.ts';
import {
  labelMatcher,
  metadataField,
  parseFieldSelector,
  parseLabelSelector,
  type FieldRequirement,
  type LabelMatcher,
} from './selectors.ts';
import { badRequest } from './status-errors.ts';

/** Which objects of a kind a list or watch is about. */
export interface Selection {
  readonly namespace: string | undefined;
  /** Set where the field selector names one object: it is looked up instead of searched. */
  readonly name: string | undefined;
  readonly matches: ((object: KubeObject) => boolean) | undefined;
}

/** Reads the selectors of a request. Throws 400 for a field that the kind does not offer. */
export function selectionOf(kind: ResourceKind, options: ListOptions): Selection {
  const namespace = kind.namespaced && options.namespace !== '' ? options.namespace : undefined;
  const labels: LabelMatcher | undefined =
    options.labelSelector === undefined || options.labelSelector.trim() === ''
      ? undefined
      : labelMatcher(parseLabelSelector(options.labelSelector));
  let name: string | undefined;
  const fields: FieldRequirement[] = [];
  for (const requirement of parseFieldSelector(options.fieldSelector ?? '')) {
    if (requirement.field === 'metadata.name' && !requirement.negated && name === undefined) {
      name = requirement.value;
    } else {
      checkField(kind, requirement);
      fields.push(requirement);
    }
  }
  if (labels === undefined && fields.length === 0) return { namespace, name, matches: undefined };
  return {
    namespace,
    name,
    matches: (object) =>
      (labels === undefined || labels(object.metadata.labels)) &&
      fields.every(
        (requirement) =>
          (fieldOf(kind, object, requirement.field) === requirement.value) !== requirement.negated,
      ),
  };
}

function fieldOf(kind: ResourceKind, object: KubeObject, field: string): string | undefined {
  return metadataField(object, field) ?? kind.rules.selectField?.(object, field);
}

function checkField(kind: ResourceKind, requirement: FieldRequirement): void {
  const { field } = requirement;
  if (field === 'metadata.name' || (field === 'metadata.namespace' && kind.namespaced)) return;
  if (kind.rules.selectableFields?.includes(field) === true) return;
  throw badRequest(`field label not supported: ${field}`);
}

/** The entries of a sorted list that a selection is about. */
export function selectEntries(sorted: readonly Entry[], selection: Selection): readonly Entry[] {
  const { namespace, name, matches } = selection;
  if (namespace === undefined && name === undefined && matches === undefined) return sorted;
  return sorted.filter(
    (entry) =>
      (namespace === undefined || entry.namespace === namespace) &&
      (name === undefined || entry.name === name) &&
      (matches === undefined || matches(entry.object)),
  );
}

export interface Seen {
  readonly type: Change['type'];
  readonly object: KubeObject;
}

/** What a watcher with that selection is told of a change; undefined when nothing. */
export function seenChange(change: Change, selection: Selection): Seen | undefined {
  const type = seenType(change, selection);
  if (type === undefined) return undefined;
  const { previous, entry } = change;
  if (type !== 'DELETED' || change.type === 'DELETED' || previous === undefined)
    return { type, object: entry.object };
  // It is there, but no longer among those that are watched: what goes is what was seen last.
  const metadata = { ...previous.object.metadata, resourceVersion: String(change.revision) };
  return { type, object: { ...previous.object, metadata } };
}

function seenType(change: Change, selection: Selection): Change['type'] | undefined {
  const { entry, previous } = change;
  if (selection.namespace !== undefined && entry.namespace !== selection.namespace) return undefined;
  if (selection.name !== undefined && entry.name !== selection.name) return undefined;
  const { matches } = selection;
  if (matches === undefined) return change.type;
  const before = previous !== undefined && matches(previous.object);
  const now = change.type !== 'DELETED' && matches(entry.object);
  if (before && !now) return 'DELETED';
  if (!before && now) return 'ADDED';
  return before && now ? 'MODIFIED' : undefined;
}
