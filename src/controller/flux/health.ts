import { parse } from '@marcbachmann/cel-js';
import { LandfallError, getArray, getNumber, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { engineHealth } from '../../boundaries/sync/index.ts';

export type Readiness = 'Current' | 'InProgress' | 'Failed' | 'NotFound';

/** What an expression of Flux says; throws `invalid-input`, code `cel`, where it cannot be evaluated. */
export function evaluates(expression: string, values: Readonly<Record<string, unknown>>): boolean {
  let answer: unknown;
  try {
    answer = parse(expression)({ ...values });
  } catch (thrown) {
    throw new LandfallError(
      `failed to evaluate the CEL expression '${expression}': ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      { kind: 'invalid-input', code: 'cel', hint: 'Check the expression.' },
    );
  }
  if (typeof answer === 'boolean') return answer;
  throw new LandfallError(`the CEL expression '${expression}' gives no boolean`, {
    kind: 'invalid-input',
    code: 'cel',
    hint: 'Check the expression.',
  });
}

/** By the Kustomization's own expressions for its kind, else as kstatus reads conditions, workloads by their counts. */
export function readinessOf(object: KubeObject | undefined, expressions: readonly JsonValue[]): Readiness {
  if (object === undefined) return 'NotFound';
  if (object.metadata.deletionTimestamp !== undefined) return 'InProgress';
  const rule = expressions.find(
    (item) => getString(item, 'kind') === object.kind && getString(item, 'apiVersion') === object.apiVersion,
  );
  if (rule !== undefined) return byExpressions(object, rule);
  if (isBehind(object)) return 'InProgress';
  const health = engineHealth(object);
  if (health !== undefined && splitApiVersion(object.apiVersion).group !== 'argoproj.io') {
    if (health.status === 'Healthy' || health.status === 'Suspended') return 'Current';
    return health.status === 'Degraded' ? 'Failed' : 'InProgress';
  }
  const conditions = getArray(object, 'status', 'conditions');
  const status = (type: string) =>
    getString(
      conditions.find((item) => getString(item, 'type') === type),
      'status',
    );
  if (status('Stalled') === 'True') return 'Failed';
  if (status('Reconciling') === 'True') return 'InProgress';
  return status('Ready') === 'False' || status('Ready') === 'Unknown' ? 'InProgress' : 'Current';
}

function isBehind(object: KubeObject): boolean {
  const observed = getNumber(object, 'status', 'observedGeneration');
  return observed !== undefined && observed !== object.metadata.generation;
}

function byExpressions(object: KubeObject, rule: JsonValue): Readiness {
  if (isBehind(object)) return 'InProgress';
  const values = { status: {}, spec: {}, data: {}, ...object };
  const says = (field: string) => {
    const expression = getString(rule, field);
    if (expression === undefined || expression === '') return false;
    try {
      return evaluates(expression, values);
    } catch (thrown) {
      // A status that is not written yet has no such field: not that, then.
      if (thrown instanceof LandfallError && /No such key|no such|undefined/i.test(thrown.message))
        return false;
      throw thrown;
    }
  };
  if (says('inProgress')) return 'InProgress';
  if (says('failed')) return 'Failed';
  return says('current') ? 'Current' : 'InProgress';
}
