import { mapBounded, sleep } from '../kernel/index.ts';
import { objectName, refOf } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { objectKey } from '../boundaries/index.ts';
import type { DeliveryContext } from './delivery.ts';
import { dryRun } from './dry-run.ts';
import { applyGroups, definitionOf, kindRank } from './order.ts';
import type { Plan, PlannedSteps } from './plan.ts';
import { hasCondition } from './restoration.ts';
import type { SetWriter, StepOutcome } from './set.ts';
import { withPatience } from './trouble.ts';

const ESTABLISH_WAIT = 30_000;
const ESTABLISH_PAUSE = 100;
const SCHEMA_WAIT = 5000;
const AT_ONCE = 16;

/** Why a set could not be applied, as far as it got. */
export interface Failure {
  readonly message: string;
  readonly interrupted: boolean;
}

/** The writes of a plan, in the order in which they depend on each other. */
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

/** Group after group, in the order in which they depend on each other. The first failure ends it. */
export async function applyAll(
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
      failure = await askAgain(context, plan, outcomes, signal);
      if (failure !== undefined) return failure;
    }
    // In one write of the ledger with how the group before went.
    await writer.begin(group.map(({ desired }) => desired));
    await mapBounded(group, context.atOnce ?? AT_ONCE, async ({ desired }) => {
      if (failure !== undefined) return;
      const outcome = await writer.apply(desired, signal);
      outcomes.set(objectKey(desired), outcome);
      context.onProgress?.({ step: 'apply', done: outcomes.size, of });
      if (outcome.state === 'failed') {
        failure ??= { message: `${objectName(desired)}: ${outcome.reason}`, interrupted: false };
      }
    });
    failure ??= await established(
      context,
      group.map(({ desired }) => desired),
      signal,
    );
    if (failure !== undefined) break;
  }
  await writer.settled();
  return failure;
}

/** What could not be asked before its namespace or its definition was there is asked now, before anything else is written. */
async function askAgain(
  context: DeliveryContext,
  plan: Plan,
  outcomes: Map<string, StepOutcome>,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const open = plan.items.filter(
    ({ planned: { action, checked } }) =>
      checked === 'definition' || (action === 'create' && checked === 'elsewhere'),
  );
  const changed = plan.items.flatMap(({ planned, desired }) =>
    planned.action === 'change' ? (desired ?? []) : [],
  );
  const answers = await mapBounded(open, context.atOnce ?? AT_ONCE, async ({ desired }) => {
    if (desired === undefined) return undefined;
    const isServed = definitionOf(desired, changed) === undefined;
    const refused = await askOnce(context, desired, isServed ? 0 : SCHEMA_WAIT, signal);
    if (refused === undefined) return undefined;
    outcomes.set(objectKey(desired), { state: 'failed', why: 'refused', reason: refused });
    return `${objectName(desired)}: ${refused}`;
  });
  const refused = answers.filter((answer) => answer !== undefined);
  return refused.length === 0 ? undefined : { message: refused.join('; '), interrupted: false };
}

/**
 * Why the server refuses an object by what it knows itself; undefined where it does not. An API server goes on with the
 * old schema of a definition for a moment after that was changed: what it refuses is asked again for `patienceMs`.
 */
async function askOnce(
  { client, clock }: DeliveryContext,
  desired: KubeObject,
  patienceMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const end = clock.now() + patienceMs;
  for (;;) {
    const answer = await dryRun(desired, { client, signal, set: [], coming: new Set() });
    if (answer.state === 'accepted') return undefined;
    if (clock.now() >= end) return answer.message;
    await sleep(clock, ESTABLISH_PAUSE, signal);
  }
}

export async function pruneAll(
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
