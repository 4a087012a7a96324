import { asLandfallError, getArray, getObject, getString, jsonEqual } from '../kernel/index.ts';
import type { Clock, JsonObject, Logger } from '../kernel/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import {
  APPLICATION_KIND,
  applicationSource,
  applicationSpec,
  REFRESH_ANNOTATION,
  syncCounts,
  syncCountsText,
} from '../boundaries/sync/index.ts';
import type { ApplicationSource, ApplicationSpec } from '../boundaries/sync/index.ts';
import type { RenderedSet } from '../boundaries/render/index.ts';
import type { ApplicationWriter } from './application-writer.ts';
import { compareWith, compareWithoutTarget, readLive, resourceKey } from './comparison.ts';
import type { Comparison } from './comparison.ts';
import type { EventRecorder } from './events.ts';
import { finishDeletion, FINALIZERS } from './finalize.ts';
import type { LiveObjects } from './live.ts';
import { decideAutoSync, pendingOperation, retryDelay, syncRequest } from './operation.ts';
import type { SyncRequest } from './operation.ts';
import { higher } from './queue.ts';
import type { Level, Turn } from './queue.ts';
import { comparedStatus, comparedTo, kubeTime, withHistory } from './status.ts';
import type { Condition } from './status.ts';
import { runSync } from './sync.ts';
import type { SyncOutcome } from './sync.ts';
import type { NoTarget, Target, TargetLoader } from './target.ts';
import { specProblems } from './validate.ts';

export interface Reconciler {
  /** One application, from what is stored and what Git says now; the same state twice writes nothing twice. */
  reconcile(key: string, turn: Turn): Promise<{ readonly again?: number } | undefined>;
}

export interface ReconcilerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly targets: TargetLoader;
  readonly live: LiveObjects;
  readonly writer: ApplicationWriter;
  readonly events: EventRecorder;
  /** Ms between two looks at Git. */
  readonly pollMs: number;
  readonly random: () => number;
  /** Name that objects carry for an application. */
  readonly instanceOf: (application: KubeObject) => string;
}

/** As Argo CD: a Git server that is away for a moment is not yet an error of the application. */
const GIT_GRACE = 180_000;

interface Looked {
  readonly target: Target | NoTarget;
  readonly comparison: Comparison;
  readonly conditions: readonly Condition[];
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { client, clock, logger, targets, live, writer, events } = options;
  const unreachableSince = new Map<string, number>();
  const polledAt = new Map<string, number>();

  /** The commit and its objects; a NoTarget is the application's fault, a throw is nobody's. */
  async function findTarget(
    key: string,
    application: KubeObject,
    spec: ApplicationSpec,
    source: ApplicationSource,
    revision: string | undefined,
    level: Level,
    turn: Turn,
  ): Promise<Target | NoTarget> {
    let commit: string | undefined;
    let set: RenderedSet;
    try {
      const wanted = revision === undefined ? source : { ...source, targetRevision: revision };
      commit = await turn.outside(() => targets.resolve(wanted, level, turn.signal));
      set = await targets.render(source, commit, level, turn.signal);
      unreachableSince.delete(key);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
      if (error.kind === 'unavailable' && commit === undefined) {
        const since = unreachableSince.get(key) ?? clock.now();
        unreachableSince.set(key, since);
        if (clock.now() - since < GIT_GRACE) throw error;
      }
      return { commit, error: error.message };
    }
    if (set.failure !== undefined) return { commit, error: set.failure.message };
    return targets.place({ instance: options.instanceOf(application), spec }, commit, set, turn.signal);
  }

  async function look(
    application: KubeObject,
    spec: ApplicationSpec,
    target: Target | NoTarget,
    how: 'watched' | 'fresh',
    turn: Turn,
  ): Promise<Looked> {
    const instance = options.instanceOf(application);
    if (!('objects' in target)) {
      const stored = await readLive(live, [], application, instance, how, turn.signal);
      const message = `Failed to load target state: ${target.error}`;
      return {
        target,
        comparison: compareWithoutTarget(stored),
        conditions: [{ type: 'ComparisonError', message }],
      };
    }
    const stored = await readLive(live, target.objects, application, instance, how, turn.signal);
    return {
      target,
      comparison: compareWith(target, stored, spec),
      conditions: target.repeated.map((name) => ({
        type: 'RepeatedResourceWarning',
        message: `Resource ${name.replaceAll('|', '/')} appeared more than once among application resources.`,
      })),
    };
  }

  function statusOf(
    application: KubeObject,
    spec: ApplicationSpec,
    looked: Looked,
    extra: readonly Condition[],
    reconciled: boolean,
  ): JsonObject {
    return comparedStatus({
      application,
      spec,
      comparison: looked.comparison,
      target: 'objects' in looked.target ? looked.target : undefined,
      commit: looked.target.commit,
      conditions: [...looked.conditions, ...extra],
      reconciled,
      now: clock.now(),
    });
  }

  /** The comparison of this turn, and what follows from it: a status, and maybe an operation of its own. */
  async function refresh(key: string, application: KubeObject, spec: ApplicationSpec, turn: Turn) {
    const source = spec.sources[0];
    if (source === undefined) return undefined;
    const asked = application.metadata.annotations?.[REFRESH_ANNOTATION];
    const level = refreshLevel(application, spec, asked, turn.level, key);
    const known = getString(application, 'status', 'sync', 'revision');
    const revision = level === 'live' && known !== undefined ? known : undefined;
    const target = await findTarget(key, application, spec, source, revision, level, turn);
    const looked = await look(application, spec, target, asked === undefined ? 'watched' : 'fresh', turn);
    if (level !== 'live') polledAt.set(key, clock.now());
    const auto =
      'objects' in looked.target
        ? decideAutoSync(application, spec, looked.comparison, looked.target.commit, clock.now())
        : {};
    const errors: Condition[] =
      auto.start === undefined && auto.error !== undefined
        ? [{ type: 'SyncError', message: auto.error }]
        : [];
    const status = statusOf(application, spec, looked, errors, level !== 'live' || asked !== undefined);
    const change = {
      status,
      ...(asked === undefined ? {} : { refreshed: asked }),
      ...(auto.start === undefined ? {} : { operation: auto.start }),
    };
    // The inventory is in the status before the first object is applied.
    const stored = await writer.write(application, change, turn.signal);
    if (auto.start !== undefined) {
      const message = `Initiated automated sync to '${looked.target.commit ?? ''}'`;
      await events.record(application, 'Normal', 'OperationStarted', message, turn.signal);
      return { stored, run: true };
    }
    return { stored, run: false, again: auto.again };
  }

  function refreshLevel(
    application: KubeObject,
    spec: ApplicationSpec,
    asked: string | undefined,
    level: Level,
    key: string,
  ): Level {
    if (asked !== undefined) return asked === 'hard' ? 'hard' : higher(level, 'git');
    const compared = getObject(application, 'status', 'sync', 'comparedTo');
    const last = polledAt.get(key);
    const due = last === undefined || clock.now() - last >= options.pollMs;
    // Without a comparison that holds, an older commit must not answer for the one that could not be read.
    const doubtful = getString(application, 'status', 'sync', 'status') === 'Unknown';
    return due || doubtful || !jsonEqual(compared, comparedTo(application, spec))
      ? higher(level, 'git')
      : level;
  }

  async function operate(
    key: string,
    application: KubeObject,
    spec: ApplicationSpec,
    operation: JsonObject,
    startedAt: string,
    retryCount: number,
    turn: Turn,
  ): Promise<{ readonly again?: number } | undefined> {
    const request = syncRequest(operation, spec.policy.options);
    const override = getObject(operation, 'sync', 'source');
    const source = override === undefined ? spec.sources[0] : applicationSource(override);
    const running: JsonObject = {
      operation,
      phase: 'Running',
      ...(retryCount === 0 ? {} : { retryCount }),
      message:
        retryCount === 0 ? 'one or more tasks are running' : `Retrying operation. Attempt #${retryCount}`,
      startedAt,
    };
    const before = getObject(application, 'status') ?? {};
    let started = await writer.write(
      application,
      { status: { ...before, operationState: running } },
      turn.signal,
    );
    const begun = clock.now();
    let commit = '';
    let looked: Looked | undefined;
    let outcome: SyncOutcome;
    if (request.problem !== undefined || source === undefined) {
      outcome = { phase: 'Error', message: request.problem ?? 'spec.source is missing', results: [] };
    } else {
      const target = await findTarget(key, started, spec, source, request.revision, 'git', turn);
      looked = await look(started, spec, target, 'fresh', turn);
      commit = target.commit ?? '';
      started = await recordInventory(started, looked.comparison, turn);
      outcome =
        'objects' in target
          ? await runSync({
              client,
              clock,
              spec,
              request,
              comparison: looked.comparison,
              signal: turn.signal,
            })
          : {
              phase: 'Error',
              message: looked.conditions.map(({ message }) => message).join('; '),
              results: [],
            };
    }
    return conclude(
      key,
      started,
      spec,
      { operation, startedAt, retryCount, commit, request, begun },
      outcome,
      looked,
      turn,
    );
  }

  /** Everything that is about to be applied stands in the status first, so that it is found again after a crash. */
  async function recordInventory(
    application: KubeObject,
    comparison: Comparison,
    turn: Turn,
  ): Promise<KubeObject> {
    const before = getObject(application, 'status') ?? {};
    const listed = getArray(before, 'resources');
    const known = new Set(listed.map(resourceKey));
    const added = comparison.resources.filter((resource) => !known.has(resourceKey(resource)));
    if (added.length === 0) return application;
    return writer.write(
      application,
      { status: { ...before, resources: [...listed, ...added] } },
      turn.signal,
    );
  }

  interface Run {
    readonly operation: JsonObject;
    readonly startedAt: string;
    readonly retryCount: number;
    readonly commit: string;
    readonly request: SyncRequest;
    readonly begun: number;
  }

  /** Writes how the operation ended together with a comparison made after it. */
  async function conclude(
    key: string,
    application: KubeObject,
    spec: ApplicationSpec,
    run: Run,
    outcome: SyncOutcome,
    looked: Looked | undefined,
    turn: Turn,
  ): Promise<{ readonly again?: number } | undefined> {
    const now = clock.now();
    const source = getObject(run.operation, 'sync', 'source') ?? spec.sources[0]?.raw ?? {};
    const limit = run.request.retry?.limit ?? 0;
    const retry = outcome.phase !== 'Succeeded' && (run.retryCount < limit || limit < 0);
    const wait = retryDelay(run.request.retry, run.retryCount);
    const operationState: JsonObject = {
      operation: run.operation,
      phase: retry ? 'Running' : outcome.phase,
      message: retry
        ? `${outcome.message}. Retrying attempt #${run.retryCount + 1} at ${kubeTime(now + wait)}.`
        : run.retryCount > 0 && outcome.phase !== 'Succeeded'
          ? `${outcome.message} (retried ${run.retryCount} times).`
          : outcome.message,
      ...(retry || run.retryCount > 0 ? { retryCount: run.retryCount + (retry ? 1 : 0) } : {}),
      ...(looked === undefined
        ? {}
        : { syncResult: { revision: run.commit, source, resources: [...outcome.results] } }),
      startedAt: run.startedAt,
      finishedAt: kubeTime(now),
    };
    const after =
      looked === undefined ? undefined : await look(application, spec, looked.target, 'fresh', turn);
    const whole = !run.request.dryRun && run.request.only.length === 0;
    const history = getArray(application, 'status', 'history');
    // A sync to a commit that is not the tracked one (a rollback) says nothing about the tracked one.
    const tracked =
      run.request.revision === undefined ||
      getString(application, 'status', 'sync', 'revision') === run.commit;
    const compared =
      after === undefined || !tracked
        ? (getObject(application, 'status') ?? {})
        : statusOf(application, spec, after, [], true);
    const status: JsonObject = {
      ...compared,
      operationState,
      ...(outcome.phase === 'Succeeded' && whole
        ? {
            history: [
              ...withHistory(
                history,
                {
                  revision: run.commit,
                  source,
                  startedAt: run.startedAt,
                  deployedAt: now,
                  initiatedBy: getObject(run.operation, 'initiatedBy'),
                },
                spec.historyLimit,
              ),
            ],
          }
        : {}),
    };
    await writer.write(application, { status, ...(retry ? {} : { operation: null }) }, turn.signal);
    report(key, run, outcome, operationState);
    if (!retry) await announce(application, run, outcome, operationState, turn.signal);
    polledAt.set(key, now);
    return { again: retry ? wait : tracked ? options.pollMs : 0 };
  }

  function report(key: string, run: Run, outcome: SyncOutcome, state: JsonObject): void {
    const counts = syncCounts(
      outcome.results.map((item) => ({
        status: getString(item, 'status') ?? '',
        message: getString(item, 'message') ?? '',
        hookPhase: getString(item, 'hookPhase') ?? '',
      })),
    );
    const text = `Sync ${outcome.phase.toLowerCase()}. Resources: ${syncCountsText(counts)}`;
    const fields = {
      application: key,
      revision: run.commit,
      phase: getString(state, 'phase') ?? '',
      operationMessage: getString(state, 'message') ?? '',
      tookMs: clock.now() - run.begun,
    };
    if (outcome.phase === 'Succeeded') logger.info(text, fields);
    else logger.warn(text, fields);
  }

  async function announce(
    application: KubeObject,
    run: Run,
    outcome: SyncOutcome,
    state: JsonObject,
    signal: AbortSignal,
  ): Promise<void> {
    const what = run.request.only.length > 0 ? 'Partial sync operation' : 'Sync operation';
    const to = run.commit === '' ? '' : ` to ${run.commit}`;
    if (outcome.phase === 'Succeeded') {
      await events.record(application, 'Normal', 'OperationCompleted', `${what}${to} succeeded`, signal);
    } else {
      const message = `${what}${to} failed: ${getString(state, 'message') ?? ''}`;
      await events.record(application, 'Warning', 'OperationCompleted', message, signal);
    }
  }

  async function refuse(
    application: KubeObject,
    spec: ApplicationSpec,
    problems: readonly string[],
    turn: Turn,
  ) {
    const asked = application.metadata.annotations?.[REFRESH_ANNOTATION];
    const before = getObject(application, 'status') ?? {};
    const status = comparedStatus({
      application,
      spec,
      comparison: { ...compareWithoutTarget([]), resources: getArray(before, 'resources') as JsonObject[] },
      target: undefined,
      commit: undefined,
      invalid: true,
      conditions: problems.map((message) => ({ type: 'InvalidSpecError', message })),
      reconciled: true,
      now: clock.now(),
    });
    const operation = getObject(application, 'operation');
    const ended: JsonObject =
      operation === undefined
        ? {}
        : {
            operationState: {
              operation,
              phase: 'Error',
              message: problems.map((problem) => `InvalidSpecError: ${problem}`).join(';'),
              startedAt: kubeTime(clock.now()),
              finishedAt: kubeTime(clock.now()),
            },
          };
    await writer.write(
      application,
      {
        status: { ...status, ...ended },
        ...(asked === undefined ? {} : { refreshed: asked }),
        ...(operation === undefined ? {} : { operation: null }),
      },
      turn.signal,
    );
  }

  async function terminate(application: KubeObject, operation: JsonObject, turn: Turn): Promise<void> {
    const before = getObject(application, 'status') ?? {};
    const operationState: JsonObject = {
      ...getObject(before, 'operationState'),
      operation,
      phase: 'Failed',
      message: 'Operation terminated',
      finishedAt: kubeTime(clock.now()),
    };
    await writer.write(application, { status: { ...before, operationState }, operation: null }, turn.signal);
    await events.record(
      application,
      'Warning',
      'OperationCompleted',
      'Sync operation failed: Operation terminated',
      turn.signal,
    );
  }

  return {
    async reconcile(key, turn) {
      const slash = key.indexOf('/');
      const ref = { ...APPLICATION_KIND, namespace: key.slice(0, slash), name: key.slice(slash + 1) };
      const application = await client.get(ref, turn.signal);
      if (application === undefined) {
        unreachableSince.delete(key);
        polledAt.delete(key);
        return undefined;
      }
      const poll = { again: Math.round(options.pollMs * (1 + options.random() / 3)) };
      if (application.metadata.annotations?.['argocd.argoproj.io/skip-reconcile'] === 'true') return poll;
      if (application.metadata.deletionTimestamp !== undefined) {
        if (!application.metadata.finalizers?.some((name) => FINALIZERS.has(name))) return undefined;
        await finishDeletion(
          { client, clock, live, logger, instance: options.instanceOf(application) },
          application,
          turn.signal,
        );
        return undefined;
      }
      const spec = applicationSpec(application);
      const problems = specProblems(spec, client);
      if (problems.length > 0) {
        await refuse(application, spec, problems, turn);
        return poll;
      }
      let current = application;
      const pending = pendingOperation(current, clock.now());
      if (pending.do === 'terminate') {
        await terminate(current, pending.operation, turn);
        return { again: 0 };
      }
      if (pending.do === 'wait') {
        // A commit that came meanwhile is not kept waiting by one that fails.
        const newer = await newerCommit(key, current, spec, pending.operation, turn);
        if (!newer) return { again: Math.min(pending.ms, poll.again) };
        await terminate(current, pending.operation, turn);
        return { again: 0 };
      }
      if (pending.do === 'run') {
        return operate(key, current, spec, pending.operation, pending.startedAt, pending.retryCount, turn);
      }
      const refreshed = await refresh(key, current, spec, turn);
      if (refreshed?.run === true) {
        current = refreshed.stored;
        const next = pendingOperation(current, clock.now());
        if (next.do === 'run') {
          return operate(key, current, spec, next.operation, next.startedAt, next.retryCount, turn);
        }
      }
      const last = polledAt.get(key) ?? clock.now();
      const due = Math.max(0, last + poll.again - clock.now());
      return { again: refreshed?.again === undefined ? due : Math.min(refreshed.again, due) };
    },
  };

  async function newerCommit(
    key: string,
    application: KubeObject,
    spec: ApplicationSpec,
    operation: JsonObject,
    turn: Turn,
  ): Promise<boolean> {
    const request = syncRequest(operation);
    const source = spec.sources[0];
    if (!request.automated || source === undefined || turn.level === 'live') return false;
    const target = await findTarget(key, application, spec, source, undefined, turn.level, turn);
    return target.commit !== undefined && target.commit !== request.revision;
  }
}
