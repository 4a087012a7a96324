import { getArray, getObject, getString } from '../kernel/index.ts';
import type { Clock, JsonObject, Logger } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { applicationSource, syncCounts, syncCountsText } from '../boundaries/sync/index.ts';
import type { ApplicationWriter } from './application-writer.ts';
import { resourceKey } from './comparison.ts';
import type { Comparison } from './comparison.ts';
import type { EventRecorder } from './events.ts';
import type { Looked, Looker, Subject } from './look.ts';
import { retryDelay, syncRequest } from './operation.ts';
import type { Pending, SyncRequest } from './operation.ts';
import { result } from './outcome.ts';
import type { SyncOutcome } from './outcome.ts';
import type { Turn } from './queue.ts';
import { deliveredFields, kubeTime, withHistory } from './status.ts';
import { runSync } from './sync.ts';

export interface Operator {
  /** Runs an operation to its end, or to its next retry. Gives the ms after which to look again, if it knows better. */
  operate(
    subject: Subject,
    pending: Extract<Pending, { do: 'run' }>,
    turn: Turn,
  ): Promise<{ readonly again?: number }>;
  /** Ends an operation that somebody stopped, or that a newer commit overtook. */
  terminate(subject: Subject, operation: JsonObject, turn: Turn): Promise<void>;
}

export interface OperatorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly looker: Looker;
  readonly writer: ApplicationWriter;
  readonly events: EventRecorder;
}

/** One attempt at an operation. */
interface Run {
  readonly operation: JsonObject;
  readonly startedAt: string;
  readonly retryCount: number;
  readonly commit: string;
  /** `revision` and `source`, or those of several. */
  readonly delivered: JsonObject;
  readonly request: SyncRequest;
  /** Milliseconds since the epoch. */
  readonly begun: number;
}

export function createOperator(options: OperatorOptions): Operator {
  const { clock, logger, looker, writer, events } = options;

  async function attempt(
    subject: Subject,
    run: Omit<Run, 'commit' | 'delivered'>,
    turn: Turn,
  ): Promise<{
    readonly subject: Subject;
    readonly commit: string;
    readonly delivered: JsonObject;
    readonly looked: Looked | undefined;
    readonly outcome: SyncOutcome;
  }> {
    const { spec } = subject;
    const { request } = run;
    const sources = request.sources?.map(applicationSource) ?? spec.sources;
    if (request.problem !== undefined || sources.length === 0) {
      const message = request.problem ?? 'spec.source is missing';
      return {
        subject,
        commit: '',
        delivered: {},
        looked: undefined,
        outcome: { phase: 'Error', message, results: [] },
      };
    }
    // A commit is what it is; a branch is asked for anew, because somebody wants what is there now.
    const asked = request.revisions ?? (request.revision === undefined ? undefined : [request.revision]);
    const level = asked === undefined ? 'asked' : 'live';
    const target = await looker.findTarget(subject, sources, asked, level, turn);
    const looked = await looker.look(subject, target, 'fresh', turn);
    const commit = target.commit ?? '';
    const delivered = deliveredFields(
      spec.multiple,
      target.revisions ?? [],
      sources.map((source) => source.raw),
    );
    if (!('objects' in target)) {
      const message = looked.conditions.map((condition) => condition.message).join('; ');
      return { subject, commit, delivered, looked, outcome: { phase: 'Error', message, results: [] } };
    }
    const refused = refusals(subject, target.objects);
    if (refused.length > 0) {
      const message = 'one or more synchronization tasks are not valid';
      return { subject, commit, delivered, looked, outcome: { phase: 'Failed', message, results: refused } };
    }
    const application = await recordInventory(subject.application, looked.comparison, turn);
    const outcome = await runSync({
      client: subject.cluster.client,
      clock,
      spec,
      request,
      comparison: looked.comparison,
      signal: turn.signal,
    });
    return { subject: { ...subject, application }, commit, delivered, looked, outcome };
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

  /** Writes how the attempt ended together with a comparison made after it. */
  async function conclude(
    subject: Subject,
    run: Run,
    outcome: SyncOutcome,
    looked: Looked | undefined,
    turn: Turn,
  ): Promise<{ readonly again?: number }> {
    const { application, spec } = subject;
    const { request, retryCount } = run;
    const now = clock.now();
    const limit = request.retry?.limit ?? 0;
    const retry = outcome.phase !== 'Succeeded' && (retryCount < limit || limit < 0);
    const wait = retryDelay(request.retry, retryCount);
    const attempts = retryCount + (retry ? 1 : 0);
    const operationState: JsonObject = {
      operation: run.operation,
      phase: retry ? 'Running' : outcome.phase,
      message: endMessage(outcome, retryCount, retry ? now + wait : undefined),
      ...(attempts > 0 ? { retryCount: attempts } : {}),
      ...(looked === undefined ? {} : { syncResult: { ...run.delivered, resources: [...outcome.results] } }),
      startedAt: run.startedAt,
      finishedAt: kubeTime(now),
    };
    // A sync to a commit that is not the tracked one (a rollback) says nothing about the tracked one.
    const compared = getArray(application, 'status', 'sync', 'revisions').join(', ');
    const tracked =
      (request.revision === undefined && request.revisions === undefined) ||
      (getString(application, 'status', 'sync', 'revision') ?? compared) === run.commit;
    const status: JsonObject = {
      ...(looked === undefined || !tracked
        ? getObject(application, 'status')
        : looker.statusOf(subject, await looker.look(subject, looked.target, 'fresh', turn), [], true)),
      operationState,
    };
    if (outcome.phase === 'Succeeded' && !request.dryRun && request.only.length === 0) {
      const entry = {
        delivered: run.delivered,
        startedAt: run.startedAt,
        deployedAt: now,
        initiatedBy: getObject(run.operation, 'initiatedBy'),
      };
      const history = getArray(application, 'status', 'history');
      status['history'] = [...withHistory(history, entry, spec.historyLimit)];
    }
    await writer.write(application, { status, ...(retry ? {} : { operation: null }) }, turn.signal);
    report(subject.key, run, outcome, operationState);
    if (!retry) await announce(application, run, outcome, operationState, turn.signal);
    return retry ? { again: wait } : tracked ? {} : { again: 0 };
  }

  /** One line a sync, whose numbers are counted from its results. */
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

  return {
    async operate(subject, { operation, startedAt, retryCount }, turn) {
      const request = syncRequest(operation, subject.spec.policy.options);
      const operationState: JsonObject = {
        operation,
        phase: 'Running',
        ...(retryCount === 0 ? {} : { retryCount }),
        message:
          retryCount === 0 ? 'one or more tasks are running' : `Retrying operation. Attempt #${retryCount}`,
        startedAt,
      };
      const before = getObject(subject.application, 'status') ?? {};
      const application = await writer.write(
        subject.application,
        { status: { ...before, operationState } },
        turn.signal,
      );
      const run = { operation, startedAt, retryCount, request, begun: clock.now() };
      const made = await attempt({ ...subject, application }, run, turn);
      return conclude(
        made.subject,
        { ...run, commit: made.commit, delivered: made.delivered },
        made.outcome,
        made.looked,
        turn,
      );
    },
    async terminate({ application }, operation, turn) {
      const before = getObject(application, 'status') ?? {};
      const operationState: JsonObject = {
        ...getObject(before, 'operationState'),
        operation,
        phase: 'Failed',
        message: 'Operation terminated',
        finishedAt: kubeTime(clock.now()),
      };
      const change = { status: { ...before, operationState }, operation: null };
      await writer.write(application, change, turn.signal);
      const message = 'Sync operation failed: Operation terminated';
      await events.record(application, 'Warning', 'OperationCompleted', message, turn.signal);
    },
  };
}

function endMessage(outcome: SyncOutcome, retryCount: number, retryAt: number | undefined): string {
  if (retryAt !== undefined) {
    return `${outcome.message}. Retrying attempt #${retryCount + 1} at ${kubeTime(retryAt)}.`;
  }
  return retryCount > 0 && outcome.phase !== 'Succeeded'
    ? `${outcome.message} (retried ${retryCount} times).`
    : outcome.message;
}

/** What the application's project does not let it apply. */
function refusals({ project, cluster }: Subject, objects: readonly KubeObject[]): readonly JsonObject[] {
  return objects.flatMap((object) => {
    const refusal = project.refusal(object, cluster);
    return refusal === undefined ? [] : [result(object, 'SyncFailed', refusal)];
  });
}
