import { getIn, getNumber, getObject, getString, isJsonObject, jsonEqual } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { retryOf } from '../boundaries/sync/index.ts';
import type { ApplicationSpec, RetryPolicy } from '../boundaries/sync/index.ts';
import type { Comparison } from './comparison.ts';
import { deliveredFields, isNamespaceChanged, kubeTime } from './status.ts';
import { OPERATION, inspect } from './fields/index.ts';
import { unknownOptions } from './sync/index.ts';
import type { Target } from './target.ts';

/** Whether a comparison starts a sync by itself. `error` becomes the SyncError condition. */
export type AutoSync =
  | { readonly start: JsonObject }
  | { readonly start?: undefined; readonly error?: string; readonly again?: number };

const HEAL_FIRST = 2000;
const HEAL_LONGEST = 300_000;
const AUTO_RETRIES = 5;

/**
 * Argo CD's rules of automated sync: only from OutOfSync, once for each revision and source, again for the same one
 * only where self-heal is on, and never so that nothing would be left.
 */
export function decideAutoSync(
  application: KubeObject,
  spec: ApplicationSpec,
  comparison: Comparison,
  target: Pick<Target, 'commit' | 'revisions'>,
  now: number,
): AutoSync {
  const { policy } = spec;
  const { commit } = target;
  if (!policy.automated || comparison.sync !== 'OutOfSync') return {};
  const different = comparison.pairs.filter((pair) => pair.status !== 'Synced');
  const namespace = isNamespaceChanged(application);
  if (!policy.prune && !namespace && different.every((pair) => pair.requiresPruning)) return {};
  if (comparison.pairs.every((pair) => pair.desired === undefined) && !(policy.prune && policy.allowEmpty)) {
    return { error: `Skipping sync attempt to ${commit}: auto-sync will wipe out all resources` };
  }
  const delivered = deliveredFields(
    spec.multiple,
    target.revisions,
    spec.sources.map((source) => source.raw),
  );
  const sync: JsonObject = {
    ...delivered,
    ...(policy.prune ? { prune: true } : {}),
    ...(policy.options.length === 0 ? {} : { syncOptions: [...policy.options] }),
  };
  const retry = getObject(application, 'spec', 'syncPolicy', 'retry') ?? { limit: AUTO_RETRIES };
  const operation: JsonObject = { initiatedBy: { automated: true }, retry, sync };
  const last = getObject(application, 'status', 'operationState');
  if (last === undefined || namespace || !attempted(last, delivered)) return { start: operation };
  if (getString(last, 'phase') !== 'Succeeded') {
    return { error: `Failed last sync attempt to ${commit}: ${getString(last, 'message') ?? ''}` };
  }
  if (!policy.selfHeal) return {};
  const finished = Date.parse(getString(last, 'finishedAt') ?? '');
  const quiet = Number.isNaN(finished) ? Infinity : now - finished;
  const before = getNumber(last, 'operation', 'sync', 'autoHealAttemptsCount') ?? 0;
  const attempts = quiet > HEAL_LONGEST * 2 ? 0 : before;
  const wait = healDelay(attempts) - quiet;
  if (wait > 0) return { again: wait };
  const resources = different.flatMap((pair) => {
    const object = pair.desired ?? pair.live;
    return object === undefined ? [] : [resourceName(object)];
  });
  return { start: { ...operation, sync: { ...sync, autoHealAttemptsCount: attempts + 1, resources } } };
}

/** Ms before drift is healed for the time after `attempts`: at once, then 2 s, tripled, at most 5 minutes. As Argo CD. */
function healDelay(attempts: number): number {
  return attempts === 0 ? 0 : Math.min(HEAL_LONGEST, HEAL_FIRST * 3 ** Math.min(attempts - 1, 20));
}

/** Names one object in an operation. */
function resourceName(object: KubeObject): JsonObject {
  const { group } = splitApiVersion(object.apiVersion);
  const { name, namespace } = object.metadata;
  return {
    ...(group === '' ? {} : { group }),
    kind: object.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** The last operation was about these commits of these sources. */
function attempted(last: JsonObject, delivered: JsonObject): boolean {
  const phase = getString(last, 'phase') ?? '';
  if (getObject(last, 'syncResult') === undefined) return phase === 'Failed' || phase === 'Error';
  return Object.entries(delivered).every(([field, value]) =>
    jsonEqual(getIn(last, 'syncResult', field), value),
  );
}

/** What the controller has to do about `operation` and `status.operationState` before anything else. */
export type Pending =
  | { readonly do: 'nothing' }
  | {
      readonly do: 'run';
      readonly operation: JsonObject;
      readonly startedAt: string;
      readonly retryCount: number;
      /** It was begun, and goes on: `syncResult` of what was done so far, empty before the first write. */
      readonly going: JsonObject | undefined;
    }
  | { readonly do: 'wait'; readonly ms: number; readonly operation: JsonObject }
  | { readonly do: 'terminate'; readonly operation: JsonObject };

export function pendingOperation(application: KubeObject, now: number): Pending {
  const state = getObject(application, 'status', 'operationState');
  const phase = getString(state, 'phase');
  const running = getObject(state, 'operation') ?? {};
  if (phase === 'Terminating') return { do: 'terminate', operation: running };
  if (phase === 'Running') {
    const retryCount = getNumber(state, 'retryCount') ?? 0;
    const startedAt = getString(state, 'startedAt') ?? kubeTime(now);
    const finished = Date.parse(getString(state, 'finishedAt') ?? '');
    if (Number.isNaN(finished)) {
      const going = getObject(state, 'syncResult') ?? {};
      return { do: 'run', operation: running, startedAt, retryCount, going };
    }
    // A run that has an end and still runs waits to be tried again.
    const due = finished + retryDelay(retryOf(getObject(running, 'retry')), retryCount - 1) - now;
    if (due > 0) return { do: 'wait', ms: due, operation: running };
    return { do: 'run', operation: retried(running), startedAt, retryCount, going: undefined };
  }
  const operation = getObject(application, 'operation');
  if (operation === undefined) return { do: 'nothing' };
  // Times are kept to the second; an operation must not look like the one before it.
  const last = Date.parse(getString(state, 'startedAt') ?? '');
  const begin = Number.isNaN(last) ? now : Math.max(now, last + 1000);
  return { do: 'run', operation, startedAt: kubeTime(begin), retryCount: 0, going: undefined };
}

/** `retry.refresh`: what is tried again is what the source says by then. */
function retried(operation: JsonObject): JsonObject {
  if (getIn(operation, 'retry', 'refresh') !== true) return operation;
  const { revision: _one, revisions: _all, ...sync } = getObject(operation, 'sync') ?? {};
  return { ...operation, sync };
}

/** An hour: what has no bound of its own still goes on. */
const LONGEST_DELAY = 3_600_000;

/** Milliseconds before the attempt after `retries` retries; doubles up to a bound. A bound of 0 is none, as in Argo CD. */
export function retryDelay(policy: RetryPolicy | undefined, retries: number): number {
  const { durationMs = 5000, factor = 2, maxDurationMs = 180_000 } = policy ?? {};
  const bound = maxDurationMs > 0 ? maxDurationMs : LONGEST_DELAY;
  return Math.min(bound, durationMs * factor ** Math.max(0, retries));
}

export interface SyncRequest {
  readonly revision: string | undefined;
  /** One for each source, where there are several. */
  readonly revisions: readonly string[] | undefined;
  /** Other sources than those of the Application: a rollback. */
  readonly sources: readonly JsonObject[] | undefined;
  readonly prune: boolean;
  readonly dryRun: boolean;
  readonly options: readonly string[];
  /** Empty: everything. */
  readonly only: readonly {
    readonly group: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace: string;
  }[];
  /** What the server refuses to change is deleted and made again. */
  readonly force: boolean;
  /** Hooks do not run: it is about some objects only, or was asked to apply and nothing else. */
  readonly skipHooks: boolean;
  readonly automated: boolean;
  readonly retry: RetryPolicy | undefined;
  /** Why it cannot be done. */
  readonly problem: string | undefined;
}

function list(value: JsonObject | undefined, field: string) {
  const found = getIn(value, field);
  return Array.isArray(found) ? found : [];
}

/**
 * What an operation asks for. One that names no options (`kubectl patch` with `sync: {}`) gets those of the policy, as
 * Argo CD's own clients put them in.
 */
export function syncRequest(operation: JsonObject, policyOptions: readonly string[] = []): SyncRequest {
  const sync = getObject(operation, 'sync');
  const strategy = getObject(sync, 'syncStrategy');
  const forced = getIn(strategy, 'apply', 'force') === true || getIn(strategy, 'hook', 'force') === true;
  const resources = list(sync, 'resources');
  const revisions = list(sync, 'revisions').filter((item): item is string => typeof item === 'string');
  const source = getObject(sync, 'source');
  const sources = list(sync, 'sources').filter(isJsonObject);
  return {
    revision: getString(sync, 'revision') || undefined,
    revisions: revisions.length === 0 ? undefined : revisions,
    sources: sources.length > 0 ? sources : source === undefined ? undefined : [source],
    prune: getIn(sync, 'prune') === true,
    dryRun: getIn(sync, 'dryRun') === true,
    options:
      getIn(sync, 'syncOptions') === undefined
        ? policyOptions
        : list(sync, 'syncOptions').filter((option): option is string => typeof option === 'string'),
    only: resources.map((item) => ({
      group: getString(item, 'group') ?? '',
      kind: getString(item, 'kind') ?? '',
      name: getString(item, 'name') ?? '',
      namespace: getString(item, 'namespace') ?? '',
    })),
    force: forced,
    skipHooks: resources.length > 0 || getObject(strategy, 'apply') !== undefined,
    automated: getIn(operation, 'initiatedBy', 'automated') === true,
    retry: retryOf(getObject(operation, 'retry')),
    problem: sync === undefined ? 'Invalid operation request: no operation specified' : problemOf(operation),
  };
}

/** An operation is done once: what it says and nobody here understands is refused, not left out. */
function problemOf(operation: JsonObject): string | undefined {
  const { refused, unknown } = inspect(operation, OPERATION, 'operation');
  const options = list(getObject(operation, 'sync'), 'syncOptions').filter(
    (option): option is string => typeof option === 'string',
  );
  const problems = [
    ...refused,
    ...unknown.map((field) => `${field}: this controller knows no such field`),
    ...unknownOptions(options).map(
      (option) => `operation.sync.syncOptions: ${option} is not supported by this controller`,
    ),
  ];
  return problems.length === 0 ? undefined : `Invalid operation request: ${problems.join('; ')}`;
}
