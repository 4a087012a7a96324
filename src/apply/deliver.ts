import { LandfallError, asLandfallError, mapBounded, sleep } from '../kernel/index.ts';
import { objectName, refOf } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { objectKey } from '../boundaries/index.ts';
import type { Actor, DeliveryState, Ledger, LedgerSubject } from '../ledger/index.ts';
import { dryRun } from './dry-run.ts';
import { applyGroups, kindRank } from './order.ts';
import type { Plan, PlanItem, PlannedSteps } from './plan.ts';
import { hasCondition } from './restoration.ts';
import type { Restored, SetContext, SetWriter, StepOutcome } from './set.ts';
import { beginSet } from './set-writer.ts';
import { reasonOf, withPatience } from './trouble.ts';

const ESTABLISH_WAIT = 30_000;
const ESTABLISH_PAUSE = 100;
const AT_ONCE = 16;

/**
 * Whether what was applied is usable. `unproven`: nothing contradicts it, and of something it is not known; that is
 * told, and takes nothing back.
 */
export interface HealthAnswer {
  readonly outcome: 'healthy' | 'unhealthy' | 'unproven';
  /** What is not known to be healthy, each with its reason. */
  readonly reasons: readonly { readonly object: string; readonly message: string }[];
}

/** Watches the objects as they were stored, until they are healthy, cannot become so, or time is up. */
export type HealthWatch = (objects: readonly KubeObject[], signal: AbortSignal) => Promise<HealthAnswer>;

export interface DeliveryContext extends Omit<SetContext, 'ledger'> {
  readonly ledger: Pick<Ledger, 'journals' | 'deliveries' | 'holds'>;
  /** Undefined: what was stored counts, healthy or not. */
  readonly health: HealthWatch | undefined;
  /** Told of each step as it is taken. */
  readonly onProgress?: (step: DeliveryStep) => void;
}

export type DeliveryStep =
  | { readonly step: 'apply'; readonly done: number; readonly of: number }
  | { readonly step: 'health'; readonly objects: number }
  | { readonly step: 'restore'; readonly reason: string };

export interface DeliveryRequest {
  readonly subject: LedgerSubject;
  readonly environment: string | undefined;
  readonly revision: string;
  readonly trigger: 'apply' | 'sync' | 'rollback' | 'promotion';
  readonly actor: Actor;
  readonly plan: Plan;
  /** `keep` leaves what was written where it is, as kubectl does. */
  readonly onFailure: 'restore' | 'keep';
}

/** What became of one object. */
export interface ObjectResult {
  readonly action: PlanItem['planned']['action'];
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly state: 'done' | 'failed' | 'not-reached' | 'unhealthy';
  readonly message: string;
  readonly where?: string;
}

export interface DeliveryOutcome {
  /** Id in the ledger. */
  readonly delivery: string;
  readonly state: Extract<DeliveryState, 'applied' | 'refused' | 'restored' | 'kept' | 'stuck'>;
  readonly message: string;
  readonly results: readonly ObjectResult[];
  /** What was taken back, where something was. */
  readonly restored: Restored | undefined;
  /** True when this revision is not applied again by itself. */
  readonly held: boolean;
  /** Applied, and of something it is not known whether it is healthy or gone. */
  readonly unproven: boolean;
}

export function stepsOf(plan: Plan): PlannedSteps {
  const writes = plan.items.flatMap(({ planned, desired, before }) => {
    const { action } = planned;
    if (desired === undefined || action === 'unchanged' || action === 'skip' || action === 'prune') return [];
    return [{ action, desired, before, kind: desired.kind }];
  });
  const prunes = plan.items.flatMap(({ planned, before }) =>
    planned.action === 'prune' && before !== undefined
      ? [{ action: 'prune' as const, desired: undefined, before }]
      : [],
  );
  return {
    applies: applyGroups(writes).flat(),
    prunes: prunes.toSorted((a, b) => kindRank(b.before) - kindRank(a.before)),
  };
}

/** Why a set could not be applied, as far as it got. */
interface Failure {
  readonly message: string;
  readonly interrupted: boolean;
}

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

/** Group after group, in the order in which they depend on each other. The first failure ends it. */
async function applyAll(
  context: DeliveryContext,
  steps: PlannedSteps,
  plan: Plan,
  writer: SetWriter | undefined,
  outcomes: Map<string, StepOutcome>,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  if (writer === undefined) return undefined;
  const of = steps.applies.length + steps.prunes.length;
  let failure: Failure | undefined;
  let asked = false;
  for (const group of applyGroups(steps.applies.map((step) => ({ ...step, kind: step.desired.kind })))) {
    const early = group.every(({ kind }) => kind === 'Namespace' || kind === 'CustomResourceDefinition');
    if (!early && !asked) {
      asked = true;
      failure = await askAgain(context, plan, signal);
      if (failure !== undefined) return failure;
    }
    await mapBounded(group, context.atOnce ?? AT_ONCE, async ({ desired }) => {
      if (failure !== undefined) return;
      const outcome = await writer.apply(desired, signal);
      outcomes.set(objectKey(desired), outcome);
      context.onProgress?.({ step: 'apply', done: outcomes.size, of });
      if (outcome.state === 'failed') {
        failure ??= { message: `${objectName(desired)}: ${outcome.reason}`, interrupted: false };
      }
    });
    if (failure !== undefined) return failure;
    failure = await established(
      context,
      group.map(({ desired }) => desired),
      signal,
    );
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** What could not be asked before its namespace or its definition was there is asked now, before anything else is written. */
async function askAgain(
  context: DeliveryContext,
  plan: Plan,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const open = plan.items.filter(
    ({ planned }) =>
      planned.action === 'create' && (planned.checked === 'elsewhere' || planned.checked === 'definition'),
  );
  const set = plan.items.flatMap(({ desired }) => desired ?? []);
  const answers = await mapBounded(open, context.atOnce ?? AT_ONCE, async ({ desired }) => {
    if (desired === undefined) return undefined;
    const answer = await dryRun(desired, { client: context.client, signal, set, coming: new Set() });
    return answer.state === 'refused' ? `${objectName(desired)}: ${answer.message}` : undefined;
  });
  const refused = answers.filter((answer) => answer !== undefined);
  return refused.length === 0 ? undefined : { message: refused.join('; '), interrupted: false };
}

async function pruneAll(
  context: DeliveryContext,
  steps: PlannedSteps,
  writer: SetWriter | undefined,
  outcomes: Map<string, StepOutcome>,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  for (const { before } of steps.prunes) {
    if (writer === undefined) break;
    const outcome = await writer.prune(before, signal);
    outcomes.set(objectKey(before), outcome);
    context.onProgress?.({
      step: 'apply',
      done: outcomes.size,
      of: steps.applies.length + steps.prunes.length,
    });
    // A deletion that a finalizer holds cannot be taken back; it is told, and the rest stands.
    if (outcome.state === 'failed' && !outcome.reason.startsWith('it is being deleted')) {
      return { message: `${objectName(before)}: ${outcome.reason}`, interrupted: false };
    }
  }
  return undefined;
}

/** Waits until the API server serves the definitions that were just applied, so that their objects can follow. */
async function established(
  context: DeliveryContext,
  group: readonly KubeObject[],
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { client, clock, patienceMs = ESTABLISH_WAIT } = context;
  const definitions = group.filter((object) => object.kind === 'CustomResourceDefinition');
  const end = clock.now() + ESTABLISH_WAIT;
  for (const definition of definitions) {
    for (;;) {
      const live = await withPatience(clock, patienceMs, signal, () => client.get(refOf(definition), signal));
      if (hasCondition(live, 'Established')) break;
      if (clock.now() >= end) {
        const message = `${objectName(definition)} is not served ${ESTABLISH_WAIT / 1000} s after it was applied`;
        return { message, interrupted: false };
      }
      await sleep(clock, ESTABLISH_PAUSE, signal);
    }
  }
  if (definitions.length > 0) client.forgetKinds();
  return undefined;
}

/** What is there now of the set: as the server answered, and as it was found where nothing had to be written. */
function storedObjects(plan: Plan, outcomes: ReadonlyMap<string, StepOutcome>): readonly KubeObject[] {
  return plan.items.flatMap(({ planned, desired, before }) => {
    if (desired === undefined || planned.action === 'prune') return [];
    const outcome = outcomes.get(objectKey(desired));
    const stored = outcome?.state === 'done' ? outcome.object : before;
    return stored === undefined ? [] : [stored];
  });
}

function resultsOf(
  plan: Plan,
  outcomes: ReadonlyMap<string, StepOutcome>,
  unhealthy: HealthAnswer['reasons'],
): readonly ObjectResult[] {
  const sick = new Map(unhealthy.map(({ object, message }) => [object, message]));
  return plan.items.map(({ planned, desired, before }) => {
    const { action, apiVersion, kind, namespace, name, where } = planned;
    const object = desired ?? before;
    const outcome = object === undefined ? undefined : outcomes.get(objectKey(object));
    const written = action !== 'unchanged' && action !== 'skip';
    const illness = object === undefined ? undefined : sick.get(objectName(object));
    const state =
      outcome?.state === 'failed'
        ? 'failed'
        : written && outcome === undefined
          ? 'not-reached'
          : illness !== undefined
            ? 'unhealthy'
            : 'done';
    const message = outcome?.state === 'failed' ? outcome.reason : (illness ?? planned.notes.join('; '));
    return {
      action,
      apiVersion,
      kind,
      ...(namespace === undefined ? {} : { namespace }),
      name,
      state,
      message,
      ...(where === undefined ? {} : { where }),
    };
  });
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
