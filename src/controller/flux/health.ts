import { LandfallError, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import {
  compileExpression,
  compileHealthRules,
  engineReading,
  expressionProblem,
  lookAtHealth,
  objectHealth,
} from '../../boundaries/health/index.ts';
import type { HealthRules } from '../../boundaries/health/index.ts';

export type Readiness = 'Current' | 'InProgress' | 'Failed' | 'NotFound';

/** What an expression of Flux says; throws `invalid-input`, code `cel`, where it cannot be evaluated. */
export function evaluates(expression: string, values: Readonly<Record<string, KubeObject>>): boolean {
  const problem = expressionProblem(expression);
  const answer = problem === undefined ? compileExpression(expression).evaluate(values) : { error: problem };
  if ('value' in answer) return answer.value;
  throw new LandfallError(`failed to evaluate the CEL expression '${expression}': ${answer.error}`, {
    kind: 'invalid-input',
    code: 'cel',
    hint: 'Check the expression.',
  });
}

/** The expressions of a Kustomization. Throws `invalid-input` for one that is none. */
export function rulesOf(expressions: readonly JsonValue[]): HealthRules {
  return compileHealthRules(
    expressions.map((item) => {
      const text = (field: string) => getString(item, field);
      const [kind, inProgress, failed] = [text('kind'), text('inProgress'), text('failed')];
      return {
        apiVersion: text('apiVersion') ?? '',
        current: text('current') ?? '',
        ...(kind === undefined ? {} : { kind }),
        ...(inProgress === undefined ? {} : { inProgress }),
        ...(failed === undefined ? {} : { failed }),
      };
    }),
  );
}

/**
 * By the Kustomization's own expressions for its kind, else as kstatus reads conditions and workloads, which is what
 * Flux waits for. `now` in ms.
 */
export function readinessOf(object: KubeObject | undefined, rules: HealthRules, now: number): Readiness {
  if (object === undefined) return 'NotFound';
  if (object.metadata.deletionTimestamp !== undefined) return 'InProgress';
  const rule = rules.ruleFor(object);
  if (rule !== undefined) {
    const found = rule.evaluate(object);
    // A status that is not written yet has no such field.
    return 'error' in found ? 'InProgress' : found.status;
  }
  const status = engineReading(object, 'kstatus', now)?.status;
  return status === 'Current' || status === 'Failed' ? status : 'InProgress';
}

/**
 * Which of the objects are not usable, though they say that they are: a pod that crashes again and again, a Service
 * without endpoints. Looks once, and waits for nothing.
 */
export async function unusable(
  client: KubeClient,
  objects: readonly KubeObject[],
  rules: HealthRules,
  now: number,
  signal: AbortSignal,
): Promise<ReadonlySet<KubeObject>> {
  const judged = objects.filter((object) => rules.ruleFor(object) === undefined);
  const subjects = await lookAtHealth(client, judged, rules, signal);
  return new Set(
    subjects.flatMap((subject) => {
      const { state } = objectHealth(subject, now);
      return state === 'moving' || state === 'broken' ? [subject.object] : [];
    }),
  );
}
