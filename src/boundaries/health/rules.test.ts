import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { compileExpression, expressionProblem } from './expressions.ts';
import { objectHealth } from './object.ts';
import { compileHealthRules } from './rules.ts';
import type { HealthRule } from './rules.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

function object(fields: JsonObject, name = 'db'): KubeObject {
  const { metadata, ...rest } = fields;
  return {
    apiVersion: 'example.com/v1',
    kind: 'Database',
    ...rest,
    metadata: { name, namespace: 'shop', ...(metadata as JsonObject | undefined) },
  };
}

function rule(more: Partial<HealthRule> = {}): HealthRule {
  return { apiVersion: 'example.com/v1', kind: 'Database', current: 'data.current', ...more };
}

function says(given: HealthRule, fields: JsonObject): string {
  const found = compileHealthRules([given]).ruleFor(object(fields))?.evaluate(object(fields));
  return found === undefined ? 'no rule' : 'error' in found ? `error ${found.error}` : found.status;
}

const ALL = rule({ current: 'data.current', inProgress: 'data.inProgress', failed: 'data.failed' });
const FILTER = rule({
  failed: "status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'False')",
  current: "status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')",
});
const data = (current: boolean, inProgress: boolean, failed: boolean) => ({
  data: { current, inProgress, failed },
});

describe('a health rule, as Flux evaluates it', () => {
  it.each([
    ['in progress comes first', ALL, data(true, true, true), 'InProgress'],
    ['failed comes before current', ALL, data(true, false, true), 'Failed'],
    ['current when nothing else is', ALL, data(true, false, false), 'Current'],
    ['in progress when nothing is true', ALL, data(false, false, false), 'InProgress'],
    [
      'in progress while another generation was observed, whatever the expressions say',
      rule({ current: 'true' }),
      { metadata: { generation: 2 }, status: { observedGeneration: 1 } },
      'InProgress',
    ],
    [
      'generations that are no numbers are left to the expressions',
      rule({ current: "status.observedGeneration == '2'" }),
      { metadata: { generation: 2 }, status: { observedGeneration: '2' } },
      'Current',
    ],
    ['all of no conditions are False, as in CEL', FILTER, { status: { conditions: [] } }, 'Failed'],
    [
      'whole numbers are ints',
      rule({ current: 'status.ready / 2 == 1' }),
      { status: { ready: 3 } },
      'Current',
    ],
  ] as const)('%s', (_, given, fields, wanted) => {
    expect(says(given, fields as unknown as JsonObject)).toBe(wanted);
  });

  it.each([
    ['a field that is missing', FILTER, { status: {} }, /No such key: conditions/],
    ['no status at all, even below has()', rule({ current: 'has(status.ready)' }), {}, /status/],
    [
      'a value that is neither true nor false',
      rule({ current: 'status.phase' }),
      { status: { phase: 'Up' } },
      /true or false/,
    ],
  ] as const)('is an error for %s', (_, given, fields, wanted) => {
    expect(says(given, fields as unknown as JsonObject)).toMatch(wanted);
  });

  it('knows objects of its group whatever their version, its kind before its group, and names by pattern', () => {
    const rules = compileHealthRules([
      rule({ current: 'true', kind: '' }),
      rule({ current: 'false', apiVersion: 'example.com/v1beta1', name: 'db-*', namespace: 'shop' }),
    ]);
    expect(rules.ruleFor(object({}, 'db-1'))?.rule.current).toBe('false');
    expect(rules.ruleFor(object({}, 'other'))?.rule.current).toBe('true');
    expect(rules.ruleFor({ ...object({}), apiVersion: 'other.com/v1' })).toBeUndefined();
  });
});

describe('an expression', () => {
  it.each([
    ['text that is none', 'status.', /no CEL expression/],
    ['what gives a number', '1 + 1', /gives int/],
    ['types that do not fit', "'a' + 1 == 2", /no such overload/],
    ['nothing', '  ', /empty/],
    ['too much text', `${'true && '.repeat(1000)}true`, /longer/],
    ['too much nesting', `${'('.repeat(80)}true${')'.repeat(80)}`, /no CEL expression/],
  ])('is refused before anything runs: %s', (_, text, problem) => {
    expect(expressionProblem(text)).toMatch(problem);
  });

  it.each([
    "sets.contains(spec.zones, ['a']) && sets.equivalent(spec.zones, ['b', 'a'])",
    "!sets.intersects(spec.zones, ['c', 1]) && sets.contains([1, 2.5], [1.0])",
    "base64.encode(b'up') == 'dXA=' && string(base64.decode('dXA')) == 'up'",
    "'a-b-c'.replace('-', '', 1) == 'ab-c' && 'a-b'.replace('-', '+') == 'a+b' && 'abc'.reverse() == 'cba'",
    "'%s is %d of %.1f%% (%x)'.format(['it', spec.size, 12.25, 255]) == 'it is 3 of 12.3% (ff)'",
    `strings.quote('a "b"') == '"a \\\\"b\\\\""'`,
    "string(timestamp('2026-03-01T00:00:00Z')) == '2026-03-01T00:00:00Z'",
    "'é!'.charAt(1) == '!' && 'ab'.charAt(2) == ''",
    'spec.size == 3.0 && spec.size < 3.5 && spec.size in [1, 2, 3]',
    "spec.?phase.orValue('none') == 'none'",
  ])('has what Flux adds to the language: %s', (text) => {
    const subject = object({ spec: { zones: ['a', 'b'], size: 3 } });
    expect(expressionProblem(text)).toBeUndefined();
    expect(compileExpression(text).evaluate(subject)).toEqual({ value: true });
  });

  it.each([
    ["base64.decode('no!') == b''", 'illegal base64'],
    ["'%d'.format(['a']) == ''", 'a number is wanted'],
    ["'%s %s'.format(['a']) == ''", 'out of range'],
    ["'%y'.format(['a']) == ''", 'unrecognized formatting clause'],
    ["'abc'.charAt(4) == ''", 'out of range'],
  ])('gives no answer where it has none: %s', (text, why) => {
    const found = compileExpression(text).evaluate(object({}));
    expect('error' in found ? found.error : '').toContain(why);
  });

  it('is stopped when it takes too long, and the next one runs', () => {
    const slow = compileExpression("status.text.matches('^(a+)+$')").evaluate(
      object({ status: { text: `${'a'.repeat(60)}!` } }),
    );
    expect(slow).toHaveProperty('error');
    expect(compileExpression('status.ok').evaluate(object({ status: { ok: true } }))).toEqual({
      value: true,
    });
  });

  it('sees nothing but the fields of the object', () => {
    expect(compileExpression('constructor == 1').evaluate(object({}))).toHaveProperty('error');
    expect(compileExpression('status.__proto__ == 1').evaluate(object({ status: {} }))).toHaveProperty(
      'error',
    );
  });
});

describe('the health of an object with a rule', () => {
  const rules = compileHealthRules([
    rule({ current: 'status.up', failed: "status.phase == 'Dead'" }),
    { apiVersion: 'apps/v1', kind: 'Deployment', current: 'status.extra' },
  ]);
  const health = (fields: JsonObject, writtenAt = '2026-03-01T11:59:00Z') => {
    const live = object({ metadata: { creationTimestamp: writtenAt }, ...fields });
    const { state, reason } = objectHealth(
      { object: live, live: { state: 'read', value: live }, pods: undefined, rules },
      NOW,
    );
    return `${state} ${reason}`;
  };

  it('is what the rule says, and open for as long as the rule gives no answer', () => {
    expect(health({ status: { up: true, phase: 'Up' } })).toBe('proven rule');
    expect(health({ status: { up: true, phase: 'Dead' } })).toBe('broken rule');
    expect(health({ status: { up: false, phase: 'Up' } })).toBe('moving rule');
    expect(health({})).toBe('moving rule-error');
    expect(health({}, '2026-02-28T12:00:00Z')).toBe('unknown rule-error');
  });

  it('never makes a workload healthy whose pods are not known to be', () => {
    const live = object({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: { template: { spec: { containers: [] } } },
      status: { extra: true },
    });
    const found = objectHealth(
      { object: live, live: { state: 'read', value: live }, pods: undefined, rules },
      NOW,
    );
    expect(found).toMatchObject({ state: 'unknown', reason: 'pods-unreadable' });
  });
});
