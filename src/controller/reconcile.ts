import { asLandfallError, getArray, getObject, getString, jsonEqual, textOf } from '../kernel/index.ts';
import type { Clock, JsonObject, Logger } from '../kernel/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { APPLICATION_KIND, applicationSpec, REFRESH_ANNOTATION } from '../boundaries/sync/index.ts';
import type { ApplicationSpec } from '../boundaries/sync/index.ts';
import type { ApplicationWriter } from './application-writer.ts';
import type { Clusters } from './clusters/index.ts';
import { inventoryOf } from './comparison.ts';
import type { EventRecorder } from './events.ts';
import { hookFinalizers, setFinalizers } from './deletion-hooks.ts';
import type { Ending } from './finalize.ts';
import { finish } from './finish.ts';
import type { Projects } from './projects/index.ts';
import type { Settings } from './settings/index.ts';
import { comparedRevisions, ledgerSubject } from './attempt.ts';
import { failurePolicy } from './failure-policy.ts';
import type { FailurePolicy } from './failure-policy.ts';
import type { SyncJournals } from './journals.ts';
import type { Looker, Subject } from './look.ts';
import { decideAutoSync, pendingOperation, syncRequest } from './operation.ts';
import type { AutoSync, Pending } from './operation.ts';
import type { Operator } from './operate.ts';
import { createOrphanWatch } from './orphans.ts';
import { permit } from './permit.ts';
import { createPolls, pollTiming } from './polls.ts';
import { higher } from './queue.ts';
import type { Level, Turn } from './queue.ts';
import { comparedTo, withConditions } from './status.ts';
import type { Condition } from './status.ts';
import { isWorking } from './sync/index.ts';
import { watchWritten } from './watch-written.ts';
import type { Watched } from './watch-written.ts';
import { mayGoOn } from './windows.ts';
import { refuse } from './refuse.ts';
import { createUnreadable } from './unreadable.ts';
import { sayWithdrawn } from './withdrawn.ts';

type Next = { readonly again?: number; readonly level?: Level } | undefined;

export interface Reconciler {
  /** One application, from what is stored and what Git says now; the same state twice writes nothing twice. */
  reconcile(key: string, turn: Turn): Promise<Next>;
}

export interface ReconcilerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly clusters: Clusters;
  readonly projects: Projects;
  readonly settings: Settings;
  /** Applications of other namespaces need their project's leave. */
  readonly homeNamespace: string;
  readonly looker: Looker;
  readonly operator: Operator;
  readonly writer: ApplicationWriter;
  readonly events: EventRecorder;
  /** Left out: nothing is kept of what syncs write. */
  readonly journals?: SyncJournals;
  /** Of applications that say nothing else. */
  readonly policy: FailurePolicy;
  /** Ms between two looks at Git. Default: as the settings say, else three minutes. */
  readonly pollMs?: number;
  /** Ms that one operation may take; left out: as long as it likes. */
  readonly syncTimeoutMs?: number;
  readonly random: () => number;
  /** Name that objects carry for an application. */
  readonly instanceOf: (application: KubeObject) => string;
  /** Whether there is an application of that name. */
  readonly isApplication: (instance: string) => boolean;
}

/** Between two looks at Git where nobody says anything, as long as Argo CD's two minutes and their jitter. */
const POLL = 180_000;
const DELETION_WAIT = 2000;
/** A hook that works is given this long before a newer commit may end it. */
const HOOK_GRACE = 600_000;

function askedRefresh(application: KubeObject): string | undefined {
  return application.metadata.annotations?.[REFRESH_ANNOTATION];
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { client, clock, logger, looker, operator, writer, events } = options;
  const timing = () => pollTiming(options.pollMs, options.settings.last.poll, POLL);
  const polls = createPolls({ clock, random: options.random, timing });
  const orphans = createOrphanWatch(options.isApplication);
  const unreadable = createUnreadable({ clock, writer, home: options.clusters.home.server });
  const policyOf = (application: KubeObject) => failurePolicy(application, options.policy);
  const permitted = (application: KubeObject, spec: ApplicationSpec, turn: Turn) =>
    permit(options, application, spec, turn.signal);

  /** The comparison of this turn, and what follows from it: a status, and maybe an operation of its own. */
  async function refresh(subject: Subject, turn: Turn) {
    const { key, application, spec } = subject;
    if (spec.sources.length === 0) return undefined;
    const asked = askedRefresh(application);
    const level = refreshLevel(subject, turn.level);
    const target = await looker.findTarget(
      subject,
      spec.sources,
      level === 'live' ? comparedRevisions(application, spec) : undefined,
      level,
      turn,
    );
    const looked = await looker.look(subject, target, asked === undefined ? 'watched' : 'fresh', turn);
    if (level !== 'live') polls.asked(key, level);
    const now = clock.now();
    const compared = looked.target;
    const decided =
      'objects' in compared && mayGoOn(subject, { automated: true }, undefined, now).allowed
        ? decideAutoSync(application, spec, looked.comparison, compared, now)
        : {};
    const held =
      decided.start === undefined
        ? undefined
        : await options.journals?.heldFor(ledgerSubject(subject), target.commit ?? '');
    const auto: AutoSync = held === undefined ? decided : { error: held };
    const errors: Condition[] = [
      ...(auto.start === undefined && auto.error !== undefined
        ? [{ type: 'SyncError' as const, message: auto.error }]
        : []),
      ...(await orphans.conditions(subject, level, turn)),
    ];
    const change = {
      status: looker.statusOf(subject, looked, errors, level !== 'live' || asked !== undefined),
      ...(asked === undefined ? {} : { refreshed: asked }),
      ...(auto.start === undefined ? {} : { operation: auto.start }),
    };
    // The inventory is in the status before the first object is applied.
    const written = await writer.write(application, change, turn.signal);
    const finalizers = 'objects' in compared ? hookFinalizers(written, compared.objects) : undefined;
    const stored =
      finalizers === undefined ? written : await setFinalizers(client, written, finalizers, turn.signal);
    if (auto.start === undefined) return { stored, run: false, again: auto.again };
    const message = `Initiated automated sync to '${target.commit ?? ''}'`;
    await events.record(application, 'Normal', 'OperationStarted', message, turn.signal);
    return { stored, run: true };
  }

  function refreshLevel({ key, application, spec }: Subject, level: Level): Level {
    const asked = askedRefresh(application);
    if (asked !== undefined) return asked === 'hard' ? 'hard' : higher(level, 'asked');
    const compared = getObject(application, 'status', 'sync', 'comparedTo');
    // Somebody wrote the Application just now, and may have pushed just before.
    if (!jsonEqual(compared, comparedTo(application, spec))) return higher(level, 'asked');
    const due = polls.due(key);
    // Without a comparison that holds, an older commit must not answer for the one that could not be read.
    const doubtful = getString(application, 'status', 'sync', 'status') === 'Unknown';
    return due !== undefined || doubtful ? higher(level, due ?? 'git') : level;
  }

  /** A newer commit is not kept waiting by one that failed and waits for its retry, or that gets nowhere. */
  async function isOvertaken(
    subject: Subject,
    operation: JsonObject,
    going: JsonObject | undefined,
    turn: Turn,
  ): Promise<boolean> {
    const request = syncRequest(operation);
    const { sources } = subject.spec;
    const level = waitingLevel(subject, turn.level);
    if (!request.automated || sources.length === 0 || level === 'live') return false;
    polls.asked(subject.key, level);
    const target = await looker.findTarget(subject, sources, undefined, level, turn);
    const running = going === undefined ? operation['sync'] : going;
    const several = getArray(running, 'revisions').map(textOf).join(', ');
    const commit = several === '' ? getString(running, 'revision') : several;
    return target.commit !== undefined && target.commit !== commit;
  }

  function waitingLevel({ key, application }: Subject, level: Level): Level {
    if (askedRefresh(application) !== undefined) return higher(level, 'asked');
    polls.begin(key);
    return polls.due(key) === undefined ? level : higher(level, 'git');
  }

  /** False while a hook does its work: what it has begun is not cut off for a commit that can wait. */
  async function isReplaceable(subject: Subject, going: JsonObject, startedAt: string, turn: Turn) {
    if (clock.now() - Date.parse(startedAt) >= HOOK_GRACE) return true;
    const hooks = inventoryOf({
      ...subject.application,
      status: {
        resources: getArray(going, 'resources').filter(
          (item) => getString(item, 'hookType') !== undefined && getString(item, 'hookPhase') === 'Running',
        ),
      },
    });
    const live = await subject.cluster.live.read(hooks, 'fresh', turn.signal);
    return !live.some((hook) => hook !== undefined && isWorking(hook));
  }

  async function goOn(subject: Subject, pending: Extract<Pending, { do: 'run' }>, turn: Turn): Promise<Next> {
    const { operation, going, startedAt } = pending;
    const left = (options.syncTimeoutMs ?? Infinity) - (clock.now() - Date.parse(startedAt));
    if (left <= 0) {
      await operator.terminate(subject, operation, 'controller sync timeout', turn);
      return { again: 0 };
    }
    const begun = going !== undefined && getArray(going, 'resources').length > 0;
    if (begun && (await isOvertaken(subject, operation, going, turn))) {
      if (await isReplaceable(subject, going, startedAt, turn)) {
        await operator.terminate(subject, operation, 'a newer commit', turn);
        return { again: 0 };
      }
    }
    return operate(subject, turn, left);
  }

  const finishing = {
    home: client,
    clusters: options.clusters,
    settings: options.settings,
    clock,
    logger,
    instanceOf: options.instanceOf,
    async subjectOf(application: KubeObject, turn: Turn) {
      const spec = applicationSpec(application);
      const placed = await permitted(application, spec, turn);
      const { name, namespace = '' } = application.metadata;
      return 'problems' in placed
        ? placed.problems
        : { key: `${namespace}/${name}`, application, spec, policy: policyOf(application), ...placed };
    },
    targetOf: (subject: Subject, turn: Turn) =>
      looker.findTarget(
        subject,
        subject.spec.sources,
        comparedRevisions(subject.application, subject.spec),
        'live',
        turn,
      ),
  };

  /** The end of an application, and in a condition what keeps it from coming. */
  async function finishAndSay(application: KubeObject, turn: Turn): Promise<Next> {
    const say = async (message: string | undefined): Promise<void> => {
      const before = getArray(application, 'status', 'conditions');
      const known = before.some((item) => getString(item, 'type') === 'DeletionError');
      if (message === undefined && !known) return;
      const found: readonly Condition[] = message === undefined ? [] : [{ type: 'DeletionError', message }];
      const conditions = [...withConditions(before, found, ['DeletionError'], clock.now())];
      const status = { ...getObject(application, 'status'), conditions };
      await writer.write(application, { status }, turn.signal);
    };
    let ended: Ending;
    try {
      ended = await finish(finishing, application, turn);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      // Who closes, or only came at the same time, has nothing to say.
      if (error.kind !== 'cancelled' && error.kind !== 'conflict') {
        try {
          await say(error.message);
        } catch {
          // The server that holds the Application is away as well: the next turn says it.
        }
      }
      throw error;
    }
    if (ended.done) return undefined;
    await say(ended.held);
    return { again: DELETION_WAIT };
  }

  /** The next look at Git, unless something happens before. */
  function nextPoll(key: string): Next {
    const again = polls.next(key);
    return again === undefined ? undefined : { again };
  }

  /** Before anything else is done: what an earlier process left half done is taken back. */
  async function firstLook(subject: Pick<Subject, 'application' | 'cluster'>, turn: Turn): Promise<void> {
    await options.journals?.firstLook(subject.cluster.client, ledgerSubject(subject), turn.signal);
  }

  /** What the last sync wrote, until it is healthy: else it is taken back, when sync windows let it. */
  function watch(subject: Subject, turn: Turn): Promise<Watched> {
    return watchWritten(
      {
        journals: options.journals,
        clock,
        subject: ledgerSubject(subject),
        target: subject.cluster,
        policy: subject.policy,
        mayWrite: () => mayGoOn(subject, { automated: true }, undefined, clock.now()).allowed,
      },
      turn.signal,
    );
  }

  async function operate(subject: Subject, turn: Turn, left = Infinity): Promise<Next> {
    const pending = pendingOperation(subject.application, clock.now());
    if (pending.do !== 'run') return nextPoll(subject.key);
    const { again, waiting } = await operator.operate(subject, pending, turn);
    if (waiting === true) return { again: Math.min(again ?? 0, left), level: 'live' };
    polls.asked(subject.key, 'git');
    return again === undefined ? nextPoll(subject.key) : { again };
  }

  return {
    async reconcile(key, turn) {
      const slash = key.indexOf('/');
      const ref = { ...APPLICATION_KIND, namespace: key.slice(0, slash), name: key.slice(slash + 1) };
      const application = await client.get(ref, turn.signal);
      if (application === undefined) {
        looker.forget(key);
        polls.forget(key);
        orphans.forget(key);
        unreadable.forget(key);
        return undefined;
      }
      if (application.metadata.annotations?.['argocd.argoproj.io/skip-reconcile'] === 'true')
        return nextPoll(key);
      if (application.metadata.deletionTimestamp !== undefined) {
        const { destination } = applicationSpec(application);
        const cluster = await options.clusters.of(destination, turn.signal);
        if (!('problem' in cluster)) {
          await firstLook({ application, cluster }, turn);
          await options.journals?.proving(cluster.client, ledgerSubject({ application, cluster }));
          await options.journals?.stand(
            ledgerSubject({ application, cluster }),
            'the application was deleted before it was known to be healthy',
          );
        }
        return finishAndSay(application, turn);
      }
      const spec = applicationSpec(application);
      const placed = await permitted(application, spec, turn);
      if ('problems' in placed) {
        await refuse({ writer, clock }, { application, spec }, placed.problems, turn.signal);
        // A Secret or a project that is mended wakes the application; the poll is for what nobody announces.
        return { again: timing().pollMs || POLL };
      }
      const subject: Subject = { key, application, spec, policy: policyOf(application), ...placed };
      try {
        const next = await reconcileIn(subject, turn);
        unreadable.forget(key);
        return next;
      } catch (thrown) {
        await unreadable.say(subject, thrown, turn.signal);
        throw thrown;
      }
    },
  };

  async function reconcileIn(subject: Subject, turn: Turn): Promise<Next> {
    const { key, application } = subject;
    const pending = pendingOperation(application, clock.now());
    // What an operation that goes on has written is its own.
    if (pending.do === 'nothing' || pending.do === 'wait') await firstLook(subject, turn);
    switch (pending.do) {
      case 'run':
        return goOn(subject, pending, turn);
      case 'terminate':
        await operator.terminate(subject, pending.operation, undefined, turn);
        return { again: 0 };
      case 'wait':
        if (!(await isOvertaken(subject, pending.operation, undefined, turn))) {
          return { again: Math.min(pending.ms, timing().pollMs || Infinity) };
        }
        await operator.terminate(subject, pending.operation, 'a newer commit', turn);
        return { again: 0 };
      case 'nothing':
        break;
    }
    const refreshed = await refresh(subject, turn);
    if (refreshed?.run === true) return operate({ ...subject, application: refreshed.stored }, turn);
    const watched = await watch(subject, turn);
    if (watched.state === 'withdrawn') {
      await sayWithdrawn(options, refreshed?.stored ?? application, watched, turn.signal);
      return { again: 0 };
    }
    const times = [polls.next(key), refreshed?.again, watched.state === 'moving' ? watched.again : undefined];
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : { again: Math.min(...known) };
  }
}
