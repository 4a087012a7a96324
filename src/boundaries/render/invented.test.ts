import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../kube/index.ts';
import { withoutInvented } from './invented.ts';

const secret = (name: string, key: string, list: readonly string[] = ['a']): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, annotations: { sum: key, kept: 'yes' } },
  stringData: { key, user: 'shop' },
  list: [...list],
});

describe('two renderings of a chart', () => {
  it('keep what they agree about', () => {
    expect(withoutInvented([secret('a', 'x')], [secret('a', 'x')])).toEqual([secret('a', 'x')]);
    expect(withoutInvented([secret('a', 'x')], [secret('a', 'y')])).toMatchObject([
      { metadata: { name: 'a', annotations: { kept: 'yes' } }, stringData: { user: 'shop' }, list: ['a'] },
    ]);
  });

  it('leave out the values, the lists and the objects that are made up anew each time', () => {
    const [object] = withoutInvented([secret('a', 'x', ['1', '2'])], [secret('a', 'y', ['1', '3'])]);
    expect(object?.['stringData']).not.toHaveProperty('key');
    expect(object?.metadata.annotations).not.toHaveProperty('sum');
    expect(object).not.toHaveProperty('list');
    expect(withoutInvented([secret('job-x', 'k')], [secret('job-y', 'k')])).toEqual([]);
  });
});
