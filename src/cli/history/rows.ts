import { getString } from '../../kernel/index.ts';
import { stoppedAt } from '../../ledger/index.ts';
import type { Delivery, DeliveryState } from '../../ledger/index.ts';

/** One delivery on one line. Plain JSON. */
export interface HistoryRow {
  readonly id: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly application: string;
  readonly environment: string | null;
  readonly revision: string;
  readonly trigger: Delivery['trigger'];
  readonly actor: Delivery['actor'];
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly state: DeliveryState;
  /** What its proof says: `stopped at intent`; null without one. */
  readonly verdict: string | null;
  /** Where it stopped or stands; null when it landed, and where nothing is known. */
  readonly boundary: string | null;
  readonly digest: string | null;
  readonly message: string;
}

export function historyRow(delivery: Delivery): HistoryRow {
  const { id, cluster, namespace, application, revision, trigger, actor, startedAt, state, message } =
    delivery;
  return {
    id,
    cluster,
    namespace,
    application,
    environment: delivery.environment ?? null,
    revision,
    trigger,
    actor,
    startedAt,
    finishedAt: delivery.finishedAt ?? null,
    state,
    verdict: getString(delivery.proof, 'verdict', 'summary') ?? null,
    boundary: stoppedAt(delivery) ?? null,
    digest: delivery.digest ?? null,
    message,
  };
}

/** What one goes back to: the last delivery of another revision that landed before this one. */
export function landedBefore(
  deliveries: readonly Delivery[],
  before: { readonly id: string | undefined; readonly revision: string },
): Delivery | undefined {
  return deliveries
    .filter(({ id }) => before.id === undefined || id < before.id)
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    .find(({ state, revision }) => state === 'landed' && revision !== before.revision);
}
