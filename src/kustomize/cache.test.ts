import { setTimeout as later } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { createRenderCache, memoryTree } from './index.ts';

function tree(value: string, size = 0) {
  return memoryTree({
    'a/kustomization.yaml': 'resources: [map.yaml]\n',
    'a/map.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {k: ${value}}\n${'#'.repeat(size)}`,
  });
}

test('folders of the same name in two repositories are kept apart', async () => {
  const cache = createRenderCache();
  const [one, two] = [cache.within('one'), cache.within('two')];
  expect((await one.render(tree('x'), 'a')).yaml).toContain('k: x');
  expect((await two.render(tree('z'), 'a')).yaml).toContain('k: z');
  expect((await one.render(tree('x'), 'a')).yaml).toContain('k: x');
  expect(cache.statistics).toMatchObject({ hits: 1, misses: 2, entries: 2 });
});

test('no more is kept than the bounds say, and what was used last stays', async () => {
  const cache = createRenderCache({ maxEntries: 2 });
  for (const name of ['one', 'two', 'one', 'three', 'one']) await cache.within(name).render(tree('x'), 'a');
  expect(cache.statistics).toMatchObject({ hits: 2, misses: 3, entries: 2 });
  await cache.within('two').render(tree('x'), 'a');
  expect(cache.statistics).toMatchObject({ hits: 2, misses: 4, entries: 2 });
});

test('what is too large for the cache is rendered and not kept, and drives nothing out', async () => {
  const cache = createRenderCache({ maxBytes: 2 ** 20 });
  await cache.render(tree('x'), 'a');
  const { bytes } = cache.statistics;
  expect(bytes).toBeGreaterThan(0);
  expect((await cache.within('large').render(tree('x', 2 ** 17), 'a')).yaml).toContain('k: x');
  expect(cache.statistics).toMatchObject({ entries: 1, bytes });
});

test('a render that was replaced is not held by the one that was made with its help', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const cache = createRenderCache();
  const first = new WeakRef(await cache.render(tree('v0'), 'a'));
  for (const value of ['v1', 'v2', 'v3']) await cache.render(tree(value), 'a');
  // A target of a weak reference lives at least until the job that made it has ended.
  await later(0);
  collect();
  expect(first.deref()).toBeUndefined();
});
