import { LandfallError, asLandfallError, getArray, getObject, getString } from '../../kernel/index.ts';
import type { Clock, JsonObject } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { EventRecorder } from '../events.ts';
import { failurePolicyProblems } from '../failure-policy.ts';
import type { Turn } from '../queue.ts';
import { failed } from './failure.ts';
import type { Failure, Next } from './failure.ts';
import { refusedFields } from './fields.ts';
import { rulesOf } from './health.ts';
import { conditionOf, handled, withConditions, writeStatus } from './kinds.ts';
import type { Conditions } from './kinds.ts';

/** Throws what the status says of a spec that cannot be done as it is written. */
export function checkSpec(object: KubeObject): void {
  const [problem] = failurePolicyProblems(object);
  if (problem !== undefined) throw failed({ reason: 'InvalidSpec', message: problem, stalled: true });
  const [refused] = refusedFields(object);
  if (refused !== undefined) throw failed({ reason: 'Unsupported', message: refused, stalled: true });
  try {
    rulesOf(getArray(object, 'spec', 'healthCheckExprs'));
  } catch (thrown) {
    const message = `Reconciliation failed terminally due to configuration error: ${asLandfallError(thrown).message}`;
    throw failed({ reason: 'InvalidCELExpression', message, stalled: true });
  }
}

/**
 * What the status says of an error: what it carries, or what `known` makes of it. Throws the error itself where it is
 * about this turn only.
 */
export function failureBehind(
  thrown: unknown,
  known: (error: LandfallError) => Failure | undefined,
): Failure {
  const error = asLandfallError(thrown);
  if (thrown instanceof LandfallError && 'failure' in thrown) return thrown.failure as Failure;
  if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
  const failure = known(error);
  if (failure === undefined) throw error;
  return failure;
}

/** What is particular to a kind. */
interface Said {
  readonly ready?: 'False' | 'Unknown';
  readonly reconciling: string;
  readonly conditions?: Conditions;
  /** More of the status, given the stored object. */
  readonly status?: (stored: KubeObject) => JsonObject;
  /** Ms until it is tried again. */
  readonly retry: number;
}

/** Says why a reconciliation stopped, and when it goes on. */
export async function reportFailure(
  {
    client,
    clock,
    events,
  }: { readonly client: KubeClient; readonly clock: Clock; readonly events: EventRecorder },
  object: KubeObject,
  failure: Failure,
  said: Said,
  turn: Turn,
): Promise<Next> {
  const { reason, message, stalled = false } = failure;
  // The stored one: an inventory that was written in this turn stays.
  const stored = (await client.get(refOf(object), turn.signal)) ?? object;
  const ready = { status: said.ready ?? 'False', reason, message } as const;
  const changes: Conditions = {
    Ready: ready,
    Reconciling: stalled
      ? undefined
      : { status: 'True', reason: 'ProgressingWithRetry', message: said.reconciling.slice(0, 1000) },
    Stalled: stalled ? { ...ready, status: 'True' } : undefined,
    ...said.conditions,
  };
  await writeStatus(
    client,
    stored,
    {
      ...getObject(stored, 'status'),
      // What somebody asked for while this turn ran is for the next one.
      ...handled(object),
      // Nothing more is done for this generation: who reads it must not think that it is under way.
      ...(stalled ? { observedGeneration: object.metadata.generation ?? 1 } : {}),
      ...said.status?.(stored),
      conditions: withConditions(stored, changes, clock.now()),
    },
    turn.signal,
  );
  const before = conditionOf(object, 'Ready');
  if (getString(before, 'message') !== message || getString(before, 'reason') !== reason) {
    await events.record(object, failure.type ?? 'Warning', reason, message, turn.signal);
  }
  return stalled && failure.again === undefined ? undefined : { again: failure.again ?? said.retry };
}
