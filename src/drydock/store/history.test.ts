import { expect, it } from 'vitest';
import type { KubeObject } from '../api/contract.ts';
import { Store } from './store.ts';
import { MAX_HISTORY_BYTES } from './table.ts';

const TABLE = '/configmaps';
const map = (name: string, text: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { text },
});

it('few but large changes are not kept beyond a bound of bytes', () => {
  const store = new Store();
  const size = 1024 * 1024;
  const count = Math.ceil(MAX_HISTORY_BYTES / size) + 8;
  // One text for all: what is counted is what each would bring with it over the wire.
  const text = 'x'.repeat(size);
  for (let index = 0; index < count; index++) store.put(TABLE, map('big', text));
  const table = store.table(TABLE);
  expect(table.changesAfter(1)).toBeUndefined();
  const kept = table.changesAfter(table.compactedAt)?.length ?? 0;
  expect(kept).toBeGreaterThan(count / 4);
  expect(kept * size).toBeLessThanOrEqual(MAX_HISTORY_BYTES);
});

it('small changes are kept by their number', () => {
  const store = new Store({ keptChanges: 100 });
  for (let index = 0; index < 1000; index++) store.put(TABLE, map('small', `value ${index}`));
  const table = store.table(TABLE);
  const kept = table.changesAfter(table.compactedAt)?.length ?? 0;
  expect(kept).toBeGreaterThanOrEqual(100);
  expect(kept).toBeLessThanOrEqual(200);
});

it('what a revision shares with the one before counts once', () => {
  const store = new Store();
  const { object } = store.put(TABLE, map('one', 'x'.repeat(1000)));
  const sizes: number[] = [];
  store.listen(TABLE, ({ size }) => sizes.push(size));
  store.put(TABLE, { ...object, metadata: { ...object.metadata, labels: { a: 'b' } } });
  store.put(TABLE, map('one', 'y'.repeat(1000)));
  expect(sizes[0]).toBeLessThan(600);
  expect(sizes[1]).toBeGreaterThan(1000);
});
