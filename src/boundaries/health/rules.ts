import { getIn, LandfallError } from '../../kernel/index.ts';
import { objectName, splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { compileExpression, expressionProblem } from './expressions.ts';
import type { Expression } from './expressions.ts';
import { deadlineAfter, until } from './facts.ts';
import type { ObjectHealth } from './facts.ts';

/**
 * How to tell the health of a kind, in CEL: Flux' `healthCheckExprs`, and `health` in landfall.yaml. The object's
 * top-level fields (`status`, `metadata`, ...) are the variables.
 */
export interface HealthRule {
  readonly apiVersion: string;
  /** Left out: every kind of the group. */
  readonly kind?: string;
  /** Left out: any; `*` stands for any characters. */
  readonly name?: string;
  readonly namespace?: string;
  readonly current: string;
  readonly inProgress?: string;
  readonly failed?: string;
}

export type RuleStatus = 'Current' | 'InProgress' | 'Failed';

/** Rules that were compiled. Not plain data, unlike everything else that is judged. */
export interface HealthRules {
  /** The rule for an object: of its kind before its group's, of several the first. */
  readonly ruleFor: (object: KubeObject) => CompiledRule | undefined;
}

export interface CompiledRule {
  readonly rule: HealthRule;
  /**
   * What the rule says, in Flux' order: an older observedGeneration and inProgress, then failed, then current; in
   * progress where none is true. An expression that cannot be evaluated, for want of a field, is an error.
   * Source: fluxcd/pkg `runtime/cel`, Flux RFC 0009.
   */
  readonly evaluate: (
    object: KubeObject,
  ) => { readonly status: RuleStatus; readonly by?: string } | { readonly error: string };
}

const EXPRESSIONS = ['current', 'inProgress', 'failed'] as const;

/** What is wrong with a rule, by field. */
export function ruleProblems(
  rule: Partial<Record<(typeof EXPRESSIONS)[number], string | undefined>>,
): readonly { readonly field: (typeof EXPRESSIONS)[number]; readonly problem: string }[] {
  return EXPRESSIONS.flatMap((field) => {
    const text = rule[field];
    const problem = text === undefined ? undefined : expressionProblem(text);
    return problem === undefined ? [] : [{ field, problem }];
  });
}

function compileRule(rule: HealthRule): CompiledRule {
  const [first] = ruleProblems(rule);
  if (first !== undefined)
    throw new LandfallError(
      `The health rule for ${rule.kind ?? rule.apiVersion}, ${first.field}: ${first.problem}.`,
      {
        kind: 'invalid-input',
        code: 'health-rule',
        object: `${rule.apiVersion} ${rule.kind ?? '*'}`,
        hint: 'Mend the expression; https://cel.dev describes the language.',
      },
    );
  const steps: readonly (readonly [RuleStatus, Expression])[] = (
    [
      ['InProgress', rule.inProgress],
      ['Failed', rule.failed],
      ['Current', rule.current],
    ] as const
  ).flatMap(([status, text]) =>
    text === undefined || text === '' ? [] : [[status, compileExpression(text)] as const],
  );
  return {
    rule,
    evaluate(object) {
      const observed = getIn(object, 'status', 'observedGeneration');
      const generation = getIn(object, 'metadata', 'generation');
      if (Number.isInteger(observed) && Number.isInteger(generation) && observed !== generation)
        return { status: 'InProgress' };
      for (const [status, expression] of steps) {
        const found = expression.evaluate(object);
        if ('error' in found) return found;
        if (found.value) return { status, by: expression.text };
      }
      return { status: 'InProgress' };
    },
  };
}

function matches(pattern: string | undefined, value: string | undefined): boolean {
  if (pattern === undefined || pattern === '' || pattern === '*') return true;
  const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(value ?? '');
}

/** Compiles rules. Throws `invalid-input` for one whose expression is none. */
export function compileHealthRules(rules: readonly HealthRule[]): HealthRules {
  const compiled = rules.map(compileRule);
  return {
    ruleFor(object) {
      const { group } = splitApiVersion(object.apiVersion);
      const fitting = compiled.filter(
        ({ rule }) =>
          splitApiVersion(rule.apiVersion).group === group &&
          matches(rule.name, object.metadata.name) &&
          matches(rule.namespace, object.metadata.namespace),
      );
      return (
        fitting.find(({ rule }) => rule.kind === object.kind) ??
        fitting.find(({ rule }) => rule.kind === undefined || rule.kind === '')
      );
    },
  };
}

/** The health of an object by somebody's own rule. */
export function ruleHealth({ evaluate }: CompiledRule, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const found = evaluate(live);
  const deadline = deadlineAfter(live);
  if ('error' in found)
    return until(
      { reason: 'rule-error', text: `the health rule for ${name} gives no answer: ${found.error}` },
      deadline,
      now,
      'unknown',
    );
  const by = found.by === undefined ? '' : `: ${found.by}`;
  if (found.status === 'Current')
    return { state: 'proven', reason: 'rule', text: `${name} is current by its rule${by}` };
  if (found.status === 'Failed')
    return { state: 'broken', reason: 'rule', text: `${name} has failed by its rule${by}` };
  return until({ reason: 'rule', text: `${name} is in progress by its rule${by}` }, deadline, now);
}
