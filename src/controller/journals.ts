import { getString, LandfallError } from '../kernel/index.ts';
import type { Clock, Logger } from '../kernel/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { beginSet, recoverUnfinished, resumeSet } from '../apply/index.ts';
import type { Delivery, Ledger, LedgerSubject } from '../ledger/index.ts';
import type { FailurePolicy } from './failure-policy.ts';
import { journalledSet, noteOf, setStep } from './journalled-set.ts';
import type { OpenSet, SyncSet, SyncWriter, TakenBack } from './sync/index.ts';
import { plainSet } from './sync/index.ts';
import { createProvings, keyOf } from './provings.ts';
import type { Attempt, Provings } from './provings.ts';
import { prunedBy, telling, wasUsable } from './written-health.ts';

/** One attempt at one operation, as the ledger names it. */
export interface JournalSubject extends LedgerSubject {
  /** Tells the attempt from others of the application. */
  readonly operationId: string;
  /** RFC 3339 with ms, of the operation and its retries: no other attempt of the application has the same. */
  readonly attemptedAt: string;
  readonly revision: string;
  /** Who asked for it; undefined: nobody, it is automated. */
  readonly user: string | undefined;
  readonly onFailure: FailurePolicy['onFailure'];
  /** Once it is written, it is watched until it is healthy, and can still be taken back. */
  readonly watched: boolean;
}

/** Keeps one journal for each attempt at an operation, over all of its waves, turns and processes. */
export interface SyncJournals extends Pick<Provings, 'proving' | 'stand' | 'withdraw'> {
  /**
   * Takes back what an earlier process, or an attempt that nobody goes on with, left half done. Gives what was taken
   * back; undefined: nothing was left. Throws `unavailable` where it cannot be done yet.
   */
  settle(client: KubeClient, subject: LedgerSubject, signal: AbortSignal): Promise<TakenBack | undefined>;
  /** As `settle`, when the application is looked at for the first time, or something was left by this process. */
  firstLook(client: KubeClient, subject: LedgerSubject, signal: AbortSignal): Promise<void>;
  open(client: KubeClient, plain: SyncWriter, subject: JournalSubject, signal: AbortSignal): OpenSet;
  /** As `settle`, for an attempt that failed; undefined too where that was done already. */
  giveUp(client: KubeClient, subject: JournalSubject, signal: AbortSignal): Promise<TakenBack | undefined>;
  /** The attempt is over: the ledger gets to know how. */
  end(subject: JournalSubject, succeeded: boolean, message: string): Promise<void>;
  /** Keeps a revision from being synced again by itself, if the attempt at it was taken back. */
  hold(subject: JournalSubject, reason: string): Promise<void>;
  /** Why the revision is not synced by itself; undefined: it may be. */
  heldFor(subject: LedgerSubject, revision: string): Promise<string | undefined>;
  /** Leaves what goes on to another controller: of one application (`namespace/name`), or of all. */
  release(application?: string): Promise<void>;
  /** Somebody asked for the revision once more. */
  lift(subject: LedgerSubject, revision: string): Promise<void>;
}

export interface JournalOptions {
  readonly ledger: Pick<Ledger, 'journals' | 'deliveries' | 'holds'> &
    Partial<Pick<Ledger, 'decisions' | 'clusters'>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Deliveries of an application among which the one of an attempt is looked for. */
const LOOKED_AT = 20;

export function createSyncJournals({ ledger, clock, logger }: JournalOptions): SyncJournals {
  const attempts = new Map<string, Attempt>();
  /** Applications of which nothing is left that an earlier process began. */
  const seen = new Set<string>();
  const context = (client: KubeClient) => ({ client, clock, ledger });
  const isoNow = () => new Date(clock.now()).toISOString();

  async function deliveryOf(subject: JournalSubject): Promise<Delivery | undefined> {
    const { cluster, namespace, application } = subject;
    const listed = await ledger.deliveries.list({ cluster, namespace, application }, LOOKED_AT);
    return listed.find(
      ({ trigger, startedAt, revision }) =>
        (trigger === 'sync' || trigger === 'update') &&
        startedAt === subject.attemptedAt &&
        revision === subject.revision,
    );
  }

  /** What led to a revision: a commit of the updater is in the decisions. */
  async function triggerOf(subject: JournalSubject): Promise<'sync' | 'update'> {
    const { cluster, namespace, application } = subject;
    const decisions = (await ledger.decisions?.list({ cluster, namespace, application }, LOOKED_AT)) ?? [];
    const updated = decisions.some(
      ({ kind, detail }) => kind === 'update' && getString(detail, 'commit') === subject.revision,
    );
    return updated ? 'update' : 'sync';
  }

  async function takeBack(attempt: Attempt, why: string, passing = false): Promise<TakenBack> {
    if (attempt.back !== undefined && attempt.state === 'taken-back') return attempt.back;
    // Said before it begins: whoever finds it so knows that nothing of it stands.
    await ledger.deliveries.update(attempt.delivery, { state: 'stuck', message: why });
    // Whoever closes the controller does not mean to leave half of it.
    const restored = await attempt.writer.restore(new AbortController().signal);
    attempt.back = noteOf(restored, passing);
    attempt.state = restored.complete ? 'taken-back' : 'unsettled';
    if (restored.complete) {
      const message = attempt.back.note;
      await ledger.deliveries.update(attempt.delivery, { state: 'restored', message, finishedAt: isoNow() });
    }
    return attempt.back;
  }

  /** The attempt as an earlier turn or process left it. */
  async function found(client: KubeClient, subject: JournalSubject): Promise<Attempt | undefined> {
    const known = attempts.get(keyOf(subject));
    if (known?.operationId === subject.operationId) return known;
    const delivery = await deliveryOf(subject);
    if (delivery === undefined) return undefined;
    const { cluster, namespace, application } = subject;
    const heads = await ledger.journals.unfinished({ cluster, namespace, application });
    const head = heads.find((each) => each.delivery === delivery.id && each.state === 'open');
    if (head === undefined) return undefined;
    const journal = await ledger.journals.takeOver(head.id);
    const attempt: Attempt = {
      operationId: subject.operationId,
      delivery: delivery.id,
      revision: subject.revision,
      writer: resumeSet(context(client), journal),
      written: telling(journal.steps),
      pruned: prunedBy(journal.steps),
      state: 'open',
      back: undefined,
    };
    attempts.set(keyOf(subject), attempt);
    return attempt;
  }

  function setOf(attempt: Attempt, client: KubeClient, plain: SyncWriter, subject: JournalSubject): SyncSet {
    if (attempt.state === 'committed' || attempt.state === 'proving') return plainSet(plain);
    return {
      ...journalledSet(attempt.writer, client, plain),
      takenBack: () => attempt.back,
      async commit() {
        const { written } = attempt;
        if (!subject.watched || subject.onFailure === 'keep' || written.length === 0 || !wasUsable(written)) {
          await attempt.writer.commit();
          attempt.state = 'committed';
          return;
        }
        await attempt.writer.settled();
        await ledger.journals.state(attempt.writer.journal, 'proving');
        attempt.state = 'proving';
        provings.add(subject, attempt);
      },
      async restore(passing) {
        if (subject.onFailure === 'restore') {
          return takeBack(attempt, 'an object was refused or failed', passing);
        }
        // Asked for: it stays as far as it got.
        await attempt.writer.commit();
        attempt.state = 'committed';
        return undefined;
      },
    };
  }

  /** A whole set is about to be written over what is watched: what it finds is what it would go back to. */
  async function overtake(subject: JournalSubject): Promise<void> {
    if (subject.watched)
      await provings.stand(subject, 'a newer sync began before it was known to be healthy');
  }

  const provings = createProvings({
    ledger,
    clock,
    takeBack,
    unsettled: (key, attempt) => attempts.set(key, attempt),
  });

  const journals: SyncJournals = {
    proving: (client, subject) => provings.proving(client, subject),
    stand: (subject, message) => provings.stand(subject, message),
    withdraw: (subject, reason) => provings.withdraw(subject, reason),
    async settle(client, subject, signal) {
      const key = keyOf(subject);
      const left = attempts.get(key);
      let back: TakenBack | undefined;
      if (left?.state === 'open' || left?.state === 'unsettled') {
        back = await takeBack(left, 'it was ended before everything was done');
        if (left.state === 'unsettled') throw unsettled(subject);
      }
      attempts.delete(key);
      const { cluster, namespace, application } = subject;
      const known = { cluster, namespace, application };
      const recovering = { ...context(client), health: undefined };
      for (const { outcome, message, revision, restored } of await recoverUnfinished(
        recovering,
        known,
        signal,
      )) {
        logger.warn('Ended what an earlier process left half done', {
          application,
          revision,
          outcome,
          message,
        });
        if (outcome === 'stuck' || outcome === 'held' || outcome === 'refused') throw unsettled(subject);
        back ??= restored === undefined ? undefined : noteOf(restored);
      }
      return back;
    },
    async firstLook(client, subject, signal) {
      const key = keyOf(subject);
      if (seen.has(key) && !attempts.has(key)) return;
      await journals.settle(client, subject, signal);
      seen.add(key);
    },
    async giveUp(client, subject, signal) {
      const known = attempts.get(keyOf(subject));
      if (known?.operationId !== subject.operationId) return journals.settle(client, subject, signal);
      if (known.back !== undefined) return undefined;
      if (subject.onFailure === 'restore') return journals.settle(client, subject, signal);
      // Asked for: it stays as far as it got.
      if (known.state === 'open') await known.writer.commit();
      known.state = 'committed';
      return undefined;
    },
    open(client, plain, subject, signal) {
      return async (planned, begun) => {
        const earlier = await found(client, subject);
        if (earlier !== undefined) {
          if (earlier.state === 'unsettled') await takeBack(earlier, 'an object was refused or failed');
          return setOf(earlier, client, plain, subject);
        }
        await journals.settle(client, subject, signal);
        if (begun) {
          const after = await deliveryOf(subject);
          const lost = after !== undefined && (after.state === 'restored' || after.state === 'stuck');
          const back = { note: after?.message ?? '', staying: [], passing: false };
          return { ...plainSet(plain), takenBack: () => (lost ? back : undefined) };
        }
        if (planned.length === 0) return plainSet(plain);
        await overtake(subject);
        const { cluster, namespace, application, revision, user } = subject;
        const delivery = await ledger.deliveries.start({
          cluster,
          namespace,
          application,
          environment: undefined,
          revision,
          trigger: await triggerOf(subject),
          actor: { name: user ?? 'landfall', attestedBy: 'nobody' },
          startedAt: subject.attemptedAt,
        });
        const writer = await beginSet(context(client), {
          subject: { cluster, namespace, application },
          delivery,
          revision,
          steps: planned.map(setStep),
        });
        const steps = planned.map(({ action, before, desired: after }) => ({ action, before, after }));
        const attempt: Attempt = {
          operationId: subject.operationId,
          delivery,
          revision,
          writer,
          written: telling(steps),
          pruned: prunedBy(steps),
          state: 'open',
          back: undefined,
        };
        attempts.set(keyOf(subject), attempt);
        return setOf(attempt, client, plain, subject);
      };
    },
    async end(subject, succeeded, message) {
      const attempt = attempts.get(keyOf(subject));
      const own = attempt?.operationId === subject.operationId ? attempt : undefined;
      const delivery = own?.delivery ?? (await deliveryOf(subject))?.id;
      if (own !== undefined && own.state !== 'unsettled') attempts.delete(keyOf(subject));
      if (delivery === undefined) return;
      const { state } = (await ledger.deliveries.get(delivery)) ?? {};
      await ledger.deliveries.update(delivery, {
        // What was taken back, or could not be, has said so itself.
        ...(succeeded ? { state: 'applied' } : state === 'running' ? { state: 'kept' } : {}),
        message,
        finishedAt: isoNow(),
      });
    },
    async hold(subject, reason) {
      const delivery = await deliveryOf(subject);
      if (delivery?.state !== 'restored' && delivery?.state !== 'stuck') return;
      const { cluster, namespace, application, revision, user } = subject;
      await ledger.holds.put({
        cluster,
        namespace,
        application,
        kind: 'revision',
        revision,
        reason,
        actor: { name: user ?? 'landfall', attestedBy: 'nobody' },
      });
    },
    async heldFor({ cluster, namespace, application }, revision) {
      const holds = await ledger.holds.list({ cluster, namespace, application });
      const hold = holds.find((each) => each.kind === 'revision' && each.revision === revision);
      return hold === undefined
        ? undefined
        : `${short(revision)} was taken back at ${hold.since} and is held until a new commit or somebody's own sync: ${hold.reason}`;
    },
    async release(application) {
      // A HelmRelease is looked at under its own name.
      const isMeant = (key: string) =>
        application === undefined || key.replace('/HelmRelease/', '/').endsWith(` ${application}`);
      await provings.release(isMeant);
      for (const [key, { writer, state }] of attempts) {
        if (!isMeant(key)) continue;
        attempts.delete(key);
        seen.delete(key);
        if (state === 'open' || state === 'unsettled') await ledger.journals.release(writer.journal);
      }
    },
    async lift({ cluster, namespace, application }, revision) {
      const holds = await ledger.holds.list({ cluster, namespace, application });
      for (const hold of holds) {
        if (hold.kind === 'revision' && hold.revision === revision) await ledger.holds.lift(hold.id);
      }
    },
  };
  return journals;
}

/** Commits as people write them; a revision of Flux has its branch before it. */
function short(revision: string): string {
  return revision.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{28}\b/g, '$1');
}

function unsettled({ application }: LedgerSubject): LandfallError {
  return new LandfallError(
    `What an earlier sync of ${application} wrote could not be taken back yet; nothing else is written before.`,
    { kind: 'unavailable', code: 'journal-unsettled', object: application },
  );
}
