import { LandfallError } from '../kernel/index.ts';
import type { Actor, JournalStep, JournalHead, LedgerSubject } from '../ledger/index.ts';
import type { DeliveryContext } from './delivery.ts';
import { isOfAnother } from './recover.ts';

/** A delivery that was given up half done. */
export interface Forgotten {
  readonly subject: LedgerSubject;
  readonly delivery: string;
  readonly revision: string;
  readonly startedAt: string;
  readonly outcome: 'forgotten';
  readonly message: string;
  readonly by: string;
  /** What it was about, and how far it had come. */
  readonly objects: readonly Pick<JournalStep, 'kind' | 'namespace' | 'name' | 'action' | 'state'>[];
}

interface Forget {
  /** The delivery, or a beginning of its id. */
  readonly delivery: string;
  readonly actor: Actor;
  readonly reason: string;
}

/**
 * Gives up what a dead process left half done in a cluster that is gone. Throws `conflict` where this cluster could end
 * it or its process lives, `not-found` where there is no such journal.
 */
export async function forgetUnfinished(
  context: DeliveryContext,
  subject: Partial<LedgerSubject> & Pick<LedgerSubject, 'cluster'>,
  { delivery: named, actor, reason }: Forget,
  signal: AbortSignal,
): Promise<Forgotten> {
  const { journals } = context.ledger;
  const own = await journals.unfinished(subject);
  const head = one([...own, ...(await journals.elsewhere(subject))], named);
  if (own.includes(head)) await assertOfAnother(context, head, signal);
  await journals.forget(head.id, { actor, reason });
  const { cluster, namespace, application, delivery, revision, startedAt } = head;
  return {
    subject: { cluster, namespace, application },
    delivery,
    revision,
    startedAt,
    outcome: 'forgotten',
    message: `it was begun in ${cluster} and stays half done there; what was there before is dropped, and nobody can take it back any more`,
    by: actor.name,
    objects: ((await journals.get(head.id))?.steps ?? []).map((step) => ({
      kind: step.kind,
      namespace: step.namespace,
      name: step.name,
      action: step.action,
      state: step.state,
    })),
  };
}

function one(heads: readonly JournalHead[], named: string): JournalHead {
  const [head, ...more] = heads.filter(({ delivery }) => named !== '' && delivery.startsWith(named));
  if (head !== undefined && more.length === 0) return head;
  throw head === undefined
    ? new LandfallError(
        `No delivery ${named} was left half done here, nor in a cluster that had this address before.`,
        {
          kind: 'not-found',
          code: 'journal-not-found',
          object: named,
          hint: 'landfall recover names each that was, and how to give it up.',
        },
      )
    : new LandfallError(`Several deliveries begin with ${named}.`, {
        kind: 'invalid-input',
        code: 'journal-ambiguous',
        object: named,
        hint: 'Give more of its id.',
      });
}

async function assertOfAnother(
  context: DeliveryContext,
  head: JournalHead,
  signal: AbortSignal,
): Promise<void> {
  const doubt = await context.ledger.clusters?.doubt(head.cluster);
  const journal = doubt === undefined ? undefined : await context.ledger.journals.get(head.id);
  if (journal !== undefined && (await isOfAnother(context, journal, signal))) return;
  throw new LandfallError(
    `Delivery ${head.delivery} of ${head.application} was begun in this cluster, which can still end it; nothing was given up.`,
    {
      kind: 'conflict',
      code: 'journal-not-elsewhere',
      object: head.application,
      hint: `End it: landfall recover ${head.application}`,
    },
  );
}
