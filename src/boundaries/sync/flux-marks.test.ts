import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../kube/index.ts';
import { fluxManner, fluxPrunes } from './flux-marks.ts';

function object(mark?: string, value = '', where: 'labels' | 'annotations' = 'annotations'): KubeObject {
  const marks = mark === undefined ? {} : { [`kustomize.toolkit.fluxcd.io/${mark}`]: value };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', [where]: marks } };
}

const PLAIN = { apply: true, force: false, takeOver: true };

describe("Flux's marks on objects", () => {
  it.each<[string, KubeObject, KubeObject | undefined, object]>([
    ['none', object(), object(), PLAIN],
    ['ssa: Override', object('ssa', 'Override'), object(), PLAIN],
    ['ssa: Merge', object('ssa', 'Merge'), object(), { ...PLAIN, takeOver: false }],
    ['ssa: merge on the stored one', object(), object('ssa', 'merge'), { ...PLAIN, takeOver: false }],
    ['ssa: IfNotPresent, and it is not', object('ssa', 'IfNotPresent'), undefined, PLAIN],
    ['ssa: IfNotPresent, and it is', object('ssa', 'IfNotPresent'), object(), { ...PLAIN, apply: false }],
    ['ssa: Ignore', object('ssa', 'Ignore'), undefined, { ...PLAIN, apply: false }],
    [
      'reconcile: disabled as a label of the stored one',
      object(),
      object('reconcile', 'disabled', 'labels'),
      { ...PLAIN, apply: false },
    ],
    ['force: enabled', object('force', 'enabled'), object(), { ...PLAIN, force: true }],
    ['force: disabled', object('force', 'disabled'), object(), PLAIN],
  ])('%s', (_, desired, live, expected) => {
    expect(fluxManner(desired, live, false)).toEqual(expected);
  });

  it('are added to by the force of the Kustomization', () => {
    expect(fluxManner(object(), object(), true).force).toBe(true);
  });

  it.each<[string, string, boolean]>([
    ['prune', 'disabled', false],
    ['prune', 'Disabled', false],
    ['reconcile', 'disabled', false],
    ['ssa', 'Ignore', false],
    ['ssa', 'Merge', true],
    ['prune', 'enabled', true],
  ])('%s: %s decides about pruning', (mark, value, expected) => {
    expect(fluxPrunes(object(mark, value))).toBe(expected);
  });
});
