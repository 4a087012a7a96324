import type { Clock } from '../kernel/index.ts';
import type { KubeClient, ObjectRef } from '../kube/index.ts';
import { resumeSet } from '../apply/index.ts';
import type { SetWriter } from '../apply/index.ts';
import type { Ledger, LedgerSubject } from '../ledger/index.ts';
import type { TakenBack } from './sync/index.ts';
import { prunedBy, telling } from './written-health.ts';
import type { Written } from './written-health.ts';

/** What was written whole, and is watched until it turns out healthy. */
export interface Proving {
  readonly revision: string;
  /** ms since the epoch, of its last write. */
  readonly since: number;
  readonly written: readonly Written[];
  /** What it deleted, and what is there again if it is taken back. */
  readonly pruned: readonly ObjectRef[];
  /** When it last got further than ever before, ms since the epoch; given how far it is now. */
  readonly furtherAt: (progress: number) => number;
}

/** An attempt that this process has begun or taken over. */
export interface Attempt {
  readonly operationId: string;
  readonly delivery: string;
  readonly writer: SetWriter;
  readonly revision: string;
  readonly written: readonly Written[];
  readonly pruned: readonly ObjectRef[];
  state: 'open' | 'proving' | 'committed' | 'taken-back' | 'unsettled';
  back: TakenBack | undefined;
}

/** Deliveries that have written something that stands, or may. */
const LIVING = new Set(['running', 'applied', 'landed', 'kept', 'stuck']);

/** What was written, and is watched: of each application the last one, over turns and processes. */
export interface Provings {
  add(subject: LedgerSubject, attempt: Attempt): void;
  /** What is watched of an application, by this process or the one before it. */
  proving(client: KubeClient, subject: LedgerSubject): Promise<Proving | undefined>;
  /** What is watched stands; nothing where nothing is. */
  stand(subject: LedgerSubject, message: string): Promise<void>;
  /** What is watched is taken back, and its revision held. Undefined: something newer stands on it, so it stays. */
  withdraw(subject: LedgerSubject, reason: string): Promise<TakenBack | undefined>;
  /** Leaves what is watched to another process. */
  release(isMeant: (key: string) => boolean): Promise<void>;
}

export interface ProvingOptions {
  readonly ledger: Pick<Ledger, 'journals' | 'deliveries' | 'holds'>;
  readonly clock: Clock;
  readonly takeBack: (attempt: Attempt, why: string) => Promise<TakenBack>;
  /** Not all of it could be taken back: whoever writes next goes on with that first. */
  readonly unsettled: (key: string, attempt: Attempt) => void;
}

/** Deliveries of an application among which newer ones are looked for. */
const LOOKED_AT = 20;

export function createProvings(options: ProvingOptions): Provings {
  const { ledger, clock } = options;
  const kept = new Map<string, Attempt & Pick<Proving, 'since' | 'furtherAt'>>();
  /** Applications of which it is known what an earlier process watched. */
  const adopted = new Set<string>();

  function furthest(since: number): Proving['furtherAt'] {
    let best = { progress: 0, at: since };
    return (progress) => {
      if (progress > best.progress) best = { progress, at: clock.now() };
      return best.at;
    };
  }

  async function isOvertaken(subject: LedgerSubject, { delivery, revision }: Attempt): Promise<boolean> {
    const { cluster, namespace, application } = subject;
    const listed = await ledger.deliveries.list({ cluster, namespace, application }, LOOKED_AT);
    const own = listed.find((each) => each.id === delivery);
    // What every boundary has proven once has landed; what comes later is another look.
    if (own === undefined || own.state === 'landed') return true;
    return listed.some(
      (each) =>
        each.id > delivery &&
        each.trigger !== 'observed' &&
        each.revision !== revision &&
        LIVING.has(each.state),
    );
  }

  const provings: Provings = {
    add(subject, attempt) {
      const since = clock.now();
      kept.set(keyOf(subject), { ...attempt, since, furtherAt: furthest(since) });
    },
    async proving(client, subject) {
      const key = keyOf(subject);
      if (!adopted.has(key)) {
        const { cluster, namespace, application } = subject;
        const left = await ledger.journals.proving({ cluster, namespace, application });
        for (const { id, delivery, revision, startedAt } of left) {
          const journal = await ledger.journals.takeOver(id);
          const { finishedAt } = (await ledger.deliveries.get(delivery)) ?? {};
          const since = Date.parse(finishedAt ?? startedAt);
          await provings.stand(subject, 'a newer sync was written over it');
          kept.set(key, {
            operationId: '',
            delivery,
            revision,
            writer: resumeSet({ client, clock, ledger }, journal),
            written: telling(journal.steps),
            pruned: prunedBy(journal.steps),
            state: 'proving',
            back: undefined,
            since,
            furtherAt: furthest(since),
          });
        }
        adopted.add(key);
      }
      return kept.get(key);
    },
    async stand(subject, message) {
      const key = keyOf(subject);
      const proving = kept.get(key);
      if (proving === undefined) return;
      await proving.writer.commit();
      kept.delete(key);
      await ledger.deliveries.update(proving.delivery, { message });
    },
    async withdraw(subject, reason) {
      const key = keyOf(subject);
      const proving = kept.get(key);
      if (proving === undefined) return undefined;
      if (await isOvertaken(subject, proving)) {
        await provings.stand(subject, 'something newer stands on it, so it was left as it is');
        return undefined;
      }
      // First, so that who dies in the middle of it does not begin again what it takes back.
      const { cluster, namespace, application } = subject;
      await ledger.holds.put({
        cluster,
        namespace,
        application,
        kind: 'revision',
        revision: proving.revision,
        reason,
        actor: { name: 'landfall', attestedBy: 'nobody' },
      });
      const back = await options.takeBack(proving, reason);
      // What could not be put back yet is tried again before anything else is written.
      if (proving.state === 'unsettled') options.unsettled(key, proving);
      kept.delete(key);
      await ledger.deliveries.update(proving.delivery, { message: `${reason}, and ${back.note}` });
      return back;
    },
    async release(isMeant) {
      for (const key of adopted) if (isMeant(key)) adopted.delete(key);
      for (const [key, { writer }] of kept) {
        if (!isMeant(key)) continue;
        kept.delete(key);
        await ledger.journals.release(writer.journal);
      }
    },
  };
  return provings;
}

/** An application, as what is kept of it is found. */
export function keyOf({ cluster, namespace, application }: LedgerSubject): string {
  return `${cluster} ${namespace}/${application}`;
}
