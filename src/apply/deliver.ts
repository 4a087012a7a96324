import { LandfallError, asLandfallError } from '../kernel/index.ts';
import type { DeliveryState, Ledger, LedgerSubject } from '../ledger/index.ts';
import { applyAll, pruneAll, stepsOf } from './carry-out.ts';
import type { Failure } from './carry-out.ts';
import { resultsOf, storedObjects } from './delivery-results.ts';
import type {
  DeliveryContext,
  DeliveryOutcome,
  DeliveryRequest,
  HealthAnswer,
  ObjectResult,
} from './delivery.ts';
import type { Plan } from './plan.ts';
import type { SetWriter, StepOutcome } from './set.ts';
import { beginSet } from './set-writer.ts';
import { reasonOf } from './trouble.ts';

/**
 * Carries a plan out: all of it, or nothing. The plan has no problems (callers refuse those before). Whatever goes
 * wrong on the way, a Ctrl-C included, everything goes back to what the journal holds, and the revision is held.
 * Throws `conflict` when another delivery of the same application runs, and what the ledger cannot store.
 */
export async function deliver(
  context: DeliveryContext,
  request: DeliveryRequest,
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  const { ledger, clock } = context;
  const { subject, environment, revision, trigger, actor, plan } = request;
  const steps = stepsOf(plan);
  const delivery = await ledger.deliveries.start({
    ...subject,
    environment,
    revision,
    trigger,
    actor,
    startedAt: new Date(clock.now()).toISOString(),
  });
  const outcomes = new Map<string, StepOutcome>();
  let writer: SetWriter | undefined;
  let failure: Failure | undefined;
  let unhealthy: HealthAnswer['reasons'] = [];
  let unproven = false;
  try {
    const all = [...steps.applies, ...steps.prunes];
    if (all.length > 0) writer = await beginSet(context, { subject, delivery, revision, steps: all });
  } catch (thrown) {
    const message = reasonOf(asLandfallError(thrown));
    await finish(context, delivery, 'refused', message, []);
    throw thrown;
  }
  try {
    failure = await applyAll(context, steps, plan, writer, outcomes, signal);
    if (failure === undefined && context.health !== undefined) {
      const objects = storedObjects(plan, outcomes);
      context.onProgress?.({ step: 'health', objects: objects.length });
      const answer = await context.health(objects, signal);
      unhealthy = answer.reasons;
      unproven = answer.outcome === 'unproven';
      if (answer.outcome === 'unhealthy') {
        const [first] = answer.reasons;
        failure = {
          message:
            first === undefined ? 'it did not become healthy in time' : `${first.object}: ${first.message}`,
          interrupted: false,
        };
      }
    }
    failure ??= await pruneAll(context, steps, writer, outcomes, signal);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    failure = { message: reasonOf(error), interrupted: error.kind === 'cancelled' };
  }
  const results = resultsOf(plan, outcomes, unhealthy);
  if (failure === undefined) {
    await writer?.commit();
    const message = messageOfSuccess(plan);
    await finish(context, delivery, 'applied', message, results);
    const pending = results.some(({ action, state }) => action === 'prune' && state === 'failed');
    return {
      delivery,
      state: 'applied',
      message,
      results,
      restored: undefined,
      held: false,
      unproven: unproven || pending,
    };
  }
  if (request.onFailure === 'keep' || writer === undefined) {
    await writer?.commit();
    await finish(context, delivery, 'kept', failure.message, results);
    return {
      delivery,
      state: 'kept',
      message: failure.message,
      results,
      restored: undefined,
      held: false,
      unproven: true,
    };
  }
  return takenBack(context, request, delivery, writer, failure, results);
}

async function takenBack(
  context: DeliveryContext,
  request: DeliveryRequest,
  delivery: string,
  writer: SetWriter,
  failure: Failure,
  results: readonly ObjectResult[],
): Promise<DeliveryOutcome> {
  context.onProgress?.({ step: 'restore', reason: failure.message });
  // What was interrupted is still taken back: a second Ctrl-C ends the process, and leaves the journal.
  const restored = await writer.restore(new AbortController().signal);
  const state = restored.complete ? 'restored' : 'stuck';
  const { subject, revision, actor } = request;
  // Whoever interrupts means to stop, not that the revision is bad.
  const held = !failure.interrupted;
  if (held) {
    await context.ledger.holds.put({
      ...subject,
      kind: 'revision',
      revision,
      reason: failure.message,
      actor,
    });
  }
  await finish(context, delivery, state, failure.message, results);
  return { delivery, state, message: failure.message, results, restored, held, unproven: true };
}

async function finish(
  context: DeliveryContext,
  delivery: string,
  state: DeliveryState,
  message: string,
  results: readonly ObjectResult[],
): Promise<void> {
  await context.ledger.deliveries.update(delivery, {
    state,
    message,
    finishedAt: new Date(context.clock.now()).toISOString(),
    results: results.map((result) => ({ ...result })),
  });
}

function messageOfSuccess(plan: Plan): string {
  const written = plan.items.filter(
    ({ planned }) => planned.action !== 'unchanged' && planned.action !== 'skip',
  );
  return written.length === 0
    ? 'nothing had to be changed'
    : `${written.length} of ${plan.items.length} written`;
}

/** Throws where this revision was taken back before, and nobody has said that it may be tried again. */
export async function refuseHeld(
  ledger: Pick<Ledger, 'holds'>,
  subject: LedgerSubject,
  revision: string,
  again: boolean,
): Promise<void> {
  const holds = await ledger.holds.list(subject);
  for (const hold of holds.filter((each) => each.kind === 'revision' && each.revision === revision)) {
    if (again) {
      await ledger.holds.lift(hold.id);
      continue;
    }
    throw new LandfallError(
      `${subject.application} at ${revision.slice(0, 15)} was taken back at ${hold.since} and is held: ${hold.reason}`,
      {
        kind: 'conflict',
        code: 'revision-held',
        object: subject.application,
        hint: 'Mend it with a new commit, or apply it once more with --again.',
      },
    );
  }
}
