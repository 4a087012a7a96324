import type { KubeObject } from '../api/contract.ts';
import { asJson, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { Store } from '../store/store.ts';

const TABLE = '/services';
const indexes = new WeakMap<Store, Map<string, number>>();

const addressOf = (object: KubeObject) => stringAt(maybeMap(asJson(object), 'spec'), 'clusterIP');

function indexOf(store: Store): Map<string, number> {
  const known = indexes.get(store);
  if (known !== undefined) return known;
  const counts = new Map<string, number>();
  const count = (object: KubeObject | undefined, step: number) => {
    const address = object === undefined ? '' : addressOf(object);
    if (address === '' || address === 'None') return;
    const left = (counts.get(address) ?? 0) + step;
    if (left > 0) counts.set(address, left);
    else counts.delete(address);
  };
  for (const { object } of store.table(TABLE).entries.values()) count(object, 1);
  store.listen(TABLE, ({ type, entry, previous }) => {
    count(previous?.object, -1);
    if (type !== 'DELETED') count(entry.object, 1);
  });
  indexes.set(store, counts);
  return counts;
}

/** Whether a Service has this address. Counted as Services come and go: a look over all of them costs every new one. */
export function isServiceAddress(store: Store, address: string): boolean {
  return indexOf(store).has(address);
}
