import {
  getArray,
  getIn,
  getNumber,
  getObject,
  getString,
  isJsonObject,
  jsonEqual,
} from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';

/** The kind whose status Argo CD and Landfall's controller write alike. */
export const APPLICATION_KIND = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application' } as const;
export const REFRESH_ANNOTATION = 'argocd.argoproj.io/refresh';

export interface ApplicationSource {
  readonly repoURL: string;
  readonly path: string;
  /** `HEAD` where the Application leaves it out. */
  readonly targetRevision: string;
  readonly chart: string | undefined;
  readonly directory: JsonObject | undefined;
  readonly kustomize: JsonObject | undefined;
  readonly helm: JsonObject | undefined;
  readonly plugin: JsonObject | undefined;
  /** As it stands in the Application. */
  readonly raw: JsonObject;
}

export interface ApplicationDestination {
  readonly server: string | undefined;
  readonly name: string | undefined;
  readonly namespace: string;
}

export interface RetryPolicy {
  readonly limit: number;
  readonly durationMs: number;
  readonly factor: number;
  readonly maxDurationMs: number;
  readonly refresh: boolean;
}

export interface SyncPolicy {
  readonly automated: boolean;
  readonly prune: boolean;
  readonly selfHeal: boolean;
  readonly allowEmpty: boolean;
  /** `CreateNamespace=true` and the like, as written. */
  readonly options: readonly string[];
  readonly retry: RetryPolicy | undefined;
  /** Labels and annotations that the Application keeps on its namespace; undefined: none, and it is not kept. */
  readonly managedNamespace:
    | { readonly labels: Record<string, string>; readonly annotations: Record<string, string> }
    | undefined;
}

export interface IgnoreRule {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly jsonPointers: readonly string[];
  readonly managers: readonly string[];
  readonly jqPathExpressions: readonly string[];
}

export interface ApplicationSpec {
  readonly project: string;
  readonly sources: readonly ApplicationSource[];
  readonly multiple: boolean;
  readonly destination: ApplicationDestination;
  readonly policy: SyncPolicy;
  readonly ignoreDifferences: readonly IgnoreRule[];
  readonly historyLimit: number;
}

function strings(values: readonly JsonValue[]): string[] {
  return values.filter((value): value is string => typeof value === 'string');
}

/** As Go has it: nothing in it says anything. */
function isZero(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '' || value === false || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.values(value).every(isZero);
}

/** Options of a renderer choose that renderer only where they say something (`kustomize: {}` does not). As Argo CD. */
function optionsOf(raw: JsonObject, renderer: string): JsonObject | undefined {
  const options = getObject(raw, renderer);
  return isZero(options) ? undefined : options;
}

/** One source of an Application, or of an operation that names its own. */
export function applicationSource(raw: JsonObject): ApplicationSource {
  return {
    repoURL: getString(raw, 'repoURL') ?? '',
    path: getString(raw, 'path') ?? '',
    targetRevision: getString(raw, 'targetRevision') || 'HEAD',
    chart: getString(raw, 'chart') || undefined,
    directory: optionsOf(raw, 'directory'),
    kustomize: optionsOf(raw, 'kustomize'),
    helm: optionsOf(raw, 'helm'),
    plugin: getObject(raw, 'plugin'),
    raw,
  };
}

/** A Go duration (`5s`, `3m`, `1h30m`), or a bare number of seconds, in milliseconds. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return undefined;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  let total = 0;
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(number) * (units[unit] ?? 0);
  }
  return total;
}

/** Argo CD's defaults: first wait 5 s, doubled, at most 3 minutes. */
export function retryOf(retry: JsonObject | undefined): RetryPolicy | undefined {
  if (retry === undefined) return undefined;
  return {
    limit: getNumber(retry, 'limit') ?? 0,
    durationMs: durationMs(getString(retry, 'backoff', 'duration')) ?? 5000,
    factor: getNumber(retry, 'backoff', 'factor') ?? 2,
    maxDurationMs: durationMs(getString(retry, 'backoff', 'maxDuration')) ?? 180_000,
    refresh: getIn(retry, 'refresh') === true,
  };
}

function policyOf(spec: JsonObject): SyncPolicy {
  const policy = getObject(spec, 'syncPolicy');
  const automated = getObject(policy, 'automated');
  return {
    automated: automated !== undefined && getIn(automated, 'enabled') !== false,
    prune: getIn(automated, 'prune') === true,
    selfHeal: getIn(automated, 'selfHeal') === true,
    allowEmpty: getIn(automated, 'allowEmpty') === true,
    options: strings(getArray(policy, 'syncOptions')),
    retry: retryOf(getObject(policy, 'retry')),
    managedNamespace: managedNamespaceOf(getObject(policy, 'managedNamespaceMetadata')),
  };
}

function managedNamespaceOf(metadata: JsonObject | undefined): SyncPolicy['managedNamespace'] {
  if (metadata === undefined) return undefined;
  const texts = (field: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(getObject(metadata, field) ?? {}).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    );
  return { labels: texts('labels'), annotations: texts('annotations') };
}

/** What an Application asks for, with Argo CD's defaults. Nothing is checked here; absent texts are empty. */
export function applicationSpec(application: KubeObject): ApplicationSpec {
  const spec = getObject(application, 'spec') ?? {};
  const several = getArray(spec, 'sources').filter(isJsonObject);
  const single = getObject(spec, 'source');
  const raw = several.length > 0 ? several : single === undefined ? [] : [single];
  return {
    project: getString(spec, 'project') || 'default',
    sources: raw.map(applicationSource),
    multiple: several.length > 0,
    destination: {
      server: getString(spec, 'destination', 'server') || undefined,
      name: getString(spec, 'destination', 'name') || undefined,
      namespace: getString(spec, 'destination', 'namespace') ?? '',
    },
    policy: policyOf(spec),
    ignoreDifferences: getArray(spec, 'ignoreDifferences').map((rule) => ({
      group: getString(rule, 'group') ?? '',
      kind: getString(rule, 'kind') ?? '',
      name: getString(rule, 'name') ?? '',
      namespace: getString(rule, 'namespace') ?? '',
      jsonPointers: strings(getArray(rule, 'jsonPointers')),
      managers: strings(getArray(rule, 'managedFieldsManagers')),
      jqPathExpressions: strings(getArray(rule, 'jqPathExpressions')),
    })),
    historyLimit: getNumber(spec, 'revisionHistoryLimit') ?? 10,
  };
}

export interface ResourceResult {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Synced, SyncFailed, Pruned, PruneSkipped. */
  readonly status: string;
  readonly message: string;
  readonly hookPhase: string;
}

export interface ResourceState {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Synced, OutOfSync or Unknown; empty for hooks. */
  readonly status: string;
  readonly requiresPruning: boolean;
}

export interface OperationFacts {
  readonly phase: string;
  readonly message: string;
  /** The commit that it applied or tried to apply; empty when it did not get that far. */
  readonly revision: string;
  /** The same of every source, where there are several. */
  readonly revisions: readonly string[];
  /** It was to apply some objects only: a selective sync, or self-heal. */
  readonly partial: boolean;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly retryCount: number;
  readonly results: readonly ResourceResult[];
}

export interface ApplicationCondition {
  readonly type: string;
  readonly message: string;
}

/** What the controller wrote, whichever it is. */
export interface ApplicationStatus {
  /** Synced, OutOfSync, Unknown; empty when no controller has ever compared. */
  readonly sync: string;
  readonly health: string;
  readonly revisions: readonly string[];
  readonly reconciledAt: number | undefined;
  readonly conditions: readonly ApplicationCondition[];
  readonly operation: OperationFacts | undefined;
  /** An operation was asked for and not taken up yet. */
  readonly requested: boolean;
  readonly refresh: 'normal' | 'hard' | undefined;
  readonly resources: readonly ResourceState[];
  /** Commits that a whole sync has applied, as far as the history goes. */
  readonly history: readonly string[];
}

function timeOf(text: string | undefined): number | undefined {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? undefined : at;
}

function identity(item: JsonValue) {
  return {
    group: getString(item, 'group') ?? '',
    kind: getString(item, 'kind') ?? '',
    namespace: getString(item, 'namespace') ?? '',
    name: getString(item, 'name') ?? '',
  };
}

function operationOf(state: JsonObject | undefined): OperationFacts | undefined {
  if (state === undefined) return undefined;
  const single = getString(state, 'syncResult', 'revision') ?? '';
  const several = strings(getArray(state, 'syncResult', 'revisions'));
  return {
    phase: getString(state, 'phase') ?? '',
    message: getString(state, 'message') ?? '',
    revision: single || several[0] || '',
    revisions: several.length > 0 ? several : single === '' ? [] : [single],
    partial: getArray(state, 'operation', 'sync', 'resources').length > 0,
    startedAt: timeOf(getString(state, 'startedAt')),
    finishedAt: timeOf(getString(state, 'finishedAt')),
    retryCount: getNumber(state, 'retryCount') ?? 0,
    results: getArray(state, 'syncResult', 'resources').map((item) => ({
      ...identity(item),
      status: getString(item, 'status') ?? '',
      message: getString(item, 'message') ?? '',
      hookPhase: getString(item, 'hookPhase') ?? '',
    })),
  };
}

export function applicationStatus(application: KubeObject): ApplicationStatus {
  const status = getObject(application, 'status') ?? {};
  const several = strings(getArray(status, 'sync', 'revisions'));
  const single = getString(status, 'sync', 'revision') ?? '';
  const refresh = application.metadata.annotations?.[REFRESH_ANNOTATION];
  return {
    sync: getString(status, 'sync', 'status') ?? '',
    health: getString(status, 'health', 'status') ?? '',
    revisions: several.length > 0 ? several : single === '' ? [] : [single],
    reconciledAt: timeOf(getString(status, 'reconciledAt')),
    conditions: getArray(status, 'conditions').map((item) => ({
      type: getString(item, 'type') ?? '',
      message: getString(item, 'message') ?? '',
    })),
    operation: operationOf(getObject(status, 'operationState')),
    requested: getObject(application, 'operation') !== undefined,
    refresh: refresh === undefined ? undefined : refresh === 'hard' ? 'hard' : 'normal',
    resources: getArray(status, 'resources').map((item) => ({
      ...identity(item),
      status: getString(item, 'status') ?? '',
      requiresPruning: getIn(item, 'requiresPruning') === true,
    })),
    history: getArray(status, 'history').flatMap((entry) => [
      ...strings(getArray(entry, 'revisions')),
      getString(entry, 'revision') ?? '',
    ]),
  };
}

/** Without what a controller leaves out when it writes a spec back: nothing, false, zero and the empty. */
function tidy(value: JsonValue | undefined): JsonValue | undefined {
  if (Array.isArray(value)) {
    const kept = value.flatMap((item) => tidy(item) ?? []);
    return kept.length === 0 ? undefined : kept;
  }
  if (isJsonObject(value)) {
    const kept = Object.entries(value).flatMap(([key, item]) => {
      const left = tidy(item);
      return left === undefined ? [] : [[key, left] as const];
    });
    return kept.length === 0 ? undefined : Object.fromEntries(kept);
  }
  return value === null || value === '' || value === false || value === 0 ? undefined : value;
}

/**
 * The field of the spec that is another than the one that the last comparison was made with: what the status says is
 * then about something else. Undefined where nothing says so. Source: Argo CD, `status.sync.comparedTo`.
 */
export function comparedToAnother(application: KubeObject): 'source' | 'sources' | 'destination' | undefined {
  const compared = getObject(application, 'status', 'sync', 'comparedTo');
  if (compared === undefined) return undefined;
  return (['source', 'sources', 'destination'] as const).find((field) => {
    const then = tidy(compared[field]);
    return then !== undefined && !jsonEqual(then, tidy(getIn(application, 'spec', field)) ?? null);
  });
}

/** True while an operation runs, waits to be retried, or was asked for. */
export function isSyncing(status: ApplicationStatus): boolean {
  const phase = status.operation?.phase;
  return status.requested || phase === 'Running' || phase === 'Terminating';
}
