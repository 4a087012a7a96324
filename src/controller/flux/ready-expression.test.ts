import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { evaluates } from './health.ts';

function kustomization(name: string, version: string, more: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name, generation: 4, labels: { version } },
    ...more,
  };
}

const self = kustomization('shop', '2');
const status = {
  observedGeneration: 4,
  text: `${'a'.repeat(60)}!`,
  conditions: [{ type: 'Ready', status: 'True' }],
};
const dep = kustomization('base', '2', { status });

describe('readyExpr of a dependency', () => {
  it.each([
    ['self.metadata.labels.version == dep.metadata.labels.version', true],
    ['dep.metadata.generation == dep.status.observedGeneration', true],
    ["dep.status.conditions.exists(c, c.type == 'Ready' && c.status == 'False')", false],
    ["sets.contains(dep.status.conditions.map(c, c.type), ['Ready'])", true],
  ])('compares both objects: %s', (expression, wanted) => {
    expect(evaluates(expression, { self, dep })).toBe(wanted);
  });

  it.each([
    ['dep.status.missing == 1', 'No such key: missing'],
    ['1 + 1', 'gives int'],
    ['dep.', 'no CEL expression'],
    ["dep.status.text.matches('^(a+)+$')", 'timed out'],
  ])('is no answer, and holds nothing up, where it cannot be evaluated: %s', (expression, why) => {
    expect(() => evaluates(expression, { self, dep })).toThrow(why);
  });
});
