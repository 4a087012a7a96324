import { asLandfallError, getString, isJsonObject } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { Journal, JournalStep, LedgerSubject } from '../ledger/index.ts';
import type { DeliveryContext } from './delivery.ts';
import { readObject } from './live-read.ts';
import type { Restored } from './set.ts';
import { recoverSet } from './set-writer.ts';
import { reasonOf } from './trouble.ts';

/** What became of a delivery whose process died. */
export interface Recovered {
  readonly subject: LedgerSubject;
  readonly delivery: string;
  readonly revision: string;
  readonly startedAt: string;
  /**
   * `finished`: everything had been written and is healthy; `restored`: what was there before is there again;
   * `stuck`: not all of it could be taken back, and the journal stays; `held`: somebody else works on it; `refused`: it
   * belongs to another cluster, and nothing was touched.
   */
  readonly outcome: 'finished' | 'restored' | 'stuck' | 'held' | 'refused';
  readonly message: string;
  readonly restored: Restored | undefined;
  /** The command that gives it up, where only another cluster could end it. */
  readonly giveUp?: string;
}

/**
 * Ends what dead processes left half done: a set that was written whole and is healthy stands, any other goes back to
 * what its journal holds. Throws what the ledger cannot read.
 */
export async function recoverUnfinished(
  context: DeliveryContext,
  subject: Partial<LedgerSubject>,
  signal: AbortSignal,
): Promise<readonly Recovered[]> {
  const recovered: Recovered[] = [];
  for (const head of await context.ledger.journals.unfinished(subject)) {
    const { cluster, namespace, application, delivery, revision, startedAt } = head;
    const told = (outcome: Recovered['outcome'], message: string, restored?: Restored): Recovered => ({
      subject: { cluster, namespace, application },
      delivery,
      revision,
      startedAt,
      outcome,
      message,
      restored,
    });
    let journal: Journal;
    try {
      journal = await context.ledger.journals.takeOver(head.id);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind !== 'conflict') throw error;
      recovered.push(told('held', reasonOf(error)));
      continue;
    }
    if (await isOfAnother(context, journal, signal)) {
      await context.ledger.journals.release(journal.id);
      recovered.push({ ...told('refused', `${OF_ANOTHER}. ${END_THERE}`), giveUp: toGiveUp(delivery) });
      continue;
    }
    recovered.push(await recoverOne(context, journal, told, signal));
  }
  return recovered;
}

/** A cluster that is gone ends nothing any more, and only people know that it is. */
const END_THERE = 'Reach that cluster to end it, or give it up where it is gone';

function toGiveUp(delivery: string): string {
  return `landfall recover --forget ${delivery}`;
}

const OF_ANOTHER =
  'its objects are other ones here: another cluster answers at this address now, and nothing was touched';

/**
 * Whether a journal that is found by the address alone contradicts the cluster that answers there: no object is the one
 * that it wrote or changed, and some are not, or would have to be made again. One that is the same decides.
 */
export async function isOfAnother(
  { client, ledger }: DeliveryContext,
  { cluster, steps }: Journal,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await ledger.clusters?.doubt(cluster)) === undefined) return false;
  let contradicted = false;
  for (const { uid, before, apiVersion, kind, namespace, name } of steps) {
    const known = [uid, getString(before, 'metadata', 'uid')].filter((each) => each !== undefined);
    if (known.length === 0) continue;
    const place = namespace === undefined ? {} : { namespace };
    const live = await readObject(client, { apiVersion, kind, ...place, name }, signal);
    if (live?.metadata.uid !== undefined && known.includes(live.metadata.uid)) return false;
    contradicted ||= live !== undefined || before !== undefined;
  }
  return contradicted;
}

/**
 * What dead processes left half done in other clusters that had the address of this one before. It is only told: to
 * take it back here would write what was there into a cluster that never had it.
 */
export async function unfinishedElsewhere(
  context: Pick<DeliveryContext, 'ledger'>,
  subject: Partial<LedgerSubject> & Pick<LedgerSubject, 'cluster'>,
): Promise<readonly Recovered[]> {
  const heads = await context.ledger.journals.elsewhere(subject);
  return heads.map(({ cluster, namespace, application, delivery, revision, startedAt }) => ({
    subject: { cluster, namespace, application },
    delivery,
    revision,
    startedAt,
    outcome: 'refused',
    message: `it was begun in another cluster, which is known as ${cluster}; nothing was touched here. ${END_THERE}`,
    giveUp: toGiveUp(delivery),
    restored: undefined,
  }));
}

async function recoverOne(
  context: DeliveryContext,
  journal: Journal,
  told: (outcome: Recovered['outcome'], message: string, restored?: Restored) => Recovered,
  signal: AbortSignal,
): Promise<Recovered> {
  const { journals } = context.ledger;
  if (await standsHealthy(context, journal, signal)) {
    await journals.state(journal.id, 'committed');
    const message = 'everything had been written when its process ended, and is healthy';
    await finish(context, journal.delivery, 'applied', message);
    return told('finished', message);
  }
  const restored = await recoverSet(context, journal, signal);
  const message = restored.complete
    ? 'its process ended in the middle; what was there before is there again'
    : 'its process ended in the middle, and not all of it could be taken back yet';
  await finish(context, journal.delivery, restored.complete ? 'restored' : 'stuck', message);
  return told(restored.complete ? 'restored' : 'stuck', message, restored);
}

async function finish(
  context: DeliveryContext,
  delivery: string,
  state: 'applied' | 'restored' | 'stuck',
  message: string,
): Promise<void> {
  const finishedAt = new Date(context.clock.now()).toISOString();
  await context.ledger.deliveries.update(delivery, { state, message, finishedAt });
}

async function standsHealthy(
  context: DeliveryContext,
  journal: Journal,
  signal: AbortSignal,
): Promise<boolean> {
  if (context.health === undefined || journal.state !== 'open') return false;
  if (!journal.steps.every(({ state, action }) => state === 'done' && action !== 'prune')) return false;
  const live: KubeObject[] = [];
  for (const step of journal.steps) {
    const object = await stored(context, step, signal);
    if (object === undefined) return false;
    live.push(object);
  }
  return (await context.health(live, signal)).outcome === 'healthy';
}

/** The object as the step left it; undefined where it is another one or gone. */
async function stored(
  context: DeliveryContext,
  step: JournalStep,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  if (step.after === undefined || !isJsonObject(step.after['metadata'])) return undefined;
  const live = await readObject(context.client, refOf(step.after as KubeObject), signal);
  return live?.metadata.uid === step.uid ? live : undefined;
}
