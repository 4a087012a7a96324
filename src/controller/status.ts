import { getArray, getNumber, getObject, getString, isJsonObject, jsonEqual } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { ApplicationSpec } from '../boundaries/sync/index.ts';
import type { Comparison } from './comparison.ts';
import { summaryOf } from './summary.ts';
import type { Target } from './target.ts';

/** A time as Kubernetes keeps it: to the second. */
export function kubeTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export interface Condition {
  readonly type:
    | 'ComparisonError'
    | 'InvalidSpecError'
    | 'UnknownError'
    | 'DeletionError'
    | 'SyncError'
    | 'RepeatedResourceWarning'
    | 'SharedResourceWarning'
    | 'OrphanedResourceWarning'
    | 'ExcludedResourceWarning'
    /** Not Argo CD's: a field of the spec that is not known here. */
    | 'UnknownFieldWarning'
    /** Not Argo CD's: a setting of argocd-cm that concerns the application and is not honoured. */
    | 'UnsupportedSettingWarning';
  readonly message: string;
}

/** Replaces the conditions of `types`; one that says the same as before keeps its time. */
export function withConditions(
  before: readonly JsonValue[],
  conditions: readonly Condition[],
  types: readonly Condition['type'][],
  now: number,
): readonly JsonValue[] {
  const kept = before.filter((item) => !types.some((type) => type === getString(item, 'type')));
  const fresh = conditions.map((condition): JsonValue => {
    const same = before.find(
      (item) =>
        getString(item, 'type') === condition.type && getString(item, 'message') === condition.message,
    );
    return same ?? { ...condition, lastTransitionTime: kubeTime(now) };
  });
  return [...kept, ...fresh].toSorted((a, b) =>
    (getString(a, 'type') ?? '') < (getString(b, 'type') ?? '') ? -1 : 1,
  );
}

/** `status.sync.comparedTo`: what the comparison was made with, so that a change of the spec is seen. */
export function comparedTo(application: KubeObject, spec: ApplicationSpec): JsonObject {
  const destination = getObject(application, 'spec', 'destination') ?? {};
  const ignore = getArray(application, 'spec', 'ignoreDifferences');
  return {
    destination,
    ...(spec.multiple
      ? { sources: spec.sources.map((source) => source.raw) }
      : { source: spec.sources[0]?.raw ?? {} }),
    ...(ignore.length === 0 ? {} : { ignoreDifferences: [...ignore] }),
  };
}

export interface StatusParts {
  readonly application: KubeObject;
  readonly spec: ApplicationSpec;
  readonly comparison: Comparison;
  /** Undefined: Git could not be compared with, and the status says Unknown. */
  readonly target: Target | undefined;
  readonly commit: string | undefined;
  /** One for each source. */
  readonly revisions?: readonly string[] | undefined;
  readonly conditions: readonly Condition[];
  /** The spec itself cannot be compared with: nothing is known of health either, as Argo CD says it. */
  readonly invalid?: boolean;
  /** Git was looked at, not only the cluster. */
  readonly reconciled: boolean;
  readonly now: number;
}

const OURS: readonly Condition['type'][] = [
  'ComparisonError',
  'InvalidSpecError',
  'UnknownError',
  'SyncError',
  'RepeatedResourceWarning',
  'SharedResourceWarning',
  'OrphanedResourceWarning',
  'ExcludedResourceWarning',
  'UnknownFieldWarning',
  'UnsupportedSettingWarning',
];

/** The status after a comparison, by Argo CD's rules; operation state and history stay as they are. */
export function comparedStatus(parts: StatusParts): JsonObject {
  const before = getObject(parts.application, 'status') ?? {};
  const { comparison, target, now } = parts;
  const health = parts.invalid === true ? 'Unknown' : comparison.health;
  const next: JsonObject = {
    ...before,
    sync: {
      status: target === undefined ? 'Unknown' : comparison.sync,
      ...comparedRevision(parts, before),
      comparedTo: comparedTo(parts.application, parts.spec),
    },
    health: healthStatus(before, health, now),
    resources: [...comparison.resources],
    summary: summaryOf(parts.application, comparison.stored),
    conditions: [...withConditions(getArray(before, 'conditions'), parts.conditions, OURS, now)],
    ...(target === undefined
      ? {}
      : parts.spec.multiple
        ? { sourceTypes: [...target.sourceTypes] }
        : { sourceType: target.sourceType }),
  };
  // Argo CD leaves empty lists out.
  for (const list of ['resources', 'conditions']) if (getArray(next, list).length === 0) delete next[list];
  // Looking again and finding the same is no news: only what changed moves the time.
  const { reconciledAt: _, ...rest } = before;
  const { reconciledAt: __, ...fresh } = next;
  const changed = !jsonEqual(rest, fresh);
  if (before['reconciledAt'] === undefined || (parts.reconciled && changed))
    next['reconciledAt'] = kubeTime(now);
  return next;
}

/** `revision` of one source, `revisions` of several; what was last known while nothing new is. */
function comparedRevision(parts: StatusParts, before: JsonObject): JsonObject {
  const { commit, revisions, spec } = parts;
  if (spec.multiple) {
    const known = revisions ?? getArray(before, 'sync', 'revisions');
    return known.length === 0 ? {} : { revisions: [...known] };
  }
  const known = commit ?? getString(before, 'sync', 'revision');
  return known === undefined ? {} : { revision: known };
}

/** What was delivered, as operations, their results and the history name it. */
export function deliveredFields(
  multiple: boolean,
  revisions: readonly string[],
  sources: readonly JsonObject[],
): JsonObject {
  if (multiple) return { revisions: [...revisions], sources: [...sources] };
  return { revision: revisions[0] ?? '', source: sources[0] ?? {} };
}

/** `managedNamespaceMetadata` as a result keeps it, so that a change of it is seen. */
export function namespaceFields(application: KubeObject): JsonObject {
  const metadata = getObject(application, 'spec', 'syncPolicy', 'managedNamespaceMetadata');
  return metadata === undefined ? {} : { managedNamespaceMetadata: metadata };
}

/** The application asks for other labels or annotations on its namespace than the last sync put there. */
export function isNamespaceChanged(application: KubeObject): boolean {
  const { managedNamespaceMetadata: wanted } = namespaceFields(application);
  const result = getObject(application, 'status', 'operationState', 'syncResult');
  return (
    wanted !== undefined &&
    result !== undefined &&
    !jsonEqual(wanted, getObject(result, 'managedNamespaceMetadata'))
  );
}

function healthStatus(before: JsonObject, status: string, now: number): JsonObject {
  const last = getString(before, 'health', 'lastTransitionTime');
  const same = getString(before, 'health', 'status') === status && last !== undefined;
  return { status, lastTransitionTime: same ? last : kubeTime(now) };
}

/** A successful sync in `status.history`, numbered on, at most `limit` of them. */
export function withHistory(
  history: readonly JsonValue[],
  entry: {
    /** `revision` and `source`, or those of several. */
    readonly delivered: JsonObject;
    readonly startedAt: string;
    readonly deployedAt: number;
    readonly initiatedBy: JsonObject | undefined;
  },
  limit: number,
): readonly JsonValue[] {
  const last = history.at(-1);
  const id = last === undefined ? 0 : (getNumber(last, 'id') ?? 0) + 1;
  const added: JsonObject = {
    id,
    ...entry.delivered,
    deployStartedAt: entry.startedAt,
    deployedAt: kubeTime(entry.deployedAt),
    ...(entry.initiatedBy === undefined ? {} : { initiatedBy: entry.initiatedBy }),
  };
  return [...history, added].slice(-Math.max(1, limit));
}

/** A merge patch (RFC 7386) that turns `before` into `after`; undefined when they are the same. */
export function mergePatch(before: JsonObject, after: JsonObject): JsonObject | undefined {
  const patch: JsonObject = {};
  for (const key of Object.keys(before)) if (after[key] === undefined) patch[key] = null;
  for (const [key, value] of Object.entries(after)) {
    const had = before[key];
    if (after[key] === undefined || jsonEqual(had, value)) continue;
    if (isJsonObject(had) && isJsonObject(value)) {
      const inner = mergePatch(had, value);
      if (inner !== undefined) patch[key] = inner;
    } else {
      patch[key] = value;
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}
