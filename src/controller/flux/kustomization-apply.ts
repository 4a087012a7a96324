import { getIn, getObject, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeObject, ObjectRef } from '../../kube/index.ts';
import type { EventRecorder } from '../events.ts';
import { failurePolicy } from '../failure-policy.ts';
import type { FailurePolicy } from '../failure-policy.ts';
import type { JournalSubject } from '../journals.ts';
import type { Turn } from '../queue.ts';
import { createSyncWriter, plainSet } from '../sync/index.ts';
import { applySet, fluxName } from './apply.ts';
import type { Change } from './apply.ts';
import { failed, timeoutText } from './failure.ts';
import type { FluxTarget, KustomizationOptions } from './failure.ts';
import { inventoryEntry, inventoryId } from './inventory.ts';
import { handled, requested, withConditions, writeStatus } from './kinds.ts';
import { isHealthAsked } from './settle.ts';
import type { Source } from './source.ts';

/** What a turn found, and is about to write. */
export interface Work {
  readonly pairs: readonly {
    readonly desired: KubeObject | undefined;
    readonly live: KubeObject | undefined;
  }[];
  readonly desired: readonly KubeObject[];
  readonly known: readonly ObjectRef[];
  readonly toPrune: readonly KubeObject[];
}

/** Writes it, all or nothing, and the inventory before and after. Throws what the status then says. */
export async function apply(
  options: KustomizationOptions,
  object: KubeObject,
  source: Source,
  target: FluxTarget,
  work: Work,
  turn: Turn,
): Promise<KubeObject> {
  const { client, clock, events, journals } = options;
  const { desired, known, toPrune } = work;
  const entries = (refs: readonly ObjectRef[]): JsonObject => ({
    entries: [...new Map(refs.map((ref) => [inventoryId(ref), inventoryEntry(ref)])).values()],
  });
  // Everything that is about to be there stands in the inventory first, so that it is found again after a crash.
  let stored = await writeStatus(
    client,
    object,
    {
      ...getObject(object, 'status'),
      ...handled(object),
      lastAttemptedRevision: source.revision,
      inventory: entries([...known, ...desired.map(refOf)]),
      conditions: withConditions(
        object,
        {
          Ready: { status: 'Unknown', reason: 'Progressing', message: 'Reconciliation in progress' },
          Reconciling: {
            status: 'True',
            reason: 'Progressing',
            message: `Building manifests for revision ${source.revision} with a timeout of ${timeoutText(object)}`,
          },
          Stalled: undefined,
        },
        clock.now(),
      ),
    },
    turn.signal,
  );
  const pairs = work.pairs.flatMap(({ desired: wanted, live }) =>
    wanted === undefined ? [] : [{ desired: wanted, live }],
  );
  const force = getIn(object, 'spec', 'force') === true;
  const plain = createSyncWriter(target.client, clock);
  const subject = subjectOf(object, source, target, clock.now(), options.policy);
  if (requested(object) !== undefined) await journals?.lift(subject, source.revision);
  const { changes, pruned, back } = await applySet(
    target.client,
    clock,
    journals?.open(target.client, plain, subject, turn.signal) ?? (() => Promise.resolve(plainSet(plain))),
    { pairs, toPrune, owner: object, force },
    turn.signal,
  );
  const broken = [...changes, ...pruned].filter(({ action }) => action === 'failed');
  const reasons = broken.map(({ message }) => message).join('\n');
  const message = back === undefined ? reasons : `${reasons}, and ${back.note}`;
  await journals?.end(subject, broken.length === 0, message);
  if (back !== undefined) {
    // What somebody else was in the way of is tried again, as Flux does it.
    if (!back.passing) await journals?.hold(subject, message);
    // Nothing of it is there: what the inventory held before is what it holds.
    await writeStatus(
      client,
      stored,
      { ...getObject(stored, 'status'), inventory: entries(known) },
      turn.signal,
    );
  }
  if (changes.some(({ action }) => action === 'failed') || back !== undefined) {
    throw failed({
      reason: pruned.some(({ action }) => action === 'failed') ? 'PruneFailed' : 'ReconciliationFailed',
      message,
    });
  }
  await announce(events, object, changes, turn.signal);
  const survivors = pruned.filter(({ action }) => action === 'failed');
  stored = await writeStatus(
    client,
    stored,
    {
      ...getObject(stored, 'status'),
      inventory: entries([...desired.map(refOf), ...survivors.map(({ object: left }) => refOf(left))]),
    },
    turn.signal,
  );
  await announce(events, object, pruned, turn.signal);
  if (survivors.length > 0) {
    throw failed({ reason: 'PruneFailed', message: survivors.map(({ message }) => message).join('\n') });
  }
  return stored;
}

/** One turn of a Kustomization as the ledger names it. */
export function subjectOf(
  object: KubeObject,
  { revision }: Source,
  target: FluxTarget,
  now: number,
  standard: FailurePolicy,
): JournalSubject {
  const applied = getString(object, 'status', 'lastAppliedRevision');
  const { name, namespace = 'default' } = object.metadata;
  const attemptedAt = new Date(now).toISOString();
  return {
    cluster: target.client.server,
    namespace,
    application: name,
    operationId: `${attemptedAt} ${revision}`,
    attemptedAt,
    revision,
    user: undefined,
    onFailure: failurePolicy(object, standard).onFailure,
    // Only where somebody asks for health there is something to wait for; a correction of drift is no delivery.
    watched: isHealthAsked(object) && ![undefined, '', revision].includes(applied),
  };
}

/** One event of what was done. */
export async function announce(
  events: EventRecorder,
  object: KubeObject,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<void> {
  const told = changes.filter(({ action }) => ['created', 'configured', 'deleted'].includes(action));
  if (told.length === 0) return;
  const lines = told.map((change) => `${fluxName(change.object)} ${change.action}`);
  await events.record(object, 'Normal', 'Progressing', lines.join('\n'), signal);
}
