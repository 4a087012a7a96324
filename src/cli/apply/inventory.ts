import { asLandfallError, getString, mapBounded } from '../../kernel/index.ts';
import type { KubeClient, KubeObject, ObjectRef } from '../../kube/index.ts';
import { FIELD_MANAGER, readObject } from '../../apply/index.ts';
import { objectKey } from '../../boundaries/index.ts';
import type { Delivery, Ledger } from '../../ledger/index.ts';
import { belongsTo, listedBy } from './target.ts';
import type { ApplyTarget } from './target.ts';

const AT_ONCE = 16;
const LOOKED_AT = 50;

/** What an earlier delivery applied and the set no longer has. */
export interface Inventory {
  /** As they are stored, and ours. */
  readonly extra: readonly KubeObject[];
  /** False: nothing is known of an earlier delivery, which is not the same as that there was none. */
  readonly known: boolean;
  readonly warnings: readonly string[];
}

/**
 * What may be pruned: the last delivery that was left standing (by the ledger), and what the status of an Application
 * lists; of these only what is still there and that Landfall applied. What cannot be read is told and never pruned.
 */
export async function inventoryOf(
  client: KubeClient,
  ledger: Pick<Ledger, 'deliveries'>,
  target: ApplyTarget,
  prune: boolean,
  signal: AbortSignal,
): Promise<Inventory> {
  const refs = new Map<string, ObjectRef>();
  const add = (ref: ObjectRef) => refs.set(keyOf(ref), ref);
  const deliveries = await ledger.deliveries.list(target.subject, LOOKED_AT);
  const last = deliveries.find(stands);
  for (const ref of last === undefined ? [] : appliedBy(last)) add(ref);
  if (target.application !== undefined) for (const ref of listedBy(target.application.object)) add(ref);
  for (const { object } of target.set) refs.delete(objectKey(object));
  const warnings: string[] = [];
  const live = await mapBounded([...refs.values()], AT_ONCE, async (ref) => {
    try {
      return await readObject(client, ref, signal);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      // A prune that cannot see everything would leave something behind and say that it is done.
      if (error.kind === 'cancelled' || prune) throw error;
      warnings.push(
        `${ref.kind}/${ref.name} is no longer asked for, and could not be read: ${error.message}`,
      );
      return undefined;
    }
  });
  const { application } = target;
  return {
    extra: live.filter(
      (object): object is KubeObject =>
        object !== undefined &&
        object.metadata.deletionTimestamp === undefined &&
        (application === undefined ? isOurs(object) : belongsTo(object, application.argo)),
    ),
    known: last !== undefined || application !== undefined,
    warnings,
  };
}

function stands({ state, results }: Delivery): boolean {
  return results.length > 0 && (state === 'applied' || state === 'landed' || state === 'kept');
}

function appliedBy(delivery: Delivery): readonly ObjectRef[] {
  return delivery.results.flatMap((item) => {
    const apiVersion = getString(item, 'apiVersion');
    const kind = getString(item, 'kind');
    const name = getString(item, 'name');
    const namespace = getString(item, 'namespace');
    const action = getString(item, 'action');
    if (apiVersion === undefined || kind === undefined || name === undefined) return [];
    // A prune that was confirmed is over; one that was held, or skipped, is still ours to finish.
    if (action === 'prune' && getString(item, 'state') === 'done') return [];
    return [namespace === undefined ? { apiVersion, kind, name } : { apiVersion, kind, namespace, name }];
  });
}

function keyOf(ref: ObjectRef): string {
  const { apiVersion, kind, name, namespace } = ref;
  return objectKey({
    apiVersion,
    kind,
    metadata: namespace === undefined ? { name } : { name, namespace },
  });
}

function isOurs(object: KubeObject): boolean {
  return (object.metadata.managedFields ?? []).some(
    (entry) => entry['manager'] === FIELD_MANAGER && entry['operation'] === 'Apply',
  );
}
