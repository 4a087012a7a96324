import type { Environment } from '@marcbachmann/cel-js';
import { parseQuantity } from '../schema/quantity.ts';

const NANO = 1_000_000_000n;

class Quantity {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

function read(text: string): Quantity {
  const parsed = parseQuantity(text);
  if (parsed === undefined) {
    throw new Error(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }
  return new Quantity(parsed.nanos);
}

function compare(a: bigint, b: bigint): bigint {
  return a < b ? -1n : a > b ? 1n : 0n;
}

/** Source: Kubernetes' pkg/cel/library/quantity.go. */
export function registerQuantities(env: Environment): void {
  env.registerType('kubernetes.Quantity', Quantity);
  const type = 'kubernetes.Quantity';
  env.registerFunction(`quantity(string): ${type}`, read);
  env.registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined);
  env.registerFunction(`${type}.isInteger(): bool`, ({ nanos }: Quantity) => nanos % NANO === 0n);
  env.registerFunction(`${type}.asInteger(): int`, ({ nanos }: Quantity) => {
    if (nanos % NANO !== 0n) throw new Error('cannot convert value to integer');
    return nanos / NANO;
  });
  env.registerFunction(`${type}.asApproximateFloat(): double`, ({ nanos }: Quantity) => Number(nanos) / 1e9);
  env.registerFunction(`${type}.sign(): int`, ({ nanos }: Quantity) => compare(nanos, 0n));
  env.registerFunction(
    `${type}.add(${type}): ${type}`,
    (a: Quantity, b: Quantity) => new Quantity(a.nanos + b.nanos),
  );
  env.registerFunction(
    `${type}.add(int): ${type}`,
    (a: Quantity, b: bigint) => new Quantity(a.nanos + b * NANO),
  );
  env.registerFunction(
    `${type}.sub(${type}): ${type}`,
    (a: Quantity, b: Quantity) => new Quantity(a.nanos - b.nanos),
  );
  env.registerFunction(
    `${type}.sub(int): ${type}`,
    (a: Quantity, b: bigint) => new Quantity(a.nanos - b * NANO),
  );
  env.registerFunction(`${type}.isLessThan(${type}): bool`, (a: Quantity, b: Quantity) => a.nanos < b.nanos);
  env.registerFunction(
    `${type}.isGreaterThan(${type}): bool`,
    (a: Quantity, b: Quantity) => a.nanos > b.nanos,
  );
  env.registerFunction(`${type}.compareTo(${type}): int`, (a: Quantity, b: Quantity) =>
    compare(a.nanos, b.nanos),
  );
  env.registerOperator(`${type} == ${type}`, (a: Quantity, b: Quantity) => a.nanos === b.nanos);
}
