import { LandfallError } from '../kernel/index.ts';
import type { Clock, Logger } from '../kernel/index.ts';
import { objectName } from '../kube/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { objectKey } from '../boundaries/index.ts';
import { beginSet, recoverUnfinished } from '../apply/index.ts';
import type { Restored, SetWriter, StepOutcome } from '../apply/index.ts';
import type { Ledger, LedgerSubject } from '../ledger/index.ts';
import type { OpenWave, SyncWriter, Wave, WaveStep } from './sync/index.ts';

/** One attempt at one operation, as the ledger names it. */
export interface JournalSubject extends LedgerSubject {
  /** Tells the attempt from others of the application. */
  readonly operationId: string;
  readonly revision: string;
  /** Who asked for it; undefined: nobody, it is automated. */
  readonly user: string | undefined;
}

/** Keeps a journal of what syncs write, and a delivery in the ledger for each of them. */
export interface SyncJournals {
  /** Ends what an earlier process, or an earlier turn, left half done. Throws `unavailable` where it cannot yet. */
  settle(client: KubeClient, subject: LedgerSubject, signal: AbortSignal): Promise<void>;
  waves(client: KubeClient, plain: SyncWriter, subject: JournalSubject): OpenWave;
  /** The attempt is over: the ledger gets to know how. */
  end(subject: JournalSubject, succeeded: boolean, message: string): Promise<void>;
}

export interface JournalOptions {
  readonly ledger: Pick<Ledger, 'journals' | 'deliveries' | 'holds'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createSyncJournals({ ledger, clock, logger }: JournalOptions): SyncJournals {
  /** Deliveries of attempts that go on, by application. */
  const deliveries = new Map<
    string,
    { readonly operationId: string; readonly id: string; restored: boolean }
  >();
  /** Sets that could not be taken back yet, by application. */
  const left = new Map<string, SetWriter>();
  const keyOf = ({ cluster, namespace, application }: LedgerSubject) =>
    `${cluster} ${namespace}/${application}`;

  async function deliveryOf(subject: JournalSubject) {
    const known = deliveries.get(keyOf(subject));
    if (known?.operationId === subject.operationId) return known;
    const { cluster, namespace, application, operationId, revision, user } = subject;
    const id = await ledger.deliveries.start({
      cluster,
      namespace,
      application,
      environment: undefined,
      revision,
      trigger: 'sync',
      actor: { name: user ?? 'landfall', attestedBy: 'nobody' },
      startedAt: new Date(clock.now()).toISOString(),
    });
    const delivery = { operationId, id, restored: false };
    deliveries.set(keyOf(subject), delivery);
    return delivery;
  }

  return {
    async settle(client, subject, signal) {
      const key = keyOf(subject);
      const set = left.get(key);
      if (set !== undefined) {
        const { complete } = await set.restore(signal);
        if (!complete) throw unsettled(subject);
        left.delete(key);
      }
      const { cluster, namespace, application } = subject;
      const context = { client, clock, ledger, health: undefined };
      const found = await recoverUnfinished(context, { cluster, namespace, application }, signal);
      for (const { outcome, message, revision } of found) {
        logger.warn('Ended what an earlier process left half done', {
          application,
          revision,
          outcome,
          message,
        });
        if (outcome === 'stuck' || outcome === 'held') throw unsettled(subject);
      }
    },
    waves(client, plain, subject) {
      return async (steps) => {
        const delivery = await deliveryOf(subject);
        const { cluster, namespace, application, revision } = subject;
        const set = await beginSet(
          { client, clock, ledger },
          {
            subject: { cluster, namespace, application },
            delivery: delivery.id,
            revision,
            steps: steps.map(setStep),
          },
        );
        return journalled(set, plain, steps, {
          async restore() {
            // Whoever closes the controller does not mean to leave half of it.
            const restored = await set.restore(new AbortController().signal);
            delivery.restored = true;
            if (!restored.complete) left.set(keyOf(subject), set);
            return staying(restored);
          },
        });
      };
    },
    async end(subject, succeeded, message) {
      const delivery = deliveries.get(keyOf(subject));
      if (delivery?.operationId !== subject.operationId) return;
      deliveries.delete(keyOf(subject));
      await ledger.deliveries.update(delivery.id, {
        state: succeeded ? 'applied' : delivery.restored ? 'restored' : 'kept',
        message,
        finishedAt: new Date(clock.now()).toISOString(),
      });
    },
  };
}

function unsettled({ application }: LedgerSubject): LandfallError {
  return new LandfallError(
    `What an earlier sync of ${application} wrote could not be taken back yet; nothing else is written before.`,
    { kind: 'unavailable', code: 'journal-unsettled', object: application },
  );
}

function setStep({ desired, before, validation }: WaveStep) {
  return {
    action: before === undefined ? ('create' as const) : ('change' as const),
    desired,
    before,
    validation: validation === 'Strict' ? ('Strict' as const) : ('Ignore' as const),
  };
}

function journalled(
  set: SetWriter,
  plain: SyncWriter,
  steps: readonly WaveStep[],
  ending: Pick<Wave, 'restore'>,
): Wave {
  const announced = new Set(steps.map((step) => objectKey(step.desired)));
  return {
    ...ending,
    commit: () => set.commit(),
    writer: {
      ...plain,
      async apply(object, options, signal) {
        if (!announced.has(objectKey(object))) return plain.apply(object, options, signal);
        const outcome = await set.apply(object, signal);
        if (outcome.state === 'failed') throw failure(outcome, objectName(object));
        const { object: stored = object, warnings } = outcome;
        return {
          object: stored,
          warnings,
          outcome: outcome.outcome === 'pruned' ? 'changed' : outcome.outcome,
        };
      },
    },
  };
}

const KINDS = {
  refused: 'invalid-input',
  denied: 'denied',
  conflict: 'conflict',
  unknown: 'unavailable',
} as const;

function failure({ why, reason }: Extract<StepOutcome, { state: 'failed' }>, object: string): LandfallError {
  return new LandfallError(reason, { kind: KINDS[why], code: `write-${why}`, object });
}

function staying({ steps }: Restored): readonly string[] {
  return steps
    .filter((step) => step.state === 'left' || step.state === 'pending')
    .map((step) => `${step.kind}/${step.name}: ${step.message}`);
}
