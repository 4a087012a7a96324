import { expect, it } from 'vitest';
import type { RenderedFacts } from '../boundaries/index.ts';
import { inventoryOf } from './inventory.ts';

function facts(name: string, annotations: Readonly<Record<string, string>>, data: string): RenderedFacts {
  return {
    object: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'n', annotations },
      data: { data },
    },
    why: () => [],
  };
}

it('expects neither hooks, nor what is to be skipped, nor an object that is overridden by its double to be in the cluster', () => {
  const kept = inventoryOf([
    facts('migrate', { 'argocd.argoproj.io/hook': 'PreSync' }, ''),
    facts('test', { 'helm.sh/hook': 'test' }, ''),
    facts('kept-for-later', { 'argocd.argoproj.io/hook': 'Skip' }, ''),
    facts('a', {}, 'first'),
    facts('a', {}, 'last'),
  ]);
  expect(kept.map(({ object }) => [object.metadata.name, object['data']])).toEqual([['a', { data: 'last' }]]);
});
