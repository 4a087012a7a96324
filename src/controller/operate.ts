import { getArray, getObject, isJsonObject } from '../kernel/index.ts';
import type { Clock, JsonObject, Logger } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { REFRESH_ANNOTATION, applicationSource } from '../boundaries/sync/index.ts';
import type { ApplicationWriter } from './application-writer.ts';
import {
  askedRevisions,
  endMessage,
  isApproved,
  isTerminating,
  isTracked,
  journalSubject,
  ledgerSubject,
  recordedRevisions,
  refusals,
  runningState,
} from './attempt.ts';
import type { Run } from './attempt.ts';
import { resourceKey } from './comparison.ts';
import type { Comparison } from './comparison.ts';
import type { EventRecorder } from './events.ts';
import type { SyncJournals } from './journals.ts';
import type { Looked, Looker, Subject } from './look.ts';
import { retryDelay, syncRequest } from './operation.ts';
import type { Pending } from './operation.ts';
import type { SyncOutcome } from './outcome.ts';
import type { Turn } from './queue.ts';
import { deliveredFields, kubeTime, namespaceFields, withHistory } from './status.ts';
import { createSyncWriter, plainSet, runSync, terminateHooks } from './sync/index.ts';
import { createSyncReporter } from './sync-report.ts';
import { createWaits } from './waits.ts';
import { mayGoOn } from './windows.ts';

export interface Operator {
  /**
   * Takes an operation as far as it gets in one turn: to its end, to its next retry, or to what it has to wait for.
   * Gives the ms after which to look again, if it knows better; `waiting` when it goes on then.
   */
  operate(
    subject: Subject,
    pending: Extract<Pending, { do: 'run' }>,
    turn: Turn,
  ): Promise<{ readonly again?: number; readonly waiting?: true }>;
  /** Ends an operation that somebody stopped, that took too long, or that a newer commit overtook. */
  terminate(subject: Subject, operation: JsonObject, cause: string | undefined, turn: Turn): Promise<void>;
}

export interface OperatorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly looker: Looker;
  readonly writer: ApplicationWriter;
  readonly events: EventRecorder;
  /** Name that objects carry for an application. */
  readonly instanceOf: (application: KubeObject) => string;
  /** Left out: what a failed sync has written stays. */
  readonly journals?: SyncJournals;
}

/** How often something is looked at that nobody announces; what is watched wakes the operation itself. */
const LOOK_AGAIN = 2000;
const BLOCKED = 30_000;
const MIGRATION_MANAGER = 'argocd.argoproj.io/client-side-apply-migration-manager';

export function createOperator(options: OperatorOptions): Operator {
  const { clock, logger, looker, writer, events } = options;
  const waits = createWaits(clock);
  const reporter = createSyncReporter({ clock, logger, events });

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
    const { request, going } = run;
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
    const asked = recordedRevisions(going) ?? askedRevisions(request);
    const level = asked === undefined ? 'asked' : 'live';
    const target = await looker.findTarget(subject, sources, asked, level, turn);
    const looked = await looker.look(subject, target, 'fresh', turn);
    const commit = target.commit ?? '';
    const delivered = deliveredFields(
      spec.multiple,
      target.revisions ?? [],
      sources.map((source) => source.raw),
    );
    const failure = looked.conditions.find(({ type }) =>
      ['ComparisonError', 'InvalidSpecError'].includes(type),
    );
    if (!('objects' in target) || failure !== undefined) {
      // As Argo CD's clients know it: with what kind of condition it is.
      const message = failure === undefined ? '' : `${failure.type}: ${failure.message}`;
      return { subject, commit, delivered, looked, outcome: { phase: 'Error', message, results: [] } };
    }
    const refused = refusals(subject, target.objects);
    if (refused.length > 0) {
      const message = 'one or more synchronization tasks are not valid';
      return { subject, commit, delivered, looked, outcome: { phase: 'Failed', message, results: refused } };
    }
    let application = await recordInventory(subject.application, looked.comparison, turn);
    const whole: Run = { ...run, commit, delivered };
    const { client } = subject.cluster;
    const plain = createSyncWriter(client, clock);
    const journal = journalSubject(subject, whole);
    // Who asks for it in person has seen why it was held.
    if (!request.automated) await options.journals?.lift(journal, commit);
    const migrateFrom = application.metadata.annotations?.[MIGRATION_MANAGER] || undefined;
    const outcome = await runSync({
      client,
      writer: plain,
      openSet:
        options.journals?.open(client, plain, journal, turn.signal) ??
        (() => Promise.resolve(plainSet(plain))),
      clock,
      spec,
      instance: options.instanceOf(application),
      tracking: subject.settings.tracking,
      request,
      ...(migrateFrom === undefined ? {} : { migrateFrom }),
      comparison: looked.comparison,
      commit,
      startedAt: run.startedAt,
      operationId: journal.operationId,
      before: getArray(going, 'resources').filter(isJsonObject),
      approved: isApproved(application, run.startedAt),
      since: (name, at) => waits.since(subject.key, name, at),
      async record(sofar) {
        application = await writer.write(
          application,
          {
            status: {
              ...getObject(application, 'status'),
              operationState: runningState(application, whole, sofar),
            },
          },
          turn.signal,
        );
      },
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

  /** Writes how far the attempt is, beside what the comparison of this turn found. */
  async function keep(
    subject: Subject,
    run: Run,
    outcome: SyncOutcome,
    looked: Looked,
    turn: Turn,
  ): Promise<{ readonly again: number; readonly waiting: true }> {
    const { application } = subject;
    const status: JsonObject = {
      ...(isTracked(application, run)
        ? looker.statusOf(subject, looked, [], false)
        : getObject(application, 'status')),
      operationState: runningState(application, run, outcome),
    };
    const refreshed = application.metadata.annotations?.[REFRESH_ANNOTATION];
    const change = { status, ...(refreshed === undefined ? {} : { refreshed }) };
    await writer.write(application, change, turn.signal);
    return { again: LOOK_AGAIN, waiting: true };
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
    const unwanted = isTerminating(application);
    const retry =
      outcome.phase !== 'Succeeded' &&
      outcome.final !== true &&
      !unwanted &&
      (retryCount < limit || limit < 0);
    const wait = retryDelay(request.retry, retryCount);
    const attempts = retryCount + (retry ? 1 : 0);
    const operationState: JsonObject = {
      operation: run.operation,
      phase: retry ? 'Running' : outcome.phase,
      message: endMessage(outcome, retryCount, retry ? now + wait : undefined),
      ...(attempts > 0 ? { retryCount: attempts } : {}),
      ...(looked === undefined
        ? {}
        : {
            syncResult: {
              ...run.delivered,
              ...namespaceFields(application),
              resources: [...outcome.results],
            },
          }),
      startedAt: run.startedAt,
      finishedAt: kubeTime(now),
    };
    const tracked = isTracked(application, run);
    const before = getObject(application, 'status') ?? {};
    const after: Subject = {
      ...subject,
      application: { ...application, status: { ...before, operationState } },
    };
    const status: JsonObject = {
      ...(looked === undefined || !tracked
        ? before
        : looker.statusOf(subject, await looker.look(after, looked.target, 'fresh', turn), [], true)),
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
    reporter.report(subject.key, run, outcome, operationState);
    if (!retry) await reporter.announce(application, run, outcome, operationState, turn.signal);
    return retry ? { again: wait } : tracked ? {} : { again: 0 };
  }

  /** An operation that may not run now stays, and says so; it is looked at again when the windows may have changed. */
  async function block(
    subject: Subject,
    pending: Extract<Pending, { do: 'run' }>,
    problem: string | undefined,
    turn: Turn,
  ): Promise<{ readonly again: number; readonly waiting: true }> {
    const { application } = subject;
    const { operation, startedAt, retryCount, going } = pending;
    const blocked = 'Sync operation blocked by sync window';
    const operationState: JsonObject = {
      operation,
      phase: 'Running',
      ...(retryCount === 0 ? {} : { retryCount }),
      message: problem === undefined ? blocked : `${blocked}: ${problem}`,
      ...(going === undefined ? {} : { syncResult: going }),
      startedAt,
    };
    const status = { ...getObject(application, 'status'), operationState };
    await writer.write(application, { status }, turn.signal);
    return { again: BLOCKED, waiting: true };
  }

  /** What the attempt came to, with what is taken back now because it ended in another way than by its last wave. */
  async function ledgerEnd(
    subject: Subject,
    run: Run,
    outcome: SyncOutcome,
    turn: Turn,
  ): Promise<SyncOutcome> {
    const { journals } = options;
    if (journals === undefined) return outcome;
    const journal = journalSubject(subject, run);
    const { phase } = outcome;
    const { client } = subject.cluster;
    const back = phase === 'Succeeded' ? undefined : await journals.giveUp(client, journal, turn.signal);
    const message = back === undefined ? outcome.message : `${outcome.message}, and ${back.note}`;
    await journals.end(journal, phase === 'Succeeded', message);
    const { retry, only } = run.request;
    const limit = retry?.limit ?? 0;
    const isLast = outcome.final === true || (run.retryCount >= limit && limit >= 0);
    if (phase !== 'Succeeded' && isLast && only.length === 0) await journals.hold(journal, message);
    return { ...outcome, message };
  }

  return {
    async operate(subject, pending, turn) {
      const { operation, startedAt, retryCount, going } = pending;
      const request = syncRequest(operation, subject.spec.policy.options);
      const window = mayGoOn(subject, request, Date.parse(startedAt), clock.now());
      if (!window.allowed) return block(subject, pending, window.problem, turn);
      waits.begin(subject.key, `${startedAt} ${retryCount}`);
      let { application } = subject;
      if (going === undefined) {
        const operationState: JsonObject = {
          operation,
          phase: 'Running',
          ...(retryCount === 0 ? {} : { retryCount }),
          message:
            retryCount === 0 ? 'one or more tasks are running' : `Retrying operation. Attempt #${retryCount}`,
          startedAt,
        };
        const status = { ...getObject(application, 'status'), operationState };
        application = await writer.write(application, { status }, turn.signal);
      }
      const run = { operation, startedAt, retryCount, request, going, begun: clock.now() };
      const made = await attempt({ ...subject, application }, run, turn);
      const whole: Run = { ...run, commit: made.commit, delivered: made.delivered };
      if (made.outcome.phase === 'Running' && made.looked !== undefined) {
        return keep(made.subject, whole, made.outcome, made.looked, turn);
      }
      waits.forget(subject.key);
      const outcome = await ledgerEnd(subject, whole, made.outcome, turn);
      return conclude(made.subject, whole, outcome, made.looked, turn);
    },
    async terminate({ application, cluster, key }, operation, cause, turn) {
      const before = getObject(application, 'status') ?? {};
      const state = getObject(before, 'operationState');
      const { client } = cluster;
      const work = { client, writer: createSyncWriter(client, clock), signal: turn.signal };
      const sofar = getArray(state, 'syncResult', 'resources').filter(isJsonObject);
      const { results, clean } = await terminateHooks(work, sofar);
      const ended = clean ? 'Operation terminated' : 'Operation termination had errors';
      const why = cause === undefined ? ended : `${ended}, triggered by ${cause}`;
      const back = await options.journals?.settle(
        client,
        ledgerSubject({ application, cluster }),
        turn.signal,
      );
      const message = back === undefined ? why : `${why}; ${back.note}`;
      const syncResult = getObject(state, 'syncResult');
      const operationState: JsonObject = {
        ...state,
        operation,
        phase: clean ? 'Failed' : 'Error',
        message,
        ...(syncResult === undefined ? {} : { syncResult: { ...syncResult, resources: [...results] } }),
        finishedAt: kubeTime(clock.now()),
      };
      waits.forget(key);
      const change = { status: { ...before, operationState }, operation: null };
      await writer.write(application, change, turn.signal);
      const text = `Sync operation failed: ${message}`;
      await events.record(application, 'Warning', 'OperationCompleted', text, turn.signal);
    },
  };
}
