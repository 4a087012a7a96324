import { getArray, getIn, getObject, getString, textOf } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';

/** The steps of a progressive sync, and which Application is synced in which of them. */
export interface Steps {
  /** Names of the Applications of each step. */
  readonly members: readonly (readonly string[])[];
  /** The first step that selects it, from 0; an Application that none selects is in none, and synced by people. */
  readonly stepOf: ReadonlyMap<string, number>;
  /** How many of a step may be synced at a time, given how many it has. */
  readonly limit: (step: number, count: number) => number;
  /** What is wrong with the steps, the worst of it; undefined: nothing. */
  readonly problem: string | undefined;
}

/** `spec.strategy.rollingSync` where that is the strategy; undefined: everything at once. */
export function rollingSync(set: KubeObject): readonly JsonValue[] | undefined {
  const strategy = getObject(set, 'spec', 'strategy');
  const rolling = getObject(strategy, 'rollingSync');
  return getString(strategy, 'type') !== 'RollingSync' || rolling === undefined
    ? undefined
    : getArray(rolling, 'steps');
}

/** Applications go in the reverse order of their steps when their set is deleted. */
export function isReversed(set: KubeObject): boolean {
  const order = getString(set, 'spec', 'strategy', 'deletionOrder') ?? '';
  return (rollingSync(set)?.length ?? 0) > 0 && order.toLowerCase() === 'reverse';
}

/** Sorts Applications into steps by their labels. Source: Argo CD applicationset/progressivesync. */
export function stepsOf(steps: readonly JsonValue[], applications: readonly KubeObject[]): Steps {
  const members = steps.map((step) =>
    applications.filter((application) => isSelected(step, application)).map(({ metadata }) => metadata.name),
  );
  const stepOf = new Map<string, number>();
  const doubles = new Map<string, number[]>();
  for (const [index, names] of members.entries()) {
    for (const name of names) {
      const first = stepOf.get(name);
      if (first === undefined) stepOf.set(name, index);
      else doubles.set(name, [...(doubles.get(name) ?? [first]), index]);
    }
  }
  return {
    members,
    stepOf,
    limit: (step, count) => limitOf(getIn(steps[step], 'maxUpdate'), count) ?? 1,
    problem:
      operatorProblem(steps, applications) ??
      doubleProblem(doubles) ??
      limitProblem(steps) ??
      emptyProblem(members),
  };
}

function expressions(step: JsonValue): readonly JsonValue[] {
  return getArray(step, 'matchExpressions');
}

function isSelected(step: JsonValue, application: KubeObject): boolean {
  return expressions(step).every((expression) => {
    const value = application.metadata.labels?.[getString(expression, 'key') ?? ''];
    const operator = getString(expression, 'operator') ?? '';
    if (value === undefined) return operator !== 'In';
    const isListed = getArray(expression, 'values').includes(value);
    return operator === 'In' ? isListed : operator === 'NotIn' && !isListed;
  });
}

/** Undefined where it is no number and no percentage. */
function limitOf(maxUpdate: JsonValue | undefined, count: number): number | undefined {
  if (maxUpdate === undefined || maxUpdate === null) return Infinity;
  if (typeof maxUpdate === 'number') return maxUpdate;
  const [, percent] = /^(\d+)%$/.exec(textOf(maxUpdate)) ?? [];
  if (percent === undefined) return undefined;
  if (Number(percent) === 0) return 0;
  return Math.max(1, Math.floor((count * Number(percent)) / 100));
}

function listed(numbers: readonly number[]): string {
  return numbers.map((index) => index + 1).join(', ');
}

function plural(one: string, indexes: readonly number[], rest: readonly [string, string]): string {
  return indexes.length === 1
    ? `${one} ${listed(indexes)} ${rest[0]}`
    : `${one}s ${listed(indexes)} ${rest[1]}`;
}

function operatorProblem(
  steps: readonly JsonValue[],
  applications: readonly KubeObject[],
): string | undefined {
  const found = steps.flatMap((step, index) =>
    [
      ...new Set(
        expressions(step)
          .filter((each) => isJudged(each, applications))
          .map((each) => getString(each, 'operator') ?? ''),
      ),
    ]
      .filter((operator) => operator !== 'In' && operator !== 'NotIn')
      .map((operator) => ({ index, operator })),
  );
  if (found.length === 0) return undefined;
  const operators = found.map(({ operator }) => operator).join(', ');
  const said = plural(
    'Step',
    found.map(({ index }) => index),
    ['has', 'have'],
  );
  return `${said} invalid matchExpression operators: ${operators}. Supported Operators are 'In' and 'NotIn'`;
}

function isJudged(expression: JsonValue, applications: readonly KubeObject[]): boolean {
  const key = getString(expression, 'key') ?? '';
  return applications.some(({ metadata }) => metadata.labels?.[key] !== undefined);
}

function doubleProblem(doubles: ReadonlyMap<string, readonly number[]>): string | undefined {
  if (doubles.size === 0) return undefined;
  const found = [...doubles].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const names = found.map(([name]) => `'${name}'`).join(', ');
  const at = found.map(([, steps]) => `(${steps.map((index) => index + 1).join('-')})`).join(', ');
  return found.length === 1
    ? `Application ${names} is selected by multiple steps: ${at}`
    : `Applications ${names} are selected by multiple steps: [${at}]`;
}

function limitProblem(steps: readonly JsonValue[]): string | undefined {
  const wrong = steps.flatMap((step, index) =>
    limitOf(getIn(step, 'maxUpdate'), 1) === undefined ? [index] : [],
  );
  if (wrong.length === 0) return undefined;
  const values = wrong.map((index) => textOf(getIn(steps[index], 'maxUpdate'))).join(', ');
  return wrong.length === 1
    ? `Step ${listed(wrong)} has an invalid maxUpdate value: ${values}`
    : `Steps ${listed(wrong)} have invalid maxUpdate values: [${values}]`;
}

function emptyProblem(members: readonly (readonly string[])[]): string | undefined {
  const empty = members.flatMap((names, index) => (names.length === 0 ? [index] : []));
  if (empty.length === 0) return undefined;
  return `Steps [${empty.map((index) => index + 1).join(' ')}] have no applications matching their criteria`;
}
