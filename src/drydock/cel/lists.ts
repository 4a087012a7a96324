import type { Environment } from '@marcbachmann/cel-js';
import { celClass, celEqual } from './values.ts';

const SetsNamespace = celClass();

type Ordered = bigint | number | string | boolean | Date;

function compare(a: Ordered, b: Ordered): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const ORDERED = ['int', 'double', 'string', 'bool', 'google.protobuf.Timestamp', 'dyn'];

/** Source: Kubernetes' lists library, and cel-go's sets and lists extensions. */
export function registerLists(env: Environment): void {
  for (const type of ORDERED) {
    env.registerFunction(`list<${type}>.isSorted(): bool`, (list: readonly Ordered[]) =>
      list.every((item, index) => {
        const before = list[index - 1];
        return before === undefined || compare(before, item) <= 0;
      }),
    );
    const best = (name: string, sign: number) =>
      env.registerFunction(`list<${type}>.${name}(): ${type}`, (list: readonly Ordered[]) => {
        const [first, ...others] = list;
        if (first === undefined) throw new Error(`${name} called on empty list`);
        return others.reduce((kept, item) => (compare(item, kept) * sign > 0 ? item : kept), first);
      });
    best('min', -1);
    best('max', 1);
  }
  env.registerFunction('list<int>.sum(): int', (list: readonly bigint[]) =>
    list.reduce((total, item) => total + item, 0n),
  );
  env.registerFunction('list<double>.sum(): double', (list: readonly number[]) =>
    list.reduce((total, item) => total + item, 0),
  );
  env.registerFunction('list<dyn>.sum(): dyn', (list: readonly (number | bigint)[]) =>
    list.every((item) => typeof item === 'bigint')
      ? list.reduce((total, item) => total + item, 0n)
      : list.reduce((total: number, item) => total + Number(item), 0),
  );
  env.registerFunction('list.indexOf(dyn): int', (list: readonly unknown[], wanted: unknown) =>
    BigInt(list.findIndex((item) => celEqual(item, wanted))),
  );
  env.registerFunction('list.lastIndexOf(dyn): int', (list: readonly unknown[], wanted: unknown) =>
    BigInt(list.findLastIndex((item) => celEqual(item, wanted))),
  );
  env.registerFunction(
    'list.slice(int, int): list<dyn>',
    (list: readonly unknown[], from: bigint, to: bigint) => {
      if (from < 0n || to > BigInt(list.length) || from > to) {
        throw new Error(`cannot slice(${from}, ${to}), list is length ${list.length}`);
      }
      return list.slice(Number(from), Number(to));
    },
  );
  env.registerFunction('list.distinct(): list<dyn>', (list: readonly unknown[]) =>
    list.filter((item, index) => list.findIndex((other) => celEqual(other, item)) === index),
  );
  env.registerType('SetsNamespace', SetsNamespace);
  env.registerConstant('sets', 'SetsNamespace', new SetsNamespace());
  const contains = (list: readonly unknown[], wanted: readonly unknown[]) =>
    wanted.every((item) => list.some((other) => celEqual(other, item)));
  env.registerFunction(
    'SetsNamespace.contains(list, list): bool',
    (_namespace: unknown, list: readonly unknown[], wanted: readonly unknown[]) => contains(list, wanted),
  );
  env.registerFunction(
    'SetsNamespace.equivalent(list, list): bool',
    (_namespace: unknown, a: readonly unknown[], b: readonly unknown[]) => contains(a, b) && contains(b, a),
  );
  env.registerFunction(
    'SetsNamespace.intersects(list, list): bool',
    (_namespace: unknown, a: readonly unknown[], b: readonly unknown[]) =>
      a.some((item) => b.some((other) => celEqual(other, item))),
  );
}
